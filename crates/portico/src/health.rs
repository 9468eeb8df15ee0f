//! Whether the server lives, whether it is ready, and its figures.

use crate::{MIGRATIONS, app::App, front::Phase, http::ClientAddr};
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use kernel::{Error, Permission, Principal, database, jobs, tasks::Tasks};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// A queue whose oldest job waits longer than this is not keeping up.
pub(crate) const QUEUE_PATIENCE: f64 = 300.0;

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts to record figures; once a process.
pub fn record_metrics() -> anyhow::Result<()> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    let _ = METRICS.set(handle);
    Ok(())
}

/// Folds recorded samples together now and then: unscraped, they would pile up.
pub fn tend_metrics(tasks: &Tasks) {
    let token = tasks.token();
    tasks.spawn("metrics", async move {
        loop {
            tokio::select! {
                () = token.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(5)) => {}
            }
            if let Some(metrics) = METRICS.get() {
                metrics.run_upkeep();
            }
        }
    });
}

/// `/livez`, `/readyz` and `/metrics`.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
        .with_state(app)
}

/// One thing that must be so for the server to be ready.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it is so.
    pub ok: bool,
    /// What is wrong, or how it fares.
    pub detail: String,
}

/// Looks at everything that readiness means.
pub async fn checks(app: &App) -> Vec<Check> {
    let mut checks = Vec::new();
    let database = tokio::time::timeout(
        Duration::from_secs(2),
        database::schema_state(app.db.pool(), &MIGRATIONS),
    )
    .await;
    checks.push(match &database {
        Ok(Ok(_)) => Check {
            name: "database",
            ok: true,
            detail: "answers".into(),
        },
        Ok(Err(error)) => Check {
            name: "database",
            ok: false,
            detail: error.to_string(),
        },
        Err(_) => Check {
            name: "database",
            ok: false,
            detail: "no answer within two seconds".into(),
        },
    });
    if let Ok(Ok(state)) = database {
        checks.push(Check {
            name: "migrations",
            ok: state.pending == 0,
            detail: format!("{} waiting", state.pending),
        });
        checks.push(queue(app).await);
    }
    let stream = app.realtime.health();
    checks.push(Check {
        name: "change_stream",
        ok: stream.streaming,
        detail: stream.summary(),
    });
    if let Some(front) = &app.front {
        let state = *front.state().borrow();
        checks.push(Check {
            name: "front_end",
            ok: matches!(state.phase, Phase::Ready),
            detail: format!("{:?}", state.phase),
        });
    }
    checks
}

async fn queue(app: &App) -> Check {
    let state = match app.db.acquire().await {
        Ok(mut db) => jobs::state(&mut db).await,
        Err(error) => Err(error.into()),
    };
    match state {
        Ok(state) => {
            metrics::gauge!("portico_jobs_ready").set(f64_of(state.ready));
            metrics::gauge!("portico_jobs_dead").set(f64_of(state.dead));
            Check {
                name: "jobs",
                ok: state.oldest_ready_seconds < QUEUE_PATIENCE,
                detail: format!(
                    "{} ready, the oldest for {:.0} s, {} dead",
                    state.ready, state.oldest_ready_seconds, state.dead
                ),
            }
        }
        Err(error) => Check {
            name: "jobs",
            ok: false,
            detail: error.to_string(),
        },
    }
}

fn f64_of(count: i64) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    checks: Vec<Check>,
}

async fn ready(
    State(app): State<Arc<App>>,
    from: ClientAddr,
    caller: Option<Principal>,
) -> Response {
    let mut checks = checks(&app).await;
    let ready = checks.iter().all(|check| check.ok);
    if !near(from, caller.as_ref()) {
        // Everybody may know whether, not why.
        checks.clear();
    }
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        [(header::CACHE_CONTROL, "no-store")],
        Json(Readiness { ready, checks }),
    )
        .into_response()
}

/// Figures in Prometheus' text format: for this machine, or staff who may see the system.
async fn figures(from: ClientAddr, caller: Option<Principal>) -> Result<Response, Error> {
    if !near(from, caller.as_ref()) {
        return Err(match caller {
            Some(caller) => caller
                .require(Permission::SystemRead)
                .err()
                .unwrap_or(Error::Unauthenticated),
            None => Error::Unauthenticated,
        });
    }
    let Some(metrics) = METRICS.get() else {
        return Err(Error::Unavailable("This process records no figures."));
    };
    Ok((
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        metrics.render(),
    )
        .into_response())
}

fn near(from: ClientAddr, caller: Option<&Principal>) -> bool {
    from.is_this_machine() || caller.is_some_and(|caller| caller.can(Permission::SystemRead))
}
