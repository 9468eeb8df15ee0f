//! What this face knows of people, teams and codes. Pure.

use crate::model::Status;
use kernel::id::{SessionId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

kernel::id! {
    /// A team of an app.
    TeamId
}
kernel::id! {
    /// An address of a person.
    ChannelId
}
kernel::id! {
    /// A code that was mailed, or an attempt that waits.
    CodeId
}
kernel::id! {
    /// A key that a person or a team gave to a machine.
    ApiKeyId
}

kernel::id! {
    /// An account at a provider that is linked to one here.
    LinkId
}

/// The domain of addresses of people who have none: it can receive nothing (RFC 2606 §2).
pub(crate) const NO_ADDRESS: &str = "@no-address.invalid";

/// Why somebody may not do all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restriction {
    /// As the protocol names it.
    #[serde(rename = "type")]
    pub(crate) kind: RestrictionKind,
}

/// The one reason there is here: the account is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RestrictionKind {
    /// Staff suspended the account.
    RestrictedByAdministrator,
}

/// A person, as this face shows them.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    pub(crate) email_used_for_auth: bool,
    pub(crate) display_name: Option<String>,
    pub(crate) profile_image_url: Option<String>,
    pub(crate) client_metadata: Option<Value>,
    pub(crate) client_read_only_metadata: Option<Value>,
    pub(crate) server_metadata: Option<Value>,
    pub(crate) selected_team_id: Option<Uuid>,
    pub(crate) signed_up_at: OffsetDateTime,
    pub(crate) last_active_at: OffsetDateTime,
    pub(crate) has_password: bool,
    pub(crate) otp: bool,
    pub(crate) passkey: bool,
    /// What they sign in with elsewhere, as the protocol shows it.
    pub(crate) oauth_providers: Value,
    pub(crate) totp: bool,
    pub(crate) status: Status,
    pub(crate) restricted_reason: Option<String>,
    pub(crate) restricted_details: Option<String>,
    pub(crate) selected_team: Option<Team>,
}

impl User {
    /// Why they may not do all, if so.
    pub(crate) fn restriction(&self) -> Option<Restriction> {
        (self.status != Status::Active).then_some(Restriction {
            kind: RestrictionKind::RestrictedByAdministrator,
        })
    }
}

/// A team.
#[derive(Debug, Clone)]
pub(crate) struct Team {
    pub(crate) id: TeamId,
    pub(crate) display_name: String,
    pub(crate) profile_image_url: Option<String>,
    pub(crate) client_metadata: Option<Value>,
    pub(crate) client_read_only_metadata: Option<Value>,
    pub(crate) server_metadata: Option<Value>,
    pub(crate) created_at: OffsetDateTime,
}

/// A signed-in device.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user: UserId,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) last_used_at: OffsetDateTime,
    pub(crate) address: String,
    pub(crate) device: String,
    pub(crate) impersonation: bool,
}

/// An address of a person.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) id: ChannelId,
    pub(crate) user: UserId,
    pub(crate) value: String,
    pub(crate) value_key: String,
    pub(crate) primary: bool,
    pub(crate) verified: bool,
    pub(crate) used_for_auth: bool,
}

/// An account at a provider.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    pub(crate) user: UserId,
    pub(crate) provider: String,
    pub(crate) subject: String,
    pub(crate) email: Option<String>,
    pub(crate) allow_sign_in: bool,
    pub(crate) allow_connected_accounts: bool,
}

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeKind {
    /// Signs in, or up.
    SignIn,
    /// Sets a new password.
    PasswordReset,
    /// Proves an address.
    Verification,
    /// Waits for the second factor.
    SecondFactor,
    /// Joins a team.
    TeamInvitation,
}

impl CodeKind {
    /// As stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::PasswordReset => "password_reset",
            Self::Verification => "verification",
            Self::SecondFactor => "second_factor",
            Self::TeamInvitation => "team_invitation",
        }
    }
}

/// A code that is known.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) id: CodeId,
    pub(crate) user: Option<UserId>,
    pub(crate) email: Option<String>,
    pub(crate) data: Value,
    pub(crate) attempts: i16,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) used_at: Option<OffsetDateTime>,
}

/// Somebody in a team, as the team sees them.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) team: TeamId,
    pub(crate) user: UserId,
    pub(crate) display_name: Option<String>,
    pub(crate) profile_image_url: Option<String>,
}

/// What a team's founder holds, and what whoever joins holds: named sets of the rest.
const SETS: [(&str, &[&str]); 2] = [
    (
        "team_admin",
        &[
            "$update_team",
            "$delete_team",
            "$read_members",
            "$remove_members",
            "$invite_members",
            "$manage_api_keys",
        ],
    ),
    ("team_member", &["$read_members", "$invite_members"]),
];

/// Whether a team knows the permission.
pub(crate) fn is_team_permission(id: &str) -> bool {
    SETS.iter()
        .any(|(set, contained)| *set == id || contained.contains(&id))
}

/// A permission with those that it contains.
pub(crate) fn with_contained(id: &str) -> impl Iterator<Item = &str> {
    let contained = SETS
        .iter()
        .find(|(set, _)| *set == id)
        .map_or(&[] as &[&str], |(_, contained)| contained);
    std::iter::once(id).chain(contained.iter().copied())
}

/// A key of a person or a team.
#[derive(Debug, Clone)]
pub(crate) struct ApiKey {
    pub(crate) id: ApiKeyId,
    pub(crate) last_four: String,
    pub(crate) user: Option<UserId>,
    pub(crate) team: Option<TeamId>,
    pub(crate) description: String,
    pub(crate) is_public: bool,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) revoked_at: Option<OffsetDateTime>,
}

/// Somebody who was asked into a team.
#[derive(Debug, Clone)]
pub(crate) struct Invitation {
    pub(crate) id: CodeId,
    pub(crate) team: TeamId,
    pub(crate) team_name: String,
    pub(crate) email: String,
    pub(crate) expires_at: OffsetDateTime,
}
