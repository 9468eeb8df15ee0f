//! The one error, and the only place where an error becomes HTTP: a problem document
//! (RFC 9457) with a stable `code` that clients may match on.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::{borrow::Cow, time::Duration};

/// What a verb answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input cannot be accepted; each fault names its field. 422.
    #[error("invalid input: {0:?}")]
    Invalid(Vec<FieldError>),
    /// The request cannot be read at all (JSON, query, path, media type).
    #[error("unreadable request: {detail}")]
    Unreadable {
        /// 400, 413 or 415.
        status: StatusCode,
        /// A stable code.
        code: &'static str,
        /// What was wrong, for a person.
        detail: String,
    },
    /// Nobody is signed in. 401.
    #[error("not signed in")]
    Unauthenticated,
    /// Known, but refused. 403.
    #[error("refused: {code}")]
    Forbidden {
        /// A stable code.
        code: &'static str,
        /// What is missing, for a person.
        detail: Cow<'static, str>,
    },
    /// There is no such thing, or the caller may not know that there is. 404.
    #[error("not found: {0}")]
    NotFound(&'static str),
    /// The state of things does not allow it now. 409.
    #[error("conflict: {code}")]
    Conflict {
        /// A stable code.
        code: &'static str,
        /// What stands in the way, for a person.
        detail: Cow<'static, str>,
    },
    /// Too many requests. 429.
    #[error("rate limited")]
    TooMany {
        /// When to come back.
        retry_after: Duration,
    },
    /// Something that is needed is away for a while. 503.
    #[error("unavailable: {0}")]
    Unavailable(&'static str),
    /// Our fault. The cause goes to the log, never to the caller. 500.
    #[error("internal: {0:#}")]
    Internal(#[from] anyhow::Error),
}

/// One fault of one field.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Where: a JSON path without the leading `$.`, as in `audience.role`.
    pub field: Cow<'static, str>,
    /// Stable, for machines: `required`, `too_long`, `taken` …
    pub code: &'static str,
    /// For the person at the form.
    pub message: Cow<'static, str>,
}

/// The body of every failure, `application/problem+json` (RFC 9457).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// A URI reference that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable, for machines.
    pub code: String,
    /// What happened this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Faults by field, when the input was at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Error {
    /// One fault of one field.
    pub fn field(
        field: impl Into<Cow<'static, str>>,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Invalid(vec![FieldError {
            field: field.into(),
            code,
            message: message.into(),
        }])
    }

    /// A conflict with the state of things.
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Conflict {
            code,
            detail: detail.into(),
        }
    }

    /// A refusal of somebody known.
    pub fn forbidden(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Forbidden {
            code,
            detail: detail.into(),
        }
    }

    /// The code and the words of a refusal that concerns one of many: what is no fault of
    /// ours, and no reason to stop for the others.
    pub fn refusal(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Internal(_) | Self::Unavailable(_) => None,
            _ => {
                let (_, code, detail) = self.parts();
                Some((code, detail.unwrap_or_default()))
            }
        }
    }

    fn parts(&self) -> (StatusCode, &'static str, Option<String>) {
        match self {
            Self::Invalid(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_input",
                Some("Some fields need another look.".into()),
            ),
            Self::Unreadable {
                status,
                code,
                detail,
            } => (*status, code, Some(detail.clone())),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                Some("Sign in first.".into()),
            ),
            Self::Forbidden { code, detail } => {
                (StatusCode::FORBIDDEN, code, Some(detail.to_string()))
            }
            Self::NotFound(what) => (
                StatusCode::NOT_FOUND,
                "not_found",
                Some(format!("There is no such {what}.")),
            ),
            Self::Conflict { code, detail } => {
                (StatusCode::CONFLICT, code, Some(detail.to_string()))
            }
            Self::TooMany { retry_after } => (
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                Some(format!(
                    "Try again in {} seconds.",
                    retry_after.as_secs().max(1)
                )),
            ),
            Self::Unavailable(what) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                Some((*what).to_owned()),
            ),
            Self::Internal(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                Some("Something failed on our side. Nothing was half done.".into()),
            ),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::PoolTimedOut = error {
            return Self::Unavailable("The database is busy. Try again in a moment.");
        }
        if let Some(db) = error.as_database_error() {
            match db.code().as_deref() {
                // Serialization failure and deadlock: the transaction did nothing.
                Some("40001" | "40P01") => {
                    return Self::conflict(
                        "busy",
                        "Somebody changed this at the same moment. Try again.",
                    );
                }
                // A time that PostgreSQL does not know, as a made-up cursor may name.
                Some("22008") => {
                    return Self::Unreadable {
                        status: StatusCode::BAD_REQUEST,
                        code: "time_out_of_range",
                        detail: "A time lies too far away.".into(),
                    };
                }
                // What no text column can hold (a NUL character).
                Some("22021") => {
                    return Self::Unreadable {
                        status: StatusCode::BAD_REQUEST,
                        code: "unstorable_text",
                        detail: "The text holds a character that cannot be stored.".into(),
                    };
                }
                _ => {}
            }
        }
        Self::Internal(anyhow::Error::new(error).context("database"))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code, detail) = self.parts();
        if let Self::Internal(cause) = &self {
            // Logged here once; the span carries the request id.
            tracing::error!(error = format!("{cause:#}"), "request failed");
        }
        let retry_after = match &self {
            Self::TooMany { retry_after } => Some(retry_after.as_secs().max(1)),
            Self::Unavailable(_) => Some(2),
            _ => None,
        };
        let errors = if let Self::Invalid(errors) = self {
            errors
        } else {
            Vec::new()
        };
        let problem = Problem {
            kind: format!("/problems/{code}"),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail,
            errors,
        };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Collects faults while a body is parsed, so that a form shows them all at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldError>);

impl Faults {
    /// Notes a fault.
    pub fn add(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) {
        self.0.push(FieldError {
            field: field.into(),
            code,
            message: message.into(),
        });
    }

    /// Takes the value out of a parse, or notes its faults.
    pub fn take<T>(&mut self, parsed: Result<T>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(Error::Invalid(faults)) => {
                self.0.extend(faults);
                None
            }
            Err(other) => {
                self.add("", "invalid", other.to_string());
                None
            }
        }
    }

    /// Fails if anything was noted.
    pub fn check(self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.0))
        }
    }
}
