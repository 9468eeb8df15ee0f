//! What a visitor sees while the front end is being started: one page without any
//! request of its own, so that it works when nothing else does.

use super::config::CspConfig;
use super::csp::{Hashes, Inline, policy};
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::sync::LazyLock;

const PAGE: &str = include_str!("down.html");

static HASHES: LazyLock<Hashes> = LazyLock::new(|| Hashes::of(PAGE));

/// 503 with a page for people, or one line for everything else.
pub(crate) fn page(headers: &HeaderMap) -> Response {
    let person = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
        && !headers.contains_key("rsc");
    let mut response = if person {
        let mut response = (StatusCode::SERVICE_UNAVAILABLE, PAGE).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        response
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "The pages are being started. Try again in a moment.\n",
        )
            .into_response()
    };
    let all = response.headers_mut();
    all.insert(
        header::CONTENT_SECURITY_POLICY,
        policy(&CspConfig::default(), Inline::Hashes(&HASHES), None, false),
    );
    all.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    all.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
