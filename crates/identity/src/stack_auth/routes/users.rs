//! People: themselves, and all of them for the app's server.

use super::{Routes, read};
use crate::stack_auth::{
    StackAuth,
    actions::{
        administration::{ServerChange, Wanted},
        users::OwnChange,
    },
    body::{Body, Path, Query},
    call::Call,
    fault::{Answer, Result, created, ok, success},
    known::Known,
    model::User,
    views,
};
use axum::{Router, extract::State, routing::post};
use kernel::id::UserId;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn router() -> Routes {
    Router::new()
        .route("/users/me", read(me).patch(change_me).delete(delete_me))
        .route("/users", read(all).merge(post(create)))
        .route("/users/{id}", read(one).patch(change).delete(delete))
}

/// A person as the caller may see them.
pub(super) fn view(call: &Call, user: &User) -> Value {
    if call.is_server() {
        views::server_user(user)
    } else {
        views::user(user)
    }
}

async fn me(State(stack): State<StackAuth>, call: Call) -> Answer {
    let caller = call.caller.ok_or(Known::CannotGetOwnUserWithoutUser)?;
    let user = stack.user(caller.user).await?;
    ok(view(&call, &user))
}

async fn change_me(State(stack): State<StackAuth>, call: Call, Body(body): Body<Value>) -> Answer {
    let caller = call.caller.ok_or(Known::CannotGetOwnUserWithoutUser)?;
    let user = if call.is_server() {
        stack.change_user(caller.user, parsed(body)?).await?
    } else {
        let change: OwnChange = parsed(body)?;
        stack.change_own(&caller, change, &call.device).await?
    };
    ok(view(&call, &user))
}

/// The body of a change, whose form depends on who asks.
fn parsed<T: serde::de::DeserializeOwned>(body: Value) -> Result<T> {
    serde_json::from_value(body).map_err(|error| Known::Schema(format!("body: {error}")).into())
}

async fn delete_me(State(stack): State<StackAuth>, call: Call) -> Answer {
    let caller = call.caller.ok_or(Known::CannotGetOwnUserWithoutUser)?;
    if call.is_server() {
        stack.delete_user(caller.user).await?;
    } else {
        stack.delete_own(&caller).await?;
    }
    success()
}

async fn all(State(stack): State<StackAuth>, call: Call, Query(wanted): Query<Wanted>) -> Answer {
    call.server()?;
    let (people, next) = stack.users(&wanted).await?;
    let items: Vec<_> = people.iter().map(|user| view(&call, user)).collect();
    ok(json!({
        "items": items,
        "is_paginated": true,
        "pagination": { "next_cursor": next },
    }))
}

async fn create(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<ServerChange>,
) -> Answer {
    call.server()?;
    let user = stack.create_user(body).await?;
    created(view(&call, &user))
}

/// An id that is none names nobody.
fn id(text: &str) -> Result<UserId> {
    text.parse().map_err(|_| Known::UserNotFound.into())
}

async fn one(State(stack): State<StackAuth>, call: Call, Path(user): Path<String>) -> Answer {
    call.server()?;
    let user = stack.user(id(&user)?).await?;
    ok(view(&call, &user))
}

async fn change(
    State(stack): State<StackAuth>,
    call: Call,
    Path(user): Path<String>,
    Body(body): Body<ServerChange>,
) -> Answer {
    call.server()?;
    let user = stack.change_user(id(&user)?, body).await?;
    ok(view(&call, &user))
}

async fn delete(State(stack): State<StackAuth>, call: Call, Path(user): Path<String>) -> Answer {
    call.server()?;
    stack.delete_user(id(&user)?).await?;
    success()
}

#[derive(Deserialize)]
pub(super) struct SessionBody {
    user_id: UserId,
    expires_in_millis: Option<i64>,
    #[serde(default)]
    is_impersonation: bool,
}

/// A session that a server asks for.
pub(super) async fn open_session(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<SessionBody>,
) -> Answer {
    call.server()?;
    let tokens = stack
        .session_for(
            body.user_id,
            body.expires_in_millis,
            body.is_impersonation,
            &call.device,
        )
        .await?;
    ok(json!({ "access_token": tokens.access, "refresh_token": tokens.refresh.as_str() }))
}
