//! Stripe's protocol over HTTP: keys, versions, forms, idempotency, faults, errors. The engine behind it knows none of this.

mod api;
mod auth;
mod faults;
pub(crate) mod form;
mod idempotency;
mod record;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::any;

use crate::sandbox::Sandbox;

/// The largest request body.
const BODY: usize = 1024 * 1024;

/// The API and the pages.
pub(crate) fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/v1/{*path}", any(api::handle))
        .merge(crate::pages::router())
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(sandbox)
}
