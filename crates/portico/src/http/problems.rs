//! Makes every failure of the API a problem document, also those that never reach a
//! handler: unreadable JSON, a wrong method, a body too large, a request too slow, a
//! panic. Leaves alone what a handler said in a form of its own (another wire protocol's
//! errors), and everything that succeeded.

use axum::{
    body::Body,
    http::{HeaderValue, Response as HttpResponse, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, Limited};
use kernel::Error;
use std::any::Any;

/// The longest rejection text that is told.
const LONGEST: usize = 4 * 1024;

/// Whether a failure has to be turned into a problem document.
pub(crate) fn is_shapeless(response: &Response) -> bool {
    let status = response.status();
    (status.is_client_error() || status.is_server_error()) && is_plain(response)
}

/// Turns a plain failure into a problem document.
pub(crate) async fn shape(response: Response) -> Response {
    let status = response.status();
    let (mut parts, body) = response.into_parts();
    let text = match Limited::new(body, LONGEST).collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).trim().to_owned(),
        Err(_) => String::new(),
    };
    let mut problem = error(status, text).into_response();
    // Allow, Retry-After and cookies stay; what described the old body goes.
    for name in [
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
    ] {
        parts.headers.remove(name);
    }
    for (name, value) in parts
        .headers
        .drain()
        .filter_map(|(name, value)| Some((name?, value)))
    {
        problem.headers_mut().append(name, value);
    }
    problem
}

/// The answer to a panic: 500. The cause goes to the log, the id is in `x-request-id`.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Response {
    Error::Internal(anyhow::anyhow!("panic: {}", message(panic))).into_response()
}

/// The answer to a path of the API that does not exist.
pub(crate) async fn no_such_route() -> Error {
    unreadable(
        StatusCode::NOT_FOUND,
        "no_such_route",
        "There is nothing at this address.",
    )
}

/// The answer to a request that another site's page made a browser send.
pub(crate) fn cross_site() -> HttpResponse<Body> {
    Error::forbidden(
        "cross_site_request",
        "This request came from a page of another site.",
    )
    .into_response()
}

fn is_plain(response: &Response) -> bool {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind: &HeaderValue| {
            kind.to_str()
                .is_ok_and(|kind| kind.starts_with("text/plain"))
        })
}

fn unreadable(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Error {
    Error::Unreadable {
        status,
        code,
        detail: detail.into(),
    }
}

fn error(status: StatusCode, text: String) -> Error {
    let (code, plain) = match status {
        StatusCode::BAD_REQUEST => ("malformed_request", "The request cannot be read."),
        StatusCode::UNAUTHORIZED => return Error::Unauthenticated,
        StatusCode::NOT_FOUND => ("no_such_route", "There is nothing at this address."),
        StatusCode::METHOD_NOT_ALLOWED => (
            "method_not_allowed",
            "This address does not take that method.",
        ),
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => {
            ("timeout", "This took too long and was given up.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            ("body_too_large", "The body is larger than allowed here.")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ("unsupported_media_type", "The body has the wrong type.")
        }
        StatusCode::UNPROCESSABLE_ENTITY => {
            ("invalid_input", "The body does not have the expected form.")
        }
        StatusCode::TOO_MANY_REQUESTS => ("rate_limited", "Too many requests."),
        other if other.is_server_error() => {
            // A text that was not written for a caller may tell more than it should.
            return if other == StatusCode::INTERNAL_SERVER_ERROR {
                Error::Internal(anyhow::anyhow!("{text}"))
            } else {
                unreadable(other, "unavailable", "This cannot be done at the moment.")
            };
        }
        _ => ("refused", "The request was refused."),
    };
    let detail = if text.is_empty() || status.is_server_error() {
        plain.to_owned()
    } else {
        text
    };
    unreadable(status, code, detail)
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
