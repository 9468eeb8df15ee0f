//! Extractors whose rejections are problem documents: a body, a query or a path that
//! cannot be read gets a 4xx with a stable code, never a bare text.

use crate::error::{Error, FieldError};
use axum::{
    body::{Body, Bytes},
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection},
    },
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

/// A JSON body, or a JSON answer.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let kind = request.headers().get(header::CONTENT_TYPE).cloned();
        let bytes = match Bytes::from_request(request, state).await {
            Ok(bytes) => bytes,
            Err(rejection) => return Err(unreadable_body(&rejection)),
        };
        // serde would take a list for an object, by position: nobody who writes one means it.
        let listed = bytes.trim_ascii_start().first() == Some(&b'[');
        let mut again = Request::new(Body::from(bytes));
        if let Some(kind) = kind {
            again.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        match axum::Json::from_request(again, state).await {
            Ok(axum::Json(_)) if listed => Err(Error::Invalid(vec![FieldError {
                field: "".into(),
                code: "invalid",
                message: "expected an object, not a list".into(),
            }])),
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(unreadable_json(&rejection)),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

fn unreadable_body(rejection: &BytesRejection) -> Error {
    let status = rejection.status();
    Error::Unreadable {
        status,
        code: match status {
            StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
            _ => "unreadable_body",
        },
        detail: rejection.body_text(),
    }
}

fn unreadable_json(rejection: &JsonRejection) -> Error {
    let status = rejection.status();
    let code = match rejection {
        JsonRejection::JsonDataError(_) => {
            return Error::Invalid(vec![FieldError {
                field: field_of(&rejection.body_text()).into(),
                code: "invalid",
                message: reason_of(&rejection.body_text()).into(),
            }]);
        }
        JsonRejection::JsonSyntaxError(_) => "malformed_json",
        JsonRejection::MissingJsonContentType(_) => "json_expected",
        _ if status == StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        _ => "unreadable_body",
    };
    Error::Unreadable {
        status,
        code,
        detail: reason_of(&rejection.body_text()),
    }
}

/// axum says "Failed to deserialize the JSON body into the target type: a.b: missing
/// field `c` at line 1 column 2": the path in it is the field at fault.
fn field_of(text: &str) -> String {
    let reason = reason_of(text);
    if let Some(rest) = reason.split("field `").nth(1) {
        return rest.split('`').next().unwrap_or_default().to_owned();
    }
    match reason.split_once(": ") {
        Some((path, _)) if !path.contains(' ') => path.to_owned(),
        _ => String::new(),
    }
}

fn reason_of(text: &str) -> String {
    let reason = text.split_once("type: ").map_or(text, |(_, reason)| reason);
    reason
        .split(" at line ")
        .next()
        .unwrap_or(reason)
        .to_owned()
}

/// The query string.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(unreadable_query(&rejection)),
        }
    }
}

fn unreadable_query(rejection: &QueryRejection) -> Error {
    Error::Unreadable {
        status: StatusCode::BAD_REQUEST,
        code: "unreadable_query",
        detail: rejection.body_text(),
    }
}

/// The path's parameters. A path that cannot name anything names nothing: 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::MissingPathParams(error)) => {
                Err(Error::Internal(anyhow::Error::new(error)))
            }
            Err(_) => Err(Error::NotFound("thing")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::field_of;

    #[test]
    fn the_field_at_fault_is_named() {
        let said = "Failed to deserialize the JSON body into the target type: ";
        for (reason, field) in [
            ("missing field `email` at line 1 column 2", "email"),
            (
                "unknown field `role`, expected `name` at line 1 column 9",
                "role",
            ),
            (
                "audience.users[0]: UUID parsing failed at line 1 column 9",
                "audience.users[0]",
            ),
            ("invalid type: integer at line 1", ""),
        ] {
            assert_eq!(field_of(&format!("{said}{reason}")), field);
        }
    }
}
