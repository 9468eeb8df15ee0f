//! Invitations: asking, asking again, taking back; and the page of who was asked.

use super::{entry::SecondFactorView, sessions::device_of, views::SignedInView};
use crate::{
    Identity,
    actions::invitations::NewInvitation,
    model::{
        Email, Name,
        keys::{Invitation, InvitationId},
    },
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use kernel::{
    Permission, Principal, Result,
    client::ClientAddr,
    error::{Faults, Problem},
    extract::{Json, Path, Query},
    id::UserId,
    page::{Page, PageQuery},
    principal::Public,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// An invitation that waits.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct InvitationView {
    id: InvitationId,
    /// The account that waits.
    user: UserId,
    email: String,
    name: String,
    /// The roles that they will hold.
    roles: Vec<String>,
    /// Who asked them.
    inviter: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When the latest mail was asked for.
    #[serde(with = "time::serde::rfc3339::option")]
    sent_at: Option<OffsetDateTime>,
    /// Until when its link works.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

impl From<Invitation> for InvitationView {
    fn from(one: Invitation) -> Self {
        Self {
            id: one.id,
            user: one.user,
            email: one.email,
            name: one.name,
            roles: one.roles,
            inviter: one.inviter,
            created_at: one.created_at,
            sent_at: one.sent_at,
            expires_at: one.expires_at,
        }
    }
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InviteBody {
    #[serde(default)]
    email: String,
    /// How they are called until they say so themselves.
    name: Option<String>,
    /// The roles that they will hold; `member` unless said. Others need `roles.write`.
    roles: Option<Vec<String>>,
}

/// Asks somebody to join, by mail. Needs `users.write`.
#[utoipa::path(post, path = "/invitations", tag = "invitations", operation_id = "invite",
    request_body = InviteBody, responses((status = 201, body = InvitationView),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn invite(
    State(identity): State<Identity>,
    caller: Principal,
    Json(body): Json<InviteBody>,
) -> Result<(StatusCode, Json<InvitationView>)> {
    caller.require(Permission::UsersWrite)?;
    let mut faults = Faults::default();
    let email = faults.take(Email::parse(&body.email));
    let name = body.name.filter(|name| !name.trim().is_empty());
    let name = name.and_then(|name| faults.take(Name::parse("name", &name)));
    if body.roles.as_ref().is_some_and(|roles| roles.len() > 20) {
        faults.add("roles", "too_many", "These are too many roles.");
    }
    faults.check()?;
    let Some(email) = email else {
        return Err(kernel::Error::field("email", "required", "Say an address."));
    };
    let new = NewInvitation {
        email,
        name,
        roles: body.roles.unwrap_or_else(|| vec!["member".to_owned()]),
    };
    let made = identity.invite(&caller, &new).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Invitations that wait, the latest first. Needs `users.write`.
#[utoipa::path(get, path = "/invitations", tag = "invitations", operation_id = "invitations",
    params(PageQuery), responses((status = 200, body = Page<InvitationView>),
        (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn list(
    State(identity): State<Identity>,
    caller: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<InvitationView>>> {
    let page = identity.invitations(&caller, &page).await?;
    Ok(Json(page.map(InvitationView::from)))
}

/// Asks again; the link before stops working. Needs `users.write`.
#[utoipa::path(post, path = "/invitations/{id}/sending", tag = "invitations",
    operation_id = "resend_invitation",
    params(("id" = InvitationId, Path, description = "The invitation")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn resend(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<InvitationId>,
) -> Result<StatusCode> {
    identity.resend_invitation(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes an invitation back, and the account that waited. Needs `users.write`.
#[utoipa::path(delete, path = "/invitations/{id}", tag = "invitations",
    operation_id = "revoke_invitation",
    params(("id" = InvitationId, Path, description = "The invitation")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn revoke(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<InvitationId>,
) -> Result<StatusCode> {
    identity.revoke_invitation(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InvitationTokenBody {
    token: String,
}

/// What an invitation's link stands for.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PendingInvitationView {
    email: String,
    name: String,
    /// Who asked them.
    inviter: Option<String>,
}

/// What an invitation's link stands for; looking at it does not use it up.
#[utoipa::path(post, path = "/invitations/acceptance", tag = "invitations",
    operation_id = "inspect_invitation", request_body = InvitationTokenBody, responses(
        (status = 200, body = PendingInvitationView),
        (status = 409, body = Problem, description = "`link_stale`")))]
pub(super) async fn inspect(
    State(identity): State<Identity>,
    _: Public,
    Json(body): Json<InvitationTokenBody>,
) -> Result<Json<PendingInvitationView>> {
    let found = identity.pending_invitation(&body.token).await?;
    Ok(Json(PendingInvitationView {
        email: found.email,
        name: found.name,
        inviter: found.inviter,
    }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptInvitationBody {
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    #[schema(value_type = String)]
    password: SecretString,
}

/// Accepts an invitation with a name and a password, and signs its owner in.
#[utoipa::path(put, path = "/invitations/acceptance", tag = "invitations",
    operation_id = "accept_invitation", request_body = AcceptInvitationBody, responses(
        (status = 201, body = SignedInView), (status = 202, body = SecondFactorView),
        (status = 409, body = Problem, description = "`link_stale`"), (status = 422, body = Problem)))]
pub(super) async fn accept(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<AcceptInvitationBody>,
) -> Result<Response> {
    let device = device_of(&headers);
    let at = (from, device.as_str(), identity.remembered(&headers));
    let entry = identity
        .accept_invitation(&body.token, &body.name, &body.password, at)
        .await?;
    Ok(identity.entered(entry))
}
