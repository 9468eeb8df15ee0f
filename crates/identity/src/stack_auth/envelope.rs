//! What every answer of this face carries: CORS for any origin (no cookie ever reaches these routes, so
//! there is nothing that another site could use), request ids, no storing, and the actual
//! status beside a 200 where the SDK asked for that.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE, OPTIONS";

/// The headers of both families that a request may carry, without their prefix.
const SUFFIXES: [&str; 16] = [
    "project-id",
    "branch-id",
    "access-type",
    "publishable-client-key",
    "secret-server-key",
    "super-secret-admin-key",
    "admin-access-token",
    "access-token",
    "refresh-token",
    "allow-anonymous-user",
    "allow-restricted-user",
    "override-error-status",
    "random-nonce",
    "client-version",
    "disable-artificial-development-delay",
    "development-disable-extended-logging",
];
const PLAIN: [&str; 6] = [
    "content-type",
    "authorization",
    "baggage",
    "sentry-trace",
    "ngrok-skip-browser-warning",
    "x-stack-auth",
];
const EXPOSED: &str = "content-type, x-stack-actual-status, x-hexclave-actual-status, \
    x-stack-known-error, x-hexclave-known-error, x-stack-request-id, x-hexclave-request-id";
const ACTUAL_STATUS: [HeaderName; 2] = [
    HeaderName::from_static("x-stack-actual-status"),
    HeaderName::from_static("x-hexclave-actual-status"),
];
const REQUEST_ID: [HeaderName; 2] = [
    HeaderName::from_static("x-stack-request-id"),
    HeaderName::from_static("x-hexclave-request-id"),
];

/// A header of either family; the newer name wins.
pub(super) fn either<'a>(headers: &'a HeaderMap, suffix: &str) -> Option<&'a str> {
    ["x-hexclave-", "x-stack-"]
        .iter()
        .find_map(|prefix| headers.get(format!("{prefix}{suffix}")))
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
        .filter(|value| !value.is_empty())
}

fn allowed_headers() -> String {
    let both = SUFFIXES
        .iter()
        .flat_map(|suffix| [format!("x-stack-{suffix}"), format!("x-hexclave-{suffix}")]);
    both.chain(PLAIN.iter().map(|name| (*name).to_owned()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Answers OPTIONS, and puts the envelope around what the routes answer.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let overrides = either(request.headers(), "override-error-status") == Some("true");
    let id = request
        .headers()
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::OK.into_response()
    } else {
        next.run(request).await
    };
    let status = response.status();
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    set(header::ACCESS_CONTROL_ALLOW_HEADERS, &allowed_headers());
    set(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    set(header::ACCESS_CONTROL_MAX_AGE, "86400");
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "cross-origin",
    );
    for name in REQUEST_ID {
        set(name, &id);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store, max-age=0"));
    if status.is_client_error() && overrides {
        for name in ACTUAL_STATUS {
            headers.insert(name, HeaderValue::from(status.as_u16()));
        }
        *response.status_mut() = StatusCode::OK;
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_family_wins_and_either_is_enough() {
        let mut headers = HeaderMap::new();
        headers.insert("x-stack-project-id", HeaderValue::from_static("old"));
        assert_eq!(either(&headers, "project-id"), Some("old"));
        headers.insert("x-hexclave-project-id", HeaderValue::from_static("new"));
        assert_eq!(either(&headers, "project-id"), Some("new"));
        assert_eq!(either(&headers, "access-type"), None);
    }
}
