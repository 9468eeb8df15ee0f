//! Asking people to join, and their coming in.

use crate::{
    app::{TestApp, token_of},
    person::Person,
};
use serde_json::json;
use time::Duration;

async fn link(app: &TestApp, to: &Person) -> String {
    app.drain().await;
    let mails = app.mails(&to.email()).await;
    let text = mails[0]["text"].as_str().unwrap();
    let link = text
        .split_whitespace()
        .find(|word| word.contains("/invite#"));
    token_of(link.expect("a link")).to_owned()
}

#[tokio::test]
async fn who_is_invited_comes_in_with_their_roles() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let kim = app.visitor().named("kim");
    let body = json!({"email": kim.email(), "roles": ["member", "editor"]});
    let made = owner.post("/invitations", body.clone()).await.status(201);
    assert_eq!(made.body["name"], "kim");
    let again = owner.post("/invitations", body).await.status(422);
    assert_eq!(again.body["errors"][0]["code"], "taken");
    let waiting = owner.get("/users?status=invited").await.status(200);
    assert_eq!(waiting.body["items"][0]["email"], kim.email());
    kim.sign_in().await.status(403);

    let token = link(&app, &kim).await;
    let seen = kim
        .post("/invitations/acceptance", json!({"token": token}))
        .await
        .status(200);
    assert_eq!(
        seen.body,
        json!({"email": kim.email(), "name": "kim", "inviter": "eva"})
    );
    let faulty = json!({"token": token, "name": "", "password": "short"});
    let refused = kim.put("/invitations/acceptance", faulty).await.status(422);
    assert_eq!(refused.body["errors"].as_array().unwrap().len(), 2);
    let body = json!({"token": token, "name": "Kim Lee", "password": crate::app::PASSWORD});
    let came = kim
        .put("/invitations/acceptance", body.clone())
        .await
        .status(201);
    assert_eq!(came.body["landing"], "/admin");
    assert_eq!(came.body["user"]["roles"], json!(["editor", "member"]));
    kim.get("/users").await.status(200);
    let used = kim.put("/invitations/acceptance", body).await.status(409);
    assert_eq!(used.body["code"], "link_stale");
    assert_eq!(owner.get("/invitations").await.body["items"], json!([]));
    kim.elsewhere().sign_in().await.status(201);
}

#[tokio::test]
async fn an_invitation_is_sent_again_runs_out_and_is_taken_back() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let kim = app.visitor().named("kim");
    let made = owner
        .post("/invitations", json!({"email": kim.email(), "name": "Kim"}))
        .await
        .status(201);
    let path = format!("/invitations/{}", made.body["id"].as_str().unwrap());
    let first = link(&app, &kim).await;
    app.clock.advance(Duration::days(14));
    owner.sign_in().await.status(201);
    let look = |token: String| {
        let kim = kim.clone();
        async move {
            kim.post("/invitations/acceptance", json!({"token": token}))
                .await
                .code
        }
    };
    assert_eq!(look(first.clone()).await, 409);
    owner
        .post(&format!("{path}/sending"), json!({}))
        .await
        .status(204);
    let second = link(&app, &kim).await;
    assert_ne!(first, second);
    assert_eq!((look(first).await, look(second.clone()).await), (409, 200));
    owner.delete(&path).await.status(204);
    owner.delete(&path).await.status(404);
    assert_eq!(look(second).await, 409);
    // The address is free again.
    app.registered("kim").await;
}

#[tokio::test]
async fn who_was_invited_and_registers_instead_has_come() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let kim = app.visitor().named("kim");
    owner
        .post("/invitations", json!({"email": kim.email()}))
        .await
        .status(201);
    app.drain().await;
    app.clock.advance(Duration::seconds(1));
    app.registered("kim").await;
    app.verified(&kim).await;
    kim.sign_in().await.status(201);
    assert_eq!(owner.get("/invitations").await.body["items"], json!([]));
}

#[tokio::test]
async fn nobody_invites_somebody_to_more_than_they_hold() {
    let app = TestApp::new().await;
    app.owner("eva").await;
    let support = app.staff("sam", "support").await;
    let invite = |roles: serde_json::Value| json!({"email": "kim@example.org", "roles": roles});
    support
        .post("/invitations", invite(json!(["editor"])))
        .await
        .status(403);
    support
        .post("/invitations", invite(json!(["owner"])))
        .await
        .status(403);
    support
        .post("/invitations", invite(json!(["member"])))
        .await
        .status(201);
    let wrong = json!({"email": "kim", "name": "x".repeat(101)});
    let refused = support.post("/invitations", wrong).await.status(422);
    assert_eq!(refused.body["errors"].as_array().unwrap().len(), 2);
}
