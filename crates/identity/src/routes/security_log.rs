//! What happened at the doors, over the wire.

use super::people_views::{ActorView, HappeningView, actor};
use crate::{
    Identity,
    model::security::Kind,
    store::security_log::{Narrowed, Seen},
};
use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use kernel::{
    Principal, Result,
    error::{Faults, Problem},
    extract::{Json, Query},
    id::UserId,
    page::{Page, PageQuery},
    sheet,
};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SecurityQuery {
    /// Kinds of events, with commas between them.
    kinds: Option<String>,
    /// Whose account.
    user: Option<UserId>,
    /// From which address.
    address: Option<String>,
    /// On this day (UTC) or later, as in 2026-11-25.
    from: Option<String>,
    /// On this day (UTC) or before.
    until: Option<String>,
}

impl SecurityQuery {
    fn parse(self) -> Result<Narrowed> {
        let mut faults = Faults::default();
        let kinds: Vec<String> = self
            .kinds
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|kind| !kind.is_empty())
            .map(str::to_owned)
            .collect();
        if kinds.iter().any(|kind| Kind::parse(kind).is_none()) {
            faults.add("kinds", "unknown", "There is no such kind of event.");
        }
        let from = sheet::day(&mut faults, "from", self.from.as_deref());
        let until = sheet::day(&mut faults, "until", self.until.as_deref());
        faults.check()?;
        Ok(Narrowed {
            kinds,
            user: self.user,
            address: self.address.filter(|address| !address.is_empty()),
            from,
            until: until.map(|day| day + time::Duration::DAY),
        })
    }
}

/// Something that happened at the doors.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SecurityEventView {
    #[serde(flatten)]
    happening: HappeningView,
    /// Whose account, where it is one.
    user: Option<ActorView>,
    /// What was typed, where it led to no account.
    identifier: Option<String>,
}

impl From<Seen> for SecurityEventView {
    fn from(seen: Seen) -> Self {
        Self {
            happening: seen.happening.into(),
            user: actor(seen.user, seen.name),
            identifier: seen.identifier,
        }
    }
}

/// Failed sign-ins, lock-outs, new devices, stolen tokens and what was done to accounts, the
/// latest first. Needs `audit.read`.
#[utoipa::path(get, path = "/security/events", tag = "security", operation_id = "security_events",
    params(SecurityQuery, PageQuery), responses((status = 200, body = Page<SecurityEventView>),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(identity): State<Identity>,
    caller: Principal,
    Query(query): Query<SecurityQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SecurityEventView>>> {
    caller.require(kernel::Permission::AuditRead)?;
    let page = identity
        .security_log(&caller, &query.parse()?, &page)
        .await?;
    Ok(Json(page.map(SecurityEventView::from)))
}

/// How often something happened.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SecurityFigureView {
    kind: String,
    count: i64,
}

/// How often each kind of event was seen in the last 24 hours.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SecurityFiguresView {
    items: Vec<SecurityFigureView>,
}

/// How often each kind of event was seen in the last 24 hours. Needs `audit.read`.
#[utoipa::path(get, path = "/security/figures", tag = "security", operation_id = "security_figures",
    responses((status = 200, body = SecurityFiguresView), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
pub(super) async fn figures(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Json<SecurityFiguresView>> {
    let figures = identity.security_figures(&caller).await?;
    let view = |(kind, count)| SecurityFigureView { kind, count };
    Ok(Json(SecurityFiguresView {
        items: figures.into_iter().map(view).collect(),
    }))
}

/// The log as CSV, narrowed like the list. Needs `audit.read`.
#[utoipa::path(get, path = "/security/export", tag = "security",
    operation_id = "export_security_events", params(SecurityQuery), responses(
        (status = 200, description = "The file", body = String, content_type = "text/csv"),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn export(
    State(identity): State<Identity>,
    caller: Principal,
    Query(query): Query<SecurityQuery>,
) -> Result<Response> {
    caller.require(kernel::Permission::AuditRead)?;
    let file = identity
        .export_security_log(&caller, query.parse()?)
        .await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"security.csv\"",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(file)).into_response())
}
