//! How somebody proves who they are, and what a proof opens.

use crate::{actions::sessions::Issued, model::Account};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;
use zeroize::Zeroizing;

kernel::id! {
    /// One request for a mail that lets somebody in.
    RequestId
}

/// How somebody proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// A password.
    Password,
    /// A code that was mailed to them.
    EmailCode,
    /// A link that was mailed to them.
    EmailLink,
    /// A passkey: two factors in one.
    Passkey,
    /// A provider that signed them in, by its name.
    Provider(String),
    /// The link of an invitation.
    Invitation,
    /// The link that the server prints for its first owner.
    Setup,
    /// The link that proves a new account's address.
    Registration,
    /// A session at the trusted place, by its id there.
    Hosted(Uuid),
}

impl Method {
    /// As it is stored and told.
    pub fn text(&self) -> String {
        match self {
            Self::Password => "password".into(),
            Self::EmailCode => "email_code".into(),
            Self::EmailLink => "email_link".into(),
            Self::Passkey => "passkey".into(),
            Self::Provider(name) => format!("provider:{name}"),
            Self::Invitation => "invitation".into(),
            Self::Setup => "setup".into(),
            Self::Registration => "registration".into(),
            Self::Hosted(session) => format!("hosted:{session}"),
        }
    }

    /// Reads what [`Method::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "password" => Self::Password,
            "email_code" => Self::EmailCode,
            "email_link" => Self::EmailLink,
            "passkey" => Self::Passkey,
            "invitation" => Self::Invitation,
            "setup" => Self::Setup,
            "registration" => Self::Registration,
            other => match other.strip_prefix("hosted:") {
                Some(session) => Self::Hosted(session.parse().ok()?),
                None => Self::Provider(other.strip_prefix("provider:")?.to_owned()),
            },
        })
    }

    /// Whether it needs no second factor: it is two already, or the account is new.
    pub const fn is_whole(&self) -> bool {
        matches!(self, Self::Passkey | Self::Setup)
    }
}

/// What proves a second time who somebody is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// A code from an authenticator app.
    Totp,
    /// A passkey.
    Passkey,
    /// One of the codes that were shown once.
    RecoveryCode,
}

impl Factor {
    /// As it is stored and told.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

/// A sign-in that waits for its second factor.
#[derive(Debug)]
pub struct Challenge {
    /// Known only by its hash; whoever has it has given the first proof.
    pub token: Zeroizing<String>,
    /// Until when it waits.
    pub expires_at: OffsetDateTime,
    /// What can answer it.
    pub factors: Vec<Factor>,
}

/// What a proof opens.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "made once a sign-in and taken apart at once"
)]
pub enum Entry {
    /// The way in.
    Session(Account, Issued),
    /// The next question.
    SecondFactor(Challenge),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_read_as_it_was_written() {
        for method in [
            Method::Password,
            Method::EmailCode,
            Method::EmailLink,
            Method::Passkey,
            Method::Provider("google".into()),
            Method::Invitation,
            Method::Setup,
            Method::Registration,
            Method::Hosted(Uuid::nil()),
        ] {
            assert_eq!(Method::parse(&method.text()), Some(method));
        }
        assert_eq!(Method::parse("guess"), None);
    }
}
