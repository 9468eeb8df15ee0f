//! One call: key, version, form, schema, idempotency, command, answer.

use axum::body::{Body, Bytes};
use axum::extract::State as Extract;
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::response::Response;

use super::faults::{self, Fault};
use super::form::Tree;
use super::{auth, idempotency, record};
use crate::core::cx::API_VERSION;
use crate::core::{ApiError, Cx, Read, RequestInfo, Result, Value, json, render, schema};
use crate::engine::{Args, Verb, routes};
use crate::sandbox::Sandbox;

/// A call on its way.
struct Call {
    pattern: &'static str,
    verb: Verb,
    args: Args,
    expand: Vec<String>,
    fingerprint: String,
    key: Option<String>,
    request: RequestInfo,
}

/// What a call gets.
struct Answer {
    status: u16,
    body: String,
    replayed: Option<String>,
}

/// Any call under `/v1/`.
pub(super) async fn handle(
    Extract(sandbox): Extract<Sandbox>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request_id = format!("req_{}", &uuid::Uuid::new_v4().simple().to_string()[..14]);
    let mut fault = faults::asked(&headers);
    if fault.is_none() {
        fault = planned(&sandbox).await;
    }
    let answer = match fault {
        Some(Fault::RateLimit) => failed(&ApiError::rate_limited(), &request_id),
        Some(Fault::Error) => failed(&ApiError::internal("An error was asked for."), &request_id),
        _ => match answer(&sandbox, &method, &uri, &headers, &body, &request_id, fault).await {
            Ok(answer) => answer,
            Err(error) => failed(&error, &request_id),
        },
    };
    match fault {
        Some(Fault::LostAnswer) => return broken(),
        Some(Fault::Slow) => tokio::time::sleep(std::time::Duration::from_secs(2)).await,
        _ => {}
    }
    respond(answer, &request_id, &headers)
}

/// The fault the control page planned for the next call.
async fn planned(sandbox: &Sandbox) -> Option<Fault> {
    let name = sandbox
        .read(|state| {
            state
                .get("_settings")
                .and_then(|settings| settings.opt("fault").map(str::to_owned))
        })
        .await
        .ok()??;
    let _ = sandbox
        .execute(RequestInfo::default(), |cx| {
            let mut settings = cx.settings();
            settings.put("fault", Value::Null);
            cx.put(settings);
            Ok(())
        })
        .await;
    faults::named(&name)
}

async fn answer(
    sandbox: &Sandbox,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
    request_id: &str,
    fault: Option<Fault>,
) -> Result<Answer> {
    auth::check(headers, sandbox.config().secret_key.as_deref())?;
    if let Some(version) = headers
        .get("stripe-version")
        .and_then(|value| value.to_str().ok())
        && version != API_VERSION
    {
        return Err(ApiError::invalid(format!(
            "Invalid Stripe API version: {version}. The sandbox speaks {API_VERSION} only."
        )));
    }
    let mut form = Tree::new();
    form.read(uri.query().unwrap_or_default().as_bytes())?;
    let json_body = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if json_body && !body.is_empty() {
        return Err(ApiError::invalid(
            "Request bodies of /v1 are forms, not JSON.",
        ));
    }
    form.read(body)?;
    let path = uri.path();
    let (pattern, verb, ids) = routes::find(method.as_str(), path)
        .ok_or_else(|| ApiError::no_route(method.as_str(), path))?;
    let operation = format!("{method} {pattern}");
    let checked = schema::check(&operation, &form);
    let typed = checked.clone().unwrap_or_default();
    let result = match checked {
        Ok(p) => {
            let expand = p
                .list("expand")
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            let mut fingerprint = format!("{method} {path} ");
            form.canonical(&mut fingerprint);
            let key = headers
                .get("idempotency-key")
                .filter(|_| *method == Method::POST)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned);
            let request = RequestInfo {
                id: Some(request_id.to_owned()),
                key: key.clone(),
            };
            run(
                sandbox,
                Call {
                    pattern,
                    verb,
                    args: Args { ids, p },
                    expand,
                    fingerprint: digest(&fingerprint),
                    key,
                    request,
                },
                fault,
            )
            .await
        }
        Err(error) => Err(error),
    };
    let answer = result.unwrap_or_else(|error| failed(&error, request_id));
    if let Some(file) = &sandbox.config().record {
        record::call(
            file,
            &operation,
            path,
            &form,
            &typed,
            answer.status,
            &answer.body,
        );
    }
    Ok(answer)
}

/// A fingerprint, so that no card number waits in the idempotency store.
fn digest(text: &str) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref())
}

async fn run(sandbox: &Sandbox, call: Call, fault: Option<Fault>) -> Result<Answer> {
    let claim = match &call.key {
        Some(key) => {
            idempotency::check(key)?;
            Some(sandbox.claim_key(key).ok_or_else(|| ApiError::idempotency(409, &format!("There is currently another in-progress request using this idempotent key (that probably means you submitted twice, and the other request is still going through): {key}.")))?)
        }
        None => None,
    };
    let request = call.request.clone();
    let outcome = sandbox
        .execute(request, |cx| {
            if let Some(key) = &call.key
                && let Some(kept) = idempotency::find(cx, key, &call.fingerprint)?
            {
                return Ok(Answer {
                    status: kept.status,
                    body: kept.body,
                    replayed: Some(kept.original),
                });
            }
            let body = perform(cx, &call)?;
            mark_deliveries(cx, fault);
            if let Some(key) = &call.key {
                idempotency::keep(cx, key, &call.fingerprint, 200, &body);
            }
            Ok(Answer {
                status: 200,
                body,
                replayed: None,
            })
        })
        .await;
    let outcome = match outcome {
        Err(error) if call.key.is_some() && idempotency::keeps(error.status) => {
            let answer = failed(&error, call.request.id.as_deref().unwrap_or_default());
            let body = answer.body.clone();
            sandbox
                .execute(call.request.clone(), |cx| {
                    if let Some(key) = &call.key {
                        idempotency::keep(cx, key, &call.fingerprint, error.status, &body);
                    }
                    Ok(())
                })
                .await?;
            Ok(answer)
        }
        other => other,
    };
    drop(claim);
    outcome
}

fn perform(cx: &mut Cx<'_>, call: &Call) -> Result<String> {
    debug_assert!(
        call.pattern.starts_with("/v1/"),
        "only the API's paths come here"
    );
    let value = (call.verb)(cx, &call.args)?;
    let mut shown = if value.s("object") == "list" {
        let mut list = value.clone();
        for row in crate::core::json::list_mut(&mut list, "data") {
            *row = render::present(cx.state, row);
        }
        list
    } else {
        let mut shown = render::present(cx.state, &value);
        // Shown once, at creation only.
        if value.has("secret") {
            shown.put("secret", value["secret"].clone());
        }
        shown
    };
    render::expand_all(cx.state, &mut shown, &call.expand)?;
    Ok(shown.to_string())
}

/// Drops, doubles or turns round the web hooks of this command.
fn mark_deliveries(cx: &mut Cx<'_>, fault: Option<Fault>) {
    let Some(Fault::DropWebhooks | Fault::DuplicateWebhooks | Fault::ReorderWebhooks) = fault
    else {
        return;
    };
    for (wait, event) in (0..).zip(cx.state.fresh_events().into_iter().rev()) {
        let own: Vec<Value> = cx.state.owned(&event.id, "_delivery").cloned().collect();
        for mut delivery in own {
            match fault {
                Some(Fault::DropWebhooks) => delivery.put("status", "dropped"),
                Some(Fault::ReorderWebhooks) => delivery.put("next_at", cx.global + wait),
                _ => delivery.put("twice", true),
            }
            cx.put(delivery);
        }
    }
}

fn failed(error: &ApiError, request_id: &str) -> Answer {
    let mut body = error.body.clone();
    body.put(
        "request_log_url",
        format!("https://dashboard.stripe.com/test/logs/{request_id}"),
    );
    if let Some(code) = error.body.opt("code") {
        body.put(
            "doc_url",
            format!(
                "https://docs.stripe.com/error-codes#{}",
                code.replace('_', "-")
            ),
        );
    }
    Answer {
        status: error.status,
        body: json!({"error": body}).to_string(),
        replayed: None,
    }
}

fn respond(answer: Answer, request_id: &str, headers: &HeaderMap) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = axum::http::StatusCode::from_u16(answer.status)
        .unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
    let out = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            out.insert(name, value);
        }
    };
    set("content-type", "application/json");
    set("request-id", request_id);
    set("stripe-version", API_VERSION);
    set("cache-control", "no-cache, no-store");
    if let Some(key) = headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok())
    {
        set("idempotency-key", key);
        set(
            "original-request",
            answer.replayed.as_deref().unwrap_or(request_id),
        );
    }
    if answer.replayed.is_some() {
        set("idempotent-replayed", "true");
    }
    match answer.status {
        409 | 429 | 500..=599 => set("stripe-should-retry", "true"),
        400..=499 => set("stripe-should-retry", "false"),
        _ => {}
    }
    response
}

/// An answer that breaks off: the command was done, and the caller cannot know.
fn broken() -> Response {
    let stream = futures_util::stream::once(async {
        Err::<Bytes, std::io::Error>(std::io::Error::other("the answer was dropped by a fault"))
    });
    let mut response = Response::new(Body::from_stream(stream));
    response
        .headers_mut()
        .insert("content-length", HeaderValue::from_static("1000"));
    response
}
