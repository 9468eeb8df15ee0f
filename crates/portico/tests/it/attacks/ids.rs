//! Ids of others: every operation of the API's document that takes one is called with one
//! that exists and is not the caller's.

use super::contents;
use crate::{
    app::TestApp,
    authz::{body_of, operations},
    person::{Answer, Person},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// What belongs to bob, and what the owner made for herself.
struct Place {
    app: TestApp,
    owner: Person,
    ids: Vec<(&'static str, String)>,
}

fn id_in(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

#[expect(clippy::too_many_lines, reason = "one of everything that has an id")]
async fn place() -> Place {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let bob = app.member("bob").await;
    bob.elsewhere().sign_in().await.status(201);
    let sent = owner
        .publish("For bob", json!({"kind": "users", "users": [bob.id()]}))
        .await;
    let note = owner
        .post(
            &format!("/users/{}/notes", bob.id()),
            json!({"body": "Private."}),
        )
        .await
        .status(201);
    let view = json!({"title": "Mine", "query": "", "shared": false});
    let view = owner.post("/users/views", view).await.status(201);
    let bulk = json!({"action": "sign_out", "people": [owner.id()]});
    let bulk = owner.post("/users/bulk", bulk).await.status(202);
    let invitation = json!({"email": "kim@example.org", "roles": ["member"]});
    let invitation = owner.post("/invitations", invitation).await.status(201);
    let key = json!({"name": "Nightly", "permissions": ["users.read"], "days": 30});
    let key = owner.post("/api-keys", key).await.status(201);
    let tier = owner
        .post("/tiers", json!({"key": "gold", "name": "Gold"}))
        .await
        .status(201);
    owner
        .put("/features/lounge", json!({"name": "Lounge"}))
        .await
        .status(204);
    let role = json!({"title": "Porter", "permissions": ["users.read"]});
    let role = owner.post("/roles", role).await.status(201);
    let file = owner
        .raw("POST", "/api/v1/users/imports?name=people.csv")
        .header("content-type", "text/csv")
        .body("mail\nann@example.org\n");
    let import = Answer::of(file).await.status(201);
    bob.post("/me/export", json!({})).await.status(202);
    app.drain().await;
    // What takes an authenticator, a second factor or a failing job to make.
    app.sql(&format!(
        "insert into identity.passkeys (id, user_id, credential_id, name, credential, synced)
            values (gen_random_uuid(), '{bob}', 'x', 'Bob''s', '{{}}', false);
        insert into kernel.dead_letters (id, job_id, task, payload, error, attempts)
            values (gen_random_uuid(), 1, 'kernel:sweep', '{{}}', 'x', 5);",
        bob = bob.id()
    ))
    .await;
    let one = async |sql: String| -> String { app.value(&sql).await };
    let of_bob = |what: &str| format!("select (max({what}::text)) from identity");
    let by_bob = format!("where user_id = '{}'", bob.id());
    let session = one(format!("{}.sessions {by_bob}", of_bob("id"))).await;
    let passkey = one(format!("{}.passkeys {by_bob}", of_bob("id"))).await;
    let device = one(format!("{}.known_devices {by_bob}", of_bob("id"))).await;
    let export =
        one("select max(id::text) from kernel.files where purpose = 'export'".into()).await;
    let dead = one("select max(id::text) from kernel.dead_letters".into()).await;
    let ids = vec![
        ("users/{id}", bob.id().to_string()),
        ("sessions/{id}", session.clone()),
        ("sessions/{session}", session),
        ("notes/{note}", id_in(&note.body)),
        ("views/{view}", id_in(&view.body)),
        ("bulk/{run}", id_in(&bulk.body)),
        ("imports/{id}", id_in(&import.body["import"])),
        ("invitations/{id}", id_in(&invitation.body)),
        ("api-keys/{id}", id_in(&key.body["key"])),
        ("tiers/{id}", id_in(&tier.body)),
        ("prices/{interval}", "month".to_owned()),
        ("features/{key}", "lounge".to_owned()),
        (
            "roles/{name}",
            role.body["name"].as_str().unwrap().to_owned(),
        ),
        ("roles/{role}", "owner".to_owned()),
        // Everybody's mails, and staff's to word.
        ("mail-words/{name}", "sign_in".to_owned()),
        ("feed/{id}", sent.clone()),
        ("updates/{id}", sent),
        ("passkeys/{id}", passkey),
        ("remembered-devices/{id}", device),
        ("files/{id}", export),
        ("dead/{id}", dead),
        // Of the operator's, who is refused before anything is looked up.
        ("events/{id}", Uuid::now_v7().to_string()),
        ("reconciliations/{id}", Uuid::now_v7().to_string()),
    ];
    Place { app, owner, ids }
}

impl Place {
    /// A path with its ids filled in; none where it names nobody's.
    fn concrete(&self, path: &str) -> Option<String> {
        // A provider's name is the operator's, the same for everybody.
        if !path.contains('{') || path.contains("providers/{name}") {
            return None;
        }
        let parts: Vec<&str> = path.split('/').collect();
        let mut filled = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            if part.starts_with('{') {
                let key = format!("{}/{part}", parts[at - 1]);
                let id = self.ids.iter().find(|(name, _)| *name == key);
                let (_, id) = id.unwrap_or_else(|| panic!("no id to try for {key} in {path}"));
                filled.push(id.as_str());
            } else {
                filled.push(part);
            }
        }
        Some(filled.join("/"))
    }

    /// Calls what `wanted` says with the others' ids; what was not refused.
    async fn try_all(&self, caller: &Person, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for operation in operations() {
            let Some(path) = self.concrete(&operation.template) else {
                continue;
            };
            if !wanted(&operation.template) {
                continue;
            }
            let mut request = caller.raw(&operation.method, &path);
            if operation.takes_body {
                request = request.json(&body_of(&operation.id));
            }
            let answer = Answer::of(request).await;
            if !matches!(answer.code, 403 | 404) {
                wrong.push(format!("{}: {} {}", operation.id, answer.code, answer.body));
            }
        }
        wrong
    }
}

#[tokio::test]
async fn no_id_of_somebody_else_opens_or_changes_anything() {
    let place = place().await;
    let eve = place.app.member("eve").await;
    let before = contents(&place.app).await;
    let wrong = place.try_all(&eve, |_| true).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(contents(&place.app).await, before);
    // The ids are real: their owner's calls find what they name.
    for path in ["views", "imports", "notes", "bulk", "users"] {
        let there = place.ids.iter().filter(|(name, _)| name.starts_with(path));
        assert_eq!(there.count(), 1, "{path}");
    }
    let import = place.concrete("/users/imports/{id}").unwrap();
    place.owner.get(&import).await.status(200);
    let feed = place.concrete("/feed/{id}").unwrap();
    place.owner.get(&feed).await.status(404);
}

#[tokio::test]
async fn what_staff_keep_for_themselves_is_closed_to_staff_with_the_same_rights() {
    let place = place().await;
    let sam = place.app.staff("sam", "admin").await;
    let before = contents(&place.app).await;
    let private = [
        "views/{view}",
        "imports/{id}",
        "/me/",
        "/feed/",
        "v1/sessions/",
    ];
    let wrong = place
        .try_all(&sam, |path| private.iter().any(|part| path.contains(part)))
        .await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(contents(&place.app).await, before);
}
