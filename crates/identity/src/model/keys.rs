//! Keys for machines, and invitations.

use super::people::Text;
use kernel::{Error, Result, error::Faults, id::UserId, principal::PermissionSet};
use time::OffsetDateTime;
use uuid::Uuid;

/// A key for machines, as staff see it.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its id.
    pub id: Uuid,
    /// As people call it.
    pub name: String,
    /// How it begins.
    pub prefix: String,
    /// What it may do, as stored.
    pub permissions: Vec<String>,
    /// Who made it.
    pub made_by: UserId,
    /// Their name.
    pub maker: String,
    /// When.
    pub created_at: OffsetDateTime,
    /// Until when it works.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was last used.
    pub last_used_at: Option<OffsetDateTime>,
    /// From where.
    pub last_address: Option<String>,
    /// When it was taken back.
    pub revoked_at: Option<OffsetDateTime>,
}

/// A key as somebody wants it.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// As people call it.
    pub name: Text,
    /// What it may do.
    pub permissions: PermissionSet,
    /// For how many days it works; for ever without.
    pub days: Option<u16>,
}

impl NewApiKey {
    /// Reads a key; all faults at once.
    pub fn parse(name: &str, permissions: &[String], days: Option<u16>) -> Result<Self> {
        let mut faults = Faults::default();
        let name = faults.take(Text::parse("name", name, 60));
        if permissions.is_empty() {
            faults.add("permissions", "required", "Say what it may do.");
        }
        for (at, name) in permissions.iter().enumerate() {
            if kernel::Permission::parse(name).is_none() {
                let field = format!("permissions[{at}]");
                faults.add(field, "unknown", "There is no such permission.");
            }
        }
        if days.is_some_and(|days| days == 0 || days > 3_660) {
            faults.add("days", "out_of_range", "A key works for 1 to 3,660 days.");
        }
        faults.check()?;
        Ok(Self {
            name: name.ok_or_else(|| Error::field("name", "required", "Please say a name."))?,
            permissions: super::permission_set(permissions),
            days,
        })
    }
}

kernel::id! {
    /// Somebody was asked to join.
    InvitationId
}

/// An invitation, as staff see it.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The account that waits.
    pub user: UserId,
    /// To which address.
    pub email: String,
    /// By which name.
    pub name: String,
    /// The roles that they will hold.
    pub roles: Vec<String>,
    /// Who asked them.
    pub inviter: Option<String>,
    /// When.
    pub created_at: OffsetDateTime,
    /// When the latest mail was asked for.
    pub sent_at: Option<OffsetDateTime>,
    /// Until when its link works.
    pub expires_at: OffsetDateTime,
}
