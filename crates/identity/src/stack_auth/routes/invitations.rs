//! Invitations to teams.

use super::{Routes, act, read, teams::may};
use crate::stack_auth::{
    StackAuth,
    body::{Body, Path, Query},
    call::Call,
    fault::{Answer, Fault, list, ok, success},
    known::millis,
    model::{CodeId, CodeKind, TeamId},
};
use axum::{Router, extract::State, routing::delete};
use serde::Deserialize;
use serde_json::json;

pub(super) fn router() -> Routes {
    Router::new()
        .route("/team-invitations", read(all))
        .route("/team-invitations/send-code", act(send))
        .route("/team-invitations/accept", act(accept))
        .route("/team-invitations/accept/check-code", act(check))
        .route("/team-invitations/accept/details", act(details))
        .route("/team-invitations/{id}", delete(uninvite))
        .route("/team-invitations/{id}/accept", act(accept_listed))
}

#[derive(Deserialize)]
struct SendBody {
    email: String,
    team_id: TeamId,
    callback_url: String,
}

async fn send(State(stack): State<StackAuth>, call: Call, Body(body): Body<SendBody>) -> Answer {
    may(&stack, &call, body.team_id, "$invite_members").await?;
    let id = stack
        .invite(body.team_id, &body.email, &body.callback_url)
        .await?;
    ok(json!({ "success": true, "id": id }))
}

#[derive(Deserialize)]
struct CodeBody {
    code: String,
}

async fn accept(State(stack): State<StackAuth>, call: Call, Body(body): Body<CodeBody>) -> Answer {
    stack.accept(call.signed_in()?.user, &body.code).await?;
    ok(json!({}))
}

async fn check(State(stack): State<StackAuth>, _: Call, Body(body): Body<CodeBody>) -> Answer {
    stack.look_at(CodeKind::TeamInvitation, &body.code).await?;
    ok(json!({ "is_code_valid": true }))
}

async fn details(State(stack): State<StackAuth>, _: Call, Body(body): Body<CodeBody>) -> Answer {
    let team = stack.invited_to(&body.code).await?;
    ok(json!({ "team_id": team.id, "team_display_name": team.display_name }))
}

#[derive(Deserialize)]
struct InvitationsQuery {
    team_id: Option<TeamId>,
    user_id: Option<String>,
}

async fn all(
    State(stack): State<StackAuth>,
    call: Call,
    Query(query): Query<InvitationsQuery>,
) -> Answer {
    let to = query
        .user_id
        .as_deref()
        .map(|named| call.user(named))
        .transpose()?;
    match query.team_id {
        Some(team) => may(&stack, &call, team, "$read_members").await?,
        None if to.is_none() => {
            return Err(Fault::from(crate::stack_auth::known::Known::Schema(
                "query.team_id or query.user_id must be defined".to_owned(),
            )));
        }
        None => {}
    }
    let invitations = stack.invitations(query.team_id, to).await?;
    list(
        invitations
            .iter()
            .map(|invitation| {
                json!({
                    "id": invitation.id,
                    "team_id": invitation.team,
                    "team_display_name": invitation.team_name,
                    "expires_at_millis": millis(invitation.expires_at),
                    "recipient_email": invitation.email,
                })
            })
            .collect(),
    )
}

async fn accept_listed(
    State(stack): State<StackAuth>,
    call: Call,
    Path(id): Path<CodeId>,
    Query(query): Query<InvitationsQuery>,
) -> Answer {
    let user = call.user(query.user_id.as_deref().unwrap_or("me"))?;
    stack.accept_listed(user, id).await?;
    ok(json!({}))
}

#[derive(Deserialize)]
struct TeamQuery {
    team_id: TeamId,
}

async fn uninvite(
    State(stack): State<StackAuth>,
    call: Call,
    Path(id): Path<CodeId>,
    Query(query): Query<TeamQuery>,
) -> Answer {
    may(&stack, &call, query.team_id, "$remove_members").await?;
    stack.uninvite(query.team_id, id).await?;
    success()
}
