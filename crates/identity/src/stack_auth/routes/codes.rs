//! Links and codes by mail, the second factor, and accounts without an owner.

use super::{Routes, act};
use crate::stack_auth::{
    StackAuth,
    body::Body,
    call::Call,
    fault::{Answer, ok},
    known::Known,
    model::CodeKind,
};
use axum::{Router, extract::State};
use serde::Deserialize;
use serde_json::json;

pub(super) fn router() -> Routes {
    Router::new()
        .route("/auth/otp/send-sign-in-code", act(send))
        .route("/auth/otp/sign-in", act(sign_in))
        .route("/auth/otp/sign-in/check-code", act(check))
        .route("/auth/mfa/sign-in", act(second_factor))
        .route("/auth/anonymous/sign-up", act(anonymous))
}

#[derive(Deserialize)]
struct SendBody {
    email: String,
    callback_url: String,
}

async fn send(State(stack): State<StackAuth>, call: Call, Body(body): Body<SendBody>) -> Answer {
    let nonce = stack
        .send_sign_in_code(&body.email, &body.callback_url, &call.device)
        .await?;
    ok(json!({ "nonce": nonce }))
}

#[derive(Deserialize)]
struct CodeBody {
    code: String,
}

async fn sign_in(State(stack): State<StackAuth>, call: Call, Body(body): Body<CodeBody>) -> Answer {
    let tokens = stack.sign_in_with_code(&body.code, &call.device).await?;
    ok(tokens.with_newness())
}

async fn check(State(stack): State<StackAuth>, _: Call, Body(body): Body<CodeBody>) -> Answer {
    stack.look_at(CodeKind::SignIn, &body.code).await?;
    ok(json!({ "is_code_valid": true }))
}

#[derive(Deserialize)]
struct SecondFactorBody {
    #[serde(rename = "type")]
    kind: String,
    totp: String,
    code: String,
}

async fn second_factor(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<SecondFactorBody>,
) -> Answer {
    if body.kind != "totp" {
        let text = "body.type must be one of the following values: totp";
        return Err(Known::Schema(text.to_owned()).into());
    }
    let tokens = stack
        .sign_in_with_totp(&body.code, &body.totp, &call.device)
        .await?;
    ok(tokens.with_newness())
}

async fn anonymous(_: Call) -> Answer {
    Err(Known::AnonymousAccountsNotEnabled.into())
}
