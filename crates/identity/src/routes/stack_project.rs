//! What this server is to the SDKs of Stack Auth, for whoever runs it.

use crate::{
    Identity,
    stack_auth::{
        StackAuth,
        actions::operator::{KnownKey, Overview},
    },
};
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use kernel::{Principal, Result, error::Problem, extract::Json};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

/// A secret key, without what it is made of.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SecretKeyView {
    /// How it ends.
    last_four: String,
    #[serde(with = "time::serde::rfc3339")]
    made_at: OffsetDateTime,
}

impl From<KnownKey> for SecretKeyView {
    fn from(key: KnownKey) -> Self {
        Self {
            last_four: key.last_four,
            made_at: key.made_at,
        }
    }
}

/// Where a provider is to send browsers back to.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ProviderLandingView {
    /// The provider, for people.
    title: String,
    /// The addresses to register there.
    urls: Vec<String>,
}

/// The project that this server is to the SDKs.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct StackProjectView {
    /// Whether the protocol is served at all.
    enabled: bool,
    /// The SDK's `baseUrl`.
    base_url: String,
    /// The SDK's `projectId`.
    project_id: Uuid,
    /// The SDK's `publishableClientKey`; may stand in a page.
    publishable_client_key: String,
    secret_key: SecretKeyView,
    /// The key before it, if it still works.
    previous_key: Option<SecretKeyView>,
    /// This server's own origin, which is always trusted.
    own_origin: String,
    /// Where else links and sign-ins may lead, as configured.
    trusted_domains: Vec<String>,
    /// Whether they may lead to the visitor's own machine.
    allow_localhost: bool,
    /// Where codes of sign-ins may be sent, whole addresses.
    redirect_urls: Vec<String>,
    /// What to register at the providers that people sign in with.
    providers: Vec<ProviderLandingView>,
}

impl From<Overview> for StackProjectView {
    fn from(project: Overview) -> Self {
        Self {
            enabled: project.enabled,
            base_url: project.base_url,
            project_id: project.project_id,
            publishable_client_key: project.publishable_client_key,
            secret_key: project.secret_key.into(),
            previous_key: project.previous_key.map(Into::into),
            own_origin: project.own_origin,
            trusted_domains: project.trusted_domains,
            allow_localhost: project.allow_localhost,
            redirect_urls: project.redirect_urls,
            providers: project
                .landings
                .into_iter()
                .map(|landing| ProviderLandingView {
                    title: landing.title,
                    urls: landing.urls.iter().map(ToString::to_string).collect(),
                })
                .collect(),
        }
    }
}

/// A secret key that was just made.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct NewSecretKeyView {
    /// The key itself: shown now and never again.
    secret_server_key: String,
}

/// What to give to the SDKs of Stack Auth. Needs `system.manage`.
#[utoipa::path(get, path = "/stack-project", tag = "system", operation_id = "stack_project",
    responses((status = 200, body = StackProjectView), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
pub(super) async fn get(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Json<StackProjectView>> {
    let project = StackAuth::new(&identity).overview(&caller).await?;
    Ok(Json(project.into()))
}

/// Makes a new secret key; its text is in this answer only. The key before works until it is taken back, or until
/// another one follows. Needs `system.manage`, and a recent proof of who is asking.
#[utoipa::path(post, path = "/stack-project/secret-keys", tag = "system",
    operation_id = "make_stack_secret_key", responses(
        (status = 201, body = NewSecretKeyView), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`")))]
pub(super) async fn make_key(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Response> {
    let keys = StackAuth::new(&identity).make_secret_key(&caller).await?;
    let view = NewSecretKeyView {
        secret_server_key: keys.secret().to_owned(),
    };
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, headers, Json(view)).into_response())
}

/// Takes the secret key before this one back, at once. Needs `system.manage`.
#[utoipa::path(delete, path = "/stack-project/secret-keys/previous", tag = "system",
    operation_id = "revoke_stack_secret_key", responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn revoke_key(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<StatusCode> {
    StackAuth::new(&identity)
        .revoke_previous_key(&caller)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
