//! The audit log over the wire: narrowed, page by page, and as a file.

use super::store;
use crate::app::App;
use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use kernel::{
    Permission, Principal, Result,
    audit::{self, Act, Entry, Filter},
    database::Database,
    error::{Faults, Problem},
    extract::{Json, Query},
    id::UserId,
    page::{Page, PageQuery},
    sheet,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Rows read at once for a file.
const CHUNK: i64 = 1_000;

#[derive(Serialize, utoipa::ToSchema)]
struct ActorView {
    id: UserId,
    name: String,
}

/// An act, as staff see it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ActView {
    /// Its place in the chain.
    seq: i64,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// Who; nobody for what the system did.
    actor: Option<ActorView>,
    action: String,
    /// To whom or what: an id or a name.
    subject: String,
    /// The subject's name, where it is a person.
    subject_name: Option<String>,
    data: Value,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Who did it.
    actor: Option<UserId>,
    /// What: a whole name, or the beginning of one up to a dot, as in `user.`.
    action: Option<String>,
    /// To whom or what: an id or a name.
    subject: Option<String>,
    /// On this day (UTC) or later, as in 2026-11-25.
    from: Option<String>,
    /// On this day (UTC) or before.
    until: Option<String>,
}

impl AuditQuery {
    fn parse(self) -> Result<Filter> {
        let mut faults = Faults::default();
        let from = sheet::day(&mut faults, "from", self.from.as_deref());
        let until = sheet::day(&mut faults, "until", self.until.as_deref());
        faults.check()?;
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Filter {
            actor: self.actor,
            action: said(self.action),
            subject: said(self.subject),
            from,
            until: until.map(|day| day + time::Duration::DAY),
        })
    }
}

/// Who did what, the latest first. Needs `audit.read`.
#[utoipa::path(get, path = "/audit", tag = "system", operation_id = "audit",
    params(AuditQuery, PageQuery),
    responses((status = 200, body = Page<ActView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Principal,
    Query(query): Query<AuditQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ActView>>> {
    caller.require(Permission::AuditRead)?;
    let filter = query.parse()?;
    let mut tx = app.db.begin_planned().await?;
    let page = audit::list(&mut tx, &filter, &page).await?;
    let names = names(&mut tx, &page.items).await?;
    tx.commit().await?;
    Ok(Json(page.map(|entry| view(entry, &names))))
}

/// The names of what was done so far, for a filter. Needs `audit.read`.
#[utoipa::path(get, path = "/audit/actions", tag = "system", operation_id = "audit_actions",
    responses((status = 200, body = ActionsView), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
pub(super) async fn actions(
    State(app): State<Arc<App>>,
    caller: Principal,
) -> Result<Json<ActionsView>> {
    caller.require(Permission::AuditRead)?;
    let mut db = app.db.acquire().await?;
    Ok(Json(ActionsView {
        items: audit::actions(&mut db).await?,
    }))
}

/// Names of actions.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ActionsView {
    items: Vec<String>,
}

/// The log as CSV, narrowed like the list. Needs `audit.read`.
#[utoipa::path(get, path = "/audit/export", tag = "system", operation_id = "export_audit",
    params(AuditQuery), responses(
        (status = 200, description = "The file", body = String, content_type = "text/csv"),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn export(
    State(app): State<Arc<App>>,
    caller: Principal,
    Query(query): Query<AuditQuery>,
) -> Result<Response> {
    caller.require(Permission::AuditRead)?;
    let filter = query.parse()?;
    let mut tx = app.db.begin().await?;
    let act = Act {
        actor: Some(caller.user),
        action: "audit.exported",
        subject: "audit",
        data: json!({ "actor": filter.actor, "action": filter.action, "subject": filter.subject }),
    };
    app.audit.append(&mut tx, act).await?;
    tx.commit().await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"activity.csv\"",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let reading = Reading {
        db: app.db.clone(),
        filter,
        before: None,
        begun: false,
        over: false,
    };
    let file = stream::try_unfold(reading, Reading::next);
    Ok((headers, Body::from_stream(file)).into_response())
}

/// Where a file has come to.
struct Reading {
    db: Database,
    filter: Filter,
    before: Option<i64>,
    begun: bool,
    over: bool,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        if self.over {
            return Ok(None);
        }
        let mut tx = self.db.begin_planned().await?;
        let rows = audit::read(&mut tx, &self.filter, self.before, CHUNK).await?;
        let names = names(&mut tx, &rows).await?;
        tx.commit().await?;
        self.over = rows.len() < usize::try_from(CHUNK).unwrap_or(usize::MAX);
        self.before = rows.last().map(|row| row.seq);
        let mut lines = Vec::with_capacity(rows.len() + 1);
        if !self.begun {
            let header = [
                "seq", "at", "actor_id", "actor", "action", "subject", "data",
            ];
            lines.push(header.map(str::to_owned).to_vec());
        }
        self.begun = true;
        for row in rows {
            lines.push(vec![
                row.seq.to_string(),
                row.at.format(&Rfc3339).unwrap_or_default(),
                row.actor.map(|id| id.to_string()).unwrap_or_default(),
                row.actor
                    .and_then(|id| names.get(&id).cloned())
                    .unwrap_or_default(),
                row.action,
                row.subject,
                row.data.to_string(),
            ]);
        }
        Ok(Some((sheet::csv(&lines)?.into(), self)))
    }
}

async fn names(db: &mut sqlx::PgConnection, rows: &[Entry]) -> Result<HashMap<UserId, String>> {
    let people: Vec<UserId> = rows
        .iter()
        .flat_map(|row| row.actor.into_iter().chain(row.subject.parse().ok()))
        .collect();
    Ok(store::names(db, &people).await?)
}

fn view(entry: Entry, names: &HashMap<UserId, String>) -> ActView {
    let name = |id: &UserId| names.get(id).cloned();
    ActView {
        seq: entry.seq,
        at: entry.at,
        actor: entry.actor.map(|id| ActorView {
            name: name(&id).unwrap_or_else(|| "Somebody who left".to_owned()),
            id,
        }),
        action: entry.action,
        subject_name: entry.subject.parse().ok().and_then(|id| name(&id)),
        subject: entry.subject,
        data: entry.data,
    }
}
