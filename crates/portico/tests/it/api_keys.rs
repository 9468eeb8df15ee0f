//! Keys for machines: no more than their maker, over at once, and named in the log.

use crate::{app::TestApp, person::Answer};
use serde_json::{Value, json};
use time::Duration;

async fn by_key(app: &TestApp, key: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    let mut request = app
        .visitor()
        .raw(method, &format!("/api/v1{path}"))
        .bearer_auth(key);
    if let Some(body) = body {
        request = request.json(&body);
    }
    Answer::of(request).await
}

#[tokio::test]
async fn a_key_does_what_it_was_made_for_and_the_log_names_it() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let bob = app.member("bob").await;
    let body = json!({"name": "Nightly", "permissions": ["users.read", "users.write"], "days": 30});
    let made = owner.post("/api-keys", body).await.status(201);
    let key = made.body["secret"].as_str().unwrap();
    assert!(key.starts_with("pk_") && key.len() == 46, "{key}");
    assert_eq!(made.body["key"]["prefix"], key[..11]);
    let listed = owner.get("/api-keys").await.status(200);
    assert!(!listed.body.to_string().contains(&key[11..]));
    let kept: String = app
        .value("select string_agg(k::text, ' ') from identity.api_keys k")
        .await;
    assert!(!kept.contains(&key[11..]), "{kept}");

    by_key(&app, key, "GET", "/users", None).await.status(200);
    let me = by_key(&app, key, "GET", "/me", None).await.status(200);
    assert_eq!(me.body["id"], json!(owner.id()));
    // What it was not made for, and what is its maker's own.
    by_key(&app, key, "GET", "/audit", None).await.status(403);
    for (method, path) in [
        ("GET", "/sessions"),
        ("DELETE", "/sessions"),
        ("GET", "/api-keys"),
        ("PATCH", "/me"),
        ("GET", "/feed"),
    ] {
        let refused = by_key(&app, key, method, path, Some(json!({})))
            .await
            .status(403);
        assert_eq!(refused.body["code"], "not_for_keys", "{path}");
    }
    let path = format!("/users/{}/suspension", bob.id());
    by_key(
        &app,
        key,
        "PUT",
        &path,
        Some(json!({"reason": "By a machine"})),
    )
    .await
    .status(204);
    let log = owner.get("/audit").await.status(200);
    let entry = &log.body["items"][0];
    assert_eq!(entry["action"], "user.suspended");
    assert_eq!(entry["data"]["via"]["name"], "Nightly");
    assert_eq!(entry["data"]["via"]["api_key"], made.body["key"]["id"]);
    let listed = owner.get("/api-keys").await.status(200);
    assert!(listed.body["items"][0]["last_used_at"].is_string());

    let id = made.body["key"]["id"].as_str().unwrap();
    owner.delete(&format!("/api-keys/{id}")).await.status(204);
    owner.delete(&format!("/api-keys/{id}")).await.status(404);
    by_key(&app, key, "GET", "/users", None).await.status(401);
}

#[tokio::test]
async fn a_key_ends_with_its_time_and_with_its_maker() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let admin = app.staff("ada", "admin").await;
    let make = |days: Option<u16>| json!({"name": "K", "permissions": ["users.read", "audit.read"], "days": days});
    let short = admin.post("/api-keys", make(Some(1))).await.status(201);
    let long = admin.post("/api-keys", make(None)).await.status(201);
    let (short, long) = (
        short.body["secret"].as_str().unwrap(),
        long.body["secret"].as_str().unwrap(),
    );
    by_key(&app, short, "GET", "/audit", None).await.status(200);
    app.clock.advance(Duration::days(1));
    by_key(&app, short, "GET", "/audit", None).await.status(401);
    by_key(&app, long, "GET", "/audit", None).await.status(200);
    owner.sign_in().await.status(201);
    // Its maker may do less by now, and so may the key.
    owner
        .put(&format!("/users/{}/roles/support", admin.id()), json!({}))
        .await
        .status(204);
    owner
        .delete(&format!("/users/{}/roles/admin", admin.id()))
        .await
        .status(204);
    by_key(&app, long, "GET", "/audit", None).await.status(403);
    by_key(&app, long, "GET", "/users", None).await.status(200);
    owner
        .put(
            &format!("/users/{}/suspension", admin.id()),
            json!({"reason": "x"}),
        )
        .await
        .status(204);
    by_key(&app, long, "GET", "/users", None).await.status(401);
}

#[tokio::test]
async fn a_key_allows_no_more_than_its_maker() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let role = json!({"title": "Keys", "permissions": ["users.read", "api_keys.write"]});
    owner.post("/roles", role).await.status(201);
    let maker = app.staff("kim", "keys").await;
    let more = json!({"name": "More", "permissions": ["users.write"]});
    let refused = maker.post("/api-keys", more).await.status(403);
    assert_eq!(refused.body["code"], "grants_more");
    let faulty = json!({"name": " ", "permissions": ["users.fly"], "days": 0});
    let refused = maker.post("/api-keys", faulty).await.status(422);
    assert_eq!(refused.body["errors"].as_array().unwrap().len(), 3);
    for wrong in ["pk_", "pk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        by_key(&app, wrong, "GET", "/users", None).await.status(401);
    }
}
