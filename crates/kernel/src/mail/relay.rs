//! Reads where the relay is and how it is to be spoken to. Refuses what would send a
//! password in clear text over a network without being told so.

use anyhow::{Context, bail};
use lettre::transport::smtp::{authentication::Credentials, client::TlsParameters};
use url::{Host, Url};

/// How the line is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Security {
    /// TLS from the first byte.
    Wrapped,
    /// STARTTLS or nothing.
    Required,
    /// STARTTLS if it is offered.
    Opportunistic,
    Clear,
}

/// A relay, as the configuration names it.
pub(super) struct Relay {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) tls: TlsParameters,
    pub(super) credentials: Option<Credentials>,
}

impl Relay {
    /// Reads `smtp[s]://[user:password@]host[:port][?tls=required|opportunistic|none]`.
    pub(super) fn parse(url: &str) -> anyhow::Result<Self> {
        // The parser's errors never quote the text, which holds the password.
        let url = Url::parse(url).context("this is not a URL")?;
        // `smtp` is no special scheme to the parser: it takes a number for a name.
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => name.to_owned(),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            _ => bail!("the host is missing"),
        };
        let local = host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback());
        let asked = url
            .query_pairs()
            .find(|(name, _)| name == "tls")
            .map(|(_, value)| value.into_owned());
        let security = match (url.scheme(), asked.as_deref()) {
            ("smtps", None) => Security::Wrapped,
            // It never leaves the machine, and relays here often have a made-up certificate.
            ("smtp", None) if local => Security::Clear,
            ("smtp", None | Some("required")) => Security::Required,
            ("smtp", Some("opportunistic")) => Security::Opportunistic,
            ("smtp", Some("none")) => Security::Clear,
            ("smtp" | "smtps", Some(_)) => {
                bail!("`tls` may be required, opportunistic or none, and stands with smtp:// only")
            }
            _ => bail!("it must begin with smtp:// or smtps://"),
        };
        // A stranger in the middle can take the offer of STARTTLS away.
        if security == Security::Opportunistic && !local && url.password().is_some() {
            bail!(
                "with tls=opportunistic the password could be read on the way: say tls=required, or tls=none if that is meant"
            );
        }
        let port = url.port().unwrap_or(if security == Security::Wrapped {
            465
        } else {
            587
        });
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) => Some(Credentials::new(decoded(user)?, decoded(password)?)),
            (_, None) => bail!("the user has no password"),
        };
        Ok(Self {
            tls: TlsParameters::new(host.clone()).context("TLS cannot be set up")?,
            host,
            port,
            security,
            credentials,
        })
    }
}

fn decoded(text: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let pair = [
                rest.next().unwrap_or_default(),
                rest.next().unwrap_or_default(),
            ];
            let mut decoded = [0];
            hex::decode_to_slice(pair, &mut decoded)
                .context("a `%` stands without its two digits")?;
            bytes.extend(decoded);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).context("the user or the password is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn security(url: &str) -> Result<Security, String> {
        Relay::parse(url)
            .map(|relay| relay.security)
            .map_err(|e| format!("{e:#}"))
    }

    #[test]
    fn clear_text_over_a_network_must_be_said_out_loud() {
        assert_eq!(
            security("smtps://u:p@mail.example.org"),
            Ok(Security::Wrapped)
        );
        assert_eq!(
            security("smtp://u:p@mail.example.org"),
            Ok(Security::Required)
        );
        assert_eq!(
            security("smtp://mail.example.org?tls=opportunistic"),
            Ok(Security::Opportunistic)
        );
        assert!(security("smtp://u:p@mail.example.org?tls=opportunistic").is_err());
        assert_eq!(
            security("smtp://mail.example.org:25?tls=none"),
            Ok(Security::Clear)
        );
        for local in [
            "smtp://localhost:25",
            "smtp://127.0.0.1:1025",
            "smtp://[::1]:1025",
        ] {
            assert_eq!(security(local), Ok(Security::Clear), "{local}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_quoting_the_password() {
        for url in [
            "",
            "smtp://",
            "http://u:geheim@host",
            "smtp://geheim",
            "smtp://geheim@host",
            "smtps://u:geheim@h?tls=none",
        ] {
            if url == "smtp://geheim" {
                continue; // A host's name like any other.
            }
            let error = security(url).unwrap_err();
            assert!(!error.contains("geheim"), "{error}");
        }
    }

    #[test]
    fn a_password_may_hold_anything() {
        assert_eq!(decoded("p%40ss%3aw%C3%B6rd").unwrap(), "p@ss:wörd");
        assert!(decoded("100%").is_err());
    }
}
