//! Comparisons of both sides, and what they found.

use crate::{
    HostedStack,
    model::{Difference, HostedId, RunId},
    store::runs::{Found, Run},
};
use axum::{extract::State, http::StatusCode};
use kernel::{
    Principal, Result,
    error::Problem,
    extract::{Json, Path, Query},
    id::UserId,
    page::{Page, PageQuery},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A comparison.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct RunView {
    id: RunId,
    /// Whether it mends what it finds.
    mends: bool,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    /// Absent while it is on its way.
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    /// People there that it looked at.
    seen: i64,
    /// People there without an account here.
    missing_here: i64,
    /// People here who are gone there.
    missing_there: i64,
    /// People who are not the same on both sides.
    differing: i64,
    mended: i64,
    problem: Option<String>,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        Self {
            id: run.id,
            mends: run.mends,
            started_at: run.started_at,
            finished_at: run.finished_at,
            seen: run.seen,
            missing_here: run.missing_here,
            missing_there: run.missing_there,
            differing: run.differing,
            mended: run.mended,
            problem: run.problem,
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct RunsView {
    items: Vec<RunView>,
}

/// The latest twenty comparisons. Needs `system.read`.
#[utoipa::path(get, path = "/hosted-stack/reconciliations", tag = "hosted-stack",
    operation_id = "hosted_reconciliations", responses(
        (status = 200, body = RunsView), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
pub(super) async fn list(
    State(hosted): State<HostedStack>,
    caller: Principal,
) -> Result<Json<RunsView>> {
    let runs = hosted.runs(&caller).await?;
    let items = runs.into_iter().map(RunView::from).collect();
    Ok(Json(RunsView { items }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunBody {
    /// Mends what it finds; otherwise it only says what it would.
    #[serde(default)]
    mends: bool,
}

/// Starts a comparison. Needs `system.manage`.
#[utoipa::path(post, path = "/hosted-stack/reconciliations", tag = "hosted-stack",
    operation_id = "reconcile_hosted_project", request_body = RunBody, responses(
        (status = 202, body = RunView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`run_on_its_way`")))]
pub(super) async fn start(
    State(hosted): State<HostedStack>,
    caller: Principal,
    Json(body): Json<RunBody>,
) -> Result<(StatusCode, Json<RunView>)> {
    let run = hosted.ask_run(&caller, body.mends).await?;
    Ok((StatusCode::ACCEPTED, Json(run.into())))
}

/// Somebody who is not the same on both sides.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct DriftView {
    /// As the project names them.
    hosted_id: HostedId,
    user_id: Option<UserId>,
    /// `missing_here`, `missing_there` or `differs`.
    kind: String,
    name: Option<String>,
    email: Option<String>,
    fields: Vec<Difference>,
    mended: bool,
    /// Why not: `email_unverified`, `email_missing`, `account_exists`, `account_linked`,
    /// `sign_up_closed`, `email_taken`, `email_invalid` or `last_owner`.
    problem: Option<String>,
}

impl From<Found> for DriftView {
    fn from(found: Found) -> Self {
        Self {
            hosted_id: found.hosted_id,
            user_id: found.user_id,
            kind: found.kind,
            name: found.name,
            email: found.email,
            fields: found.fields.0,
            mended: found.mended,
            problem: found.problem,
        }
    }
}

/// What a comparison found: the first thousand. Needs `system.read`.
#[utoipa::path(get, path = "/hosted-stack/reconciliations/{id}/drift", tag = "hosted-stack",
    operation_id = "hosted_drift",
    params(("id" = RunId, Path, description = "The comparison"), PageQuery), responses(
        (status = 200, body = Page<DriftView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn drift(
    State(hosted): State<HostedStack>,
    caller: Principal,
    Path(run): Path<RunId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DriftView>>> {
    let drift = hosted.drift(&caller, run, &page).await?;
    Ok(Json(drift.map(DriftView::from)))
}
