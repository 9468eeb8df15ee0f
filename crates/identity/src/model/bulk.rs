//! One act on many people.

use super::people::Filter;
use kernel::{Permission, id::UserId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// What is done to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulkAction {
    /// Close the account until further notice.
    Suspend,
    /// Open it again, or take it out of the trash.
    Restore,
    /// Put it into the trash.
    Delete,
    /// Sign out everywhere.
    SignOut,
    /// Give a role.
    Grant,
    /// Take a role.
    Revoke,
}

impl BulkAction {
    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Restore => "restore",
            Self::Delete => "delete",
            Self::SignOut => "sign_out",
            Self::Grant => "grant",
            Self::Revoke => "revoke",
        }
    }

    /// The action of that name.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::Suspend,
            Self::Restore,
            Self::Delete,
            Self::SignOut,
            Self::Grant,
            Self::Revoke,
        ];
        all.into_iter().find(|action| action.as_str() == text)
    }

    /// The permission that it takes.
    pub const fn needs(self) -> Permission {
        match self {
            Self::Grant | Self::Revoke => Permission::RolesWrite,
            _ => Permission::UsersWrite,
        }
    }

    /// What takes it back.
    pub const fn undone_by(self) -> Option<Self> {
        match self {
            Self::Suspend | Self::Delete => Some(Self::Restore),
            Self::Grant => Some(Self::Revoke),
            Self::Revoke => Some(Self::Grant),
            Self::Restore | Self::SignOut => None,
        }
    }
}

/// Who is meant.
#[derive(Debug)]
pub(crate) enum Whom {
    /// These.
    Picked(Vec<UserId>),
    /// Everybody whom a filter lets through, but these.
    Matching { filter: Filter, but: Vec<UserId> },
}

/// What somebody asks for.
#[derive(Debug)]
pub(crate) struct Bulk {
    pub(crate) action: BulkAction,
    pub(crate) argument: Option<String>,
    pub(crate) whom: Whom,
    pub(crate) expected: Option<i64>,
}

/// How far it has come.
#[derive(Debug, Clone)]
pub struct BulkRun {
    /// Its id.
    pub id: Uuid,
    /// Who asked for it.
    pub actor: UserId,
    /// What is done to each.
    pub action: String,
    /// A role's name or a reason.
    pub argument: Option<String>,
    /// How many are meant.
    pub total: i32,
    /// To how many it was done.
    pub done: i32,
    /// To how many it was refused.
    pub refused: i32,
    /// The rights with which it was asked for: it never has more.
    pub permissions: Vec<String>,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
    /// When it was through.
    pub finished_at: Option<OffsetDateTime>,
}

/// Somebody to whom it was not done.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// A stable code.
    pub code: String,
    /// Why, for people.
    pub detail: Option<String>,
}
