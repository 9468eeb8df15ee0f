//! Who is calling, and what they may do.
//!
//! A handler states its callers by its parameters: [`Principal`] for somebody signed
//! in, [`Public`] for everybody, said out loud. Verbs check permissions, never roles:
//! roles are only named sets of permissions.

use crate::{
    error::{Error, Result},
    id::{ImpersonationId, SessionId, UserId},
};
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use serde::Serialize;
use std::convert::Infallible;
use time::OffsetDateTime;

macro_rules! permissions {
    ($(#[doc = $doc:literal] $name:ident = $text:literal),+ $(,)?) => {
        /// One thing that somebody may do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Permission { $(#[doc = $doc] $name),+ }

        impl Permission {
            /// Every permission there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its stable name, as stored and shown: `users.read`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// What it allows, in a sentence for people.
            pub fn describe(self) -> &'static str {
                match self { $(Self::$name => $doc.trim()),+ }
            }

            /// The permission of that name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

permissions! {
    /// See the list of people and their pages.
    UsersRead = "users.read",
    /// Invite, change, suspend and delete people.
    UsersWrite = "users.write",
    /// See the product as somebody else, and act for them.
    UsersImpersonate = "users.impersonate",
    /// Change roles and who holds them.
    RolesWrite = "roles.write",
    /// Make and take back keys for machines.
    ApiKeysWrite = "api_keys.write",
    /// See every update and its receipts.
    UpdatesRead = "updates.read",
    /// Write and send updates.
    UpdatesPublish = "updates.publish",
    /// See subscriptions, invoices and payments.
    BillingRead = "billing.read",
    /// Change prices, subscriptions and refunds.
    BillingWrite = "billing.write",
    /// See any file.
    FilesRead = "files.read",
    /// Remove any file.
    FilesWrite = "files.write",
    /// See who did what.
    AuditRead = "audit.read",
    /// See how the system fares: jobs, health, backups.
    SystemRead = "system.read",
    /// Run the system: settings, retries, demo data, backups.
    SystemManage = "system.manage",
}

/// A set of permissions, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u64);

impl PermissionSet {
    /// Every permission.
    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    /// Whether it holds this one.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    /// Whether it holds all of the other: nobody may grant more than they hold.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What both hold.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The permissions it holds, in their order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .iter()
            .copied()
            .filter(move |permission| self.contains(*permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(
            permissions
                .into_iter()
                .fold(0, |bits, permission| bits | 1 << permission as u8),
        )
    }
}

impl Serialize for PermissionSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Permission::as_str))
    }
}

/// Somebody signed in. Put into the request by the authentication layer, which has
/// checked that the session stands now, not only that a token was once good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub user: UserId,
    /// On which device.
    pub session: SessionId,
    /// With which rights.
    pub permissions: PermissionSet,
    /// When they last proved who they are: at the sign-in, or since.
    pub authenticated_at: OffsetDateTime,
    /// Whether their rights are held back until they have a second factor, as the operator
    /// asks of staff. `permissions` is empty then.
    pub second_factor_due: bool,
    /// Who really acts, where somebody of the staff does so in the caller's place. Everything
    /// above is the member's then, except `session`, which is the impersonation itself.
    pub acting: Option<Acting>,
}

/// Somebody of the staff in a member's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acting {
    /// Who really acts.
    pub by: UserId,
    /// By which impersonation.
    pub impersonation: ImpersonationId,
    /// Whether they may change anything.
    pub writes: bool,
    /// When it is over.
    pub until: OffsetDateTime,
}

/// What somebody who acts in a member's place may do with an operation. What nobody declared
/// is as [`Allowance::InPerson`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// Looking: always.
    Look,
    /// Changing: where changes were asked for.
    Change,
    /// Ending it: always.
    Leave,
    /// Nobody on the member's behalf, ever.
    InPerson,
}

impl Principal {
    /// Whether they may.
    pub const fn can(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }

    /// Fails with 403 and names the permission unless they may.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.can(permission) {
            return Ok(());
        }
        if self.second_factor_due {
            return Err(Error::forbidden(
                "second_factor_due",
                "Set up two-step verification first: this place asks it of its staff.",
            ));
        }
        Err(Error::forbidden(
            "permission_missing",
            format!("This needs the permission {}.", permission.as_str()),
        ))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts
            .extensions
            .get::<Self>()
            .copied()
            .ok_or(Error::Unauthenticated)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().copied())
    }
}

/// Everybody may call this handler.
#[derive(Debug, Clone, Copy)]
pub struct Public;

impl<S: Send + Sync> FromRequestParts<S> for Public {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self)
    }
}
