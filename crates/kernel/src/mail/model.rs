//! What a mail is, before and after it is written down. Parses; never sends.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

use super::templates::Template;
use crate::error::Error;

crate::id! {
    /// One mail.
    MailId
}

/// A mail that somebody asks for.
#[derive(Debug, Clone)]
pub struct Mail {
    /// What it is sent for, as in `welcome:<account id>`; 1 to 200 characters. A cause has
    /// one mail for good, however often it is asked for.
    pub cause: String,
    /// To whom.
    pub to: Address,
    /// In which words.
    pub template: Template,
    /// What the words need: an object. A missing one is an error, not a gap in the mail.
    pub vars: serde_json::Value,
}

/// An e-mail address that is safe in a header and in an SMTP command.
///
/// Narrower than RFC 5321 on purpose: no quoted local part, no address literal
/// (`ada@[127.0.0.1]`), no control character, no white space.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(lettre::Address);

/// The text is not an address that mail can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address")]
pub struct InvalidAddress;

impl Address {
    /// Reads an address; white space around it is no fault.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        // Line breaks at the ends are refused with the rest: only a person's blanks are trimmed.
        let text = text.trim_matches(' ');
        let forbidden =
            |c: char| c.is_control() || c.is_whitespace() || "\"<>()[]\\,:;".contains(c);
        // RFC 5321 §4.5.3.1.3, less the angle brackets.
        if text.len() > 254 || text.contains(forbidden) {
            return Err(InvalidAddress);
        }
        let address: lettre::Address = text.parse().map_err(|_| InvalidAddress)?;
        if address.domain().parse::<std::net::IpAddr>().is_ok() {
            return Err(InvalidAddress);
        }
        Ok(Self(address))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }

    pub(super) fn mailbox(&self, name: Option<&str>) -> lettre::message::Mailbox {
        lettre::message::Mailbox::new(name.map(one_line), self.0.clone())
    }

    pub(super) fn wire(&self) -> lettre::Address {
        self.0.clone()
    }

    pub(super) fn host(&self) -> &str {
        self.0.domain()
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<InvalidAddress> for Error {
    fn from(_: InvalidAddress) -> Self {
        Self::field(
            "email",
            "invalid_email",
            "This does not look like an e-mail address.",
        )
    }
}

/// Text for a header: one line, whatever a person has put into their name.
pub(super) fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Where a mail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum State {
    /// Waits for its job, the first time or again.
    Queued,
    /// An attempt is under way.
    Sending,
    /// The relay has taken it.
    Sent,
    /// Kept for the viewer instead of being sent.
    Caught,
    /// Refused for good; [`super::Mailer::resend`] tries again by hand.
    Failed,
    /// The attempt ended between our last byte and the relay's answer: it may have been
    /// sent. Never sent again by itself.
    Uncertain,
}

impl State {
    /// The word that the database and the viewer use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Caught => "caught",
            Self::Failed => "failed",
            Self::Uncertain => "uncertain",
        }
    }
}

/// What came of [`super::Mailer::deliver`], when there is nothing left for the job to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The relay has taken it, in this attempt.
    Sent,
    /// The viewer has it.
    Caught,
    /// The relay refused it for good.
    Failed,
    /// Nobody knows whether the relay took it; a person decides.
    Uncertain,
    /// An earlier attempt had settled it.
    Settled(State),
    /// There is no such mail (any more).
    Gone,
}

/// How the bodies are encrypted while they lie in the database. Bound to the vault where
/// everything is built.
pub trait Seal: Send + Sync {
    /// Encrypts, bound to the row: what is sealed for one mail does not open for another.
    fn seal(&self, row: Uuid, plain: &[u8]) -> anyhow::Result<String>;
    /// Decrypts what [`Seal::seal`] made for the same row.
    fn open(&self, row: Uuid, sealed: &str) -> anyhow::Result<Vec<u8>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_carry_a_header_or_a_second_recipient() {
        for text in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@example.org\r\nBcc: eve@example.org",
            "ada@example.org\n",
            "\nada@example.org",
            "ada\0@example.org",
            "\"ada\r\n\"@example.org",
            "\"a b\"@example.org",
            "ada@example.org,eve@example.org",
            "ada@example.org>",
            "Ada <ada@example.org>",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "ada@exa mple.org",
            "ada@example.org\u{2028}x",
        ] {
            assert_eq!(Address::parse(text), Err(InvalidAddress), "{text:?}");
        }
        assert!(Address::parse(&format!("ada@{}.org", "x".repeat(260))).is_err());
    }

    #[test]
    fn ordinary_addresses_are_taken_as_they_are() {
        for text in [
            "ada@example.org",
            "a.b+c'd@sub.example.org",
            "ada@localhost",
            "jürgen@bücher.example",
        ] {
            assert_eq!(Address::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(
            Address::parse(" ada@example.org ").unwrap().as_str(),
            "ada@example.org"
        );
    }

    #[test]
    fn a_header_is_one_line() {
        assert_eq!(
            one_line("Ada\r\nBcc: eve@example.org\t x"),
            "Ada Bcc: eve@example.org x"
        );
    }
}
