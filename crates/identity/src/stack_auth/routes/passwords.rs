//! Passwords.

use super::{Routes, act};
use crate::stack_auth::{
    StackAuth,
    body::Body,
    call::Call,
    fault::{Answer, ok, success},
    model::CodeKind,
};
use axum::{Router, extract::State};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

pub(super) fn router() -> Routes {
    Router::new()
        .route("/auth/password/sign-up", act(sign_up))
        .route("/auth/password/sign-in", act(sign_in))
        .route("/auth/password/send-reset-code", act(send_reset_code))
        .route("/auth/password/reset", act(reset))
        .route("/auth/password/reset/check-code", act(check_reset_code))
        .route("/auth/password/update", act(update))
        .route("/auth/password/set", act(set))
}

#[derive(Deserialize)]
struct SignUpBody {
    email: String,
    password: SecretString,
    verification_callback_url: Option<String>,
}

async fn sign_up(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<SignUpBody>,
) -> Answer {
    let callback = body.verification_callback_url.as_deref();
    let tokens = stack
        .sign_up(&body.email, &body.password, callback, &call.device)
        .await?;
    ok(tokens.plain())
}

#[derive(Deserialize)]
struct SignInBody {
    email: String,
    password: SecretString,
}

async fn sign_in(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<SignInBody>,
) -> Answer {
    let tokens = stack
        .sign_in(&body.email, &body.password, &call.device)
        .await?;
    ok(tokens.plain())
}

#[derive(Deserialize)]
struct SendResetBody {
    email: String,
    callback_url: String,
}

async fn send_reset_code(
    State(stack): State<StackAuth>,
    _: Call,
    Body(body): Body<SendResetBody>,
) -> Answer {
    stack.send_reset(&body.email, &body.callback_url).await?;
    ok(json!({ "success": "maybe, only if user with e-mail exists" }))
}

#[derive(Deserialize)]
struct ResetBody {
    code: String,
    password: SecretString,
}

async fn reset(State(stack): State<StackAuth>, call: Call, Body(body): Body<ResetBody>) -> Answer {
    stack
        .reset_password(&body.code, &body.password, &call.device)
        .await?;
    success()
}

#[derive(Deserialize)]
struct CodeBody {
    code: String,
}

async fn check_reset_code(
    State(stack): State<StackAuth>,
    _: Call,
    Body(body): Body<CodeBody>,
) -> Answer {
    stack.look_at(CodeKind::PasswordReset, &body.code).await?;
    ok(json!({ "is_code_valid": true }))
}

#[derive(Deserialize)]
struct UpdateBody {
    old_password: SecretString,
    new_password: SecretString,
}

async fn update(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<UpdateBody>,
) -> Answer {
    let caller = call.signed_in()?;
    stack
        .update_password(
            &caller,
            &body.old_password,
            &body.new_password,
            &call.device,
        )
        .await?;
    success()
}

#[derive(Deserialize)]
struct SetBody {
    password: SecretString,
}

async fn set(State(stack): State<StackAuth>, call: Call, Body(body): Body<SetBody>) -> Answer {
    let caller = call.signed_in()?;
    stack
        .set_password(&caller, &body.password, &call.device)
        .await?;
    success()
}
