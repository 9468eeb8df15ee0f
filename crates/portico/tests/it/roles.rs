//! Roles, and who holds them: nobody gives more than they hold, and a change binds at once.

use crate::app::TestApp;
use serde_json::{Value, json};

#[tokio::test]
async fn a_role_of_ones_own_binds_at_once_and_so_does_its_change() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let bob = app.member("bob").await;
    let role = json!({"title": "Night shift", "description": "Watches at night",
        "permissions": ["users.read", "audit.read"]});
    let made = owner.post("/roles", role).await.status(201);
    assert_eq!(made.body["name"], "night_shift");
    assert_eq!(made.body["holders"], 0);
    bob.get("/users").await.status(403);
    let grant = format!("/users/{}/roles/night_shift", bob.id());
    owner.put(&grant, json!({})).await.status(204);
    owner.put(&grant, json!({})).await.status(409);
    bob.get("/users").await.status(200);
    bob.get("/audit").await.status(200);
    let me = bob.get("/me").await.status(200);
    assert_eq!(me.body["landing"], "/admin");

    let less = json!({"title": "Night shift", "permissions": ["users.read"]});
    owner.put("/roles/night_shift", less).await.status(200);
    bob.get("/users").await.status(200);
    bob.get("/audit").await.status(403);
    owner.delete(&grant).await.status(204);
    owner.delete(&grant).await.status(409);
    bob.get("/users").await.status(403);
}

#[tokio::test]
async fn nobody_grants_more_than_they_hold() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let role =
        json!({"title": "Doorkeeper", "permissions": ["users.read", "users.write", "roles.write"]});
    owner.post("/roles", role).await.status(201);
    let keeper = app.staff("kim", "doorkeeper").await;
    let bob = app.member("bob").await;
    for (role, code) in [
        ("owner", 403),
        ("admin", 403),
        ("editor", 403),
        ("nothing", 422),
        ("doorkeeper", 204),
    ] {
        let answer = keeper
            .put(&format!("/users/{}/roles/{role}", bob.id()), json!({}))
            .await;
        assert_eq!(answer.code, code, "{role}: {}", answer.body);
    }
    let more = json!({"title": "More", "permissions": ["system.manage"]});
    let refused = keeper.post("/roles", more).await.status(403);
    assert_eq!(refused.body["code"], "grants_more");
    let wider = json!({"title": "Doorkeeper", "permissions": ["users.read", "audit.read"]});
    keeper.put("/roles/doorkeeper", wider).await.status(403);
    // A role that allows more than they hold is none of theirs to cut down or remove.
    let auditor = json!({"title": "Auditor", "permissions": ["audit.read"]});
    owner.post("/roles", auditor).await.status(201);
    let none = json!({"title": "Auditor", "permissions": []});
    keeper.put("/roles/auditor", none).await.status(403);
    keeper.delete("/roles/auditor").await.status(403);
    keeper
        .put(&format!("/users/{}/roles/member", owner.id()), json!({}))
        .await
        .status(403);
}

#[tokio::test]
async fn built_in_roles_stay_and_a_held_role_goes_only_elsewhere() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    for name in ["owner", "admin", "member"] {
        let body = json!({"title": "Mine", "permissions": []});
        let refused = owner.put(&format!("/roles/{name}"), body).await.status(409);
        assert_eq!(refused.body["code"], "role_built_in");
        owner
            .delete(&format!("/roles/{name}?to=member"))
            .await
            .status(409);
    }
    owner
        .post(
            "/roles",
            json!({"title": "Guests", "permissions": [], "staff": false}),
        )
        .await
        .status(201);
    let bob = app.member("bob").await;
    owner
        .put(&format!("/users/{}/roles/guests", bob.id()), json!({}))
        .await
        .status(204);
    let held = owner.delete("/roles/guests").await.status(409);
    assert_eq!(held.body["code"], "role_held");
    assert_eq!(
        held.body["detail"],
        "One person holds this role. Say which role they get instead."
    );
    owner.delete("/roles/guests?to=guests").await.status(422);
    owner.delete("/roles/guests?to=nowhere").await.status(422);
    owner.delete("/roles/guests?to=editor").await.status(204);
    owner.delete("/roles/guests").await.status(404);
    let page = owner.get(&format!("/users/{}", bob.id())).await.status(200);
    assert_eq!(page.body["roles"], json!(["editor", "member"]));
    bob.get("/users").await.status(200);
}

#[tokio::test]
async fn all_faults_of_a_role_come_at_once() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let body = json!({"title": "two\nlines", "permissions": ["users.read", "users.fly"]});
    let refused = owner.post("/roles", body).await.status(422);
    let fields: Vec<&Value> = refused.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| &fault["field"])
        .collect();
    assert_eq!(fields, ["title", "permissions[1]"]);
    owner
        .post("/roles", json!({"title": "???", "permissions": []}))
        .await
        .status(422);
    owner
        .post("/roles", json!({"title": "Owner", "permissions": []}))
        .await
        .status(422);
}

#[tokio::test]
async fn every_permission_is_said_in_plain_words() {
    let app = TestApp::new().await;
    let editor = {
        app.owner("eva").await;
        app.staff("ed", "editor").await
    };
    let all = editor.get("/permissions").await.status(200);
    for one in all.body["items"].as_array().unwrap() {
        let words = one["description"].as_str().unwrap();
        assert!(words.ends_with('.') && words.len() > 10, "{one}");
    }
    let held: Vec<&Value> = all.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["held"] == true)
        .map(|one| &one["name"])
        .collect();
    assert_eq!(held, ["users.read", "updates.read", "updates.publish"]);
    let roles = editor.get("/roles").await.status(200);
    let first = &roles.body["items"][0];
    assert_eq!(
        (&first["name"], &first["grantable"]),
        (&json!("owner"), &json!(false))
    );
    assert_eq!(first["holders"], 1);
}
