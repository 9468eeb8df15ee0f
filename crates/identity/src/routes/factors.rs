//! The caller's second factors, the browsers that stand in for them, and answering for one.

use super::{passkeys::CeremonyView, sessions::device_of, views::SignedInView};
use crate::{
    Identity,
    actions::{passkeys::PasskeyAnswer, passwords::At, sessions::Issued},
    cookies,
    model::{
        Account,
        entry::{Entry, Factor},
        factors::{DeviceId, RecoveryCodes, RememberedDevice, Security},
    },
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use kernel::{
    Error, Principal, Result,
    client::ClientAddr,
    error::Problem,
    extract::{Json, Path},
    principal::Public,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// How the caller's account is kept safe.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SecurityView {
    /// When the password was set; absent without one.
    #[serde(with = "time::serde::rfc3339::option")]
    password_changed_at: Option<OffsetDateTime>,
    /// Since when an authenticator app counts; absent without one.
    #[serde(with = "time::serde::rfc3339::option")]
    totp_since: Option<OffsetDateTime>,
    /// Recovery codes that are not used.
    recovery_codes_left: i64,
    /// Whether the caller may do nothing else until they have a second factor.
    second_factor_due: bool,
    /// Browsers that stand in for the second factor.
    remembered_devices: Vec<RememberedDeviceView>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct RememberedDeviceView {
    id: DeviceId,
    /// What it is.
    device: String,
    /// The address it was last used from.
    ip: String,
    #[serde(with = "time::serde::rfc3339")]
    last_seen_at: OffsetDateTime,
    /// Until when it stands in.
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
    /// Whether it is the one asking.
    current: bool,
}

impl From<RememberedDevice> for RememberedDeviceView {
    fn from(device: RememberedDevice) -> Self {
        Self {
            id: device.id,
            device: device.device,
            ip: device.address,
            last_seen_at: device.last_seen_at,
            until: device.until,
            current: device.current,
        }
    }
}

impl From<Security> for SecurityView {
    fn from(security: Security) -> Self {
        Self {
            password_changed_at: security.password_changed_at,
            totp_since: security.totp_since,
            recovery_codes_left: security.recovery_codes_left,
            second_factor_due: security.second_factor_due,
            remembered_devices: security.remembered.into_iter().map(Into::into).collect(),
        }
    }
}

/// How the caller's account is kept safe.
#[utoipa::path(get, path = "/me/security", tag = "security", operation_id = "security",
    responses((status = 200, body = SecurityView), (status = 401, body = Problem)))]
pub(super) async fn security(
    State(identity): State<Identity>,
    caller: Principal,
    headers: HeaderMap,
) -> Result<Json<SecurityView>> {
    let cookie = identity.remembered(&headers);
    Ok(Json(identity.security(&caller, cookie).await?.into()))
}

/// What an authenticator app needs. Shown this once.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct EnrolmentView {
    /// The secret in base 32, to be typed.
    secret: String,
    /// The same as an `otpauth:` address.
    uri: String,
    /// The same as a picture, a `data:` URL.
    picture: String,
}

/// Begins to set up an authenticator app. Needs a recent proof of who the caller is.
#[utoipa::path(post, path = "/me/totp", tag = "security", operation_id = "enrol_totp",
    responses((status = 201, body = EnrolmentView), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`"),
        (status = 409, body = Problem, description = "`totp_present`")))]
pub(super) async fn enrol(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<(StatusCode, Json<EnrolmentView>)> {
    let enrolment = identity.enrol_totp(&caller).await?;
    let view = EnrolmentView {
        secret: enrolment.secret.expose().to_owned(),
        uri: enrolment.uri.expose().to_owned(),
        picture: enrolment.picture.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(view)))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TotpBody {
    /// Six digits; blanks do not matter.
    code: String,
}

/// Recovery codes. Shown this once.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct RecoveryCodesView {
    /// New codes; none where those before still count.
    recovery_codes: Vec<String>,
}

impl From<Option<RecoveryCodes>> for RecoveryCodesView {
    fn from(codes: Option<RecoveryCodes>) -> Self {
        let codes = codes.iter().flat_map(RecoveryCodes::iter);
        Self {
            recovery_codes: codes.map(str::to_owned).collect(),
        }
    }
}

/// Makes the app count, once it shows the right code.
#[utoipa::path(put, path = "/me/totp", tag = "security", operation_id = "confirm_totp",
    request_body = TotpBody, responses(
        (status = 200, body = RecoveryCodesView), (status = 401, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn confirm(
    State(identity): State<Identity>,
    caller: Principal,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<TotpBody>,
) -> Result<Json<RecoveryCodesView>> {
    let device = device_of(&headers);
    let at = At {
        from,
        device: &device,
        cookie: None,
    };
    let codes = identity.confirm_totp(&caller, &body.code, at).await?;
    Ok(Json(codes.into()))
}

/// Takes the app away. Needs a recent proof of who the caller is.
#[utoipa::path(delete, path = "/me/totp", tag = "security", operation_id = "remove_totp",
    responses((status = 204), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`"),
        (status = 404, body = Problem)))]
pub(super) async fn remove(
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
    identity.remove_totp(&caller, at).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes recovery codes anew; those before are worth nothing. Needs a recent proof.
#[utoipa::path(post, path = "/me/recovery-codes", tag = "security",
    operation_id = "renew_recovery_codes", responses(
        (status = 201, body = RecoveryCodesView), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`"),
        (status = 409, body = Problem, description = "`no_second_factor`")))]
pub(super) async fn renew_codes(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<(StatusCode, Json<RecoveryCodesView>)> {
    let codes = identity.renew_codes(&caller).await?;
    Ok((StatusCode::CREATED, Json(Some(codes).into())))
}

/// Asks for the second factor again on a browser that stood in for it.
#[utoipa::path(delete, path = "/me/remembered-devices/{id}", tag = "security",
    operation_id = "forget_device",
    params(("id" = DeviceId, Path, description = "The browser")), responses(
        (status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn forget_device(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<DeviceId>,
) -> Result<StatusCode> {
    identity.forget_device(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerBody {
    /// `totp` or `recovery_code`.
    factor: Factor,
    code: String,
    /// Whether this browser is to stand in for the second factor for a while.
    #[serde(default)]
    remember: bool,
}

/// Answers for a sign-in that waits for its second factor.
#[utoipa::path(post, path = "/sessions/second-factor", tag = "session",
    operation_id = "answer_second_factor", request_body = AnswerBody, responses(
        (status = 201, body = SignedInView),
        (status = 403, body = Problem, description = "`code_wrong`"),
        (status = 409, body = Problem, description = "`challenge_over`"),
        (status = 429, body = Problem)))]
pub(super) async fn answer(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<AnswerBody>,
) -> Result<Response> {
    let device = device_of(&headers);
    let (challenge, at) = identity.waiting_at(&headers, from, &device)?;
    let (account, issued) = identity
        .answer(challenge, body.factor, &body.code, body.remember, at)
        .await?;
    Ok(identity.let_through_at_last(account, issued))
}

impl Identity {
    fn waiting_here<'a>(&self, headers: &'a HeaderMap) -> Result<&'a str> {
        cookies::read(headers, self.challenge_cookie()).ok_or_else(|| {
            Error::conflict("challenge_over", "No sign-in waits here. Sign in again.")
        })
    }

    /// The sign-in that waits here, and from where it is answered.
    fn waiting_at<'a>(
        &self,
        headers: &'a HeaderMap,
        from: ClientAddr,
        device: &'a str,
    ) -> Result<(&'a str, At<'a>)> {
        let at = At {
            from,
            device,
            cookie: self.remembered(headers),
        };
        Ok((self.waiting_here(headers)?, at))
    }

    fn let_through_at_last(&self, account: Account, issued: Issued) -> Response {
        let mut response = self.entered(Entry::Session(account, issued));
        self.clear_challenge(response.headers_mut());
        response
    }
}

/// Asks the browser of a sign-in that waits for one of the passkeys of whoever waits.
#[utoipa::path(post, path = "/sessions/second-factor/challenge", tag = "session",
    operation_id = "second_factor_challenge", responses(
        (status = 201, body = CeremonyView),
        (status = 409, body = Problem,
            description = "`challenge_over`, `no_passkey`, `passkeys_unavailable`"),
        (status = 429, body = Problem)))]
pub(super) async fn ask_passkey(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<CeremonyView>)> {
    let challenge = identity.waiting_here(&headers)?;
    let ceremony = identity.ask_second_passkey(challenge, from).await?;
    Ok((StatusCode::CREATED, Json(ceremony.into())))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasskeyFactorBody {
    ceremony: String,
    /// The `PublicKeyCredential` as JSON.
    #[schema(value_type = Object)]
    credential: serde_json::Value,
    /// Whether this browser is to stand in for the second factor for a while.
    #[serde(default)]
    remember: bool,
}

/// Answers for a sign-in that waits by a passkey of whoever waits.
#[utoipa::path(post, path = "/sessions/second-factor/passkey", tag = "session",
    operation_id = "answer_with_passkey", request_body = PasskeyFactorBody, responses(
        (status = 201, body = SignedInView),
        (status = 403, body = Problem, description = "`passkey_foreign`, `passkey_refused` and others"),
        (status = 409, body = Problem, description = "`challenge_over`, `ceremony_stale`"),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn answer_with_passkey(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<PasskeyFactorBody>,
) -> Result<Response> {
    let device = device_of(&headers);
    let (challenge, at) = identity.waiting_at(&headers, from, &device)?;
    let answer = PasskeyAnswer {
        ceremony: body.ceremony,
        credential: body.credential,
    };
    let (account, issued) = identity
        .answer_with_passkey(challenge, answer, body.remember, at)
        .await?;
    Ok(identity.let_through_at_last(account, issued))
}
