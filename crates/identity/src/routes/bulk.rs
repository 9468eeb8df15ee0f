//! One act on many people.

use super::people_filter::FilterBody;
use crate::{
    Identity,
    model::bulk::{Bulk, BulkAction, BulkRun, Refusal, Whom},
};
use axum::{extract::State, http::StatusCode};
use kernel::{
    Error, Principal, Result,
    error::Problem,
    extract::{Json, Path, Query},
    id::UserId,
    page::{Page, PageQuery},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkBody {
    action: BulkAction,
    /// Why, when suspending.
    reason: Option<String>,
    /// Which role, when giving or taking one.
    role: Option<String>,
    /// Those who are meant, up to 1,000; or else everybody who is `matching`.
    people: Option<Vec<UserId>>,
    /// Everybody whom this filter lets through.
    matching: Option<FilterBody>,
    /// But not these.
    #[serde(default)]
    but: Vec<UserId>,
    /// The number that was shown and confirmed: if it is another by now, nothing is done.
    expected: Option<i64>,
}

impl BulkBody {
    fn parse(self) -> Result<Bulk> {
        let whom = match (self.people, self.matching) {
            (Some(people), None) => Whom::Picked(people),
            (None, Some(filter)) => Whom::Matching {
                filter: filter.parse()?,
                but: self.but,
            },
            _ => {
                let message = "Say either people or matching.";
                return Err(Error::field("people", "required", message));
            }
        };
        Ok(Bulk {
            argument: match self.action {
                BulkAction::Suspend => self.reason,
                BulkAction::Grant | BulkAction::Revoke => self.role,
                _ => None,
            },
            action: self.action,
            whom,
            expected: self.expected,
        })
    }
}

/// How far a run has come.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct BulkView {
    id: Uuid,
    action: String,
    /// A role's name or a reason.
    argument: Option<String>,
    /// How many are meant.
    total: i32,
    /// To how many it was done.
    done: i32,
    /// To how many it was refused.
    refused: i32,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    /// Whether it can be taken back.
    undoable: bool,
}

impl From<BulkRun> for BulkView {
    fn from(run: BulkRun) -> Self {
        let undone_by = BulkAction::parse(&run.action).and_then(BulkAction::undone_by);
        Self {
            undoable: undone_by.is_some() && run.finished_at.is_some() && run.done > 0,
            id: run.id,
            action: run.action,
            argument: run.argument,
            total: run.total,
            done: run.done,
            refused: run.refused,
            created_at: run.created_at,
            finished_at: run.finished_at,
        }
    }
}

/// Somebody to whom it was not done.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct RefusalView {
    id: UserId,
    name: String,
    email: String,
    /// Stable, as in the problem of the single act.
    code: String,
    detail: Option<String>,
}

impl From<Refusal> for RefusalView {
    fn from(one: Refusal) -> Self {
        Self {
            id: one.user,
            name: one.name,
            email: one.email,
            code: one.code,
            detail: one.detail,
        }
    }
}

/// Does one act to many people, in the background. Needs `users.write`, or `roles.write` for
/// roles.
#[utoipa::path(post, path = "/users/bulk", tag = "people", operation_id = "start_bulk",
    request_body = BulkBody, responses((status = 202, body = BulkView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem),
        (status = 409, body = Problem, description = "`count_changed`, `nobody_meant`")))]
pub(super) async fn start(
    State(identity): State<Identity>,
    caller: Principal,
    Json(body): Json<BulkBody>,
) -> Result<(StatusCode, Json<BulkView>)> {
    let run = identity.start_bulk(&caller, &body.parse()?).await?;
    Ok((StatusCode::ACCEPTED, Json(run.into())))
}

/// How far it has come. Needs `users.read`; it is its starter's, and the auditors'.
#[utoipa::path(get, path = "/users/bulk/{run}", tag = "people", operation_id = "bulk",
    params(("run" = Uuid, Path, description = "The run")), responses(
        (status = 200, body = BulkView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn get(
    State(identity): State<Identity>,
    caller: Principal,
    Path(run): Path<Uuid>,
) -> Result<Json<BulkView>> {
    Ok(Json(identity.bulk_run(&caller, run).await?.into()))
}

/// To whom it was not done, and why. Needs `users.read`.
#[utoipa::path(get, path = "/users/bulk/{run}/refusals", tag = "people",
    operation_id = "bulk_refusals", params(("run" = Uuid, Path, description = "The run"), PageQuery),
    responses((status = 200, body = Page<RefusalView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn refusals(
    State(identity): State<Identity>,
    caller: Principal,
    Path(run): Path<Uuid>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<RefusalView>>> {
    let page = identity.bulk_refusals(&caller, run, &page).await?;
    Ok(Json(page.map(RefusalView::from)))
}

/// Takes back what it did, where that can be taken back: another run over those to whom it
/// was done. Needs what the act needs.
#[utoipa::path(post, path = "/users/bulk/{run}/undo", tag = "people", operation_id = "undo_bulk",
    params(("run" = Uuid, Path, description = "The run")), responses(
        (status = 202, body = BulkView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`not_undoable`, `still_running`")))]
pub(super) async fn undo(
    State(identity): State<Identity>,
    caller: Principal,
    Path(run): Path<Uuid>,
) -> Result<(StatusCode, Json<BulkView>)> {
    let run = identity.undo_bulk(&caller, run).await?;
    Ok((StatusCode::ACCEPTED, Json(run.into())))
}
