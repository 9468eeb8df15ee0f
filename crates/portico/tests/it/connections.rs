//! What is kept between requests: connections, and what people are told about themselves.

use crate::app::{TestApp, eventually};
use serde_json::json;
use std::time::Duration;

/// The process in the database that a connection talks to, and the same again.
async fn backend(app: &TestApp) -> sqlx::Result<i32> {
    let mut db = app.app.db.acquire().await?;
    sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(&mut *db)
        .await
}

#[tokio::test]
async fn a_connection_is_taken_again_and_one_that_is_busy_is_not() {
    let app = TestApp::new().await;
    let first = backend(&app).await.unwrap();
    assert_eq!(backend(&app).await.unwrap(), first, "laid aside and taken");

    // Somebody leaves in the middle of a query, and of what it would have answered.
    let mut db = app.app.db.acquire().await.unwrap();
    let asleep = sqlx::query("select pg_sleep(60)").execute(&mut *db);
    assert!(
        tokio::time::timeout(Duration::from_millis(50), asleep)
            .await
            .is_err()
    );
    drop(db);
    assert_ne!(backend(&app).await.unwrap(), first, "it is still busy");
    app.sql(&format!("select pg_terminate_backend({first})"))
        .await;

    // A transaction that was not ended leaves nothing behind.
    let mut tx = app.app.db.begin().await.unwrap();
    sqlx::query("create table kernel.left_behind ()")
        .execute(&mut *tx)
        .await
        .unwrap();
    drop(tx);
    for _ in 0..20 {
        let mut db = app.app.db.acquire().await.unwrap();
        let there: bool =
            sqlx::query_scalar("select to_regclass('kernel.left_behind') is not null")
                .fetch_one(&mut *db)
                .await
                .unwrap();
        assert!(!there);
    }
}

#[tokio::test]
async fn a_connection_whose_server_went_away_is_not_taken_again() {
    let app = TestApp::new().await;
    let first = backend(&app).await.unwrap();
    app.sql(&format!("select pg_terminate_backend({first})"))
        .await;
    let gone = format!("select not exists (select from pg_stat_activity where pid = {first})");
    eventually("its end", async || app.value(&gone).await).await;
    // It is found out by whoever takes it, once.
    let mut failures = 0;
    for _ in 0..10 {
        match backend(&app).await {
            Ok(other) => assert_ne!(other, first),
            Err(_) => failures += 1,
        }
    }
    assert!(failures <= 1, "{failures} failed");
}

#[tokio::test]
async fn what_somebody_changes_is_told_at_once_here_and_soon_elsewhere() {
    let app = TestApp::new().await;
    let other = app.second_node().await;
    let ada = app.member("ada").await;
    let there = ada.at(&other.url);
    for node in [&ada, &there] {
        node.get("/me").await.status(200);
    }
    ada.patch("/me", json!({"display_name": "Countess"}))
        .await
        .status(200);
    assert_eq!(ada.get("/me").await.body["display_name"], "Countess");
    eventually("the other server", async || {
        there.get("/me").await.body["display_name"] == "Countess"
    })
    .await;

    // By hand, past every verb.
    app.sql("update identity.users set name = 'Augusta' where name = 'ada'")
        .await;
    app.sql("update identity.roles set permissions = array['users.read'] where name = 'member'")
        .await;
    for node in [&ada, &there] {
        eventually("what was changed by hand", async || {
            let me = node.get("/me").await.body;
            me["name"] == "Augusta" && me["permissions"] == json!(["users.read"])
        })
        .await;
    }
    app.app.tasks.cancel();
    other.app.tasks.cancel();
}
