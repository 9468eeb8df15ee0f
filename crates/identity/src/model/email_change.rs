//! A change of address: whoever reads the old one and whoever reads the new one both agree.

use kernel::{events::Event, id::UserId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

kernel::id! {
    /// One change of address.
    ChangeId
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Whoever reads the address that the account has.
    Old,
    /// Whoever reads the address that it is to have.
    New,
}

/// What a mailed link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// Agrees, for the old address.
    ConfirmOld,
    /// Agrees, for the new address.
    ConfirmNew,
    /// Takes the change back.
    Undo,
}

impl LinkKind {
    /// As the purpose of a token.
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::ConfirmOld => "email_change_old",
            Self::ConfirmNew => "email_change_new",
            Self::Undo => "email_change_undo",
        }
    }

    /// Reads what [`LinkKind::purpose`] wrote.
    pub fn of(purpose: &str) -> Option<Self> {
        [Self::ConfirmOld, Self::ConfirmNew, Self::Undo]
            .into_iter()
            .find(|kind| kind.purpose() == purpose)
    }
}

/// A change, however far it has come.
#[derive(Debug, Clone)]
pub struct EmailChange {
    /// Its id.
    pub id: ChangeId,
    /// Whose account.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// The address before.
    pub old_email: String,
    /// The address after.
    pub new_email: String,
    /// Under which the new one is compared.
    pub new_email_key: String,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
    /// Until when it can be agreed to.
    pub expires_at: OffsetDateTime,
    /// When the old address agreed.
    pub old_confirmed_at: Option<OffsetDateTime>,
    /// When the new one did.
    pub new_confirmed_at: Option<OffsetDateTime>,
    /// When it came about.
    pub done_at: Option<OffsetDateTime>,
    /// When it was given up or taken back.
    pub ended_at: Option<OffsetDateTime>,
}

/// What came of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkOutcome {
    /// The old address has still to agree.
    WaitsForOld,
    /// The new one has.
    WaitsForNew,
    /// The account has the new address.
    Changed,
    /// It has the old one back, and every device is signed out.
    Undone,
}

/// Somebody asked for another address.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct EmailChangeAsked {
    /// Whose account.
    pub user: UserId,
    /// Which change.
    pub change: ChangeId,
}

impl Event for EmailChangeAsked {
    const NAME: &'static str = "identity.email_change_asked";
    fn subject(&self) -> Option<Uuid> {
        Some(self.user.0)
    }
}

/// An account has another address.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct EmailChanged {
    /// Whose account.
    pub user: UserId,
    /// Which change.
    pub change: ChangeId,
}

impl Event for EmailChanged {
    const NAME: &'static str = "identity.email_changed";
    fn subject(&self) -> Option<Uuid> {
        Some(self.user.0)
    }
}
