//! Teams, memberships, and how members show.

use super::{Routes, read};
use crate::stack_auth::{
    StackAuth,
    actions::teams::TeamChange,
    body::{Body, Path, Query, given},
    call::Call,
    fault::{Answer, Fault, Result, created, list, ok, success},
    model::{Member, Team, TeamId},
    views,
};
use axum::{Router, extract::State, routing::post};
use kernel::id::UserId;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn router() -> Routes {
    Router::new()
        .route("/teams", read(all).merge(post(create)))
        .route("/teams/{id}", read(one).patch(change).delete(delete))
        .route("/team-memberships/{team}/{user}", post(join).delete(leave))
        .route("/team-member-profiles", read(profiles))
        .route(
            "/team-member-profiles/{team}/{user}",
            read(profile).patch(change_profile),
        )
}

fn view(call: &Call, team: &Team) -> Value {
    if call.is_server() {
        views::server_team(team)
    } else {
        views::team(team)
    }
}

#[derive(Deserialize)]
struct WhoseQuery {
    user_id: Option<String>,
}

async fn all(
    State(stack): State<StackAuth>,
    call: Call,
    Query(query): Query<WhoseQuery>,
) -> Answer {
    let of = match &query.user_id {
        Some(named) => Some(call.user(named)?),
        None if call.is_server() => None,
        None => {
            return Err(Fault::forbidden(
                "Client can only list teams for their own user. user_id must be 'me'",
            ));
        }
    };
    let teams = stack.teams(of).await?;
    list(teams.iter().map(|team| view(&call, team)).collect())
}

async fn create(
    State(stack): State<StackAuth>,
    call: Call,
    Body(body): Body<TeamChange>,
) -> Answer {
    let creator = match body.creator_user_id.as_deref() {
        Some(named) => Some(call.user(named)?),
        None => call
            .caller
            .map(|caller| caller.user)
            .filter(|_| !call.is_server()),
    };
    if !call.is_server() {
        call.signed_in()?;
        if !stack.config().client_team_creation_enabled {
            return Err(Fault::forbidden(
                "Client team creation is disabled for this project",
            ));
        }
    }
    let team = stack.create_team(creator, body, call.is_server()).await?;
    created(view(&call, &team))
}

async fn one(State(stack): State<StackAuth>, call: Call, Path(id): Path<TeamId>) -> Answer {
    let team = if call.is_server() {
        stack.team(id).await?
    } else {
        stack.own_team(id, call.signed_in()?.user).await?
    };
    ok(view(&call, &team))
}

async fn change(
    State(stack): State<StackAuth>,
    call: Call,
    Path(id): Path<TeamId>,
    Body(body): Body<TeamChange>,
) -> Answer {
    may(&stack, &call, id, "$update_team").await?;
    let team = stack.change_team(id, body, call.is_server()).await?;
    ok(view(&call, &team))
}

async fn delete(State(stack): State<StackAuth>, call: Call, Path(id): Path<TeamId>) -> Answer {
    may(&stack, &call, id, "$delete_team").await?;
    stack.delete_team(id).await?;
    success()
}

/// A server may; somebody signed in may what they were granted.
pub(super) async fn may(
    stack: &StackAuth,
    call: &Call,
    team: TeamId,
    permission: &'static str,
) -> Result<()> {
    if call.is_server() {
        return Ok(());
    }
    stack.may(team, call.signed_in()?.user, permission).await
}

async fn join(
    State(stack): State<StackAuth>,
    call: Call,
    Path((team, user)): Path<(TeamId, String)>,
) -> Answer {
    call.server()?;
    let user = call.user(&user)?;
    stack.join(team, user).await?;
    created(json!({ "team_id": team, "user_id": user }))
}

async fn leave(
    State(stack): State<StackAuth>,
    call: Call,
    Path((team, user)): Path<(TeamId, String)>,
) -> Answer {
    let user = other(&call, &user)?;
    if call.caller.is_none_or(|caller| caller.user != user) {
        may(&stack, &call, team, "$remove_members").await?;
    }
    stack.leave(team, user).await?;
    success()
}

/// `me`, or anybody: what may be done to them is asked of the team.
fn other(call: &Call, named: &str) -> Result<UserId> {
    match named.parse() {
        Ok(id) => Ok(id),
        Err(_) => call.user(named),
    }
}

fn member(member: &Member) -> Value {
    json!({
        "team_id": member.team,
        "user_id": member.user,
        "display_name": member.display_name,
        "profile_image_url": member.profile_image_url,
    })
}

async fn shown(stack: &StackAuth, call: &Call, this: &Member) -> Result<Value> {
    let mut view = member(this);
    if call.is_server() {
        let user = stack.user(this.user).await?;
        view["user"] = super::users::view(call, &user);
    }
    Ok(view)
}

#[derive(Deserialize)]
struct MembersQuery {
    team_id: Option<TeamId>,
    user_id: Option<String>,
}

async fn profiles(
    State(stack): State<StackAuth>,
    call: Call,
    Query(query): Query<MembersQuery>,
) -> Answer {
    let user = query
        .user_id
        .as_deref()
        .map(|named| other(&call, named))
        .transpose()?;
    let own = user.is_some() && call.caller.map(|caller| caller.user) == user;
    match query.team_id {
        Some(team) if !own => may(&stack, &call, team, "$read_members").await?,
        None if !own && !call.is_server() => {
            return Err(Fault::forbidden(
                "Client can only list team member profiles of a team, or their own",
            ));
        }
        _ => {}
    }
    let members = stack.members(query.team_id, user).await?;
    let mut items = Vec::with_capacity(members.len());
    for member in &members {
        items.push(shown(&stack, &call, member).await?);
    }
    list(items)
}

async fn profile(
    State(stack): State<StackAuth>,
    call: Call,
    Path((team, user)): Path<(TeamId, String)>,
) -> Answer {
    let user = other(&call, &user)?;
    if call.caller.is_none_or(|caller| caller.user != user) {
        may(&stack, &call, team, "$read_members").await?;
    }
    let member = stack.member(team, user).await?;
    ok(shown(&stack, &call, &member).await?)
}

#[derive(Deserialize)]
struct ProfileBody {
    #[serde(default, deserialize_with = "given")]
    display_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    profile_image_url: Option<Option<String>>,
}

async fn change_profile(
    State(stack): State<StackAuth>,
    call: Call,
    Path((team, user)): Path<(TeamId, String)>,
    Body(body): Body<ProfileBody>,
) -> Answer {
    let user = call.user(&user)?;
    let member = stack
        .change_member(team, user, body.display_name, body.profile_image_url)
        .await?;
    ok(shown(&stack, &call, &member).await?)
}
