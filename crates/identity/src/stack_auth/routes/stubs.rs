//! What the SDK's pages ask for and this product has elsewhere or not at all: the answers that keep
//! them whole.

use super::{Routes, act, read};
use crate::stack_auth::{
    body::Path,
    call::Call,
    fault::{Answer, list, ok, success},
};
use axum::{Router, body::Bytes, http::StatusCode, routing::patch};
use kernel::principal::Public;
use serde_json::json;

pub(super) fn router() -> Routes {
    Router::new()
        .route("/payments/billing/{kind}/{id}", read(billing))
        .route("/payments/products/{kind}/{id}", read(products))
        .route("/payments/invoices/{kind}/{id}", read(products))
        .route("/emails/notification-preference/me", read(preferences))
        .route("/emails/notification-preference/me/{id}", patch(preference))
        .route("/emails/notification-preference/{user}", read(preferences))
        .route("/analytics/events/batch", act(sink))
        .route("/session-replays/batch", act(sink))
}

async fn billing(_: Call, Path(_): Path<(String, String)>) -> Answer {
    ok(json!({ "has_customer": false, "default_payment_method": null }))
}

async fn products(_: Call, Path(_): Path<(String, String)>) -> Answer {
    ok(json!({ "items": [], "is_paginated": true, "pagination": { "next_cursor": null } }))
}

async fn preferences(_: Call) -> Answer {
    list(Vec::new())
}

async fn preference(_: Call, Path(_): Path<String>) -> Answer {
    Err(crate::stack_auth::fault::Fault::Plain(
        StatusCode::NOT_FOUND,
        "There is no such notification category.".into(),
    ))
}

/// Taken and dropped: nothing about visitors is kept.
async fn sink(_: Public, _: Bytes) -> Answer {
    success()
}
