//! The page that stands for 3-D Secure, for payment and setup intents.

use axum::Form as Posted;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::parts::{self, Form, field, go, page, wrong};
use crate::core::{ApiError, Read, RequestInfo, json, money};
use crate::engine::payment_intents::{self, Outcome};
use crate::engine::setup_intents;
use crate::sandbox::Sandbox;

/// Asks.
pub(super) async fn show(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    let found = sandbox
        .read(|state| {
            state
                .get(&id)
                .filter(|intent| matches!(intent.s("object"), "payment_intent" | "setup_intent"))
                .map(|intent| {
                    let amount = intent
                        .opt_i("amount")
                        .map(|amount| money::show(amount, intent.s("currency")));
                    let last4 = state
                        .get(intent.s("payment_method"))
                        .map(|method| method["card"]["last4"].clone());
                    let done = (intent.s("status") != "requires_action")
                        .then_some("This was answered already");
                    json!({"amount": amount, "last4": last4, "done": done})
                })
        })
        .await;
    match found {
        Ok(Some(context)) => page(&sandbox, StatusCode::OK, "authenticate.html", context),
        _ => wrong(&sandbox, &ApiError::missing("payment_intent", &id, "id")),
    }
}

/// The answer.
pub(super) async fn act(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Posted(form): Posted<Form>,
) -> Response {
    if let Err(error) = parts::own(&headers) {
        return wrong(&sandbox, &error);
    }
    let approve = field(&form, "answer") == "approve";
    let done = sandbox
        .execute(RequestInfo::default(), |cx| {
            let ok = if id.starts_with("seti_") {
                setup_intents::authenticate(cx, &id, approve)?.s("status") == "succeeded"
            } else {
                payment_intents::authenticate(cx, &id, approve)? == Outcome::Paid
            };
            let intent = cx
                .state
                .get(&id)
                .cloned()
                .ok_or_else(|| ApiError::missing("payment_intent", &id, "id"))?;
            let back = intent.opt("_return_url").map(str::to_owned).or_else(|| {
                intent
                    .opt("_invoice")
                    .map(|invoice| format!("{}/pages/invoice/{invoice}", cx.base))
            });
            let kind = if id.starts_with("seti_") {
                "setup_intent"
            } else {
                "payment_intent"
            };
            Ok((
                ok,
                back.map(|url| {
                    parts::with(
                        &url,
                        &[
                            (kind, &id),
                            (&format!("{kind}_client_secret"), intent.s("client_secret")),
                            ("redirect_status", if ok { "succeeded" } else { "failed" }),
                        ],
                    )
                }),
            ))
        })
        .await;
    match done {
        Ok((_, Some(url))) => go(&url),
        Ok((ok, None)) => page(
            &sandbox,
            StatusCode::OK,
            "authenticate.html",
            json!({"done": if ok { "Confirmed" } else { "Not confirmed" }}),
        ),
        Err(error) => wrong(&sandbox, &error),
    }
}
