//! What a handler of this face fails with, and how that is written: known errors with both header
//! families, everything else as plain text. Never a problem document.

use super::known::Known;
use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use kernel::Error;
use serde_json::Value;
use std::borrow::Cow;

/// The header pair that names a known error.
pub(super) const KNOWN_ERROR: [HeaderName; 2] = [
    HeaderName::from_static("x-stack-known-error"),
    HeaderName::from_static("x-hexclave-known-error"),
];

/// Why a request of this face was not carried out.
#[derive(Debug)]
pub(crate) enum Fault {
    /// One of the closed list.
    Known(Box<Known>),
    /// A status and a text, which the SDK shows as they are.
    Plain(StatusCode, Cow<'static, str>),
    /// What the product's own verbs say, where no known error says it better.
    Ours(Error),
}

/// What a handler answers.
pub(crate) type Answer = Result<(StatusCode, Json<Value>), Fault>;
/// What a verb answers.
pub(crate) type Result<T, E = Fault> = std::result::Result<T, E>;

/// 200 with a body.
pub(crate) fn ok(body: Value) -> Answer {
    Ok((StatusCode::OK, Json(body)))
}

/// 201 with a body.
pub(crate) fn created(body: Value) -> Answer {
    Ok((StatusCode::CREATED, Json(body)))
}

/// What most actions answer.
pub(crate) fn success() -> Answer {
    ok(serde_json::json!({ "success": true }))
}

/// A list that comes whole.
pub(crate) fn list(items: Vec<Value>) -> Answer {
    ok(serde_json::json!({ "items": items, "is_paginated": false }))
}

impl Fault {
    /// A plain refusal.
    pub(crate) fn forbidden(text: &'static str) -> Self {
        Self::Plain(StatusCode::FORBIDDEN, text.into())
    }

    /// There is nothing under that id.
    pub(crate) fn missing(text: &'static str) -> Self {
        Self::Plain(StatusCode::NOT_FOUND, text.into())
    }

    /// A lock-out or a limit, for whoever stands at the form. A 429 would make the SDK wait in silence
    /// and ask again by itself, so this is a known error whose text is ours.
    fn limited(retry_after: std::time::Duration) -> Known {
        let seconds = retry_after.as_secs().max(1);
        let wait = if seconds < 90 {
            format!("{seconds} seconds")
        } else {
            format!("{} minutes", seconds.div_ceil(60))
        };
        Known::SessionAuthentication(format!("Too many attempts. Please try again in {wait}."))
    }

    /// The body of a known error; of any other, one that says as much as a stranger may hear.
    pub(crate) fn told(self) -> Value {
        match self.known() {
            Ok(known) => known.body(),
            Err(Self::Plain(_, text)) => Known::SessionAuthentication(text.into_owned()).body(),
            Err(other) => {
                let text = match &other {
                    Self::Ours(error) => words(error),
                    _ => Cow::Borrowed(OURS),
                };
                tracing::warn!(error = ?other, "a browser was led on with an error");
                Known::SessionAuthentication(text.into_owned()).body()
            }
        }
    }

    fn known(self) -> Result<Known, Self> {
        match self {
            Self::Known(known) => Ok(*known),
            Self::Ours(Error::TooMany { retry_after }) => Ok(Self::limited(retry_after)),
            Self::Ours(Error::Unauthenticated) => Ok(Known::UserAuthenticationRequired),
            Self::Ours(Error::Invalid(faults)) => {
                let lines: Vec<_> = faults
                    .iter()
                    .map(|fault| format!("  - body.{}: {}", fault.field, fault.message))
                    .collect();
                Ok(Known::Schema(lines.join("\n")))
            }
            other => Err(other),
        }
    }
}

impl From<Known> for Fault {
    fn from(known: Known) -> Self {
        Self::Known(Box::new(known))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Ours(error.into())
    }
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::Ours(error.into())
    }
}

impl IntoResponse for Known {
    fn into_response(self) -> Response {
        let (status, code, ..) = self.parts();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = (status, Json(self.body())).into_response();
        for name in KNOWN_ERROR {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(code));
        }
        response
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        match self.known() {
            Ok(known) => known.into_response(),
            Err(Self::Plain(status, text)) => (status, text.into_owned()).into_response(),
            Err(Self::Ours(error)) => ours(error),
            Err(Self::Known(known)) => known.into_response(),
        }
    }
}

/// The product's own error as text: the status and what it says, or nothing of what is our fault.
fn ours(error: Error) -> Response {
    let text = words(&error).into_owned();
    // The kernel logs what is our fault and knows the status of each error.
    let mut response = error.into_response();
    *response.body_mut() = text.into();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

const OURS: &str = "Something failed on our side. Nothing was half done.";

/// What the product's own error says to a person.
fn words(error: &Error) -> Cow<'static, str> {
    match error {
        Error::Forbidden { detail, .. } | Error::Conflict { detail, .. } => detail.clone(),
        Error::NotFound(what) => format!("There is no such {what}.").into(),
        Error::Unreadable { detail, .. } => detail.clone().into(),
        Error::Unavailable(what) => Cow::Borrowed(*what),
        _ => Cow::Borrowed(OURS),
    }
}
