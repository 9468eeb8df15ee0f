//! The billing portal, for one customer behind an address that cannot be guessed.

mod act;
mod view;

use axum::Form as Posted;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::parts::{self, Form, field, go, page, wrong};
use crate::core::{ApiError, Read, RequestInfo, Value, json};
use crate::sandbox::Sandbox;

async fn shown(
    sandbox: &Sandbox,
    token: &str,
    query: &Form,
    form: &Form,
    error: Option<&ApiError>,
) -> Response {
    match sandbox
        .execute(RequestInfo::default(), |cx| view::view(cx, token, query))
        .await
    {
        Ok(mut context) => {
            context.put("typed", parts::typed(form));
            context.put(
                "error",
                error.map_or(Value::Null, |error| json!(error.message())),
            );
            page(
                sandbox,
                if error.is_some() {
                    StatusCode::BAD_REQUEST
                } else {
                    StatusCode::OK
                },
                "portal.html",
                context,
            )
        }
        Err(error) => wrong(sandbox, &error),
    }
}

/// Shows the portal.
pub(super) async fn show(
    State(sandbox): State<Sandbox>,
    Path(token): Path<String>,
    Query(query): Query<Form>,
) -> Response {
    shown(&sandbox, &token, &query, &Form::new(), None).await
}

/// Does what the customer asked for.
pub(super) async fn act(
    State(sandbox): State<Sandbox>,
    Path(token): Path<String>,
    Query(query): Query<Form>,
    headers: HeaderMap,
    Posted(form): Posted<Form>,
) -> Response {
    if let Err(error) = parts::own(&headers) {
        return wrong(&sandbox, &error);
    }
    let again: Form = if field(&form, "view").is_empty() {
        query
    } else {
        Form::from([("view".to_owned(), field(&form, "view").to_owned())])
    };
    if form.contains_key("fill") {
        return shown(&sandbox, &token, &again, &form, None).await;
    }
    match sandbox
        .execute(RequestInfo::default(), |cx| act::perform(cx, &token, &form))
        .await
    {
        Ok(url) => go(&url),
        Err(error) => shown(&sandbox, &token, &again, &form, Some(&error)).await,
    }
}
