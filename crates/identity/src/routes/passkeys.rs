//! Passkeys: the questions for a browser, and its answers.

use super::{sessions::device_of, views::SignedInView};
use crate::{
    Identity,
    actions::passkeys::{Ceremony, PasskeyAnswer},
    model::{
        Name,
        passkeys::{PasskeyId, StoredPasskey},
    },
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use kernel::{
    Principal, Result,
    client::ClientAddr,
    error::Problem,
    extract::{Json, Path},
    principal::Public,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

/// A question for `navigator.credentials`; bytes are base64url.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct CeremonyView {
    /// To be sent back with the answer. Works once, for a few minutes.
    ceremony: String,
    /// `PublicKeyCredentialCreationOptions` or `PublicKeyCredentialRequestOptions` (WebAuthn
    /// Level 3), as JSON.
    #[schema(value_type = Object)]
    options: Value,
}

impl From<Ceremony> for CeremonyView {
    fn from(ceremony: Ceremony) -> Self {
        Self {
            ceremony: ceremony.token.to_string(),
            options: ceremony.options,
        }
    }
}

/// The answer of a passkey.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasskeyAnswerBody {
    ceremony: String,
    /// The `PublicKeyCredential` as JSON.
    #[schema(value_type = Object)]
    credential: Value,
}

impl From<PasskeyAnswerBody> for PasskeyAnswer {
    fn from(body: PasskeyAnswerBody) -> Self {
        Self {
            ceremony: body.ceremony,
            credential: body.credential,
        }
    }
}

/// A passkey of the caller's.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PasskeyView {
    id: PasskeyId,
    name: String,
    /// Whether its owner's devices share it.
    synced: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
}

impl From<StoredPasskey> for PasskeyView {
    fn from(key: StoredPasskey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            synced: key.synced,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PasskeysView {
    items: Vec<PasskeyView>,
    /// Whether browsers can use passkeys at this place's address.
    available: bool,
}

/// The caller's passkeys, the first made first.
#[utoipa::path(get, path = "/me/passkeys", tag = "passkeys", operation_id = "passkeys", responses(
    (status = 200, body = PasskeysView), (status = 401, body = Problem)))]
pub(super) async fn list(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Json<PasskeysView>> {
    let keys = identity.passkeys(&caller).await?;
    Ok(Json(PasskeysView {
        items: keys.into_iter().map(Into::into).collect(),
        available: identity.passkeys_available(),
    }))
}

/// Asks the caller's browser for a new passkey.
#[utoipa::path(post, path = "/me/passkeys/challenge", tag = "passkeys",
    operation_id = "new_passkey_challenge", responses(
        (status = 201, body = CeremonyView), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`"),
        (status = 409, body = Problem, description = "`too_many_passkeys`, `passkeys_unavailable`")))]
pub(super) async fn ask_for_new(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<(StatusCode, Json<CeremonyView>)> {
    let ceremony = identity.ask_for_passkey(&caller).await?;
    Ok((StatusCode::CREATED, Json(ceremony.into())))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPasskeyBody {
    ceremony: String,
    /// The `PublicKeyCredential` as JSON.
    #[schema(value_type = Object)]
    credential: Value,
    /// As its owner calls it.
    name: String,
}

/// Takes the caller's new passkey.
#[utoipa::path(post, path = "/me/passkeys", tag = "passkeys", operation_id = "add_passkey",
    request_body = NewPasskeyBody, responses(
        (status = 201, body = PasskeyView), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`, `passkey_refused`"),
        (status = 409, body = Problem, description = "`ceremony_stale`, `passkey_taken`"),
        (status = 422, body = Problem)))]
pub(super) async fn add(
    State(identity): State<Identity>,
    caller: Principal,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<NewPasskeyBody>,
) -> Result<(StatusCode, Json<PasskeyView>)> {
    let name = Name::parse("name", &body.name)?;
    let answer = PasskeyAnswer {
        ceremony: body.ceremony,
        credential: body.credential,
    };
    let key = identity
        .add_passkey(&caller, &name, answer, from, &device_of(&headers))
        .await?;
    Ok((StatusCode::CREATED, Json(key.into())))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasskeyNameBody {
    name: String,
}

/// Names one of the caller's passkeys otherwise.
#[utoipa::path(patch, path = "/me/passkeys/{id}", tag = "passkeys", operation_id = "rename_passkey",
    params(("id" = PasskeyId, Path, description = "The passkey")),
    request_body = PasskeyNameBody, responses(
        (status = 200, body = PasskeyView), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn rename(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<PasskeyId>,
    Json(body): Json<PasskeyNameBody>,
) -> Result<Json<PasskeyView>> {
    let name = Name::parse("name", &body.name)?;
    Ok(Json(
        identity.rename_passkey(&caller, id, &name).await?.into(),
    ))
}

/// Removes one of the caller's passkeys.
#[utoipa::path(delete, path = "/me/passkeys/{id}", tag = "passkeys", operation_id = "remove_passkey",
    params(("id" = PasskeyId, Path, description = "The passkey")), responses(
        (status = 204), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`"),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`last_way_in`")))]
pub(super) async fn remove(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<PasskeyId>,
    from: ClientAddr,
    headers: HeaderMap,
) -> Result<StatusCode> {
    identity
        .remove_passkey(&caller, id, from, &device_of(&headers))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for the proof of a passkey: for signing in, as the second factor, or to confirm that
/// it is still the caller.
#[utoipa::path(post, path = "/passkeys/challenge", tag = "passkeys", operation_id = "passkey_challenge",
    responses(
        (status = 201, body = CeremonyView),
        (status = 409, body = Problem, description = "`passkeys_unavailable`"),
        (status = 429, body = Problem, description = "Too many attempts")))]
pub(super) async fn ask_for_proof(
    State(identity): State<Identity>,
    _: Public,
    caller: Option<Principal>,
    from: ClientAddr,
) -> Result<(StatusCode, Json<CeremonyView>)> {
    let ceremony = identity.ask_for_proof(caller.as_ref(), from).await?;
    Ok((StatusCode::CREATED, Json(ceremony.into())))
}

/// Signs in with a passkey, without saying who. The tokens travel in `HttpOnly` cookies.
#[utoipa::path(post, path = "/sessions/passkey", tag = "session", operation_id = "sign_in_with_passkey",
    request_body = PasskeyAnswerBody, responses(
        (status = 201, body = SignedInView),
        (status = 403, body = Problem, description = "`passkey_refused`, `passkey_unknown`, \
            `passkey_copied`, `passkey_foreign`, `email_unverified`, `account_suspended`"),
        (status = 409, body = Problem, description = "`ceremony_stale`"),
        (status = 422, body = Problem)))]
pub(super) async fn sign_in(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<PasskeyAnswerBody>,
) -> Result<Response> {
    let remembered = identity.remembered(&headers);
    let entry = identity
        .sign_in_with_passkey(body.into(), from, &device_of(&headers), remembered)
        .await?;
    Ok(identity.entered(entry))
}
