//! A database whose log tells nothing of rows.

use crate::{
    cluster::Cluster,
    server::{PATIENCE, run_on},
};
use serde_json::json;
use tokio::time::timeout;

#[tokio::test]
async fn without_a_logical_log_changes_come_from_a_journal_in_the_same_shape_and_can_be_resumed() {
    let cluster = Cluster::start(&[("wal_level", "replica")]).await;
    let options = cluster.options("postgres");
    run_on(options, |server| async move {
        timeout(PATIENCE, server.realtime.streaming())
            .await
            .unwrap();
        let health = server.realtime.health();
        assert!(
            health.journal && health.summary().contains("wal_level"),
            "{health:?}"
        );
        let ada = server.people.add("ada", &[]);
        let bob = server.people.add("bob", &[]);
        let all = json!({"postgres_changes": [{"event": "*", "schema": "shop", "table": "*"}]});
        let mut client = server.open("2.0.0", &[]).await.unwrap();
        client.resume("realtime:x", "ada", all.clone(), None).await;
        let cursor = client.cursor().await;
        server.order(1, bob.user, "not hers").await;
        server.order(2, ada.user, "a \"t\\itle\", (x)").await;
        let change = client.change().await;
        assert_eq!(
            change["record"],
            json!({
                "id": 2, "owner": ada.user, "title": "a \"t\\itle\", (x)", "tags": ["a", "b c"],
                "price": 1.50, "open": true, "data": {"k": [1]},
                "created_at": "2026-11-22T10:00:00.5+00:00",
            })
        );
        // Moved away, deleted, truncated, too much at once, and another shape.
        sqlx::query("update shop.orders set owner = $1 where id = 2")
            .bind(bob.user)
            .execute(&server.db)
            .await
            .unwrap();
        assert_eq!(client.change().await["type"], "DELETE");
        server
            .sql("insert into shop.news select i, 'x' from generate_series(1, 5000) i")
            .await;
        let refetch = |frame: &crate::client::Frame| frame.payload["message"] == "refetch";
        client.until(refetch).await;
        server.sql("truncate shop.news").await;
        client.until(refetch).await;
        server
            .sql("alter table shop.news add column extra int")
            .await;
        server
            .sql("insert into shop.news values (1, null, 7)")
            .await;
        let change = client.change().await;
        assert_eq!(change["record"], json!({"id": 1, "body": null, "extra": 7}));
        // A column that is not published is told to nobody.
        server
            .sql(
                "alter publication test_live drop table shop.news;
                 alter publication test_live add table shop.news (id, extra)",
            )
            .await;
        server
            .sql("insert into shop.news values (2, 'hidden', 8)")
            .await;
        let change = client.change().await;
        assert_eq!(change["record"], json!({"id": 2, "extra": 8}));
        drop(client);
        let mut client = server.open("2.0.0", &[]).await.unwrap();
        client.resume("realtime:x", "ada", all, Some(&cursor)).await;
        assert_eq!(client.change().await["record"]["id"], 2);
        assert_eq!(client.change().await["type"], "DELETE");
        client.until(refetch).await;
        client.until(refetch).await;
        assert_eq!(client.change().await["record"]["extra"], 7);
    })
    .await;
}

#[tokio::test]
async fn a_row_of_a_long_transaction_is_told_when_it_commits_and_its_followers_in_order() {
    let cluster = Cluster::start(&[("wal_level", "replica")]).await;
    run_on(cluster.options("postgres"), |server| async move {
        server.people.add("ada", &[]);
        let all = json!({"postgres_changes": [{"event": "*", "schema": "shop", "table": "news"}]});
        let mut client = server.join("ada", "realtime:x", all).await;
        let mut long = server.db.begin().await.unwrap();
        sqlx::query("insert into shop.news values (1, 'long')")
            .execute(&mut *long)
            .await
            .unwrap();
        server
            .sql("insert into shop.news values (2, 'short')")
            .await;
        server
            .sql("update shop.news set body = 'shorter' where id = 2")
            .await;
        long.commit().await.unwrap();
        let mut told = Vec::new();
        for _ in 0..3 {
            told.push(
                client.change().await["record"]["body"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
        assert_eq!(told, ["long", "short", "shorter"]);
        let left: i64 = sqlx::query_scalar("select count(*) from realtime.journal")
            .fetch_one(&server.db)
            .await
            .unwrap();
        assert_eq!(left, 3);
    })
    .await;
}
