//! Confirming who the caller is, in a session that is open already.

use super::{passkeys::PasskeyAnswerBody, sessions::device_of};
use crate::{
    Confirmation, Identity,
    actions::{passwords::At, sessions::Issued},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use kernel::{Principal, Result, client::ClientAddr, error::Problem, extract::Json};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What the caller can confirm with.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ConfirmableView {
    /// The ways there are, the handiest first.
    methods: Vec<Confirmation>,
    /// Until when the last proof counts.
    #[serde(with = "time::serde::rfc3339")]
    fresh_until: OffsetDateTime,
}

/// Says what the caller can confirm with.
#[utoipa::path(get, path = "/me/confirmation", tag = "security", operation_id = "confirmable",
    responses((status = 200, body = ConfirmableView), (status = 401, body = Problem)))]
pub(super) async fn ways(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Json<ConfirmableView>> {
    let ways = identity.confirmable(&caller).await?;
    Ok(Json(ConfirmableView {
        methods: ways.methods,
        fresh_until: ways.fresh_until,
    }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfirmBody {
    method: Confirmation,
    /// The password, or the code.
    #[schema(value_type = String)]
    secret: SecretString,
}

impl Identity {
    /// A browser gets the tokens of its next session; a program keeps its own.
    fn confirmed(&self, issued: Option<Issued>) -> (StatusCode, HeaderMap) {
        let mut cookies = HeaderMap::new();
        if let Some(issued) = issued {
            self.set_cookies(&mut cookies, &issued);
        }
        (StatusCode::NO_CONTENT, cookies)
    }
}

/// Confirms who the caller is: what asks for a recent proof is open again for a while. A browser
/// is given other tokens with it; those before are worth nothing but to confirm once more,
/// from another tab, in the half minute after.
#[utoipa::path(post, path = "/me/confirmation", tag = "security", operation_id = "confirm",
    request_body = ConfirmBody, responses(
        (status = 204), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`password_wrong`, `code_wrong`"),
        (status = 409, body = Problem, description = "`code_over`"),
        (status = 429, body = Problem)))]
pub(super) async fn confirm(
    State(identity): State<Identity>,
    caller: Principal,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<ConfirmBody>,
) -> Result<(StatusCode, HeaderMap)> {
    let device = device_of(&headers);
    let at = At {
        from,
        device: &device,
        cookie: None,
    };
    let browser = !headers.contains_key(header::AUTHORIZATION);
    let issued = identity
        .confirm(&caller, body.method, &body.secret, browser, at)
        .await?;
    Ok(identity.confirmed(issued))
}

/// The same, by one of the caller's passkeys; the question comes from `passkeys/challenge`.
#[utoipa::path(post, path = "/me/confirmation/passkey", tag = "security",
    operation_id = "confirm_with_passkey", request_body = PasskeyAnswerBody, responses(
        (status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn with_passkey(
    State(identity): State<Identity>,
    caller: Principal,
    headers: HeaderMap,
    Json(body): Json<PasskeyAnswerBody>,
) -> Result<(StatusCode, HeaderMap)> {
    let browser = !headers.contains_key(header::AUTHORIZATION);
    let issued = identity
        .confirm_with_passkey(&caller, body.into(), browser)
        .await?;
    Ok(identity.confirmed(issued))
}

/// Mails a code to confirm with, to who has neither a password nor a second factor.
#[utoipa::path(post, path = "/me/confirmation/mail", tag = "security",
    operation_id = "ask_confirmation", responses(
        (status = 202), (status = 401, body = Problem),
        (status = 409, body = Problem, description = "`confirm_otherwise`"),
        (status = 429, body = Problem)))]
pub(super) async fn ask(
    State(identity): State<Identity>,
    caller: Principal,
    from: ClientAddr,
    headers: HeaderMap,
) -> Result<StatusCode> {
    let device = device_of(&headers);
    let at = At {
        from,
        device: &device,
        cookie: None,
    };
    identity.ask_confirmation(&caller, at).await?;
    Ok(StatusCode::ACCEPTED)
}
