//! Whoever comes to a socket with a token that is not taken hears why, and whether to come again.

use crate::{
    app::TestApp,
    hosted_stack::{exchange, trusting},
    realtime::Socket,
    stack_sessions::{LAPTOP, Sdk},
};
use hosted_stack::jobs::FollowSessions;
use serde_json::{Value, json};
use time::Duration;

async fn said_to(app: &TestApp, token: &str) -> Value {
    let mut socket = Socket::open(app, "", &app.url).await.unwrap();
    let reply = socket.by_token(token).await;
    match reply["status"].as_str() {
        Some("ok") => json!("ok"),
        _ => reply["response"]["reason"].clone(),
    }
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_told_why() {
    let app = TestApp::live().await;
    let ada = app.member("ada").await;
    let token = ada.cookie("portico_access").unwrap();
    assert_eq!(said_to(&app, &token).await, "ok");

    // Another signature of the right length, and claims that it does not cover.
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let reversed: String = signature.chars().rev().collect();
    let forged = format!("{signed}.{reversed}");
    let not_ours = "JwtSignatureError: The token was not signed by this server";
    assert_eq!(said_to(&app, &forged).await, not_ours);
    assert_eq!(
        said_to(&app, "a.b.c").await,
        "MalformedJWT: The token provided is not a valid JWT"
    );

    ada.delete("/sessions/current").await.status(204);
    let over = "InvalidJWTToken: Its session is over, or its owner may not come in";
    assert_eq!(said_to(&app, &token).await, over);

    ada.sign_in().await.status(201);
    let token = ada.cookie("portico_access").unwrap();
    app.clock.advance(Duration::HOUR);
    let expired = "InvalidJWTToken: Token has expired";
    assert_eq!(said_to(&app, &token).await, expired);
}

#[tokio::test]
async fn a_database_that_does_not_answer_makes_nobody_a_stranger() {
    let app = TestApp::live().await;
    let ada = app.member("ada").await;
    let phone = ada.elsewhere();
    phone.sign_in().await.status(201);
    let token = phone.cookie("portico_access").unwrap();
    app.sql("alter table identity.sessions rename to sessions_away")
        .await;
    let later = "InitializingProjectConnection: Who joins cannot be looked up now, try again in some seconds";
    assert_eq!(said_to(&app, &token).await, later);
    app.sql("alter table identity.sessions_away rename to sessions")
        .await;
    assert_eq!(said_to(&app, &token).await, "ok");
}

#[tokio::test]
async fn whoever_signed_in_through_an_sdk_comes_in_with_its_token() {
    let app = TestApp::live().await;
    let sdk = Sdk::of(&app, LAPTOP).await;
    let tokens = sdk.sign_up().await;
    // Its address is not proved yet, so the first-party API does not take it either.
    let token = tokens["access_token"].as_str().unwrap();
    let unproved = said_to(&app, token).await;
    assert_eq!(
        unproved,
        "InvalidJWTToken: Its session is over, or its owner may not come in"
    );
    app.sql("update identity.users set email_verified_at = now()")
        .await;
    let held = json!({"refresh_token": tokens["refresh_token"]});
    let path = "/auth/sessions/current/refresh";
    let fresh = sdk.call("POST", path, &held, &json!({})).await.status(200);
    let token = fresh.body["access_token"].as_str().unwrap();
    assert_eq!(said_to(&app, token).await, "ok");
}

#[tokio::test]
async fn a_hosted_project_s_token_opens_a_socket_once_it_was_traded_and_until_its_session_ends() {
    let (project, app, _) = trusting().await;
    app.app.realtime.start();
    let id = project.person("ada").await;
    let token = project.token(id).await;
    let refused = said_to(&app, &token).await;
    assert_eq!(
        refused,
        "JwtSignatureError: The token was not signed by this server"
    );
    exchange(&app, &token).await.1.status(201);
    let mut socket = Socket::open(&app, "", &app.url).await.unwrap();
    let reply = socket.by_token(&token).await;
    assert_eq!(reply["status"], "ok", "{reply}");
    project.sign_out(id).await;
    app.run(FollowSessions {}).await;
    assert_eq!(socket.closed().await, 1008);
    assert_eq!(said_to(&app, &token).await, refused);
}
