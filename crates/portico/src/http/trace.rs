//! One span and one access line a request: method, route, status, latency, request id.
//! Never a path as sent, a query string, a cookie or a header: those can hold secrets.

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method},
    response::Response,
};
use metrics::{Histogram, SharedString};
use std::{
    cell::RefCell,
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tracing::Span;
use uuid::Uuid;

/// The header that carries the request id, in and out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request from its first byte to its answer's.
#[derive(Debug)]
pub(crate) struct Trace {
    span: Span,
    id: HeaderValue,
    method: &'static str,
    route: Option<MatchedPath>,
    began: Instant,
}

impl Trace {
    /// Gives the request its id, unless a trusted proxy did, and opens its span.
    pub(crate) fn begin(request: &mut Request) -> Self {
        let id = if let Some(id) = request.headers().get(REQUEST_ID) {
            id.clone()
        } else {
            let id = fresh_id();
            request.headers_mut().insert(REQUEST_ID, id.clone());
            id
        };
        let route = request.extensions().get::<MatchedPath>().cloned();
        let method = known(request.method());
        let span = tracing::info_span!(
            "request",
            method,
            route = name(route.as_ref()),
            id = id.to_str().unwrap_or_default()
        );
        Self {
            span,
            id,
            method,
            route,
            began: Instant::now(),
        }
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Says the id to the caller, writes the access line and counts. Inside the span.
    pub(crate) fn finish(&self, response: &mut Response) {
        let (status, elapsed) = (response.status(), self.began.elapsed());
        let ms = elapsed.as_secs_f64() * 1000.0;
        if status.is_server_error() {
            tracing::warn!(target: "portico::access", status = status.as_u16(), ms, "answered");
        } else {
            tracing::info!(target: "portico::access", status = status.as_u16(), ms, "answered");
        }
        let class = class(status.as_u16());
        count(self.method, name(self.route.as_ref()), class, elapsed);
        response.headers_mut().insert(REQUEST_ID, self.id.clone());
    }
}

type Counted = HashMap<(&'static str, &'static str), Histogram>;

thread_local! {
    /// What was counted on this thread before, by route: to look a figure up by its labels
    /// costs more than to count.
    static COUNTED: RefCell<HashMap<Box<str>, Counted>> = RefCell::default();
}

/// Routes, methods and classes are few, whatever is asked for.
fn count(method: &'static str, route: &str, class: &'static str, took: Duration) {
    COUNTED.with_borrow_mut(|routes| {
        if !routes.contains_key(route) {
            routes.insert(route.into(), Counted::default());
        }
        let Some(counted) = routes.get_mut(route) else {
            return;
        };
        let figure = counted.entry((method, class)).or_insert_with(|| {
            metrics::histogram!(
                "http_request_duration_seconds",
                "method" => method,
                "route" => SharedString::from(Arc::<str>::from(route)),
                "status" => class,
            )
        });
        figure.record(took.as_secs_f64());
    });
}

/// A request id that sorts by time.
fn fresh_id() -> HeaderValue {
    let mut text = Uuid::encode_buffer();
    let id = Uuid::now_v7().hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("none"))
}

fn name(route: Option<&MatchedPath>) -> &str {
    route.map_or("(page)", MatchedPath::as_str)
}

/// A client may invent methods; neither a label nor a line may grow with them.
fn known(method: &Method) -> &'static str {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    METHODS
        .into_iter()
        .find(|known| *known == method.as_str())
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
