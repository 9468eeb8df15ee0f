//! Accounts at providers: linked ones, and what an app may ask of them.

use super::{Routes, act, read};
use crate::stack_auth::{
    StackAuth,
    actions::links::{LinkChange, NewLink},
    body::{Body, Path, Query},
    call::Call,
    fault::{Answer, created, list, ok, success},
    known::Known,
    model::LinkId,
    views,
};
use axum::{Router, extract::State, routing::post};
use serde::Deserialize;

pub(super) fn router() -> Routes {
    Router::new()
        .route("/oauth-providers", read(all).merge(post(create)))
        .route(
            "/oauth-providers/{user}/{id}",
            read(one).patch(change).delete(remove),
        )
        .route("/connected-accounts/{user}", read(connected))
        .route("/connected-accounts/{user}/{provider}", read(connected_at))
        .route(
            "/connected-accounts/{user}/{provider}/access-token",
            act(token_at),
        )
        .route(
            "/connected-accounts/{user}/{provider}/{account}/access-token",
            act(token_of),
        )
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
    let whose = query.user_id.as_deref().unwrap_or("me");
    let links = stack.links(call.user(whose)?, None).await?;
    list(
        links
            .iter()
            .map(|link| views::link(link, call.is_server()))
            .collect(),
    )
}

async fn create(State(stack): State<StackAuth>, call: Call, Body(body): Body<NewLink>) -> Answer {
    call.server()?;
    let user = call.user(&body.user_id)?;
    let link = stack.make_link(user, body, &call.device).await?;
    created(views::link(&link, true))
}

async fn one(
    State(stack): State<StackAuth>,
    call: Call,
    Path((user, id)): Path<(String, LinkId)>,
) -> Answer {
    let link = stack.link(call.user(&user)?, id).await?;
    ok(views::link(&link, call.is_server()))
}

async fn change(
    State(stack): State<StackAuth>,
    call: Call,
    Path((user, id)): Path<(String, LinkId)>,
    Body(body): Body<LinkChange>,
) -> Answer {
    let user = call.user(&user)?;
    if !call.is_server() {
        stack.recent(&call.signed_in()?)?;
        if body.email.is_some() || body.account_id.is_some() {
            let access = ("client".to_owned(), &["server", "admin"] as &[&str]);
            return Err(Known::InsufficientAccessType(access.0, access.1).into());
        }
    }
    let link = stack.change_link(user, id, body, call.is_server()).await?;
    ok(views::link(&link, call.is_server()))
}

async fn remove(
    State(stack): State<StackAuth>,
    call: Call,
    Path((user, id)): Path<(String, LinkId)>,
) -> Answer {
    let user = call.user(&user)?;
    if !call.is_server() {
        stack.recent(&call.signed_in()?)?;
    }
    stack
        .remove_link(user, id, &call.device, call.is_server())
        .await?;
    success()
}

async fn connected(State(stack): State<StackAuth>, call: Call, Path(user): Path<String>) -> Answer {
    let links = stack.links(call.user(&user)?, None).await?;
    let allowed = links.iter().filter(|link| link.allow_connected_accounts);
    list(allowed.map(views::connected).collect())
}

async fn connected_at(
    State(stack): State<StackAuth>,
    call: Call,
    Path((user, provider)): Path<(String, String)>,
) -> Answer {
    let links = stack.links(call.user(&user)?, Some(&provider)).await?;
    let allowed = links.iter().filter(|link| link.allow_connected_accounts);
    list(allowed.map(views::connected).collect())
}

async fn token_at(
    State(stack): State<StackAuth>,
    call: Call,
    Path((user, provider)): Path<(String, String)>,
) -> Answer {
    let user = call.user(&user)?;
    Err(stack.no_token(user, &provider, None).await?)
}

async fn token_of(
    State(stack): State<StackAuth>,
    call: Call,
    Path((user, provider, account)): Path<(String, String, String)>,
) -> Answer {
    let user = call.user(&user)?;
    Err(stack.no_token(user, &provider, Some(&account)).await?)
}
