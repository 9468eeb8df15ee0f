//! Passkeys.

use super::{Routes, act};
use crate::{
    actions::passkeys::{Ceremony, PasskeyAnswer},
    stack_auth::{
        StackAuth,
        body::Body,
        call::Call,
        fault::{Answer, ok},
    },
};
use axum::{Router, extract::State};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn router() -> Routes {
    Router::new()
        .route("/auth/passkey/initiate-passkey-registration", act(ask_new))
        .route("/auth/passkey/register", act(register))
        .route("/auth/passkey/initiate-passkey-authentication", act(ask))
        .route("/auth/passkey/sign-in", act(sign_in))
}

fn question(asked: &Ceremony) -> Value {
    json!({ "options_json": asked.options, "code": asked.token.as_str() })
}

async fn ask_new(State(stack): State<StackAuth>, call: Call) -> Answer {
    let caller = call.signed_in()?;
    ok(question(&stack.ask_for_passkey(&caller).await?))
}

#[derive(Deserialize)]
struct RegisterBody {
    credential: Value,
    code: String,
}

async fn register(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<RegisterBody>,
) -> Answer {
    let caller = call.signed_in()?;
    let answer = PasskeyAnswer {
        ceremony: body.code,
        credential: body.credential,
    };
    stack.add_passkey(&caller, answer, &call.device).await?;
    ok(json!({ "user_handle": URL_SAFE_NO_PAD.encode(caller.user.0.as_bytes()) }))
}

async fn ask(State(stack): State<StackAuth>, call: Call) -> Answer {
    ok(question(&stack.ask_for_proof(&call.device).await?))
}

#[derive(Deserialize)]
struct SignInBody {
    authentication_response: Value,
    code: String,
}

async fn sign_in(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<SignInBody>,
) -> Answer {
    let answer = PasskeyAnswer {
        ceremony: body.code,
        credential: body.authentication_response,
    };
    let tokens = stack.sign_in_with_passkey(answer, &call.device).await?;
    ok(tokens.with_newness())
}
