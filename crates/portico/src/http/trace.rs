//! One span and one access line a request: method, route, status, latency, request id.
//! Never a path as sent, a query string, a cookie or a header: those can hold secrets.

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use std::time::Instant;
use tower_http::request_id::{MakeRequestId, RequestId};
use tracing::Instrument;
use uuid::Uuid;

/// The header that carries the request id, in and out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Request ids that sort by time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TimeOrdered;

impl MakeRequestId for TimeOrdered {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = Uuid::now_v7().to_string();
        HeaderValue::from_str(&id).ok().map(RequestId::new)
    }
}

/// Traces and counts a request. Inside the layer that gives it its id.
pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| String::from("(page)"), |path| path.as_str().to_owned());
    let method = request.method().clone();
    let id = request
        .extensions()
        .get::<RequestId>()
        .and_then(|id| id.header_value().to_str().ok())
        .unwrap_or_default();
    let span = tracing::info_span!("request", %method, route, id);
    let began = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let (status, elapsed) = (response.status(), began.elapsed());
    let ms = elapsed.as_secs_f64() * 1000.0;
    span.in_scope(|| {
        if status.is_server_error() {
            tracing::warn!(target: "portico::access", status = status.as_u16(), ms, "answered");
        } else {
            tracing::info!(target: "portico::access", status = status.as_u16(), ms, "answered");
        }
    });
    metrics::histogram!(
        "http_request_duration_seconds",
        "method" => known(method.as_str()),
        "route" => route,
        "status" => class(status.as_u16()),
    )
    .record(elapsed.as_secs_f64());
    response
}

/// A client may invent methods; a label may not grow with them.
fn known(method: &str) -> &'static str {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    METHODS
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
