//! The project and its public keys.

use super::{Routes, read};
use crate::stack_auth::{
    StackAuth,
    body::Path,
    call::Call,
    fault::{Answer, Fault, Result, ok},
    known::Known,
};
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use kernel::principal::Public;
use serde_json::json;

pub(super) fn router() -> Routes {
    Router::new()
        .route("/projects/current", read(current))
        .route("/projects/{id}/.well-known/jwks.json", read(jwks))
        .route("/internal/backend-urls", read(backend_urls))
        .route("/", read(version))
}

async fn current(State(stack): State<StackAuth>, _: Call) -> Answer {
    let providers = stack.provider_ids();
    ok(stack.project_view(&providers))
}

async fn jwks(
    State(stack): State<StackAuth>,
    _: Public,
    Path(id): Path<String>,
) -> Result<Response> {
    if id != stack.inner().stack.id.to_string() {
        return Err(Fault::from(Known::CurrentProjectNotFound(id)));
    }
    let headers = [(header::CACHE_CONTROL, "public, max-age=3600")];
    Ok((headers, Json(stack.project_jwks())).into_response())
}

/// Asked by an SDK that was configured by its environment: this is the only address.
async fn backend_urls(State(stack): State<StackAuth>, _: Public) -> Answer {
    ok(json!({ "urls": [stack.inner().stack.base] }))
}

async fn version(_: Public) -> &'static str {
    "Welcome to the Stack Auth API endpoint of Portico."
}

pub(super) async fn health(_: Public) -> (StatusCode, Json<serde_json::Value>) {
    (StatusCode::OK, Json(json!({ "status": "ok" })))
}
