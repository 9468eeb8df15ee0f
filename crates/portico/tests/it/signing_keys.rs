//! The key that signs access tokens gives way to the next, and nobody notices.

use crate::{app::TestApp, person::Answer};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use time::Duration;

fn kid_of(token: &str) -> String {
    let head = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap());
    let head: Value = serde_json::from_slice(&head.unwrap()).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

async fn published(app: &TestApp) -> Vec<String> {
    let answer = Answer::of(app.visitor().raw("GET", "/.well-known/jwks.json")).await;
    let keys = answer.status(200).body["keys"].as_array().unwrap().clone();
    keys.iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_rotation_signs_nobody_out_and_the_next_key_was_published_before() {
    let app = TestApp::new().await;
    let other = app.second_node().await;
    let ada = app.member("ada").await;
    let old = ada.cookie("portico_access").unwrap();
    let before = published(&app).await;
    assert_eq!((before.len(), &before[0]), (2, &kid_of(&old)));
    let signs = app.app.identity.rotate_signing_key(None).await.unwrap();
    assert_eq!(signs, before[1]);
    ada.get("/me").await.status(200);
    ada.at(&other.url).get("/me").await.status(200);
    let after = published(&app).await;
    assert_eq!(after.len(), 3);
    assert!(before.iter().all(|kid| after.contains(kid)));
    // A new token is by the new key, and good on both servers.
    let phone = ada.elsewhere();
    phone.sign_in().await.status(201);
    let new = phone.cookie("portico_access").unwrap();
    assert_eq!(kid_of(&new), signs);
    for url in [&app.url, &other.url] {
        for token in [&old, &new] {
            let request = app.visitor().at(url).raw("GET", "/api/v1/me");
            Answer::of(request.bearer_auth(token)).await.status(200);
        }
    }
    // The old key goes once nothing that it signed can be good any more.
    app.clock.advance(Duration::days(2));
    let third = app.second_node().await;
    let answer = Answer::of(
        app.visitor()
            .at(&third.url)
            .raw("GET", "/.well-known/jwks.json"),
    );
    assert_eq!(answer.await.body["keys"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_rotation_is_written_down() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    app.app.identity.rotate_signing_key(None).await.unwrap();
    let acts = owner.get("/audit").await.status(200);
    assert_eq!(acts.body["items"][0]["action"], "signing_key.rotated");
}
