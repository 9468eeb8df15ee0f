//! Who is told of which change.

use crate::server::run;
use kernel::Permission;
use serde_json::json;

fn all() -> serde_json::Value {
    json!({"postgres_changes": [{"event": "*", "schema": "shop", "table": "*"}]})
}

#[tokio::test]
async fn a_change_arrives_in_the_shape_that_clients_know() {
    run(|server| async move {
        let ada = server.people.add("ada", &[]);
        let mut client = server.open("2.0.0", &[]).await.unwrap();
        let binding = json!({"event": "INSERT", "schema": "shop", "table": "orders", "filter": "id=eq.1"});
        let config = json!({"postgres_changes": [binding]});
        let reply = client.join("realtime:a", "ada", config).await;
        let id = reply["response"]["postgres_changes"][0]["id"].as_u64().unwrap();
        let mut echoed = binding;
        echoed["id"] = id.into();
        assert_eq!(reply, json!({"status": "ok", "response": {"postgres_changes": [echoed]}}));
        assert_eq!(
            client.system().await,
            json!({"extension": "postgres_changes", "status": "ok", "message": "Subscribed to PostgreSQL", "channel": "a"})
        );
        server.order(2, ada.user, "not asked for").await;
        server.order(1, ada.user, "a \"title\"").await;
        let mut payload = client.until(|frame| frame.event == "postgres_changes").await;
        assert_eq!(payload["ids"], json!([id]));
        let stamp = payload["data"]["commit_timestamp"].take();
        let stamp = stamp.as_str().unwrap();
        assert!(stamp.len() == 24 && stamp.ends_with('Z'), "{stamp}");
        assert_eq!(
            payload["data"],
            json!({
                "schema": "shop", "table": "orders", "type": "INSERT", "commit_timestamp": null,
                "columns": [
                    {"name": "id", "type": "int4"}, {"name": "owner", "type": "uuid"},
                    {"name": "title", "type": "text"}, {"name": "tags", "type": "_text"},
                    {"name": "price", "type": "numeric"}, {"name": "open", "type": "bool"},
                    {"name": "data", "type": "jsonb"}, {"name": "created_at", "type": "timestamptz"},
                ],
                "record": {
                    "id": 1, "owner": ada.user, "title": "a \"title\"", "tags": ["a", "b c"],
                    "price": 1.50, "open": true, "data": {"k": [1]},
                    "created_at": "2026-11-22T10:00:00.5+00:00",
                },
                "errors": null,
            })
        );
    })
    .await;
}

#[tokio::test]
async fn a_row_reaches_its_owner_and_those_permitted_and_nobody_else() {
    run(|server| async move {
        let ada = server.people.add("ada", &[]);
        let bob = server.people.add("bob", &[]);
        server.people.add("staff", &[Permission::UsersRead]);
        let mut of_ada = server.join("ada", "realtime:x", all()).await;
        let mut of_bob = server.join("bob", "realtime:x", all()).await;
        let mut of_staff = server.join("staff", "realtime:x", all()).await;

        server.order(1, ada.user, "first").await;
        server.order(2, bob.user, "second").await;
        assert_eq!(of_ada.change().await["record"]["id"], 1);
        assert_eq!(of_bob.change().await["record"]["id"], 2);
        assert_eq!(of_staff.change().await["record"]["id"], 1);
        assert_eq!(of_staff.change().await["record"]["id"], 2);

        // A row that moves away is deleted to the one, and to the other it has no past.
        sqlx::query("update shop.orders set owner = $1, title = 'moved' where id = 1")
            .bind(bob.user)
            .execute(&server.db)
            .await
            .unwrap();
        let gone = of_ada.change().await;
        assert_eq!(
            (&gone["type"], &gone["old_record"]["title"]),
            (&json!("DELETE"), &json!("first"))
        );
        assert_eq!(gone.get("record"), None);
        let come = of_bob.change().await;
        assert_eq!(
            (&come["type"], &come["record"]["title"]),
            (&json!("UPDATE"), &json!("moved"))
        );
        assert_eq!(come["old_record"], json!({"id": 1}));
        let seen = of_staff.change().await;
        assert_eq!(seen["old_record"]["owner"], json!(ada.user));

        // A delete is only for those who saw the row; an undeclared table is for nobody.
        server
            .sql("insert into shop.secrets values (1); delete from shop.orders where id = 1")
            .await;
        server
            .sql("insert into shop.news values (1, 'to all')")
            .await;
        assert_eq!(of_ada.change().await["table"], "news");
        for mut client in [of_bob, of_staff] {
            assert_eq!(client.change().await["type"], "DELETE");
            assert_eq!(client.change().await["table"], "news");
        }
    })
    .await;
}

#[tokio::test]
async fn bindings_that_cannot_be_served_are_named_and_the_channel_stays() {
    run(|server| async move {
        server.people.add("ada", &[]);
        for binding in [
            json!({"event": "*", "schema": "shop", "table": "secrets"}),
            json!({"event": "*", "schema": "shop", "table": "news", "filter": "id=near.1"}),
            json!({"event": "UPSERT", "schema": "shop", "table": "news"}),
        ] {
            let config = json!({"postgres_changes": [binding], "broadcast": {"self": true}});
            let mut client = server.join("ada", "realtime:x", config).await;
            let system = client.system().await;
            assert_eq!(
                (&system["extension"], &system["status"]),
                (&json!("postgres_changes"), &json!("error"))
            );
            client
                .push(
                    "realtime:x",
                    "broadcast",
                    json!({"type": "broadcast", "event": "e", "payload": 1}),
                )
                .await;
            client.until(|frame| frame.event == "broadcast").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_large_transaction_and_a_truncation_are_announced_as_one_refetch() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let mut client = server.join("ada", "realtime:x", all()).await;
        client.system().await;
        server
            .sql("insert into shop.news select i, 'x' from generate_series(1, 5000) i")
            .await;
        let expected = json!({
            "extension": "resume", "status": "error", "message": "refetch", "channel": "x",
            "schema": "shop", "table": "news",
        });
        assert_eq!(client.next().await.unwrap().payload, expected);
        server.sql("truncate shop.news").await;
        assert_eq!(client.next().await.unwrap().payload, expected);
        server
            .sql("insert into shop.news values (1, 'again')")
            .await;
        assert_eq!(client.change().await["record"]["body"], "again");
    })
    .await;
}

#[tokio::test]
async fn a_lost_connection_to_postgresql_loses_no_change_and_repeats_none() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let mut client = server.join("ada", "realtime:x", all()).await;
        for round in 0..3_i64 {
            for nth in 0..20 {
                sqlx::query("insert into shop.news values ($1, 'x')")
                    .bind(round * 20 + nth)
                    .execute(&server.db)
                    .await
                    .unwrap();
                if nth == 10 {
                    sqlx::query("select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1")
                        .bind(&server.slot)
                        .execute(&server.db)
                        .await
                        .unwrap();
                }
            }
            for nth in 0..20 {
                assert_eq!(client.change().await["record"]["id"], round * 20 + nth);
            }
        }
        // A table that changes its shape is described anew.
        server.sql("alter table shop.news add column extra int; insert into shop.news values (99, 'y', 7)").await;
        assert_eq!(client.change().await["record"], json!({"id": 99, "body": "y", "extra": 7}));
        let health = server.realtime.health();
        assert!(health.streaming && health.failure.is_none() && health.sockets == 1, "{health:?}");
    })
    .await;
}
