//! Addresses of people.

use super::{Routes, act, read};
use crate::stack_auth::{
    StackAuth,
    actions::channels::ChannelChange,
    body::{Body, Path, Query},
    call::Call,
    fault::{Answer, created, list, ok, success},
    model::{ChannelId, CodeKind},
    views,
};
use axum::{Router, extract::State, routing::post};
use serde::Deserialize;
use serde_json::json;

pub(super) fn router() -> Routes {
    Router::new()
        .route("/contact-channels", read(all).merge(post(add)))
        .route("/contact-channels/verify", act(verify))
        .route("/contact-channels/verify/check-code", act(check))
        .route(
            "/contact-channels/send-verification-code",
            act(send_primary),
        )
        .route(
            "/contact-channels/{user}/{id}",
            read(one).patch(change).delete(remove),
        )
        .route(
            "/contact-channels/{user}/{id}/send-verification-code",
            act(send),
        )
}

#[derive(Deserialize)]
struct WhoseQuery {
    user_id: String,
}

async fn all(
    State(stack): State<StackAuth>,
    call: Call,
    Query(query): Query<WhoseQuery>,
) -> Answer {
    let user = call.user(&query.user_id)?;
    let channels = stack.channels(user).await?;
    list(channels.iter().map(views::channel).collect())
}

#[derive(Deserialize)]
struct NewChannelBody {
    user_id: String,
    #[serde(flatten)]
    channel: ChannelChange,
}

async fn add(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<NewChannelBody>,
) -> Answer {
    let user = call.user(&body.user_id)?;
    let channel = stack
        .add_channel(user, body.channel, call.is_server())
        .await?;
    created(views::channel(&channel))
}

async fn one(
    State(stack): State<StackAuth>,
    call: Call,
    Path((user, id)): Path<(String, ChannelId)>,
) -> Answer {
    let channel = stack.channel(call.user(&user)?, id).await?;
    ok(views::channel(&channel))
}

async fn change(
    State(stack): State<StackAuth>,
    call: Call,
    Path((user, id)): Path<(String, ChannelId)>,
    Body(body): Body<ChannelChange>,
) -> Answer {
    let user = call.user(&user)?;
    if !call.is_server() && (body.is_primary.is_some() || body.used_for_auth.is_some()) {
        stack.recent(&call.signed_in()?)?;
    }
    let channel = stack
        .change_channel(user, id, body, call.is_server())
        .await?;
    ok(views::channel(&channel))
}

async fn remove(
    State(stack): State<StackAuth>,
    call: Call,
    Path((user, id)): Path<(String, ChannelId)>,
) -> Answer {
    stack.remove_channel(call.user(&user)?, id).await?;
    success()
}

#[derive(Deserialize)]
struct SendBody {
    callback_url: String,
}

async fn send(
    State(stack): State<StackAuth>,
    call: Call,
    Path((user, id)): Path<(String, ChannelId)>,
    Body(body): Body<SendBody>,
) -> Answer {
    stack
        .send_verification(call.user(&user)?, id, &body.callback_url)
        .await?;
    success()
}

#[derive(Deserialize)]
struct SendPrimaryBody {
    email: String,
    callback_url: String,
}

async fn send_primary(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<SendPrimaryBody>,
) -> Answer {
    let caller = call.signed_in()?;
    stack
        .send_primary_verification(caller.user, &body.email, &body.callback_url)
        .await?;
    success()
}

#[derive(Deserialize)]
struct CodeBody {
    code: String,
}

async fn verify(State(stack): State<StackAuth>, _: Call, Body(body): Body<CodeBody>) -> Answer {
    stack.verify(&body.code).await?;
    success()
}

async fn check(State(stack): State<StackAuth>, _: Call, Body(body): Body<CodeBody>) -> Answer {
    stack.look_at(CodeKind::Verification, &body.code).await?;
    ok(json!({ "is_code_valid": true }))
}
