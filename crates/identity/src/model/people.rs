//! People as staff mind them: how they stand, what was noted, what happened to them.

use super::{Person, Status, permission_set};
use kernel::{
    Error, Result,
    error::Faults,
    id::{SessionId, UserId},
    principal::PermissionSet,
};
use serde_json::Value;
use time::OffsetDateTime;

kernel::id! {
    /// A note about a person.
    NoteId
}

/// One line or a few of plain text, between one character and a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// Reads what stands in `field`.
    pub fn parse(field: &'static str, text: &str, most: usize) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::field(
                field,
                "required",
                "Please say something here.",
            ));
        }
        if text.chars().count() > most {
            let message = format!("Use at most {most} characters.");
            return Err(Error::field(field, "too_long", message));
        }
        let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.chars().any(control) {
            return Err(Error::field(field, "invalid", "This is not plain text."));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person's page.
#[derive(Debug, Clone)]
pub struct PersonDetail {
    /// As in the list.
    pub person: Person,
    /// When they proved their address.
    pub email_verified_at: Option<OffsetDateTime>,
    /// How others see them.
    pub display_name: Option<String>,
    /// Their time zone.
    pub time_zone: String,
    /// Their language.
    pub locale: String,
    /// When they were suspended.
    pub suspended_at: Option<OffsetDateTime>,
    /// Why.
    pub suspended_reason: Option<String>,
    /// When they were put into the trash.
    pub deleted_at: Option<OffsetDateTime>,
    /// What their roles allow, as stored.
    pub permissions: Vec<String>,
}

impl PersonDetail {
    /// What they may do.
    pub fn allowed(&self) -> PermissionSet {
        permission_set(&self.permissions)
    }
}

/// What somebody noted about a person.
#[derive(Debug, Clone)]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// Who wrote it, while they are here.
    pub author: Option<UserId>,
    /// Their name.
    pub author_name: Option<String>,
    /// What it says.
    pub body: String,
    /// When.
    pub created_at: OffsetDateTime,
}

/// Something that happened to a person or that they did.
#[derive(Debug, Clone)]
pub struct Happening {
    /// Unique among all happenings.
    pub id: String,
    /// When.
    pub at: OffsetDateTime,
    /// What: `signed_in`, `user.suspended`, `identity.email_verified`.
    pub kind: String,
    /// Who did it, where that was somebody.
    pub actor: Option<UserId>,
    /// Their name.
    pub actor_name: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// With what.
    pub device: Option<String>,
    /// The rest.
    pub data: Value,
}

/// What the list is narrowed to.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// How a name or an address or a word of them begins; where none does, a part of them.
    pub search: Option<String>,
    /// How the account stands; without it, everybody who is not in the trash.
    pub status: Option<Status>,
    /// A role they hold.
    pub role: Option<String>,
    /// Only who is here now.
    pub online: bool,
    /// Whether the address is proved.
    pub verified: Option<bool>,
    /// Whether a second factor is set up.
    pub second_factor: Option<bool>,
    /// Who joined then or later.
    pub joined_from: Option<OffsetDateTime>,
    /// Who joined before.
    pub joined_until: Option<OffsetDateTime>,
}

/// What must be told once a change is committed: requests and sockets hear of it at once.
#[derive(Debug, Clone)]
#[must_use = "whoever holds a session of theirs must hear of it"]
pub(crate) struct After {
    pub(crate) user: UserId,
    /// Sessions that are over.
    pub(crate) ended: Vec<SessionId>,
    /// Sessions that go on with other rights.
    pub(crate) changed: Vec<SessionId>,
}

/// A role: a named set of permissions.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its stable name.
    pub name: String,
    /// As people call it.
    pub title: String,
    /// For what it is.
    pub description: String,
    /// What it allows, as stored.
    pub permissions: Vec<String>,
    /// Whether its holders land in the admin.
    pub staff: bool,
    /// Whether it came with the product: it stays as it is.
    pub built_in: bool,
    /// How many hold it, counted up to [`HOLDERS`] and one.
    pub holders: i64,
}

/// Holders of a role are counted so far; beyond, there are "more".
pub const HOLDERS: i64 = 10_000;

/// A role as somebody wants it.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// As people call it.
    pub title: String,
    /// For what it is.
    pub description: String,
    /// What it allows.
    pub permissions: PermissionSet,
    /// Whether its holders land in the admin.
    pub staff: bool,
}

impl NewRole {
    /// Reads a role; all faults at once.
    pub fn parse(
        title: &str,
        description: &str,
        permissions: &[String],
        staff: bool,
    ) -> Result<Self> {
        let mut faults = Faults::default();
        let title = faults.take(Text::parse("title", title, 60));
        if title
            .as_ref()
            .is_some_and(|title| title.0.contains(['\n', '\r']))
        {
            faults.add("title", "invalid", "A title is one line of text.");
        }
        let description = description.trim();
        if description.chars().count() > 300 || description.chars().any(char::is_control) {
            faults.add(
                "description",
                "too_long",
                "Describe it in one line of at most 300 characters.",
            );
        }
        for (at, name) in permissions.iter().enumerate() {
            if kernel::Permission::parse(name).is_none() {
                let field = format!("permissions[{at}]");
                faults.add(field, "unknown", "There is no such permission.");
            }
        }
        faults.check()?;
        Ok(Self {
            title: title.map(|title| title.0).unwrap_or_default(),
            description: description.to_owned(),
            permissions: permission_set(permissions),
            staff,
        })
    }

    /// The stable name that a title makes: `Night shift` is `night_shift`.
    pub fn name(&self) -> String {
        let mut name = String::new();
        for c in self.title.to_lowercase().chars() {
            if c.is_alphanumeric() {
                name.push(c);
            } else if !name.ends_with('_') && !name.is_empty() {
                name.push('_');
            }
        }
        name.trim_end_matches('_').to_owned()
    }
}

/// Somebody, as far as another place that is trusted may say otherwise.
#[derive(Debug, Clone)]
pub struct Told {
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Whether it is proved.
    pub verified: bool,
    /// How they stand.
    pub status: Status,
    /// Their roles.
    pub roles: Vec<String>,
}

/// An open session that stands for one at a trusted place.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// Here.
    pub session: SessionId,
    /// Whose.
    pub user: UserId,
    /// There.
    pub hosted: uuid::Uuid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_makes_a_stable_name() {
        let name = |title: &str| NewRole::parse(title, "", &[], true).unwrap().name();
        assert_eq!(name("Night shift"), "night_shift");
        assert_eq!(name("  A&R -- Köln  "), "a_r_köln");
        assert_eq!(name("!?"), "");
    }
}
