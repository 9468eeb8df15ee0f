//! What an update is, whom it addresses, and how far it has come with a reader.

use kernel::{Error, Result, error::Faults, events::Event, id::UserId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

kernel::id! {
    /// An update.
    UpdateId
}

/// The most people that an audience may name one by one.
pub const NAMED_MOST: usize = 500;

/// Whom an update addresses. Decided when it is published: who joins later is not told
/// of what was said before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Audience {
    /// Every active person.
    Everyone,
    /// These people.
    Users {
        /// At most 500.
        users: Vec<UserId>,
    },
    /// Everyone who holds a role.
    Role {
        /// Its name.
        role: String,
    },
    /// Everyone who holds a tier.
    Tier {
        /// Its key.
        tier: String,
    },
}

impl Audience {
    /// Checks what a body says.
    pub fn parse(self) -> Result<Self> {
        match self {
            Self::Users { users } if users.is_empty() => Err(Error::field(
                "audience.users",
                "required",
                "Choose at least one person.",
            )),
            Self::Users { users } if users.len() > NAMED_MOST => Err(Error::field(
                "audience.users",
                "too_many",
                format!("Name at most {NAMED_MOST} people, or address a role."),
            )),
            Self::Role { role } if role.trim().is_empty() => {
                Err(Error::field("audience.role", "required", "Choose a role."))
            }
            Self::Tier { tier } if tier.trim().is_empty() => {
                Err(Error::field("audience.tier", "required", "Choose a tier."))
            }
            audience => Ok(audience),
        }
    }
}

/// An update on its way.
#[derive(Debug, Clone)]
pub struct NewUpdate {
    /// One line, 1 to 200 characters.
    pub title: String,
    /// 1 to 20,000 characters.
    pub body: String,
    /// Whom it addresses.
    pub audience: Audience,
    /// What the reader is asked to do, as the button says it.
    pub action_label: Option<String>,
}

impl NewUpdate {
    /// Reads an update; all faults at once.
    pub fn parse(
        title: &str,
        body: &str,
        audience: Audience,
        action_label: Option<&str>,
    ) -> Result<Self> {
        let mut faults = Faults::default();
        let title = title.trim();
        let mut length = |field: &'static str, text: &str, most: usize| {
            if text.is_empty() {
                faults.add(field, "required", "Please write something here.");
            } else if text.chars().count() > most {
                faults.add(field, "too_long", format!("At most {most} characters."));
            }
        };
        length("title", title, 200);
        length("body", body.trim(), 20_000);
        if let Some(label) = action_label {
            length("action.label", label.trim(), 40);
        }
        if title.chars().any(char::is_control) {
            faults.add("title", "invalid", "A title is one line of text.");
        }
        let audience = faults.take(audience.parse());
        faults.check()?;
        Ok(Self {
            title: title.to_owned(),
            body: body.trim().replace("\r\n", "\n"),
            audience: audience.unwrap_or(Audience::Everyone),
            action_label: action_label.map(|label| label.trim().to_owned()),
        })
    }
}

/// An update with its counts, as staff see it.
#[derive(Debug, Clone)]
pub struct Update {
    /// Its id.
    pub id: UpdateId,
    /// Who wrote it.
    pub author_id: UserId,
    /// Their name; absent when the account is gone.
    pub author_name: Option<String>,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// Whom it addresses, as written.
    pub audience: serde_json::Value,
    /// What the reader is asked to do.
    pub action_label: Option<String>,
    /// When it was sent.
    pub published_at: OffsetDateTime,
    /// How many people it addresses.
    pub recipients: i64,
    /// How many of them have received it.
    pub delivered: i64,
    /// How many have read it.
    pub read: i64,
    /// How many have acknowledged it.
    pub acknowledged: i64,
}

/// How far an update has come with a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Receipt {
    /// It reached a screen of theirs.
    Delivered,
    /// They opened it.
    Read,
    /// They did what it asks, or said so.
    Acknowledged,
}

/// A receipt, as staff see it.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// Whose.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// When it reached them.
    pub delivered_at: Option<OffsetDateTime>,
    /// When they opened it.
    pub read_at: Option<OffsetDateTime>,
    /// When they acknowledged it.
    pub acknowledged_at: Option<OffsetDateTime>,
}

/// An update in a reader's feed.
#[derive(Debug, Clone)]
pub struct FeedItem {
    /// Its id.
    pub id: UpdateId,
    /// Who wrote it.
    pub author_name: Option<String>,
    /// Its title.
    pub title: String,
    /// Its text, or the beginning of it.
    pub text: String,
    /// What the reader is asked to do.
    pub action_label: Option<String>,
    /// When it was sent.
    pub published_at: OffsetDateTime,
    /// When the reader opened it.
    pub read_at: Option<OffsetDateTime>,
    /// When the reader acknowledged it.
    pub acknowledged_at: Option<OffsetDateTime>,
}

/// What waits for a reader.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    /// Updates not opened.
    pub unread: i64,
    /// Action items not acknowledged.
    pub actions: i64,
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Serialize, Deserialize)]
        pub struct $name {
            /// Which update.
            pub update: UpdateId,
        }

        impl Event for $name {
            const NAME: &'static str = $text;
            fn subject(&self) -> Option<Uuid> {
                Some(self.update.0)
            }
        }
    )+};
}

events! {
    /// An update was sent to everyone it addresses.
    UpdatePublished = "updates.published",
    /// A reader opened it for the first time.
    UpdateRead = "updates.read",
    /// A reader acknowledged it.
    UpdateAcknowledged = "updates.acknowledged",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_of_an_update_come_at_once() {
        let refused = NewUpdate::parse(
            " ",
            "",
            Audience::Users { users: vec![] },
            Some(&"x".repeat(41)),
        );
        let Err(Error::Invalid(faults)) = refused else {
            panic!("accepted")
        };
        let fields: Vec<_> = faults
            .iter()
            .map(|fault| (fault.field.as_ref(), fault.code))
            .collect();
        assert_eq!(
            fields,
            [
                ("title", "required"),
                ("body", "required"),
                ("action.label", "too_long"),
                ("audience.users", "required")
            ]
        );
    }

    #[test]
    fn receipts_have_an_order() {
        assert!(Receipt::Delivered < Receipt::Read && Receipt::Read < Receipt::Acknowledged);
    }
}
