//! Roles, and who holds them.

use super::people_views::{PermissionView, PermissionsView, RoleView, RolesView};
use crate::{Identity, model::people::NewRole};
use axum::{extract::State, http::StatusCode};
use kernel::{
    Permission, Principal, Result,
    error::Problem,
    extract::{Json, Path, Query},
    id::UserId,
};
use serde::Deserialize;

/// Every role, and how many hold it. Needs `users.read`.
#[utoipa::path(get, path = "/roles", tag = "roles", operation_id = "roles", responses(
    (status = 200, body = RolesView), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn list(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Json<RolesView>> {
    let roles = identity.roles(&caller).await?;
    Ok(Json(RolesView {
        items: roles
            .into_iter()
            .map(|role| RoleView::of(role, &caller))
            .collect(),
    }))
}

/// Everything that a role can allow, in plain words. Needs `users.read`.
#[utoipa::path(get, path = "/permissions", tag = "roles", operation_id = "permissions",
    responses((status = 200, body = PermissionsView), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
pub(super) async fn permissions(caller: Principal) -> Result<Json<PermissionsView>> {
    caller.require(Permission::UsersRead)?;
    let items = Permission::ALL.iter().copied();
    Ok(Json(PermissionsView {
        items: items.map(|one| PermissionView::of(one, &caller)).collect(),
    }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleBody {
    /// As people call it. The stable name is made from it.
    #[serde(default)]
    title: String,
    /// For what it is.
    #[serde(default)]
    description: String,
    /// What it allows.
    #[serde(default)]
    permissions: Vec<String>,
    /// Whether its holders land in the admin; they do unless said.
    staff: Option<bool>,
}

impl RoleBody {
    fn parse(&self) -> Result<NewRole> {
        let staff = self.staff.unwrap_or(true);
        NewRole::parse(&self.title, &self.description, &self.permissions, staff)
    }
}

/// Makes a role. It can allow no more than the caller may do. Needs `roles.write`.
#[utoipa::path(post, path = "/roles", tag = "roles", operation_id = "create_role",
    request_body = RoleBody, responses((status = 201, body = RoleView),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create(
    State(identity): State<Identity>,
    caller: Principal,
    Json(body): Json<RoleBody>,
) -> Result<(StatusCode, Json<RoleView>)> {
    caller.require(Permission::RolesWrite)?;
    let role = identity.create_role(&caller, &body.parse()?).await?;
    Ok((StatusCode::CREATED, Json(RoleView::of(role, &caller))))
}

/// Changes a role of this place's own, for all who hold it and at once. Needs `roles.write`.
#[utoipa::path(put, path = "/roles/{name}", tag = "roles", operation_id = "change_role",
    params(("name" = String, Path, description = "Its stable name")), request_body = RoleBody,
    responses((status = 200, body = RoleView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 409, body = Problem, description = "`role_built_in`")))]
pub(super) async fn change(
    State(identity): State<Identity>,
    caller: Principal,
    Path(name): Path<String>,
    Json(body): Json<RoleBody>,
) -> Result<Json<RoleView>> {
    caller.require(Permission::RolesWrite)?;
    let role = identity.change_role(&caller, &name, &body.parse()?).await?;
    Ok(Json(RoleView::of(role, &caller)))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteRoleQuery {
    /// The role that its holders get instead; needed if anybody holds it.
    to: Option<String>,
}

/// Removes a role of this place's own. Needs `roles.write`.
#[utoipa::path(delete, path = "/roles/{name}", tag = "roles", operation_id = "delete_role",
    params(("name" = String, Path, description = "Its stable name"), DeleteRoleQuery),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`role_built_in`, `role_held`")))]
pub(super) async fn delete(
    State(identity): State<Identity>,
    caller: Principal,
    Path(name): Path<String>,
    Query(query): Query<DeleteRoleQuery>,
) -> Result<StatusCode> {
    identity
        .delete_role(&caller, &name, query.to.as_deref())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives somebody a role, at once. Needs `roles.write`, and all that the role allows.
#[utoipa::path(put, path = "/users/{id}/roles/{role}", tag = "roles", operation_id = "grant_role",
    params(("id" = UserId, Path, description = "The person"),
        ("role" = String, Path, description = "The role's name")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`role_held`"), (status = 422, body = Problem)))]
pub(super) async fn grant(
    State(identity): State<Identity>,
    caller: Principal,
    Path((id, role)): Path<(UserId, String)>,
) -> Result<StatusCode> {
    identity.grant(&caller, id, &role).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a role from somebody, at once. Needs `roles.write`.
#[utoipa::path(delete, path = "/users/{id}/roles/{role}", tag = "roles",
    operation_id = "revoke_role",
    params(("id" = UserId, Path, description = "The person"),
        ("role" = String, Path, description = "The role's name")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`last_owner`, `role_not_held`")))]
pub(super) async fn revoke(
    State(identity): State<Identity>,
    caller: Principal,
    Path((id, role)): Path<(UserId, String)>,
) -> Result<StatusCode> {
    identity.revoke(&caller, id, &role).await?;
    Ok(StatusCode::NO_CONTENT)
}
