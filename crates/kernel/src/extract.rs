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
use serde_json::Value;

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
        if let Some(field) = unstorable(&bytes) {
            return Err(Error::Invalid(vec![cannot_be_stored(field)]));
        }
        let mut again = Request::new(Body::from(bytes));
        if let Some(kind) = kind {
            again.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        match axum::Json::from_request(again, state).await {
            Ok(_) | Err(JsonRejection::JsonDataError(_)) if listed => {
                Err(Error::Invalid(vec![FieldError {
                    field: "".into(),
                    code: "invalid",
                    message: "expected an object, not a list".into(),
                }]))
            }
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
                message: message_of(&rejection.body_text()).into(),
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

/// The reason without the field, which stands beside it.
fn message_of(text: &str) -> String {
    let reason = reason_of(text);
    match reason.split_once(": ") {
        Some((path, message)) if !path.contains(' ') => message.to_owned(),
        _ => reason,
    }
}

/// Where a body holds a NUL character, which PostgreSQL keeps in no text.
fn unstorable(bytes: &[u8]) -> Option<String> {
    // Nearly never: only then is the body read once more.
    bytes.windows(6).find(|six| six == br"\u0000")?;
    let body: Value = serde_json::from_slice(bytes).ok()?;
    place(&body, "")
}

fn place(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(|| path.to_owned()),
        Value::Array(all) => all
            .iter()
            .enumerate()
            .find_map(|(n, one)| place(one, &format!("{path}[{n}]"))),
        Value::Object(all) => all.iter().find_map(|(name, one)| {
            let dot = if path.is_empty() { "" } else { "." };
            place(one, &format!("{path}{dot}{name}"))
        }),
        _ => None,
    }
}

fn cannot_be_stored(field: String) -> FieldError {
    FieldError {
        field: field.into(),
        code: "invalid",
        message: "The text holds a character that cannot be stored.".into(),
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
        let pairs = parts.uri.query().unwrap_or_default().split('&');
        if let Some((field, _)) = pairs
            .filter_map(|pair| pair.split_once('='))
            .find(|(_, value)| value.contains("%00"))
        {
            return Err(Error::Invalid(vec![cannot_be_stored(field.to_owned())]));
        }
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(unreadable_query(&rejection)),
        }
    }
}

fn unreadable_query(rejection: &QueryRejection) -> Error {
    // "Failed to deserialize query string: limit: invalid digit found in string"
    let text = rejection.body_text();
    let reason = text.split_once("string: ").map_or("", |(_, reason)| reason);
    let field = field_of(reason);
    if !field.is_empty() {
        return Error::Invalid(vec![FieldError {
            field: field.into(),
            code: "invalid",
            message: message_of(reason).into(),
        }]);
    }
    Error::Unreadable {
        status: StatusCode::BAD_REQUEST,
        code: "unreadable_query",
        detail: text,
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
    use super::{field_of, message_of, unstorable};

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

    #[test]
    fn what_cannot_be_stored_is_found_wherever_it_stands() {
        let at = |body: &str| unstorable(body.as_bytes());
        assert_eq!(at(r#"{"a": {"b": ["x", "y\u0000"]}}"#).unwrap(), "a.b[1]");
        assert_eq!(at(r#"{"a": "a backslash, \\u0000"}"#), None);
        assert_eq!(at(r#"{"a": "\u0000"#), None);
    }

    #[test]
    fn a_message_does_not_say_the_field_again() {
        assert_eq!(message_of("limit: invalid digit"), "invalid digit");
        assert_eq!(message_of("missing field `email`"), "missing field `email`");
    }
}
