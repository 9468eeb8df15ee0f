//! Keys for machines.

use crate::{
    Identity,
    model::{
        keys::{ApiKey, NewApiKey},
        permission_set,
    },
};
use axum::{extract::State, http::StatusCode};
use kernel::{
    Permission, Principal, Result,
    error::Problem,
    extract::{Json, Path, Query},
    id::UserId,
    page::{Page, PageQuery},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// A key, without what it is made of.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ApiKeyView {
    id: Uuid,
    name: String,
    /// How it begins.
    prefix: String,
    /// What it may do, as far as its maker may.
    permissions: Vec<&'static str>,
    made_by: UserId,
    /// Its maker's name.
    maker: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    /// When it was last used, to about a minute.
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    last_address: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    revoked_at: Option<OffsetDateTime>,
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        let permissions = permission_set(&key.permissions);
        Self {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            permissions: permissions.iter().map(Permission::as_str).collect(),
            made_by: key.made_by,
            maker: key.maker,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            last_address: key.last_address,
            revoked_at: key.revoked_at,
        }
    }
}

/// A key that was just made.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct NewApiKeyView {
    /// The key itself: shown now and never again.
    secret: String,
    key: ApiKeyView,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKeyBody {
    /// As people call it.
    #[serde(default)]
    name: String,
    /// What it may do: no more than the caller.
    #[serde(default)]
    permissions: Vec<String>,
    /// For how many days it works; for ever unless said.
    days: Option<u16>,
}

/// Keys for machines, the latest first. Needs `api_keys.write`.
#[utoipa::path(get, path = "/api-keys", tag = "keys", operation_id = "api_keys",
    params(PageQuery), responses((status = 200, body = Page<ApiKeyView>),
        (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn list(
    State(identity): State<Identity>,
    caller: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ApiKeyView>>> {
    let page = identity.api_keys(&caller, &page).await?;
    Ok(Json(page.map(ApiKeyView::from)))
}

/// Makes a key; its text is in this answer only. Used as `Authorization: Bearer pk_…`. Needs
/// `api_keys.write`, and a recent proof of who is asking.
#[utoipa::path(post, path = "/api-keys", tag = "keys", operation_id = "create_api_key",
    request_body = ApiKeyBody, responses((status = 201, body = NewApiKeyView),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create(
    State(identity): State<Identity>,
    caller: Principal,
    Json(body): Json<ApiKeyBody>,
) -> Result<(StatusCode, Json<NewApiKeyView>)> {
    caller.require(Permission::ApiKeysWrite)?;
    let new = NewApiKey::parse(&body.name, &body.permissions, body.days)?;
    let (key, secret) = identity.create_api_key(&caller, &new).await?;
    let view = NewApiKeyView {
        secret: secret.as_str().to_owned(),
        key: key.into(),
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Takes a key back, at once. Needs `api_keys.write`.
#[utoipa::path(delete, path = "/api-keys/{id}", tag = "keys", operation_id = "revoke_api_key",
    params(("id" = Uuid, Path, description = "The key")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn revoke(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<Uuid>,
) -> Result<StatusCode> {
    identity.revoke_api_key(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
