//! Permissions in teams and in the project.

use super::{Routes, read};
use crate::stack_auth::{
    StackAuth,
    body::{Path, Query},
    call::Call,
    fault::{Answer, Fault, created, list, success},
    model::TeamId,
};
use axum::{Router, extract::State, routing::post};
use kernel::id::UserId;
use serde::Deserialize;
use serde_json::json;

pub(super) fn router() -> Routes {
    Router::new()
        .route("/team-permissions", read(of_teams))
        .route(
            "/team-permissions/{team}/{user}/{id}",
            post(grant_in_team).delete(revoke_in_team),
        )
        .route("/project-permissions", read(of_project))
        .route(
            "/project-permissions/{user}/{id}",
            post(grant).delete(revoke),
        )
}

#[derive(Deserialize)]
struct PermissionsQuery {
    team_id: Option<TeamId>,
    user_id: Option<String>,
    permission_id: Option<String>,
    recursive: Option<String>,
}

impl PermissionsQuery {
    fn recursive(&self) -> bool {
        self.recursive.as_deref() == Some("true")
    }

    fn wanted(&self, id: &str) -> bool {
        self.permission_id
            .as_deref()
            .is_none_or(|wanted| wanted == id)
    }
}

async fn of_teams(
    State(stack): State<StackAuth>,
    call: Call,
    Query(query): Query<PermissionsQuery>,
) -> Answer {
    let user = match query.user_id.as_deref() {
        Some(named) => Some(call.user(named)?),
        None if call.is_server() => None,
        None => {
            return Err(Fault::forbidden(
                "Client can only list permissions for their own user. user_id must be either 'me' or the ID of the current user",
            ));
        }
    };
    let held = stack
        .team_permissions(query.team_id, user, query.recursive())
        .await?;
    list(
        held.iter()
            .filter(|(_, _, id)| query.wanted(id))
            .map(|(team, user, id)| json!({ "id": id, "user_id": user, "team_id": team }))
            .collect(),
    )
}

async fn grant_in_team(
    State(stack): State<StackAuth>,
    call: Call,
    Path((team, user, id)): Path<(TeamId, UserId, String)>,
) -> Answer {
    call.server()?;
    stack.set_team_permission(team, user, &id, true).await?;
    created(json!({ "id": id, "user_id": user, "team_id": team }))
}

async fn revoke_in_team(
    State(stack): State<StackAuth>,
    call: Call,
    Path((team, user, id)): Path<(TeamId, UserId, String)>,
) -> Answer {
    call.server()?;
    stack.set_team_permission(team, user, &id, false).await?;
    success()
}

async fn of_project(
    State(stack): State<StackAuth>,
    call: Call,
    Query(query): Query<PermissionsQuery>,
) -> Answer {
    let user = call.user(query.user_id.as_deref().unwrap_or("me"))?;
    let held = stack.project_permissions(user, query.recursive()).await?;
    list(
        held.iter()
            .filter(|id| query.wanted(id))
            .map(|id| json!({ "id": id, "user_id": user }))
            .collect(),
    )
}

async fn grant(
    State(stack): State<StackAuth>,
    call: Call,
    Path((user, id)): Path<(UserId, String)>,
) -> Answer {
    call.server()?;
    stack.set_project_permission(user, &id, true).await?;
    created(json!({ "id": id, "user_id": user }))
}

async fn revoke(
    State(stack): State<StackAuth>,
    call: Call,
    Path((user, id)): Path<(UserId, String)>,
) -> Answer {
    call.server()?;
    stack.set_project_permission(user, &id, false).await?;
    success()
}
