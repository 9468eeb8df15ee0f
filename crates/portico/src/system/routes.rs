//! The routes of the system, under `/api/v1`.

use crate::{app::App, demo, payments};
use axum::{extract::State, http::StatusCode};
use kernel::{
    Permission, Principal, Result,
    audit::Act,
    error::Problem,
    extract::{Json, Path, Query},
    jobs::{self, DeadLetter, QueueState},
    page::{Page, PageQuery},
    principal::Public,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

/// The routes, still without their server.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(system))
        .routes(routes!(super::audit::list))
        .routes(routes!(super::audit::actions))
        .routes(routes!(super::audit::export))
        .routes(routes!(queue))
        .routes(routes!(dead_letters))
        .routes(routes!(retry))
        .routes(routes!(discard))
        .routes(routes!(remove_demo))
        .merge(super::mails::router())
}

/// What this installation is.
#[derive(Serialize, utoipa::ToSchema)]
struct SystemView {
    name: &'static str,
    version: &'static str,
    /// Whether nobody owns this place yet.
    setup_needed: bool,
    /// Whether the demo tenant is here.
    demo: bool,
    /// Who can be tried while it is.
    demo_accounts: Vec<demo::AccountView>,
    /// Whether mails are caught in a viewer at `/_mail`.
    mail_viewer: bool,
    /// Where the sandbox for payments is steered, if payments are practised: no money moves.
    payments_sandbox: Option<&'static str>,
}

/// What this installation is, for the sign-in page.
#[utoipa::path(get, path = "/system", tag = "system", operation_id = "system",
    responses((status = 200, body = SystemView)))]
async fn system(State(app): State<Arc<App>>, _: Public) -> Result<Json<SystemView>> {
    let demo = app.identity.demo_present().await?;
    // Known passwords are told only where nobody else can hear: a server with demo data
    // refuses to listen on any other address.
    let demo_accounts = if demo && app.config.is_local() {
        demo::accounts()
    } else {
        Vec::new()
    };
    Ok(Json(SystemView {
        name: "Portico",
        version: env!("CARGO_PKG_VERSION"),
        setup_needed: app.identity.setup_needed().await?,
        demo,
        demo_accounts,
        mail_viewer: app.mailer.captures() && app.config.is_local(),
        payments_sandbox: app.till.as_ref().map(|_| payments::CONTROL),
    }))
}

/// How the job queue stands. Needs `system.read`.
#[utoipa::path(get, path = "/jobs", tag = "system", operation_id = "queue", responses(
    (status = 200, body = QueueState), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn queue(State(app): State<Arc<App>>, caller: Principal) -> Result<Json<QueueState>> {
    caller.require(Permission::SystemRead)?;
    let mut db = app.db.acquire().await?;
    Ok(Json(jobs::state(&mut db).await?))
}

/// Jobs that failed for good, the latest first. Needs `system.read`.
#[utoipa::path(get, path = "/jobs/dead", tag = "system", operation_id = "dead_letters",
    params(PageQuery), responses((status = 200, body = Page<DeadLetter>),
        (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn dead_letters(
    State(app): State<Arc<App>>,
    caller: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DeadLetter>>> {
    caller.require(Permission::SystemRead)?;
    let mut db = app.db.acquire().await?;
    Ok(Json(jobs::list_dead(&mut db, &page).await?))
}

/// Puts a dead job back into the queue. Needs `system.manage`.
#[utoipa::path(post, path = "/jobs/dead/{id}/retry", tag = "system", operation_id = "retry_job",
    params(("id" = Uuid, Path, description = "The dead letter")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn retry(
    State(app): State<Arc<App>>,
    caller: Principal,
    Path(id): Path<Uuid>,
) -> Result<StatusCode> {
    caller.require(Permission::SystemManage)?;
    let mut tx = app.db.begin().await?;
    jobs::retry_dead(&mut tx, id).await?;
    record(
        &app,
        &mut tx,
        &caller,
        "job.retried",
        &id.to_string(),
        json!({}),
    )
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a dead job up. Needs `system.manage`.
#[utoipa::path(delete, path = "/jobs/dead/{id}", tag = "system", operation_id = "discard_job",
    params(("id" = Uuid, Path, description = "The dead letter")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn discard(
    State(app): State<Arc<App>>,
    caller: Principal,
    Path(id): Path<Uuid>,
) -> Result<StatusCode> {
    caller.require(Permission::SystemManage)?;
    let mut tx = app.db.begin().await?;
    jobs::discard_dead(&mut tx, id).await?;
    record(
        &app,
        &mut tx,
        &caller,
        "job.discarded",
        &id.to_string(),
        json!({}),
    )
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes the demo tenant, and nothing else. Needs `system.manage`.
#[utoipa::path(delete, path = "/demo", tag = "system", operation_id = "remove_demo", responses(
    (status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem)))]
async fn remove_demo(State(app): State<Arc<App>>, caller: Principal) -> Result<StatusCode> {
    caller.require(Permission::SystemManage)?;
    demo::remove(&app, Some(caller.user)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn record(
    app: &App,
    tx: &mut sqlx::PgConnection,
    caller: &Principal,
    action: &'static str,
    subject: &str,
    data: Value,
) -> Result<()> {
    let act = Act {
        actor: Some(caller.user),
        action,
        subject,
        data,
    };
    app.audit.append(tx, act).await.map(|_| ())
}
