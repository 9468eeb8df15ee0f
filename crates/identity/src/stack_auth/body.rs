//! Bodies and queries. A body may be absent and may come without a type, as the SDK sends them; what cannot
//! be read is said in the SDK's words.

use super::{fault::Fault, known::Known};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::request::Parts,
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// A JSON body; nothing at all is an empty object.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let place = format!("{} {}", request.method(), request.uri().path());
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|refused| Known::BodyParsing(refused.body_text()))?;
        let text: &[u8] = if bytes.iter().all(u8::is_ascii_whitespace) {
            b"{}"
        } else {
            &bytes
        };
        match serde_json::from_slice(text) {
            Ok(value) => Ok(Self(value)),
            Err(error) if error.is_data() => Err(schema(&place, "body", &error.to_string())),
            Err(_) => Err(Known::BodyParsing("Invalid JSON in request body".to_owned()).into()),
        }
    }
}

/// A query string.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(refused) => {
                let place = format!("{} {}", parts.method, parts.uri.path());
                Err(schema(&place, "query", &refused.body_text()))
            }
        }
    }
}

/// A path's parameters; what cannot name anything is a fault of the caller.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(refused) => {
                let place = format!("{} {}", parts.method, parts.uri.path());
                Err(schema(&place, "params", &refused.body_text()))
            }
        }
    }
}

/// One line for each fault, as the SDK's users know it.
fn schema(place: &str, part: &str, reason: &str) -> Fault {
    let reason = reason.split(" at line ").next().unwrap_or(reason);
    let missing = reason
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'));
    let line = match missing {
        Some(field) => format!("{part}.{field} must be defined"),
        None => format!("{part}: {reason}"),
    };
    faulty(place, &line)
}

/// A refusal of one field.
pub(super) fn faulty(place: &str, line: &str) -> Fault {
    Known::Schema(format!("Request validation failed on {place}:\n  - {line}")).into()
}

/// Tells a field that was left out from one that is null: `None`, or `Some(None)`.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
