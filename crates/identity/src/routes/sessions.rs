//! Signing in and out, and the caller's devices.

use super::{
    entry::SecondFactorView,
    views::{SessionView, SignedInView},
};
use crate::{Identity, model::Session};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use kernel::{
    Principal, Result,
    client::ClientAddr,
    error::Problem,
    extract::{Json, Path},
    id::SessionId,
    principal::Public,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInBody {
    email: String,
    #[schema(value_type = String)]
    password: SecretString,
    /// How the device is called in the list of devices; made from the user agent unless
    /// said.
    device_name: Option<String>,
}

/// Signs in with a password. The tokens travel in `HttpOnly` cookies.
#[utoipa::path(post, path = "/sessions", tag = "session", operation_id = "sign_in",
    request_body = SignInBody, responses(
        (status = 201, body = SignedInView),
        (status = 202, body = SecondFactorView, description = "The second factor is asked for"),
        (status = 403, body = Problem,
            description = "`credentials_wrong`, `email_unverified`, `account_suspended`"),
        (status = 429, body = Problem, description = "Too many attempts")))]
pub(super) async fn sign_in(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<SignInBody>,
) -> Result<Response> {
    let device = match body.device_name.as_deref().map(str::trim) {
        Some(name) if !name.is_empty() => one_line(name),
        _ => device_of(&headers),
    };
    let remembered = identity.remembered(&headers);
    let entry = identity
        .sign_in(&body.email, &body.password, from, &device, remembered)
        .await?;
    Ok(identity.entered(entry))
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SessionsView {
    items: Vec<SessionView>,
}

impl SessionsView {
    pub(super) fn of(sessions: Vec<Session>, current: SessionId) -> Self {
        let asking = sessions.iter().find(|session| session.id == current);
        let here = asking.map(|session| session.address.clone());
        let view = |session| SessionView::of(session, current, here.as_deref());
        Self {
            items: sessions.into_iter().map(view).collect(),
        }
    }
}

/// The caller's signed-in devices, the latest used first.
#[utoipa::path(get, path = "/sessions", tag = "session", operation_id = "sessions", responses(
    (status = 200, body = SessionsView), (status = 401, body = Problem)))]
pub(super) async fn list(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Json<SessionsView>> {
    let sessions = identity.sessions(&caller).await?;
    Ok(Json(SessionsView::of(sessions, caller.session)))
}

/// Signs the caller's other devices out, at once.
#[utoipa::path(delete, path = "/sessions", tag = "session", operation_id = "sign_out_others",
    responses((status = 204), (status = 401, body = Problem)))]
pub(super) async fn sign_out_others(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<StatusCode> {
    identity.sign_out_others(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs this device out, on the server and in the browser.
#[utoipa::path(delete, path = "/sessions/current", tag = "session", operation_id = "sign_out",
    responses((status = 204), (status = 401, body = Problem)))]
pub(super) async fn sign_out_here(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<(StatusCode, HeaderMap)> {
    identity.sign_out(&caller, caller.session).await?;
    let mut cookies = HeaderMap::new();
    identity.clear_cookies(&mut cookies);
    Ok((StatusCode::NO_CONTENT, cookies))
}

/// Signs one of the caller's devices out, at once.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "session", operation_id = "sign_out_device",
    params(("id" = SessionId, Path, description = "The session")), responses(
        (status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn sign_out(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<SessionId>,
) -> Result<StatusCode> {
    identity.sign_out(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A name for a device that a person recognises: "Firefox on Linux". A guess, no proof.
pub(crate) fn device_of(headers: &HeaderMap) -> String {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or("");
    let first = |marks: &[(&str, &'static str)]| {
        marks
            .iter()
            .find(|(mark, _)| agent.contains(mark))
            .map(|(_, name)| *name)
    };
    let browser = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "Mac"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown device".to_owned(),
    }
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named_as_people_call_them() {
        let named = |agent: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::USER_AGENT, agent.parse().unwrap());
            device_of(&headers)
        };
        assert_eq!(
            named(
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36"
            ),
            "Chrome on Linux"
        );
        assert_eq!(
            named("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1"),
            "Safari on iPhone"
        );
        assert_eq!(named("node"), "Unknown device");
    }
}
