//! Sessions: fresh access tokens, devices, signing out.

use super::{Routes, act, read};
use crate::stack_auth::{
    StackAuth,
    body::{Path, Query},
    call::Call,
    fault::{Answer, list, ok, success},
    known::Known,
    views,
};
use axum::{
    Router,
    extract::State,
    routing::{delete, post},
};
use kernel::id::SessionId;
use serde::Deserialize;
use serde_json::json;

pub(super) fn router() -> Routes {
    Router::new()
        .route(
            "/auth/sessions",
            read(devices).merge(post(super::users::open_session)),
        )
        .route("/auth/sessions/current", delete(sign_out))
        .route("/auth/sessions/current/refresh", act(refresh))
        .route("/auth/sessions/{id}", delete(sign_out_device))
}

async fn refresh(State(stack): State<StackAuth>, call: Call) -> Answer {
    let token = call
        .refresh_token
        .as_deref()
        .ok_or(Known::RefreshTokenNotFoundOrExpired)?;
    let (access, _) = stack.refresh(token, &call.device).await?;
    ok(json!({ "access_token": access }))
}

async fn sign_out(State(stack): State<StackAuth>, call: Call) -> Answer {
    match (&call.refresh_token, call.caller) {
        (Some(token), _) => stack.sign_out_by(token).await?,
        (None, Some(caller)) => stack.end(caller.session, caller.user).await?,
        (None, None) => return Err(Known::RefreshTokenNotFoundOrExpired.into()),
    }
    success()
}

#[derive(Deserialize)]
struct WhoseQuery {
    user_id: String,
}

async fn devices(
    State(stack): State<StackAuth>,
    call: Call,
    Query(query): Query<WhoseQuery>,
) -> Answer {
    let user = call.user(&query.user_id)?;
    let current = call.caller.map(|caller| caller.session);
    let sessions = stack.devices(user).await?;
    list(
        sessions
            .iter()
            .map(|session| views::session(session, current))
            .collect(),
    )
}

async fn sign_out_device(
    State(stack): State<StackAuth>,
    call: Call,
    Path(id): Path<SessionId>,
    Query(query): Query<WhoseQuery>,
) -> Answer {
    let user = call.user(&query.user_id)?;
    let current = call.caller.map(|caller| caller.session);
    stack.sign_out_device(user, id, current).await?;
    success()
}
