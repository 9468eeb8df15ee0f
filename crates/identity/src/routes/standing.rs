//! What staff do about an account.

use super::{
    people_views::{HappeningView, NoteView, TimelineView},
    sessions::SessionsView,
};
use crate::{Identity, model::people::NoteId};
use axum::{extract::State, http::StatusCode};
use kernel::{
    Principal, Result,
    error::Problem,
    extract::{Json, Path, Query},
    id::{SessionId, UserId},
    page::{Page, PageQuery},
};
use serde::Deserialize;

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SuspendBody {
    /// Why: shown to staff, and in the log.
    #[serde(default)]
    reason: String,
}

/// Suspends an account until further notice: its sessions end at once. Needs `users.write`.
#[utoipa::path(put, path = "/users/{id}/suspension", tag = "people", operation_id = "suspend",
    params(("id" = UserId, Path, description = "The person")), request_body = SuspendBody,
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 409, body = Problem, description = "`suspended`, `deleted`, `last_owner`, `not_yourself`")))]
pub(super) async fn suspend(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<UserId>,
    Json(body): Json<SuspendBody>,
) -> Result<StatusCode> {
    identity.suspend(&caller, id, &body.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Opens a suspended account again, or takes one out of the trash. Needs `users.write`.
#[utoipa::path(post, path = "/users/{id}/restoration", tag = "people", operation_id = "restore",
    params(("id" = UserId, Path, description = "The person")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`not_suspended`")))]
pub(super) async fn restore(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<UserId>,
) -> Result<StatusCode> {
    identity.restore(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts an account into the trash; what names the person is erased after the days that the
/// operator set. Needs `users.write`, and a recent proof of who is asking.
#[utoipa::path(delete, path = "/users/{id}", tag = "people", operation_id = "delete_person",
    params(("id" = UserId, Path, description = "The person")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`deleted`, `last_owner`, `not_yourself`")))]
pub(super) async fn delete(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<UserId>,
) -> Result<StatusCode> {
    identity.delete_person(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A person's signed-in devices. Needs `users.write`.
#[utoipa::path(get, path = "/users/{id}/sessions", tag = "people", operation_id = "person_sessions",
    params(("id" = UserId, Path, description = "The person")), responses(
        (status = 200, body = SessionsView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn sessions(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<UserId>,
) -> Result<Json<SessionsView>> {
    let sessions = identity.sessions_of(&caller, id).await?;
    Ok(Json(SessionsView::of(sessions, caller.session)))
}

/// Signs somebody out on every device, at once. Needs `users.write`.
#[utoipa::path(delete, path = "/users/{id}/sessions", tag = "people",
    operation_id = "sign_out_person",
    params(("id" = UserId, Path, description = "The person")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn sign_out(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<UserId>,
) -> Result<StatusCode> {
    identity.force_sign_out(&caller, id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs somebody out on one device, at once. Needs `users.write`.
#[utoipa::path(delete, path = "/users/{id}/sessions/{session}", tag = "people",
    operation_id = "sign_out_person_device",
    params(("id" = UserId, Path, description = "The person"),
        ("session" = SessionId, Path, description = "The device's session")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn sign_out_device(
    State(identity): State<Identity>,
    caller: Principal,
    Path((id, session)): Path<(UserId, SessionId)>,
) -> Result<StatusCode> {
    identity.force_sign_out(&caller, id, Some(session)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes somebody's password away; they are signed out, and choose another through a mail.
/// Needs `users.write`.
#[utoipa::path(delete, path = "/users/{id}/password", tag = "people",
    operation_id = "force_password_reset",
    params(("id" = UserId, Path, description = "The person")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`not_active`, `not_yourself`")))]
pub(super) async fn force_reset(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<UserId>,
) -> Result<StatusCode> {
    identity.force_reset(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes away the second factor of somebody who lost it; they are signed out. Needs
/// `users.write`, and a recent proof of who is asking.
#[utoipa::path(delete, path = "/users/{id}/second-factor", tag = "people",
    operation_id = "reset_second_factor",
    params(("id" = UserId, Path, description = "The person")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`no_second_factor`, `not_yourself`")))]
pub(super) async fn reset_second_factor(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<UserId>,
) -> Result<StatusCode> {
    identity.reset_second_factor(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What happened to a person, the latest first. Needs `users.read`; from where, `users.write`.
#[utoipa::path(get, path = "/users/{id}/timeline", tag = "people", operation_id = "timeline",
    params(("id" = UserId, Path, description = "The person"), PageQuery), responses(
        (status = 200, body = TimelineView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn timeline(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<UserId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<TimelineView>> {
    let page = identity.timeline(&caller, id, &page).await?;
    Ok(Json(TimelineView {
        items: page.items.into_iter().map(HappeningView::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

/// What staff noted about a person, the latest first. Needs `users.write`.
#[utoipa::path(get, path = "/users/{id}/notes", tag = "people", operation_id = "notes",
    params(("id" = UserId, Path, description = "The person"), PageQuery), responses(
        (status = 200, body = Page<NoteView>), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
pub(super) async fn notes(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<UserId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<NoteView>>> {
    let page = identity.notes(&caller, id, &page).await?;
    Ok(Json(page.map(NoteView::from)))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoteBody {
    /// What it says, up to 4,000 characters.
    #[serde(default)]
    body: String,
}

/// Keeps a note about a person, for other staff. Needs `users.write`.
#[utoipa::path(post, path = "/users/{id}/notes", tag = "people", operation_id = "add_note",
    params(("id" = UserId, Path, description = "The person")), request_body = NoteBody,
    responses((status = 201, body = NoteView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add_note(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<UserId>,
    Json(body): Json<NoteBody>,
) -> Result<(StatusCode, Json<NoteView>)> {
    let note = identity.add_note(&caller, id, &body.body).await?;
    Ok((StatusCode::CREATED, Json(note.into())))
}

/// Removes a note. Needs `users.write`.
#[utoipa::path(delete, path = "/users/{id}/notes/{note}", tag = "people",
    operation_id = "delete_note",
    params(("id" = UserId, Path, description = "The person"),
        ("note" = NoteId, Path, description = "The note")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn delete_note(
    State(identity): State<Identity>,
    caller: Principal,
    Path((id, note)): Path<(UserId, NoteId)>,
) -> Result<StatusCode> {
    identity.delete_note(&caller, id, note).await?;
    Ok(StatusCode::NO_CONTENT)
}
