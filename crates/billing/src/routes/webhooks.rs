//! What the payment provider tells us by itself.

use crate::Billing;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use kernel::{Result, error::Problem, principal::Public};

/// Where web hooks arrive, below [`webhooks`] and below `/api/v1`.
const PATH: &str = "/stripe/webhooks";

/// Only the place where web hooks arrive: for a provider that reaches us by a way of its own.
pub fn webhooks(billing: &Billing) -> Router {
    Router::new()
        .route(PATH, post(take))
        .with_state(billing.clone())
}

async fn take(
    State(billing): State<Billing>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    billing.receive(&headers, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a web hook, signed as Stripe does. A second delivery of the same changes nothing.
#[utoipa::path(post, path = "/stripe/webhooks", tag = "billing",
    operation_id = "deliver_payment_event", request_body = String, responses(
        (status = 204, description = "Kept; it is followed soon"),
        (status = 400, body = Problem, description = "`signature_missing`, \
            `signature_invalid`, `signature_stale`, `event_unreadable`, `event_of_live_mode`"),
        (status = 413, body = Problem)))]
pub(super) async fn deliver_payment_event(
    State(billing): State<Billing>,
    _: Public,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    billing.receive(&headers, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}
