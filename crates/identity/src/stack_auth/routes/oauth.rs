//! OAuth: out to a provider, back from it, and the token endpoint, as OAuth's own libraries and browsers call
//! them: queries and forms, no headers of the protocol's.

use super::{Routes, act, read as read_from};
use crate::{
    cookies,
    stack_auth::{
        StackAuth,
        actions::{
            entry::Tokens,
            oauth::{Back, Wish, cookie_name},
        },
        body::{Path, Query},
        call::Device,
        fault::{Answer, Fault, Result, ok},
        known::Known,
    },
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use kernel::{client::ClientAddr, principal::Public};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use url::Url;

pub(super) fn router() -> Routes {
    Router::new()
        .route("/auth/oauth/authorize/{provider}", read_from(authorize))
        .route(
            "/auth/oauth/callback/{provider}",
            read_from(come_back).post(post_back),
        )
        .route("/auth/oauth/token", act(token))
}

/// How the page wants to hear where to go.
#[derive(Deserialize)]
struct Mode {
    hexclave_response_mode: Option<String>,
    stack_response_mode: Option<String>,
}

async fn authorize(
    State(stack): State<StackAuth>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Path(provider): Path<String>,
    Query(mode): Query<Mode>,
    Query(wish): Query<Wish>,
) -> Result<Response> {
    let json = [mode.hexclave_response_mode, mode.stack_response_mode]
        .iter()
        .any(|mode| mode.as_deref() == Some("json"));
    let device = Device::of(&headers, from);
    let error_page = wish.error_redirect_url.clone();
    let leaving = match stack.depart(&provider, wish, !json, &device).await {
        Ok(leaving) => leaving,
        Err(error) if json => return Err(error),
        // Somebody looks at this in a browser: the app's own page tells it best.
        Err(error) => {
            let page = error_page.and_then(|page| stack.trusted(&page).ok());
            return Ok(lead_on(page, Some(error)));
        }
    };
    let mut headers = HeaderMap::new();
    if let Some((name, held)) = &leaving.cookie {
        stack.0.set_departure(&mut headers, name, held);
    }
    if json {
        let body = json!({ "location": leaving.location });
        return Ok((headers, Json(body)).into_response());
    }
    Ok((headers, Redirect::temporary(leaving.location.as_str())).into_response())
}

async fn come_back(
    State(stack): State<StackAuth>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Path(provider): Path<String>,
    Query(back): Query<Back>,
) -> Response {
    land(&stack, &provider, back, &headers, from).await
}

async fn post_back(
    State(stack): State<StackAuth>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Path(provider): Path<String>,
    body: axum::body::Bytes,
) -> Result<Response> {
    let back: Back = read_form(&headers, &body)?;
    Ok(land(&stack, &provider, back, &headers, from).await)
}

async fn land(
    stack: &StackAuth,
    provider: &str,
    back: Back,
    headers: &HeaderMap,
    from: ClientAddr,
) -> Response {
    let name = cookie_name(back.state.as_deref().unwrap_or_default());
    let held = cookies::read(headers, &name);
    let device = Device::of(headers, from);
    let onward = stack.take_back(provider, back, held, &device).await;
    let mut response = lead_on(onward.to, onward.error);
    if held.is_some() {
        stack.0.set_departure(response.headers_mut(), &name, "");
    }
    response
}

/// Leads a browser on; with an error, in the form that the SDK's pages read. Codes in addresses are for the page
/// alone: nothing that it loads may hear of them.
fn lead_on(to: Option<Url>, error: Option<Fault>) -> Response {
    let Some(mut to) = to else {
        return error.map_or_else(
            || StatusCode::NOT_FOUND.into_response(),
            Fault::into_response,
        );
    };
    if let Some(error) = error {
        let body = error.told();
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        to.query_pairs_mut()
            .append_pair("error", "server_error")
            .append_pair("error_description", &text("error"))
            .append_pair("errorCode", &text("code"))
            .append_pair("message", &text("error"))
            .append_pair(
                "details",
                &body.get("details").unwrap_or(&json!({})).to_string(),
            );
    }
    let headers = [(header::REFERRER_POLICY, "no-referrer")];
    (headers, Redirect::to(to.as_str())).into_response()
}

#[derive(Deserialize)]
struct TokenForm {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    refresh_token: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
}

async fn token(
    State(stack): State<StackAuth>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Answer {
    let form: TokenForm = read_form(&headers, &body)?;
    stack
        .client(form.client_id.as_deref(), form.client_secret.as_deref())
        .await?;
    let device = Device::of(&headers, from);
    match form.grant_type.as_deref() {
        Some("refresh_token") => {
            let token = form.refresh_token.unwrap_or_default();
            let (access, _) = stack.refresh(&token, &device).await?;
            ok(json!({
                "access_token": access,
                "refresh_token": token,
                "token_type": "Bearer",
                "expires_in": stack.access_seconds(),
                "scope": "legacy",
            }))
        }
        Some("authorization_code") => {
            let (tokens, after) = stack
                .trade_code(
                    form.code.as_deref().unwrap_or_default(),
                    form.redirect_uri.as_deref().unwrap_or_default(),
                    form.code_verifier.as_deref().unwrap_or_default(),
                    &device,
                )
                .await?;
            ok(grant(&stack, &tokens, after))
        }
        _ => Err(Fault::Plain(
            StatusCode::BAD_REQUEST,
            "Unsupported grant type".into(),
        )),
    }
}

fn grant(stack: &StackAuth, tokens: &Tokens, after: Option<String>) -> serde_json::Value {
    json!({
        "access_token": tokens.access,
        "refresh_token": tokens.refresh.as_str(),
        "token_type": "Bearer",
        "expires_in": stack.access_seconds(),
        "scope": "legacy",
        "is_new_user": tokens.is_new,
        "after_callback_redirect_url": after,
    })
}

/// A form, or JSON as some clients send it.
fn read_form<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T> {
    let json = headers
        .get("content-type")
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    let form = if json {
        serde_json::from_slice(body).ok()
    } else {
        let pairs: serde_json::Map<String, serde_json::Value> = url::form_urlencoded::parse(body)
            .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
            .collect();
        serde_json::from_value(pairs.into()).ok()
    };
    form.ok_or_else(|| Known::BodyParsing("Invalid body".to_owned()).into())
}
