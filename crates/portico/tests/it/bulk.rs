//! One act on many people, their export, and views of the list that are kept.

use crate::{app::TestApp, person::Person};
use serde_json::{Value, json};

async fn run(app: &TestApp, staff: &Person, body: Value) -> Value {
    let started = staff.post("/users/bulk", body).await.status(202);
    app.drain().await;
    let id = started.body["id"].as_str().unwrap();
    let run = staff.get(&format!("/users/bulk/{id}")).await.status(200);
    run.body
}

async fn with_status(staff: &Person, status: &str) -> Value {
    let count = staff
        .get(&format!("/users/count?status={status}"))
        .await
        .status(200);
    count.body["count"].clone()
}

#[tokio::test]
async fn all_who_match_are_acted_on_and_each_refusal_is_told() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let support = app.staff("sam", "support").await;
    app.add_people(&["Ann Lee", "Bea Lee", "Cid Lee", "Dan Poe"])
        .await;
    app.staff("lee", "admin").await;
    // The admin is called Lee too, and holds more than support does.
    let counted = support.get("/users/count?search=lee").await.status(200);
    assert_eq!(counted.body["count"], 4);
    let mut body = json!({"action": "suspend", "reason": "Spam", "matching": {"search": "lee"}, "expected": 3});
    let refused = support.post("/users/bulk", body.clone()).await.status(409);
    assert_eq!(refused.body["code"], "count_changed");
    body["expected"] = json!(4);
    let done = run(&app, &support, body).await;
    assert_eq!(
        (&done["total"], &done["done"], &done["refused"]),
        (&json!(4), &json!(3), &json!(1))
    );
    assert!(done["finished_at"].is_string());
    assert_eq!(with_status(&owner, "suspended").await, 3);
    let path = format!("/users/bulk/{}", done["id"].as_str().unwrap());
    let refusals = support.get(&format!("{path}/refusals")).await.status(200);
    assert_eq!(refusals.body["items"][0]["code"], "holds_more");
    assert_eq!(refusals.body["items"][0]["name"], "lee");

    let back = support
        .post(&format!("{path}/undo"), json!({}))
        .await
        .status(202);
    assert_eq!(back.body["total"], 3);
    app.drain().await;
    assert_eq!(with_status(&owner, "suspended").await, 0);
}

#[tokio::test]
async fn what_is_picked_by_hand_is_done_to_those_only() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let (ann, bob) = (app.member("ann").await, app.member("bob").await);
    app.add_people(&["Cid"]).await;
    let people = json!([ann.id(), bob.id(), uuid::Uuid::nil()]);
    let done = run(
        &app,
        &owner,
        json!({"action": "grant", "role": "editor", "people": people}),
    )
    .await;
    assert_eq!((&done["total"], &done["done"]), (&json!(2), &json!(2)));
    ann.get("/users").await.status(200);
    let done = run(
        &app,
        &owner,
        json!({"action": "sign_out", "people": [ann.id()]}),
    )
    .await;
    assert_eq!(done["done"], 1);
    ann.get("/me").await.status(401);
    bob.get("/me").await.status(200);
    let but = json!([bob.id(), owner.id()]);
    let done = run(
        &app,
        &owner,
        json!({"action": "delete", "matching": {}, "but": but}),
    )
    .await;
    assert_eq!((&done["total"], &done["done"]), (&json!(2), &json!(2)));
    assert_eq!(owner.get("/users").await.body["total"], 2);
}

#[tokio::test]
async fn what_may_not_be_done_to_one_is_not_begun_for_many() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let support = app.staff("sam", "support").await;
    let editor = app.staff("ed", "editor").await;
    app.add_people(&["Ann"]).await;
    for (caller, body, code) in [
        (
            &editor,
            json!({"action": "suspend", "reason": "x", "matching": {}}),
            403,
        ),
        (
            &support,
            json!({"action": "grant", "role": "member", "matching": {}}),
            403,
        ),
        (&owner, json!({"action": "suspend", "matching": {}}), 422),
        (&owner, json!({"action": "suspend", "reason": "x"}), 422),
        (
            &owner,
            json!({"action": "grant", "role": "nothing", "matching": {}}),
            422,
        ),
        (
            &owner,
            json!({"action": "sign_out", "matching": {"serach": "ann"}}),
            422,
        ),
        (
            &owner,
            json!({"action": "sign_out", "matching": {"joined_from": "soon"}}),
            422,
        ),
        (&owner, json!({"action": "explode", "matching": {}}), 422),
        (
            &owner,
            json!({"action": "sign_out", "matching": {"search": "nobody-like-this"}}),
            409,
        ),
    ] {
        let answer = caller.post("/users/bulk", body.clone()).await;
        assert_eq!(answer.code, code, "{body}: {}", answer.body);
    }
    assert_eq!(
        app.value::<i64>("select count(*) from identity.bulk_runs")
            .await,
        0
    );
}

#[tokio::test]
async fn a_run_ends_when_its_starter_may_no_longer() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let support = app.staff("sam", "support").await;
    app.add_people(&["Ann", "Bea"]).await;
    let body =
        json!({"action": "suspend", "reason": "x", "matching": {"role": "member", "search": "a"}});
    let started = support.post("/users/bulk", body).await.status(202);
    owner
        .put(
            &format!("/users/{}/suspension", support.id()),
            json!({"reason": "No"}),
        )
        .await
        .status(204);
    app.drain().await;
    let path = format!("/users/bulk/{}", started.body["id"].as_str().unwrap());
    let run = owner.get(&path).await.status(200);
    assert_eq!(run.body["done"], 0);
    assert_eq!(run.body["refused"], run.body["total"]);
    assert_eq!(with_status(&owner, "suspended").await, 1);
}

#[tokio::test]
async fn an_export_is_whole_and_harmless_to_a_spreadsheet() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    app.add_people(&["=cmd|' /C calc'!A0", "Quote \" and, comma", "+49 Berlin"])
        .await;
    let answer = owner
        .raw("GET", "/api/v1/users/export?role=member")
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.headers()["content-disposition"],
        "attachment; filename=\"members.csv\""
    );
    let text = answer.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(
        lines[0],
        "id,name,email,status,roles,verified,second_factor,last_seen_at,created_at"
    );
    assert!(text.contains(",'+49 Berlin,"), "{text}");
    assert!(text.contains("\"Quote \"\" and, comma\""), "{text}");
    assert!(text.contains(",'=cmd|' /C calc'!A0,"), "{text}");
    let json = owner
        .get("/users/export?format=json&role=member")
        .await
        .status(200);
    assert_eq!(json.body.as_array().unwrap().len(), 3);
    assert_eq!(
        owner
            .get("/users/export?format=json&role=nobody")
            .await
            .status(200)
            .body,
        json!([])
    );
    let log = owner.get("/audit").await.status(200);
    assert_eq!(log.body["items"][0]["action"], "users.exported");
    let editor = app.staff("ed", "editor").await;
    editor.get("/users/export").await.status(403);
}

#[tokio::test]
async fn more_than_a_page_is_exported_once_each() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    app.sql(
        "with made as (insert into identity.users (id, email, email_key, name, created_at) \
         select gen_random_uuid(), n || '@x.example', n || '@x.example', 'Person ' || n, now() - n % 7 * interval '1 day' \
         from generate_series(1, 2500) n returning id) \
         insert into identity.profiles (user_id) select id from made",
    )
    .await;
    let json = owner.get("/users/export?format=json").await.status(200);
    let items = json.body.as_array().unwrap();
    let ids: std::collections::HashSet<&str> = items
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    assert_eq!((items.len(), ids.len()), (2501, 2501));
}

#[tokio::test]
async fn views_are_kept_and_shared_by_choice() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let editor = app.staff("ed", "editor").await;
    let view = |title: &str, shared: bool| json!({"title": title, "query": "status=suspended&sort=name", "shared": shared});
    owner
        .post("/users/views", view("Mine", false))
        .await
        .status(201);
    let shared = owner
        .post("/users/views", view("Closed", true))
        .await
        .status(201);
    owner
        .post("/users/views", view("closed", true))
        .await
        .status(201);
    let titles = |views: &Value| -> Vec<String> {
        views["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|view| view["title"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        titles(&owner.get("/users/views").await.body),
        ["closed", "Mine"]
    );
    let seen = editor.get("/users/views").await.status(200);
    assert_eq!(titles(&seen.body), ["closed"]);
    assert_eq!(
        (
            &seen.body["items"][0]["own"],
            &seen.body["items"][0]["owner"]
        ),
        (&json!(false), &json!("eva"))
    );
    let theirs = format!(
        "/users/views/{}",
        seen.body["items"][0]["id"].as_str().unwrap()
    );
    editor.delete(&theirs).await.status(404);
    owner.delete(&theirs).await.status(204);
    owner
        .delete(&format!(
            "/users/views/{}",
            shared.body["id"].as_str().unwrap()
        ))
        .await
        .status(404);
    owner
        .post("/users/views", view(" ", false))
        .await
        .status(422);
    owner
        .post(
            "/users/views",
            json!({"title": "Long", "query": "x".repeat(2001)}),
        )
        .await
        .status(422);
}
