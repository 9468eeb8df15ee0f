//! Registering, proving an address, the profile, the first owner.

use super::{
    impersonation::ActingView,
    views::{MeView, SignedInView},
};
use crate::{
    Identity,
    actions::{passwords::At, sessions::landing},
    cookies,
    model::{Account, NewAccount, ProfileChange, entry::Entry},
    routes::sessions::device_of,
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use kernel::{
    Principal, Result, client::ClientAddr, error::Problem, extract::Json, principal::Public,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterBody {
    email: String,
    #[schema(value_type = String, min_length = 10, max_length = 200)]
    password: SecretString,
    name: String,
}

/// Registers an account. Answers the same whether or not the address has one: the mail
/// that follows tells its owner.
#[utoipa::path(post, path = "/accounts", tag = "account", operation_id = "register",
    request_body = RegisterBody, responses(
        (status = 202, description = "A mail is on its way"),
        (status = 422, body = Problem, description = "Faults by field")))]
pub(super) async fn register(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    Json(body): Json<RegisterBody>,
) -> Result<(StatusCode, HeaderMap)> {
    let policy = identity.password_policy();
    let new = NewAccount::parse(&body.email, &body.name, &body.password, &policy)?;
    let browser = identity.register(new, from).await?;
    let mut cookies = HeaderMap::new();
    identity.set_registration(&mut cookies, &browser);
    Ok((StatusCode::ACCEPTED, cookies))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    pub(super) token: String,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PendingEmailView {
    email: String,
    name: String,
}

/// Says what a verification link stands for, without using it up.
#[utoipa::path(post, path = "/accounts/verification", tag = "account",
    operation_id = "inspect_verification", request_body = TokenBody, responses(
        (status = 200, body = PendingEmailView),
        (status = 409, body = Problem, description = "`link_stale`")))]
pub(super) async fn inspect_verification(
    State(identity): State<Identity>,
    _: Public,
    Json(body): Json<TokenBody>,
) -> Result<Json<PendingEmailView>> {
    let pending = identity.pending_email(&body.token).await?;
    Ok(Json(PendingEmailView {
        email: pending.email,
        name: pending.name,
    }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyBody {
    token: String,
    display_name: Option<String>,
    time_zone: Option<String>,
    locale: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct VerifiedView {
    email: String,
    /// Where they land, if this browser registered and is signed in now.
    landing: Option<&'static str>,
}

/// Proves the address and finishes the profile. The link works once, and signs in the browser
/// that registered.
#[utoipa::path(put, path = "/accounts/verification", tag = "account", operation_id = "verify_email",
    request_body = VerifyBody, responses(
        (status = 200, body = VerifiedView),
        (status = 409, body = Problem, description = "`link_stale`"),
        (status = 422, body = Problem)))]
pub(super) async fn verify(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<VerifyBody>,
) -> Result<(HeaderMap, Json<VerifiedView>)> {
    let profile = ProfileChange::parse(
        body.display_name.as_deref(),
        body.time_zone.as_deref(),
        body.locale.as_deref(),
    )?;
    let device = device_of(&headers);
    let at = At {
        from,
        device: &device,
        cookie: identity.remembered(&headers),
    };
    let browser = cookies::read(&headers, identity.registration_cookie());
    let (email, entry) = identity
        .verify_email(&body.token, &profile, browser, at)
        .await?;
    let (mut set, mut place) = (HeaderMap::new(), None);
    if let Some(Entry::Session(account, issued)) = entry {
        identity.set_cookies(&mut set, &issued);
        place = Some(landing(&account));
    }
    let view = VerifiedView {
        email,
        landing: place,
    };
    Ok((set, Json(view)))
}

/// The caller's own account.
#[utoipa::path(get, path = "/me", tag = "account", operation_id = "me", responses(
    (status = 200, body = MeView), (status = 401, body = Problem)))]
pub(super) async fn me(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Json<MeView>> {
    let account = Account::clone(&*identity.me(&caller).await?);
    Ok(Json(seen_by(&identity, &caller, account).await?))
}

/// An account as it stands in this session, with who really acts.
async fn seen_by(identity: &Identity, caller: &Principal, account: Account) -> Result<MeView> {
    let mut me = MeView::from(account).held_back(caller.second_factor_due);
    if let Some(acting) = caller.acting
        && let Some(held) = identity.impersonation(acting.impersonation).await?
    {
        me.acting = Some(ActingView::of(acting, &held));
    }
    Ok(me)
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileBody {
    display_name: Option<String>,
    time_zone: Option<String>,
    locale: Option<String>,
}

/// Changes the caller's profile; what is absent stays.
#[utoipa::path(patch, path = "/me", tag = "account", operation_id = "change_profile",
    request_body = ProfileBody, responses(
        (status = 200, body = MeView), (status = 401, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn change_profile(
    State(identity): State<Identity>,
    caller: Principal,
    Json(body): Json<ProfileBody>,
) -> Result<Json<MeView>> {
    let change = ProfileChange::parse(
        body.display_name.as_deref(),
        body.time_zone.as_deref(),
        body.locale.as_deref(),
    )?;
    let account = identity.change_profile(&caller, &change).await?;
    Ok(Json(seen_by(&identity, &caller, account).await?))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetUpBody {
    token: String,
    email: String,
    #[schema(value_type = String, min_length = 10, max_length = 200)]
    password: SecretString,
    name: String,
}

/// Makes the first owner, through the link that the server printed, and signs them in.
#[utoipa::path(post, path = "/setup", tag = "account", operation_id = "set_up",
    request_body = SetUpBody, responses(
        (status = 201, body = SignedInView),
        (status = 409, body = Problem, description = "`link_stale`, `owner_exists`"),
        (status = 422, body = Problem)))]
pub(super) async fn set_up(
    State(identity): State<Identity>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<SetUpBody>,
) -> Result<Response> {
    let policy = identity.password_policy();
    let owner = NewAccount::parse(&body.email, &body.name, &body.password, &policy)?;
    let entry = identity
        .set_up(&body.token, owner, from, &device_of(&headers))
        .await?;
    Ok(identity.entered(entry))
}
