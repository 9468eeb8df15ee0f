//! Signing in by mail: a code for the browser that asked, a link for any.

use super::{
    accounts::TokenBody, entry::SecondFactorView, passwords::AddressView, sessions::device_of,
    views::SignedInView,
};
use crate::{Identity, actions::passwords::At, cookies};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use kernel::{Error, Result, client::ClientAddr, error::Problem, extract::Json, principal::Public};
use serde::Deserialize;

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInMailBody {
    email: String,
    /// Where to go on signed in: a path on this site.
    next: Option<String>,
}

/// Asks for a mail with a code and a link to sign in with. Answers the same whether or not
/// the address has an account.
#[utoipa::path(post, path = "/sign-in-mails", tag = "session", operation_id = "ask_sign_in",
    request_body = SignInMailBody, responses(
        (status = 202, description = "If the address has an account, a mail is on its way"),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn ask(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<SignInMailBody>,
) -> Result<(StatusCode, HeaderMap)> {
    let browser = identity
        .ask_sign_in(
            &body.email,
            body.next.as_deref(),
            from,
            &device_of(&headers),
        )
        .await?;
    let mut cookies = HeaderMap::new();
    identity.set_code(&mut cookies, &browser);
    Ok((StatusCode::ACCEPTED, cookies))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeBody {
    /// Six digits; blanks do not matter.
    code: String,
}

/// Signs in with the code in the mail, in the browser that asked for it.
#[utoipa::path(post, path = "/sessions/code", tag = "session", operation_id = "sign_in_by_code",
    request_body = CodeBody, responses(
        (status = 201, body = SignedInView),
        (status = 202, body = SecondFactorView, description = "The second factor is asked for"),
        (status = 403, body = Problem, description = "`code_wrong`, `account_suspended`"),
        (status = 409, body = Problem, description = "`code_over`")))]
pub(super) async fn by_code(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<CodeBody>,
) -> Result<Response> {
    let browser = cookies::read(&headers, identity.code_cookie()).ok_or_else(|| {
        Error::conflict(
            "code_over",
            "This browser has asked for no code lately. Ask for a new one.",
        )
    })?;
    let device = device_of(&headers);
    let at = At {
        from,
        device: &device,
        cookie: identity.remembered(&headers),
    };
    let entry = identity.sign_in_by_code(browser, &body.code, at).await?;
    let mut response = identity.entered(entry);
    identity.clear_code(response.headers_mut());
    Ok(response)
}

/// Says whom a link signs in, without using it up.
#[utoipa::path(post, path = "/sessions/link", tag = "session", operation_id = "inspect_sign_in",
    request_body = TokenBody, responses(
        (status = 200, body = AddressView),
        (status = 409, body = Problem, description = "`link_stale`")))]
pub(super) async fn inspect(
    State(identity): State<Identity>,
    _: Public,
    Json(body): Json<TokenBody>,
) -> Result<Json<AddressView>> {
    let email = identity.pending_sign_in(&body.token).await?;
    Ok(Json(AddressView { email }))
}

/// Signs in with the link in the mail: once.
#[utoipa::path(put, path = "/sessions/link", tag = "session", operation_id = "sign_in_by_link",
    request_body = TokenBody, responses(
        (status = 201, body = SignedInView),
        (status = 202, body = SecondFactorView, description = "The second factor is asked for"),
        (status = 403, body = Problem, description = "`account_suspended`"),
        (status = 409, body = Problem, description = "`link_stale`")))]
pub(super) async fn by_link(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<TokenBody>,
) -> Result<Response> {
    let device = device_of(&headers);
    let at = At {
        from,
        device: &device,
        cookie: identity.remembered(&headers),
    };
    let entry = identity.sign_in_by_link(&body.token, at).await?;
    Ok(identity.entered(entry))
}
