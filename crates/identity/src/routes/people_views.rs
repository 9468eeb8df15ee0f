//! What goes over the wire about people and roles.

use super::views::PersonView;
use crate::actions::roles::OWNER;
use crate::model::people::{HOLDERS, Happening, Note, NoteId, PersonDetail, Role};
use crate::model::{Status, permission_set};
use kernel::{Permission, Principal, id::UserId};
use serde::Serialize;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

/// A person's page, as staff see it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct PersonDetailView {
    #[serde(flatten)]
    person: PersonView,
    /// How others see them; the name unless they chose.
    display_name: String,
    time_zone: String,
    locale: String,
    #[serde(with = "time::serde::rfc3339::option")]
    email_verified_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    suspended_at: Option<OffsetDateTime>,
    suspended_reason: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    deleted_at: Option<OffsetDateTime>,
    /// When what names them is erased, while they are in the trash.
    #[serde(with = "time::serde::rfc3339::option")]
    erased_after: Option<OffsetDateTime>,
    /// What their roles allow.
    permissions: Vec<&'static str>,
    /// Whether the caller may act on them: they are somebody else, and hold no more.
    actionable: bool,
    /// For how long the caller may act in their place; absent where they may not.
    #[serde(skip_serializing_if = "Option::is_none")]
    impersonation: Option<TermsView>,
}

/// For how long somebody may act in another's place.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct TermsView {
    usual_minutes: u32,
    most_minutes: u32,
}

impl PersonDetailView {
    /// `trash` is how long somebody stays there; `minutes` the usual and the longest time in
    /// somebody's place.
    pub(super) fn of(
        detail: PersonDetail,
        caller: &Principal,
        trash: Duration,
        minutes: (u32, u32),
    ) -> Self {
        let allowed = detail.allowed();
        let actionable = detail.person.id != caller.user && caller.permissions.covers(allowed);
        let owner = detail.person.roles.iter().any(|role| role == OWNER);
        let seen_through = actionable
            && !owner
            && caller.acting.is_none()
            && caller.can(Permission::UsersImpersonate)
            && detail.person.status == Status::Active;
        let (usual_minutes, most_minutes) = minutes;
        Self {
            actionable,
            impersonation: seen_through.then_some(TermsView {
                usual_minutes,
                most_minutes,
            }),
            permissions: allowed.iter().map(Permission::as_str).collect(),
            display_name: detail
                .display_name
                .unwrap_or_else(|| detail.person.name.clone()),
            person: detail.person.into(),
            time_zone: detail.time_zone,
            locale: detail.locale,
            email_verified_at: detail.email_verified_at,
            suspended_at: detail.suspended_at,
            suspended_reason: detail.suspended_reason,
            deleted_at: detail.deleted_at,
            erased_after: detail.deleted_at.map(|at| at + trash),
        }
    }
}

/// Somebody who did something.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ActorView {
    id: UserId,
    name: String,
}

pub(super) fn actor(id: Option<UserId>, name: Option<String>) -> Option<ActorView> {
    let name = name.unwrap_or_else(|| "Somebody who left".to_owned());
    id.map(|id| ActorView { id, name })
}

/// A note about a person.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct NoteView {
    id: NoteId,
    /// Who wrote it, while they are here.
    author: Option<ActorView>,
    body: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Note> for NoteView {
    fn from(note: Note) -> Self {
        Self {
            id: note.id,
            author: actor(note.author, note.author_name),
            body: note.body,
            created_at: note.created_at,
        }
    }
}

/// Something that happened to a person or that they did.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct HappeningView {
    id: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// What: `signed_in`, `suspended`, `identity.email_verified` …
    kind: String,
    /// Who did it, where that was somebody else.
    actor: Option<ActorView>,
    /// From where.
    address: Option<String>,
    /// With what.
    device: Option<String>,
    data: Value,
}

impl From<Happening> for HappeningView {
    fn from(one: Happening) -> Self {
        Self {
            id: one.id,
            at: one.at,
            kind: one.kind,
            actor: actor(one.actor, one.actor_name),
            address: one.address,
            device: one.device,
            data: one.data,
        }
    }
}

/// A page of a person's timeline.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct TimelineView {
    pub(super) items: Vec<HappeningView>,
    /// Where the next page begins; absent on the last.
    pub(super) next_cursor: Option<String>,
}

/// A role.
#[expect(
    clippy::struct_excessive_bools,
    reason = "a wire type: each is a fact of its own that the page shows"
)]
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct RoleView {
    /// Its stable name.
    name: String,
    title: String,
    description: String,
    /// What it allows.
    permissions: Vec<&'static str>,
    /// Whether its holders land in the admin.
    staff: bool,
    /// Whether it came with the product and stays as it is.
    built_in: bool,
    /// How many hold it, up to 10,000.
    holders: i64,
    /// Whether more hold it than were counted.
    more_holders: bool,
    /// Whether the caller may give and take it.
    grantable: bool,
}

impl RoleView {
    pub(super) fn of(role: Role, caller: &Principal) -> Self {
        let permissions = permission_set(&role.permissions);
        Self {
            grantable: caller.can(Permission::RolesWrite) && caller.permissions.covers(permissions),
            permissions: permissions.iter().map(Permission::as_str).collect(),
            more_holders: role.holders > HOLDERS,
            holders: role.holders.min(HOLDERS),
            name: role.name,
            title: role.title,
            description: role.description,
            staff: role.staff,
            built_in: role.built_in,
        }
    }
}

/// All roles.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct RolesView {
    pub(super) items: Vec<RoleView>,
}

/// Something that a role can allow.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct PermissionView {
    /// Its stable name.
    name: &'static str,
    /// What it allows, in a sentence.
    description: &'static str,
    /// Whether the caller may do it, and so may let others.
    held: bool,
}

impl PermissionView {
    pub(super) fn of(permission: Permission, caller: &Principal) -> Self {
        Self {
            name: permission.as_str(),
            description: permission.describe(),
            held: caller.can(permission),
        }
    }
}

/// All permissions.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct PermissionsView {
    pub(super) items: Vec<PermissionView>,
}
