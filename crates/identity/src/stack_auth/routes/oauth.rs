//! The token endpoint, as OAuth's own libraries call it: a form, no headers of the protocol's.

use super::{Routes, act};
use crate::stack_auth::{
    StackAuth,
    actions::entry::Tokens,
    call::Device,
    fault::{Answer, Fault, Result, ok},
    known::Known,
};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use kernel::{client::ClientAddr, principal::Public};
use serde::Deserialize;
use serde_json::json;

pub(super) fn router() -> Routes {
    Router::new().route("/auth/oauth/token", act(token))
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
    let form = read(&headers, &body)?;
    let client = form.client_id.clone();
    let id = client.as_deref().unwrap_or_default();
    // The id may carry the branch, as `<id>#main`.
    if id.split('#').next() != Some(stack.inner().stack.id.to_string().as_str()) {
        return Err(Known::InvalidOAuthClient(client).into());
    }
    let secret = form.client_secret.as_deref();
    if stack.publishable_key(secret, id).is_err()
        && !stack.is_secret_key(secret.unwrap_or_default()).await?
    {
        return Err(Known::InvalidOAuthClient(client).into());
    }
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
fn read(headers: &HeaderMap, body: &[u8]) -> Result<TokenForm> {
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
