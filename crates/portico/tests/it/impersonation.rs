//! Staff in a member's place: with a reason and for a time, only looking unless they asked for
//! more, written down under their own name, and over at once with whatever it hangs on.

use crate::{
    app::TestApp,
    authz::{body_of, operations},
    person::{Answer, Person},
};
use kernel::principal::Allowance;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use time::Duration;

mod ending;

const WHY: &str = "Their feed looks empty to them";

async fn begin(staff: &Person, member: &Person, more: Value) -> Answer {
    let mut body = json!({"reason": WHY});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().cloned().unwrap_or_default());
    let path = format!("/users/{}/impersonation", member.id());
    staff.post(&path, body).await
}

async fn end(staff: &Person) {
    staff.delete("/me/impersonation").await.status(204);
}

/// The newest entries of the log, as action, actor and in whose place.
async fn log(owner: &Person, many: usize) -> Vec<(String, Value, Value)> {
    let log = owner.get("/audit").await.status(200);
    let entries = log.body["items"].as_array().unwrap().iter().take(many);
    entries
        .map(|entry| {
            (
                entry["action"].as_str().unwrap().to_owned(),
                entry["actor"]["id"].clone(),
                entry["data"]["via"]["on_behalf_of"].clone(),
            )
        })
        .collect()
}

#[tokio::test]
async fn staff_see_what_a_member_sees_and_nothing_of_theirs_moves() {
    let app = TestApp::new().await;
    let (eva, bob) = (app.owner("eva").await, app.member("bob").await);
    let ada = app.staff("ada", "admin").await;
    eva.publish("For members", json!({"kind": "role", "role": "member"}))
        .await;
    app.drain().await;
    let devices = bob.get("/sessions").await.status(200);

    let begun = begin(&ada, &bob, json!({})).await.status(201);
    assert_eq!(begun.body["mode"], "read");
    assert_eq!(begun.body["landing"], "/home");
    let cookie = begun.set_cookies().pop().unwrap();
    assert!(cookie.starts_with("portico_acting="), "{cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let token = cookie.split(['.', ';']).nth(1).unwrap();
    let kept: String = app
        .value("select string_agg(i::text, ' ') from identity.impersonations i")
        .await;
    assert!(!kept.contains(token), "{kept}");

    let me = ada.get("/me").await.status(200);
    assert_eq!(me.body["id"], json!(bob.id()));
    assert_eq!(me.body["acting"]["by"]["id"], json!(ada.id()));
    assert_eq!(me.body["acting"]["mode"], "read");
    assert_eq!(me.body["acting"]["reason"], WHY);
    let (theirs, seen) = (bob.get("/feed").await, ada.get("/feed").await);
    assert_eq!(theirs.body["items"], seen.body["items"]);
    assert_eq!(theirs.body["items"].as_array().unwrap().len(), 1);
    // Their rights are the member's.
    ada.get("/users").await.status(403);
    let refused = ada.patch("/me", json!({"display_name": "Bobby"})).await;
    assert_eq!(refused.status(403).body["code"], "impersonation_read_only");
    let shown = bob.get("/me").await.status(200);
    assert_eq!(shown.body["display_name"], "bob");
    assert!(shown.body.get("acting").is_none());

    end(&ada).await;
    let me = ada.get("/me").await.status(200);
    assert_eq!(me.body["id"], json!(ada.id()));
    assert!(ada.cookie("portico_acting").is_none());
    // Ending it once more changes nothing.
    end(&ada).await;
    // Nothing of the member's was touched.
    assert_eq!(bob.get("/sessions").await.body, devices.body);
}

#[tokio::test]
async fn staff_who_begin_with_each_other_at_once_do_not_wait_for_each_other() {
    let app = TestApp::new().await;
    app.owner("eva").await;
    let (ada, bob) = (
        app.staff("ada", "admin").await,
        app.staff("bob", "admin").await,
    );
    for _ in 0..20 {
        let (one, other) = tokio::join!(begin(&ada, &bob, json!({})), begin(&bob, &ada, json!({})));
        assert_eq!((one.code, other.code), (201, 201), "{one:?} {other:?}");
        tokio::join!(end(&ada), end(&bob));
    }
    let begun: i64 = app
        .value("select count(*) from identity.impersonations")
        .await;
    assert_eq!(begun, 40);
}

#[tokio::test]
async fn staff_and_the_member_find_it_written_down() {
    let app = TestApp::new().await;
    let (eva, bob) = (app.owner("eva").await, app.member("bob").await);
    let ada = app.staff("ada", "admin").await;
    begin(&ada, &bob, json!({})).await.status(201);
    app.clock.advance(Duration::minutes(3));
    end(&ada).await;
    let who = json!(ada.id());
    let entries = log(&eva, 2).await;
    assert_eq!(
        entries,
        [
            ("impersonation.ended".into(), who.clone(), json!(bob.id())),
            ("impersonation.started".into(), who, Value::Null),
        ]
    );
    let written = eva.get("/audit").await;
    assert_eq!(written.body["items"][0]["data"]["how"], "left");
    assert_eq!(written.body["items"][0]["data"]["seconds"], 180);
    assert_eq!(written.body["items"][1]["data"]["reason"], WHY);
    assert_eq!(written.body["items"][1]["subject"], json!(bob.id()));

    // The member is told.
    let told = bob.get("/me/impersonations").await.status(200);
    assert_eq!(told.body["items"][0]["by"]["name"], "ada");
    assert_eq!(told.body["items"][0]["open"], false);
    assert!(told.body["items"][0].get("reason").is_none());
    app.drain().await;
    let mails = app.mails(&bob.email()).await;
    let text = mails[0]["text"].as_str().unwrap();
    assert!(
        mails[0]["subject"]
            .as_str()
            .unwrap()
            .starts_with("ada looks at")
    );
    assert!(
        text.contains("change nothing") && !text.contains(WHY),
        "{text}"
    );
    // Staff find it on the person's page, with the reason.
    let path = format!("/users/{}/timeline", bob.id());
    let timeline = eva.get(&path).await.status(200);
    let items = timeline.body["items"].as_array().unwrap();
    let told = items
        .iter()
        .find(|one| one["kind"] == "impersonated")
        .unwrap();
    assert_eq!(told["actor"]["id"], json!(ada.id()));
    assert_eq!(told["data"]["reason"], WHY);
    assert!(told["data"]["ended_at"].is_string());
}

#[tokio::test]
async fn nobody_acts_for_whom_they_should_not() {
    let app = TestApp::new().await;
    let (eva, bob) = (app.owner("eva").await, app.member("bob").await);
    let ada = app.staff("ada", "admin").await;
    let sam = app.staff("sam", "support").await;
    let olga = app.member("olga").await;
    let code = |answer: Answer, status: u16| answer.status(status).body["code"].clone();
    let refused = begin(&sam, &bob, json!({})).await;
    assert_eq!(code(refused, 403), "permission_missing");
    assert_eq!(
        code(begin(&eva, &eva, json!({})).await, 409),
        "not_yourself"
    );
    let role = json!({"title": "Looking", "permissions": ["users.read", "users.impersonate"]});
    eva.post("/roles", role).await.status(201);
    let lea = app.staff("lea", "looking").await;
    assert_eq!(code(begin(&lea, &sam, json!({})).await, 403), "holds_more");
    assert_eq!(code(begin(&ada, &eva, json!({})).await, 403), "not_owners");
    eva.put(&format!("/users/{}/roles/owner", olga.id()), json!({}))
        .await
        .status(204);
    assert_eq!(code(begin(&eva, &olga, json!({})).await, 403), "not_owners");
    for (faulty, field) in [
        (json!({"reason": "short"}), "reason"),
        (json!({"reason": "x".repeat(501)}), "reason"),
        (json!({"minutes": 4}), "minutes"),
        (json!({"minutes": 121}), "minutes"),
    ] {
        let answer = begin(&ada, &bob, faulty).await.status(422);
        assert_eq!(answer.body["errors"][0]["field"], field);
    }
    begin(&ada, &bob, json!({"mode": "all"})).await.status(422);
    let path = format!("/users/{}/impersonation", uuid::Uuid::nil());
    let nobody = ada.post(&path, json!({"reason": WHY})).await;
    nobody.status(404);

    let suspension = format!("/users/{}/suspension", bob.id());
    ada.put(&suspension, json!({"reason": "Asked to"}))
        .await
        .status(204);
    assert_eq!(code(begin(&ada, &bob, json!({})).await, 409), "not_active");
    ada.post(&format!("/users/{}/restoration", bob.id()), json!({}))
        .await
        .status(204);

    // A machine is nobody who looks.
    let key = json!({"name": "K", "permissions": ["users.impersonate"], "days": 1});
    let made = eva.post("/api-keys", key).await.status(201);
    let path = format!("/api/v1/users/{}/impersonation", bob.id());
    let request = app.visitor().raw("POST", &path);
    let request = request
        .bearer_auth(made.body["secret"].as_str().unwrap())
        .json(&json!({"reason": WHY}));
    assert_eq!(code(Answer::of(request).await, 403), "browser_only");

    // Nobody within somebody's place, and only who has just proved who they are.
    let carl = app.member("carl").await;
    begin(&ada, &bob, json!({"mode": "write"}))
        .await
        .status(201);
    let nested = begin(&ada, &carl, json!({})).await;
    assert_eq!(code(nested, 403), "impersonation_refused");
    end(&ada).await;
    app.clock.advance(Duration::minutes(16));
    let late = begin(&ada, &bob, json!({})).await;
    assert_eq!(code(late, 403), "confirmation_required");
}

#[test]
fn every_operation_says_what_may_be_done_in_somebodys_place() {
    let operations = operations();
    let there: BTreeSet<&str> = operations.iter().map(|one| one.id.as_str()).collect();
    let said: BTreeSet<&str> = portico::in_place::all().collect();
    assert_eq!(said, there);
    assert_eq!(
        said.len(),
        portico::in_place::all().count(),
        "one stands there twice"
    );
    for operation in &operations {
        let allowance = portico::in_place::declared(&operation.id).unwrap();
        if allowance == Allowance::Look {
            assert_eq!(operation.method, "GET", "{}", operation.id);
        }
    }
}

#[tokio::test]
async fn every_operation_is_refused_in_somebodys_place_unless_it_was_allowed() {
    let app = TestApp::new().await;
    let (eva, ada) = (app.owner("eva").await, app.staff("ada", "admin").await);
    for mode in ["read", "write"] {
        begin(&eva, &ada, json!({"mode": mode})).await.status(201);
        let mut wrong = Vec::new();
        for operation in operations() {
            let allowance = portico::in_place::declared(&operation.id).unwrap();
            let changes = operation.method != "GET";
            let expected = match allowance {
                Allowance::Leave => continue,
                Allowance::Look => "",
                _ if changes && mode == "read" => "impersonation_read_only",
                Allowance::Change => "",
                Allowance::InPerson => "impersonation_refused",
            };
            let mut request = eva.raw(&operation.method, &operation.path);
            if operation.takes_body {
                request = request.json(&body_of(&operation.id));
            }
            let answer = Answer::of(request).await;
            let code = answer.body["code"].as_str().unwrap_or_default();
            let code = if code.starts_with("impersonation_") {
                code
            } else {
                ""
            };
            if answer.code >= 500
                || code != expected
                || (!expected.is_empty() && answer.code != 403)
            {
                wrong.push(format!("{mode} {}: {} {code}", operation.id, answer.code));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        end(&eva).await;
    }
}

#[tokio::test]
async fn what_is_changed_for_somebody_stands_in_the_log_under_the_name_of_who_did_it() {
    let app = TestApp::new().await;
    let (eva, bob) = (app.owner("eva").await, app.member("bob").await);
    let ada = app.staff("ada", "admin").await;
    let update = eva
        .publish("For members", json!({"kind": "role", "role": "member"}))
        .await;
    app.drain().await;
    begin(&ada, &bob, json!({"mode": "write"}))
        .await
        .status(201);
    let saved = ada.patch("/me", json!({"display_name": "Bobby"})).await;
    assert_eq!(saved.status(200).body["acting"]["mode"], "write");
    let receipt = format!("/feed/{update}/receipt");
    ada.put(&receipt, json!({"state": "acknowledged"}))
        .await
        .status(204);
    let asked = ada.post("/me/export", json!({})).await.status(403);
    assert_eq!(asked.body["code"], "impersonation_refused");
    let shown = bob.get("/me").await.status(200);
    assert_eq!(shown.body["display_name"], "Bobby");
    let (who, whom) = (json!(ada.id()), json!(bob.id()));
    assert_eq!(
        log(&eva, 2).await,
        [
            ("impersonation.acted".to_owned(), who.clone(), whom.clone()),
            ("impersonation.acted".to_owned(), who, whom),
        ]
    );
    let entries = eva.get("/audit").await;
    let data = &entries.body["items"][0]["data"];
    assert_eq!(data["method"], "PUT");
    assert_eq!(data["path"], format!("/api/v1{receipt}"));
    assert_eq!(data["via"]["name"], "bob");
    // The events, too, name who really did it.
    let by: uuid::Uuid = app
        .value("select actor from kernel.events where name = 'updates.acknowledged'")
        .await;
    assert_eq!(by, ada.id());

    // A copy of their data is theirs alone, though their other files are seen.
    end(&ada).await;
    bob.post("/me/export", json!({})).await.status(202);
    app.drain().await;
    let copy = bob.get("/me/export").await.status(200);
    let file: uuid::Uuid = app
        .value("select file_id from identity.data_exports where file_id is not null")
        .await;
    let path = format!("/files/{file}");
    bob.get(&path).await.status(200);
    begin(&ada, &bob, json!({"mode": "write"}))
        .await
        .status(201);
    assert_eq!(ada.get("/me/export").await.status(200).body, copy.body);
    let taken = ada.get(&path).await.status(403);
    assert_eq!(taken.body["code"], "impersonation_refused");
    let taken = ada.delete(&path).await.status(403);
    assert_eq!(taken.body["code"], "impersonation_refused");
}
