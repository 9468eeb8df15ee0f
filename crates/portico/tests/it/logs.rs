//! The activity log and the log of the doors: narrowed, live elsewhere, and as files.

use crate::app::TestApp;
use serde_json::{Value, json};

fn all<'a>(body: &'a Value, field: &str) -> Vec<&'a str> {
    body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item[field].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_activity_log_is_narrowed_by_who_what_whom_and_when() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let admin = app.staff("ada", "admin").await;
    let bob = app.member("bob").await;
    let path = format!("/users/{}", bob.id());
    admin
        .put(&format!("{path}/suspension"), json!({"reason": "x"}))
        .await
        .status(204);
    owner
        .post(&format!("{path}/restoration"), json!({}))
        .await
        .status(204);
    let by_ada = owner
        .get(&format!("/audit?actor={}&action=user.", admin.id()))
        .await
        .status(200);
    assert_eq!(all(&by_ada.body, "action"), ["user.suspended"]);
    assert_eq!(by_ada.body["items"][0]["subject_name"], "bob");
    let about = owner
        .get(&format!("/audit?subject={}", bob.id()))
        .await
        .status(200);
    assert_eq!(
        all(&about.body, "action"),
        ["user.restored", "user.suspended"]
    );
    let exact = owner.get("/audit?action=user.restored").await.status(200);
    assert_eq!(all(&exact.body, "action"), ["user.restored"]);
    let today = app.clock.now().date();
    let day = |days: i64| (today + time::Duration::days(days)).to_string();
    let count = |query: String| {
        let owner = owner.clone();
        async move {
            owner
                .get(&format!("/audit?action=user.&{query}"))
                .await
                .status(200)
                .body["items"]
                .as_array()
                .unwrap()
                .len()
        }
    };
    assert_eq!(count(format!("from={}&until={}", day(0), day(0))).await, 2);
    assert_eq!(count(format!("from={}", day(1))).await, 0);
    assert_eq!(count(format!("until={}", day(-1))).await, 0);
    owner.get("/audit?from=yesterday").await.status(422);
    let names = owner.get("/audit/actions").await.status(200);
    assert!(
        names.body["items"]
            .as_array()
            .unwrap()
            .contains(&json!("user.suspended"))
    );
    let file = owner
        .raw("GET", "/api/v1/audit/export?action=user.")
        .send()
        .await
        .unwrap();
    assert_eq!(file.headers()["content-type"], "text/csv; charset=utf-8");
    let text = file.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "seq,at,actor_id,actor,action,subject,data");
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[1].contains(",eva,user.restored,"), "{text}");
}

#[tokio::test]
async fn what_happens_at_the_doors_is_seen_counted_and_taken_out() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let bob = app.member("bob").await;
    let wrong = json!({"email": bob.email(), "password": "not-the-right-one"});
    bob.elsewhere()
        .post("/sessions", wrong.clone())
        .await
        .status(403);
    let nobody = json!({"email": "=nobody@example.org", "password": "x"});
    app.visitor().post("/sessions", nobody).await.status(403);
    let failed = owner
        .get("/security/events?kinds=sign_in_failed")
        .await
        .status(200);
    let items = failed.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let of_bob = items
        .iter()
        .find(|item| item["user"]["name"] == "bob")
        .expect("bob's");
    assert!(of_bob["address"].is_string());
    let one = owner
        .get(&format!(
            "/security/events?kinds=signed_in,sign_in_failed&user={}",
            bob.id()
        ))
        .await
        .status(200);
    assert_eq!(all(&one.body, "kind"), ["sign_in_failed", "signed_in"]);
    let page = owner.get("/security/events?limit=1").await.status(200);
    assert!(page.body["next_cursor"].is_string());
    let figures = owner.get("/security/figures").await.status(200);
    assert!(
        figures.body["items"]
            .as_array()
            .unwrap()
            .contains(&json!({"kind": "sign_in_failed", "count": 2}))
    );
    owner
        .get("/security/events?kinds=tea_time")
        .await
        .status(422);
    let text = owner
        .raw("GET", "/api/v1/security/export?kinds=sign_in_failed")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    for person in [&bob, &app.staff("sam", "support").await] {
        person.get("/security/events").await.status(403);
    }
}
