//! Acting in a member's place: beginning, ending, and who did so in one's own.

use crate::{
    Identity,
    actions::{impersonation::browser_only, sessions::landing},
    model::impersonation::{Asked, Impersonation, Mode},
    store::impersonations::Held,
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use kernel::{
    Permission, Principal, Result,
    error::Problem,
    extract::{Json, Path, Query},
    id::{ImpersonationId, UserId},
    page::{Page, PageQuery},
    principal::Acting,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(end))
        .routes(routes!(list))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImpersonationBody {
    /// Why, in 10 to 500 characters: for the log, and for whoever asks later.
    #[serde(default)]
    #[schema(min_length = 10, max_length = 500)]
    reason: String,
    /// For how long: 5 minutes up to the operator's limit; the operator's usual time unless said.
    minutes: Option<u32>,
    /// `read` unless said.
    mode: Option<Mode>,
}

/// An impersonation that has begun.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct StartedView {
    id: ImpersonationId,
    mode: Mode,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// Where the member lands: `/admin` for staff, `/home` for members.
    landing: &'static str,
}

/// Begins to see the product as somebody else: in this browser, beside the caller's own session,
/// which stays. The person is told. Needs `users.impersonate`, a recent proof of who is asking,
/// and all that the person may do.
#[utoipa::path(post, path = "/users/{id}/impersonation", tag = "people", operation_id = "impersonate",
    params(("id" = UserId, Path, description = "The person")), request_body = ImpersonationBody,
    responses((status = 201, body = StartedView), (status = 401, body = Problem),
        (status = 403, body = Problem,
            description = "`confirmation_required`, `holds_more`, `not_owners`, `browser_only`"),
        (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 409, body = Problem, description = "`not_active`, `not_yourself`")))]
pub(super) async fn start(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<UserId>,
    headers: HeaderMap,
    Json(body): Json<ImpersonationBody>,
) -> Result<(StatusCode, HeaderMap, Json<StartedView>)> {
    caller.require(Permission::UsersImpersonate)?;
    if headers.contains_key(header::AUTHORIZATION) {
        return Err(browser_only());
    }
    let bounds = identity.impersonation_minutes();
    let asked = Asked::parse(&body.reason, body.minutes, body.mode, bounds)?;
    let begun = identity.impersonate(&caller, id, &asked).await?;
    let mut cookies = HeaderMap::new();
    identity.set_acting_cookie(&mut cookies, &begun.cookie, begun.life);
    let view = StartedView {
        id: begun.id,
        mode: begun.mode,
        expires_at: begun.expires_at,
        landing: landing(&*identity.account_of(id).await?),
    };
    Ok((StatusCode::CREATED, cookies, Json(view)))
}

/// Ends acting in somebody's place. Answers the same where it is over already.
#[utoipa::path(delete, path = "/me/impersonation", tag = "people", operation_id = "end_impersonation",
    responses((status = 204), (status = 401, body = Problem)))]
pub(super) async fn end(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<(StatusCode, HeaderMap)> {
    identity.end_impersonation(&caller).await?;
    let mut cookies = HeaderMap::new();
    identity.clear_acting_cookie(&mut cookies);
    Ok((StatusCode::NO_CONTENT, cookies))
}

/// Somebody, by name.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ByView {
    id: UserId,
    name: String,
}

/// Who acts in the place of whom the API calls "me".
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ActingView {
    id: ImpersonationId,
    /// Who really acts.
    by: ByView,
    /// What is allowed beside looking.
    mode: Mode,
    reason: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

impl ActingView {
    pub(super) fn of(acting: Acting, held: &Held) -> Self {
        Self {
            id: acting.impersonation,
            by: ByView {
                id: held.by,
                name: held.by_name.clone(),
            },
            mode: held.mode,
            reason: held.reason.clone(),
            started_at: held.started_at,
            expires_at: held.expires_at,
        }
    }
}

/// One time that staff acted in the caller's place.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ImpersonationView {
    id: ImpersonationId,
    by: ByView,
    /// What was allowed beside looking.
    mode: Mode,
    /// Why, where the operator lets people know.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    /// When it ends, or ended.
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
    /// Whether it is going on.
    open: bool,
}

impl ImpersonationView {
    fn of(one: Impersonation, now: OffsetDateTime, tells_reason: bool) -> Self {
        Self {
            id: one.id,
            by: ByView {
                id: one.by,
                name: one.by_name,
            },
            mode: one.mode,
            reason: one.reason.filter(|_| tells_reason),
            started_at: one.started_at,
            until: one.ended_at.unwrap_or(one.expires_at),
            open: one.ended_at.is_none() && one.expires_at > now,
        }
    }
}

/// A page of them.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ImpersonationsView {
    items: Vec<ImpersonationView>,
    /// Where the next page begins; absent on the last.
    next_cursor: Option<String>,
}

/// When staff acted in the caller's place, the latest first.
#[utoipa::path(get, path = "/me/impersonations", tag = "security", operation_id = "impersonations",
    params(PageQuery), responses((status = 200, body = ImpersonationsView),
        (status = 401, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(identity): State<Identity>,
    caller: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<ImpersonationsView>> {
    let (now, tells) = identity.tells_impersonations();
    let Page { items, next_cursor } = identity.impersonations(&caller, &page).await?;
    let view = |one| ImpersonationView::of(one, now, tells);
    Ok(Json(ImpersonationsView {
        items: items.into_iter().map(view).collect(),
        next_cursor,
    }))
}
