//! Another address for the caller's account, and the links that agree to it.

use crate::{
    Identity,
    model::{
        Email,
        email_change::{EmailChange, LinkKind, LinkOutcome},
    },
};
use axum::{extract::State, http::StatusCode};
use kernel::{Principal, Result, error::Problem, extract::Json, principal::Public};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A change that waits.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct EmailChangeView {
    new_email: String,
    /// Whether the old address has agreed.
    old_confirmed: bool,
    /// Whether the new one has.
    new_confirmed: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

impl From<EmailChange> for EmailChangeView {
    fn from(change: EmailChange) -> Self {
        Self {
            new_email: change.new_email,
            old_confirmed: change.old_confirmed_at.is_some(),
            new_confirmed: change.new_confirmed_at.is_some(),
            created_at: change.created_at,
            expires_at: change.expires_at,
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PendingChangeView {
    pending: Option<EmailChangeView>,
}

/// The change of address that waits for somebody to agree, if one does.
#[utoipa::path(get, path = "/me/email-change", tag = "account", operation_id = "email_change",
    responses((status = 200, body = PendingChangeView), (status = 401, body = Problem)))]
pub(super) async fn get(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Json<PendingChangeView>> {
    let pending = identity.email_change(&caller).await?.map(Into::into);
    Ok(Json(PendingChangeView { pending }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EmailChangeBody {
    email: String,
}

/// Asks for another address. Mails to both follow; both have to agree.
#[utoipa::path(post, path = "/me/email-change", tag = "account", operation_id = "ask_email_change",
    request_body = EmailChangeBody, responses(
        (status = 202, description = "Two mails are on their way"), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`"),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn ask(
    State(identity): State<Identity>,
    caller: Principal,
    Json(body): Json<EmailChangeBody>,
) -> Result<StatusCode> {
    let email = Email::parse(&body.email)?;
    identity.ask_email_change(&caller, &email).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Gives up the change that waits.
#[utoipa::path(delete, path = "/me/email-change", tag = "account", operation_id = "drop_email_change",
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn give_up(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<StatusCode> {
    identity.drop_email_change(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EmailLinkBody {
    token: String,
}

/// What a link about a change of address does.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct EmailLinkView {
    kind: LinkKind,
    old_email: String,
    new_email: String,
}

/// Says what a link about a change of address does, without doing it.
#[utoipa::path(post, path = "/accounts/email-change", tag = "account",
    operation_id = "inspect_email_link", request_body = EmailLinkBody, responses(
        (status = 200, body = EmailLinkView),
        (status = 409, body = Problem, description = "`link_stale`")))]
pub(super) async fn look(
    State(identity): State<Identity>,
    _: Public,
    Json(body): Json<EmailLinkBody>,
) -> Result<Json<EmailLinkView>> {
    let (kind, change) = identity.look_at_email_link(&body.token).await?;
    Ok(Json(EmailLinkView {
        kind,
        old_email: change.old_email,
        new_email: change.new_email,
    }))
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct EmailLinkOutcomeView {
    outcome: LinkOutcome,
}

/// Follows a link about a change of address: agrees to it, or takes it back. Works once.
#[utoipa::path(put, path = "/accounts/email-change", tag = "account",
    operation_id = "follow_email_link", request_body = EmailLinkBody, responses(
        (status = 200, body = EmailLinkOutcomeView),
        (status = 409, body = Problem, description = "`link_stale`, `email_taken`")))]
pub(super) async fn follow(
    State(identity): State<Identity>,
    _: Public,
    Json(body): Json<EmailLinkBody>,
) -> Result<Json<EmailLinkOutcomeView>> {
    let outcome = identity.follow_email_link(&body.token).await?;
    Ok(Json(EmailLinkOutcomeView { outcome }))
}
