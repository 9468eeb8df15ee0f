//! Updates: sent by staff, read by those they address, counted exactly.

use crate::{app::TestApp, person::Person};
use insta::assert_json_snapshot;
use serde_json::{Value, json};

async fn feed(person: &Person, query: &str) -> Vec<String> {
    let answer = person.get(&format!("/feed{query}")).await.status(200);
    titles(&answer.body)
}

fn titles(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["title"].as_str().unwrap().to_owned())
        .collect()
}

fn everyone() -> Value {
    json!({"kind": "everyone"})
}

#[tokio::test]
async fn an_update_reaches_whom_it_addresses() {
    let app = TestApp::new().await;
    let editor = app.staff("eva", "editor").await;
    let (ada, bob) = (app.member("ada").await, app.member("bob").await);
    editor.publish("to everyone", everyone()).await;
    editor
        .publish("to editors", json!({"kind": "role", "role": "editor"}))
        .await;
    // Named twice, told once.
    let named = json!({"kind": "users", "users": [ada.id(), ada.id()]});
    editor.publish("to ada", named).await;
    assert_eq!(feed(&ada, "").await, ["to ada", "to everyone"]);
    assert_eq!(feed(&bob, "").await, ["to everyone"]);
    assert_eq!(feed(&editor, "").await, ["to editors", "to everyone"]);
    let listed = editor.get("/updates").await.status(200);
    let recipients: Vec<&Value> = listed.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|update| &update["counts"]["recipients"])
        .collect();
    assert_eq!(recipients, [1, 1, 3]);
    // Who joins later is not told of what was said before.
    let late = app.member("late").await;
    assert_eq!(feed(&late, "").await, Vec::<String>::new());
}

#[tokio::test]
async fn whole_answers_of_an_update() {
    let app = TestApp::new().await;
    let editor = app.staff("eva", "editor").await;
    let ada = app.member("ada").await;
    let body = json!({"title": "  Maintenance tonight ", "body": "From 22:00.\r\nSorry.\n",
        "audience": {"kind": "users", "users": [ada.id()]}, "action": {"label": "I know"}});
    let sent = editor.post("/updates", body).await;
    assert_json_snapshot!("an_update_is_sent", sent.steady());
    let id = sent.body["id"].as_str().unwrap();
    assert_json_snapshot!("the_feed_of_its_reader", ada.get("/feed").await.steady());
    assert_json_snapshot!(
        "the_update_as_it_is_read",
        ada.get(&format!("/feed/{id}")).await.steady()
    );
    assert_json_snapshot!(
        "what_waits_for_its_reader",
        ada.get("/feed/waiting").await.steady()
    );
    let receipt = json!({"state": "read"});
    ada.put(&format!("/feed/{id}/receipt"), receipt)
        .await
        .status(204);
    assert_json_snapshot!(
        "the_update_after_it_was_read",
        editor.get(&format!("/updates/{id}")).await.steady()
    );
    let readers = editor.get(&format!("/updates/{id}/recipients")).await;
    assert_json_snapshot!("its_readers_as_staff_see_them", readers.steady());
    assert_json_snapshot!(
        "every_update_as_staff_see_them",
        editor.get("/updates").await.steady()
    );
}

#[tokio::test]
async fn an_empty_audience_is_refused_and_nothing_is_kept() {
    let app = TestApp::new().await;
    let editor = app.staff("eva", "editor").await;
    let body = |audience: Value| json!({"title": "T", "body": "B", "audience": audience});
    let nobody = json!({"kind": "role", "role": "billing"});
    let refused = editor.post("/updates", body(nobody.clone())).await;
    assert_json_snapshot!(refused.steady());
    let strangers = json!({"kind": "users", "users": [uuid::Uuid::now_v7()]});
    editor.post("/updates", body(strangers)).await.status(422);
    app.sql("update identity.users set status = 'suspended' where email like 'ada%'")
        .await;
    assert_eq!(
        app.value::<i64>("select count(*) from updates.updates")
            .await,
        0
    );
    let preview = json!({"audience": nobody});
    let preview = editor
        .post("/updates/audience-preview", preview)
        .await
        .status(200);
    assert_eq!(preview.body, json!({"recipients": 0}));
}

#[tokio::test]
async fn an_audience_holds_active_people_only() {
    let app = TestApp::new().await;
    let editor = app.staff("eva", "editor").await;
    app.add_people(&["Ada", "Bob"]).await;
    app.sql("update identity.users set status = 'suspended' where name = 'Bob'")
        .await;
    let preview = editor
        .post("/updates/audience-preview", json!({"audience": everyone()}))
        .await;
    assert_eq!(preview.status(200).body, json!({"recipients": 2}));
}

#[tokio::test]
async fn faults_are_told_by_field() {
    let app = TestApp::new().await;
    let editor = app.staff("eva", "editor").await;
    let many: Vec<_> = (0..501).map(|_| uuid::Uuid::now_v7()).collect();
    for (what, body) in [
        (
            "all_at_once",
            json!({"title": " ", "body": "", "action": {"label": "x".repeat(41)},
            "audience": {"kind": "users", "users": []}}),
        ),
        (
            "too_long",
            json!({"title": "x".repeat(201), "body": "x".repeat(20_001), "audience": {"kind": "role", "role": " "}}),
        ),
        (
            "two_lines",
            json!({"title": "one\ntwo", "body": "B", "audience": everyone()}),
        ),
        (
            "too_many",
            json!({"title": "T", "body": "B", "audience": {"kind": "users", "users": many}}),
        ),
        (
            "unknown_kind",
            json!({"title": "T", "body": "B", "audience": {"kind": "nobody"}}),
        ),
        (
            "no_id",
            json!({"title": "T", "body": "B", "audience": {"kind": "users", "users": ["x"]}}),
        ),
        ("missing", json!({"title": "T", "body": "B"})),
        (
            "unknown_field",
            json!({"title": "T", "body": "B", "audience": everyone(), "urgent": true}),
        ),
        (
            "wrong_type",
            json!({"title": 7, "body": "B", "audience": everyone()}),
        ),
    ] {
        let refused = editor.post("/updates", body).await.status(422);
        assert_json_snapshot!(format!("faults_{what}"), refused.steady());
    }
    assert_eq!(
        app.value::<i64>("select count(*) from updates.updates")
            .await,
        0
    );
}

#[tokio::test]
async fn a_feed_comes_in_pages_the_newest_first() {
    let app = TestApp::new().await;
    let editor = app.staff("eva", "editor").await;
    let ada = app.member("ada").await;
    let mut sent = Vec::new();
    for n in 0..7 {
        // Several at the same moment: the id decides.
        if n % 2 == 0 {
            app.clock.advance(time::Duration::seconds(1));
        }
        sent.insert(0, format!("update {n}"));
        editor.publish(&format!("update {n}"), everyone()).await;
    }
    for path in ["/feed", "/updates"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let who = if path == "/feed" { &ada } else { &editor };
            let page = who
                .get(&format!("{path}?limit=3{cursor}"))
                .await
                .status(200);
            seen.extend(titles(&page.body));
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, sent, "{path}");
    }
    ada.get("/feed?cursor=nonsense").await.status(422);
    ada.get("/feed?limit=0").await.status(422);
}

#[tokio::test]
async fn what_was_read_leaves_the_unread() {
    let app = TestApp::new().await;
    let editor = app.staff("eva", "editor").await;
    let ada = app.member("ada").await;
    let first = editor.publish("first", everyone()).await;
    let second = editor.publish("second", everyone()).await;
    assert_eq!(feed(&ada, "?unread=true").await, ["second", "first"]);
    let receipt = |state: &str| json!({"state": state});
    ada.put(&format!("/feed/{first}/receipt"), receipt("read"))
        .await
        .status(204);
    ada.put(&format!("/feed/{second}/receipt"), receipt("delivered"))
        .await
        .status(204);
    assert_eq!(feed(&ada, "?unread=true").await, ["second"]);
    assert_eq!(feed(&ada, "?unread=false").await, ["second", "first"]);
    ada.get("/feed?unread=maybe").await.status(422);
}

#[tokio::test]
async fn a_receipt_counts_once_however_often_and_in_whatever_order() {
    let app = TestApp::new().await;
    let editor = app.staff("eva", "editor").await;
    let (ada, bob) = (app.member("ada").await, app.member("bob").await);
    let update = editor.publish("Maintenance tonight", everyone()).await;
    let path = format!("/feed/{update}/receipt");
    let mark = async |person: &Person, state: &str| {
        person.put(&path, json!({"state": state})).await.status(204);
    };
    let counts = async || {
        let update = editor.get(&format!("/updates/{update}")).await.status(200);
        let counts = &update.body["counts"];
        ["recipients", "delivered", "read", "acknowledged"]
            .map(|name| counts[name].as_i64().unwrap())
    };
    assert_eq!(counts().await, [3, 0, 0, 0]);
    mark(&ada, "delivered").await;
    mark(&ada, "delivered").await;
    assert_eq!(counts().await, [3, 1, 0, 0]);
    mark(&ada, "read").await;
    let when = ada.get(&format!("/feed/{update}")).await.body["read_at"].clone();
    app.clock.advance(time::Duration::minutes(1));
    mark(&ada, "read").await;
    mark(&ada, "delivered").await;
    assert_eq!(counts().await, [3, 1, 1, 0]);
    assert_eq!(
        ada.get(&format!("/feed/{update}")).await.body["read_at"],
        when
    );
    // Acknowledging is reading and receiving, too.
    mark(&bob, "acknowledged").await;
    mark(&bob, "acknowledged").await;
    mark(&bob, "read").await;
    assert_eq!(counts().await, [3, 2, 2, 1]);
    let events: Vec<String> = sqlx::query_scalar(
        "select name from kernel.events where name like 'updates.%' order by id",
    )
    .fetch_all(app.app.db.pool())
    .await
    .unwrap();
    assert_json_snapshot!(events);
    ada.put(&path, json!({"state": "burnt"})).await.status(422);
}

#[tokio::test]
async fn receipts_that_come_at_once_are_each_counted_once() {
    let app = TestApp::new().await;
    let editor = app.staff("eva", "editor").await;
    let mut readers = Vec::new();
    for n in 0..5 {
        readers.push(app.member(&format!("reader{n}")).await);
    }
    let update = editor.publish("Maintenance tonight", everyone()).await;
    let path = format!("/feed/{update}/receipt");
    let states = [
        "delivered",
        "read",
        "acknowledged",
        "read",
        "delivered",
        "acknowledged",
    ];
    let marks = readers.iter().flat_map(|reader| {
        let path = &path;
        states.map(move |state| reader.put(path, json!({"state": state})))
    });
    for answer in futures_util::future::join_all(marks).await {
        answer.status(204);
    }
    let update = editor.get(&format!("/updates/{update}")).await.status(200);
    assert_eq!(
        update.body["counts"],
        json!({"recipients": 6, "delivered": 5, "read": 5, "acknowledged": 5})
    );
}

#[tokio::test]
async fn what_was_sent_to_others_is_not_there() {
    let app = TestApp::new().await;
    let editor = app.staff("eva", "editor").await;
    let (ada, bob) = (app.member("ada").await, app.member("bob").await);
    let update = editor
        .publish("for ada", json!({"kind": "users", "users": [ada.id()]}))
        .await;
    let nothing = uuid::Uuid::now_v7().to_string();
    for id in [update.as_str(), &nothing, "nonsense"] {
        let read = bob.get(&format!("/feed/{id}")).await.status(404);
        let marked = bob
            .put(&format!("/feed/{id}/receipt"), json!({"state": "read"}))
            .await;
        assert_eq!(marked.code, 404);
        assert_eq!(read.body["code"], "not_found");
    }
    // Who wrote it sees it as staff, not as a reader.
    editor.get(&format!("/feed/{update}")).await.status(404);
    editor.get(&format!("/updates/{update}")).await.status(200);
    bob.get(&format!("/updates/{update}")).await.status(403);
    editor.get(&format!("/updates/{nothing}")).await.status(404);
    editor
        .get(&format!("/updates/{nothing}/recipients"))
        .await
        .status(404);
    let counts = editor.get(&format!("/updates/{update}")).await;
    assert_eq!(counts.body["counts"]["read"], 0);
}

#[tokio::test]
async fn recipients_come_in_pages() {
    let app = TestApp::new().await;
    let editor = app.staff("eva", "editor").await;
    app.add_people(&["a", "b", "c", "d", "e", "f"]).await;
    let update = editor.publish("T", everyone()).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = editor
            .get(&format!("/updates/{update}/recipients?limit=2{cursor}"))
            .await
            .status(200);
        for item in page.body["items"].as_array().unwrap() {
            seen.push(item["user"]["name"].as_str().unwrap().to_owned());
        }
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["eva", "a", "b", "c", "d", "e", "f"]);
}
