//! Changing a password, setting it anew, and what is to be thought of one.

use super::{accounts::TokenBody, sessions::device_of};
use crate::{Identity, actions::passwords::At};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
};
use kernel::{
    Principal, Result, client::ClientAddr, error::Problem, extract::Json, principal::Public,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EstimateBody {
    #[schema(value_type = String)]
    password: SecretString,
    /// Words that a guesser would try first: the address, the name.
    #[serde(default)]
    hints: Vec<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct EstimateView {
    /// 0 (guessed at once) to 4.
    score: u8,
    /// Whether it would be taken.
    accepted: bool,
    /// What to do about it, where it would not.
    message: Option<String>,
    /// The fewest characters that are taken.
    shortest: usize,
}

/// Says how good a password is, by the rules that it must pass later. Nothing is kept.
#[utoipa::path(post, path = "/password-estimates", tag = "account",
    operation_id = "estimate_password", request_body = EstimateBody, responses(
        (status = 200, body = EstimateView),
        (status = 429, body = Problem, description = "Too many at once")))]
pub(super) async fn estimate(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    Json(body): Json<EstimateBody>,
) -> Result<Json<EstimateView>> {
    let hints: Vec<String> = body
        .hints
        .iter()
        .take(5)
        .map(|hint| hint.chars().take(100).collect())
        .collect();
    let inputs: Vec<&str> = hints
        .iter()
        .map(String::as_str)
        .chain(["portico"])
        .collect();
    let estimate = identity
        .estimate_password(&body.password, &inputs, from)
        .await?;
    Ok(Json(EstimateView {
        score: estimate.score,
        accepted: estimate.fault.is_none(),
        message: estimate.fault.map(|fault| fault.message),
        shortest: identity.password_policy().shortest,
    }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    /// The present one; without it, who the caller is must have been confirmed lately.
    #[schema(value_type = Option<String>)]
    current_password: Option<SecretString>,
    #[schema(value_type = String)]
    password: SecretString,
}

/// Changes the caller's password. Every other device is signed out, and a mail tells of it.
#[utoipa::path(put, path = "/me/password", tag = "security", operation_id = "change_password",
    request_body = PasswordBody, responses(
        (status = 204), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`"),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn change(
    State(identity): State<Identity>,
    caller: Principal,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<PasswordBody>,
) -> Result<StatusCode> {
    let device = device_of(&headers);
    let at = At {
        from,
        device: &device,
        cookie: identity.remembered(&headers),
    };
    identity
        .change_password(&caller, body.current_password.as_ref(), &body.password, at)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddressBody {
    pub(super) email: String,
}

/// Asks for a mail with a link to a new password. Answers the same whether or not the address
/// has an account.
#[utoipa::path(post, path = "/password-resets", tag = "account", operation_id = "ask_reset",
    request_body = AddressBody, responses(
        (status = 202, description = "If the address has an account, a mail is on its way"),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn ask_reset(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<AddressBody>,
) -> Result<StatusCode> {
    identity
        .ask_reset(&body.email, from, &device_of(&headers))
        .await?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct AddressView {
    pub(super) email: String,
}

/// Says whose password a link sets anew, without using it up.
#[utoipa::path(post, path = "/password-resets/link", tag = "account",
    operation_id = "inspect_reset", request_body = TokenBody, responses(
        (status = 200, body = AddressView),
        (status = 409, body = Problem, description = "`link_stale`")))]
pub(super) async fn inspect_reset(
    State(identity): State<Identity>,
    _: Public,
    Json(body): Json<TokenBody>,
) -> Result<Json<AddressView>> {
    let email = identity.pending_reset(&body.token).await?;
    Ok(Json(AddressView { email }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetBody {
    token: String,
    #[schema(value_type = String)]
    password: SecretString,
}

/// Sets a password through a mailed link: once. Every device is signed out.
#[utoipa::path(put, path = "/password-resets/link", tag = "account",
    operation_id = "reset_password", request_body = ResetBody, responses(
        (status = 204), (status = 409, body = Problem, description = "`link_stale`"),
        (status = 422, body = Problem)))]
pub(super) async fn reset(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<ResetBody>,
) -> Result<(StatusCode, HeaderMap)> {
    let device = device_of(&headers);
    let at = At {
        from,
        device: &device,
        cookie: None,
    };
    identity
        .reset_password(&body.token, &body.password, at)
        .await?;
    let mut cookies = HeaderMap::new();
    identity.clear_cookies(&mut cookies);
    Ok((StatusCode::NO_CONTENT, cookies))
}
