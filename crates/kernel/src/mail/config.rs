//! How mail leaves, and in whose name.

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use url::Url;

use super::{model::Address, relay::Relay};

/// The `[mail]` section.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailConfig {
    /// `capture` keeps every mail for the viewer at `/_mail`; `smtp` sends it.
    pub transport: TransportKind,
    /// The relay: `smtps://user:password@host:port` (TLS from the first byte) or
    /// `smtp://user:password@host:port` (STARTTLS, which is required unless the host is this
    /// machine; `?tls=` required, opportunistic or none says otherwise). The certificate is
    /// verified. Needed by `smtp`.
    #[serde(serialize_with = "crate::config::mask_url")]
    pub smtp_url: Option<SecretString>,
    /// The sender's address.
    pub from: Address,
    /// The sender's name; the product's, if left out.
    pub from_name: Option<String>,
    /// What the product is called in the mails.
    pub product_name: String,
    /// A folder with texts of your own, by the names of ours: `new_device.toml`.
    pub texts: Option<PathBuf>,
    /// Where people reach it; http or https.
    pub public_url: Url,
}

/// What becomes of a mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// Kept for the viewer.
    #[default]
    Capture,
    /// Sent through a relay.
    Smtp,
}

impl Default for MailConfig {
    #[expect(clippy::expect_used, reason = "two constants, which every test reads")]
    fn default() -> Self {
        Self {
            transport: TransportKind::Capture,
            smtp_url: None,
            from: Address::parse("portico@localhost").expect("a constant"),
            from_name: None,
            product_name: "Portico".into(),
            texts: None,
            public_url: Url::parse("http://127.0.0.1:8080/").expect("a constant"),
        }
    }
}

impl MailConfig {
    /// The relay, when mail is to be sent; an error says what to mend.
    pub(super) fn relay(&self) -> anyhow::Result<Option<Relay>> {
        if !matches!(self.public_url.scheme(), "http" | "https") {
            bail!("mail.public_url must begin with http:// or https://");
        }
        match (self.transport, &self.smtp_url) {
            (TransportKind::Capture, _) => Ok(None),
            (TransportKind::Smtp, None) => {
                bail!("mail.transport is \"smtp\" but mail.smtp_url is not set")
            }
            (TransportKind::Smtp, Some(url)) => Relay::parse(url.expose_secret())
                .context("mail.smtp_url")
                .map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_read_and_shown_without_its_password() {
        let text = "transport = 'smtp'\nsmtp_url = 'smtp://ada:geheim@mail.example.org'\nfrom = 'hello@example.org'";
        let config: MailConfig = toml::from_str(text).unwrap();
        assert_eq!(config.transport, TransportKind::Smtp);
        let shown = toml::to_string(&config).unwrap();
        assert!(
            shown.contains("mail.example.org") && !shown.contains("geheim"),
            "{shown}"
        );
        assert!(!format!("{config:?}").contains("geheim"));
    }

    #[test]
    fn a_misspelt_key_and_a_bad_sender_are_refused() {
        assert!(toml::from_str::<MailConfig>("smtp = 'x'").is_err());
        assert!(toml::from_str::<MailConfig>("from = 'nobody'").is_err());
        assert!(toml::from_str::<MailConfig>("transport = 'pigeon'").is_err());
    }
}
