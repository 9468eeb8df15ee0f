//! API keys of people and of teams.

use super::{Routes, act, read, teams::may};
use crate::stack_auth::{
    StackAuth,
    actions::keys::{NewKey, Owner},
    body::{Body, Path, Query},
    call::Call,
    fault::{Answer, Fault, Result, list, ok},
    known::{Known, millis},
    model::{ApiKey, ApiKeyId, TeamId},
};
use axum::{Router, extract::State, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn router() -> Routes {
    Router::new()
        .route("/user-api-keys", read(of_user).merge(post(create_for_user)))
        .route("/user-api-keys/check", act(check_user))
        .route("/user-api-keys/{id}", read(one).patch(change))
        .route("/team-api-keys", read(of_team).merge(post(create_for_team)))
        .route("/team-api-keys/check", act(check_team))
        .route("/team-api-keys/{id}", read(one).patch(change))
}

/// A key; `value` is its text once, and what it ends with later.
fn view(key: &ApiKey, value: &Value) -> Value {
    let mut view = json!({
        "id": key.id,
        "description": key.description,
        "is_public": key.is_public,
        "created_at_millis": millis(key.created_at),
        "type": if key.team.is_some() { "team" } else { "user" },
        "value": value,
    });
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            view[name] = value;
        }
    };
    set("user_id", key.user.map(|id| json!(id)));
    set("team_id", key.team.map(|id| json!(id)));
    set(
        "expires_at_millis",
        key.expires_at.map(|at| millis(at).into()),
    );
    set(
        "manually_revoked_at_millis",
        key.revoked_at.map(|at| millis(at).into()),
    );
    view
}

fn known(key: &ApiKey) -> Value {
    view(key, &json!({ "last_four": key.last_four }))
}

/// Whether the caller may mind the keys of this owner.
async fn owns(stack: &StackAuth, call: &Call, owner: Owner) -> Result<()> {
    match owner {
        Owner::User(id) if call.is_server() || call.signed_in()?.user == id => Ok(()),
        Owner::User(_) => Err(Known::ApiKeyNotFound.into()),
        Owner::Team(team) => may(stack, call, team, "$manage_api_keys").await,
    }
}

#[derive(Deserialize)]
struct UserQuery {
    user_id: String,
}

async fn of_user(
    State(stack): State<StackAuth>,
    call: Call,
    Query(query): Query<UserQuery>,
) -> Answer {
    let owner = Owner::User(call.user(&query.user_id)?);
    list(stack.keys_of(owner).await?.iter().map(known).collect())
}

#[derive(Deserialize)]
struct TeamQuery {
    team_id: TeamId,
}

async fn of_team(
    State(stack): State<StackAuth>,
    call: Call,
    Query(query): Query<TeamQuery>,
) -> Answer {
    let owner = Owner::Team(query.team_id);
    owns(&stack, &call, owner).await?;
    list(stack.keys_of(owner).await?.iter().map(known).collect())
}

#[derive(Deserialize)]
struct UserKeyBody {
    user_id: String,
    #[serde(flatten)]
    key: NewKey,
}

async fn create_for_user(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<UserKeyBody>,
) -> Answer {
    if !stack.config().allow_user_api_keys {
        return Err(Fault::forbidden(
            "User API keys are not enabled for this project.",
        ));
    }
    let owner = Owner::User(call.user(&body.user_id)?);
    let (key, secret) = stack.create_key(owner, body.key, None).await?;
    ok(view(&key, &json!(secret.as_str())))
}

#[derive(Deserialize)]
struct TeamKeyBody {
    team_id: TeamId,
    #[serde(flatten)]
    key: NewKey,
}

async fn create_for_team(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<TeamKeyBody>,
) -> Answer {
    if !stack.config().allow_team_api_keys {
        return Err(Fault::forbidden(
            "Team API keys are not enabled for this project.",
        ));
    }
    let owner = Owner::Team(body.team_id);
    owns(&stack, &call, owner).await?;
    stack.team(body.team_id).await?;
    let by = call.caller.map(|caller| caller.user);
    let (key, secret) = stack.create_key(owner, body.key, by).await?;
    ok(view(&key, &json!(secret.as_str())))
}

/// A key that the caller may mind.
async fn own(stack: &StackAuth, call: &Call, id: ApiKeyId) -> Result<ApiKey> {
    let key = stack.key(id).await?;
    let owner = match (key.user, key.team) {
        (Some(user), _) => Owner::User(user),
        (None, Some(team)) => Owner::Team(team),
        (None, None) => return Err(Known::ApiKeyNotFound.into()),
    };
    owns(stack, call, owner).await?;
    Ok(key)
}

async fn one(State(stack): State<StackAuth>, call: Call, Path(id): Path<ApiKeyId>) -> Answer {
    ok(known(&own(&stack, &call, id).await?))
}

#[derive(Deserialize)]
struct ChangeBody {
    description: Option<String>,
    revoked: Option<bool>,
}

async fn change(
    State(stack): State<StackAuth>,
    call: Call,
    Path(id): Path<ApiKeyId>,
    Body(body): Body<ChangeBody>,
) -> Answer {
    own(&stack, &call, id).await?;
    let key = stack
        .change_key(id, body.description.as_deref(), body.revoked == Some(true))
        .await?;
    ok(known(&key))
}

#[derive(Deserialize)]
struct CheckBody {
    api_key: String,
}

async fn check_user(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<CheckBody>,
) -> Answer {
    call.server()?;
    ok(known(&stack.check_key(&body.api_key, false).await?))
}

async fn check_team(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<CheckBody>,
) -> Answer {
    call.server()?;
    ok(known(&stack.check_key(&body.api_key, true).await?))
}
