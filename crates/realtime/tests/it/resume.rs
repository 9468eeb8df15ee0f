//! A client that was away is told what it missed, once, and nothing that is not its business.

use crate::server::{Client, Server, run};
use kernel::{Permission, id::UserId};
use serde_json::{Value, json};

fn all() -> Value {
    json!({"postgres_changes": [{"event": "*", "schema": "shop", "table": "*"}]})
}

async fn open(server: &Server, token: &str, since: Option<&str>) -> Client {
    let mut client = server.open("2.0.0", &[]).await.unwrap();
    client.resume("realtime:x", token, all(), since).await;
    client
}

async fn news(server: &Server, from: i64, to: i64) {
    for id in from..=to {
        sqlx::query("insert into shop.news values ($1, 'x')")
            .bind(id)
            .execute(&server.db)
            .await
            .unwrap();
    }
}

/// The ids of so many changes, in the order of their arrival.
async fn ids(client: &mut Client, count: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    while ids.len() < count {
        ids.push(client.change().await["record"]["id"].as_i64().unwrap());
    }
    ids
}

#[tokio::test]
async fn a_client_goes_on_where_it_was() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let mut client = open(&server, "ada", None).await;
        news(&server, 1, 3).await;
        assert_eq!(ids(&mut client, 3).await, [1, 2, 3]);
        let cursor = client.cursor().await;
        drop(client);
        news(&server, 4, 5_000).await;
        let mut client = open(&server, "ada", Some(&cursor)).await;
        news(&server, 5_001, 5_010).await;
        assert_eq!(
            ids(&mut client, 5_007).await,
            (4..=5_010).collect::<Vec<_>>()
        );
        // What it was told last is where it stands: nothing is told twice.
        let cursor = client.cursor().await;
        let mut client = open(&server, "ada", Some(&cursor)).await;
        news(&server, 6_000, 6_000).await;
        assert_eq!(ids(&mut client, 1).await, [6_000]);
    })
    .await;
}

#[tokio::test]
async fn the_past_is_told_under_the_rules_of_the_present() {
    run(|server| async move {
        let mut ada = server.people.add("ada", &[Permission::UsersRead]);
        let cursor = open(&server, "ada", None).await.cursor().await;
        server.order(1, UserId::new(), "not hers").await;
        server.order(2, ada.user, "hers").await;
        server.sql("delete from shop.orders where id = 1").await;
        ada.permissions = std::iter::empty().collect();
        server.people.set("ada", ada);
        let mut client = open(&server, "ada", Some(&cursor)).await;
        assert_eq!(client.change().await["record"]["title"], "hers");
        server.order(3, ada.user, "new").await;
        assert_eq!(client.change().await["record"]["title"], "new");
    })
    .await;
}

#[tokio::test]
async fn a_cursor_that_is_too_old_or_not_ours_is_a_gap_and_the_client_is_live_all_the_same() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let cursor = open(&server, "ada", None).await.cursor().await;
        let (epoch, _) = cursor.split_once(':').unwrap();
        for (nth, since) in [
            format!("{epoch}:1"),
            "abc:FFFFFFFF".into(),
            "nonsense".into(),
        ]
        .iter()
        .enumerate()
        {
            let mut client = open(&server, "ada", Some(since)).await;
            let told = client
                .until(|frame| frame.payload["extension"] == "resume")
                .await;
            let expected = json!({
                "extension": "resume", "status": "error", "message": "resume_gap", "channel": "x",
            });
            assert_eq!(told, expected);
            let id = i64::try_from(nth).unwrap();
            news(&server, id, id).await;
            assert_eq!(ids(&mut client, 1).await, [id]);
            client.cursor().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_list_goes_on_from_what_its_query_could_see() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let mut writing = server.db.begin().await.unwrap();
        sqlx::query("insert into shop.news values (1, 'under way')")
            .execute(&mut *writing)
            .await
            .unwrap();
        let mut watcher = open(&server, "ada", None).await;
        news(&server, 2, 2).await;
        assert_eq!(ids(&mut watcher, 1).await, [2]);
        let seen: Vec<i64> = sqlx::query_scalar("select id from shop.news")
            .fetch_all(&server.db)
            .await
            .unwrap();
        let mut db = server.db.acquire().await.unwrap();
        let cursor = server.realtime.cursor(&mut db).await.unwrap().unwrap();
        drop(db);
        assert_eq!(seen, [2]);
        writing.commit().await.unwrap();
        news(&server, 3, 3).await;
        assert_eq!(ids(&mut watcher, 2).await, [1, 3]);
        let mut client = open(&server, "ada", Some(&cursor)).await;
        assert_eq!(ids(&mut client, 2).await, [1, 3]);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_ask_hears_nothing_of_cursors() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let mut asks = open(&server, "ada", None).await;
        let mut plain = server.join("ada", "realtime:x", all()).await;
        assert_eq!(plain.system().await["extension"], "postgres_changes");
        asks.cursor().await;
        news(&server, 1, 1).await;
        asks.cursor().await;
        news(&server, 2, 2).await;
        for _ in 0..2 {
            assert_eq!(plain.next().await.unwrap().event, "postgres_changes");
        }
    })
    .await;
}

#[tokio::test]
async fn a_large_value_that_did_not_change_is_left_out_and_never_told_as_null() {
    run(|server| async move {
        server.people.add("ada", &[]);
        server
            .sql("alter table shop.news alter column body set storage external")
            .await;
        let mut client = open(&server, "ada", None).await;
        sqlx::query("insert into shop.news values (1, repeat('x', 10000))")
            .execute(&server.db)
            .await
            .unwrap();
        assert_eq!(ids(&mut client, 1).await, [1]);
        // Only the old row has it, and a table without a full identity does not show its old row.
        server.sql("update shop.news set id = 2").await;
        assert_eq!(client.change().await["record"], json!({"id": 2}));
        server
            .sql("alter table shop.news replica identity full; update shop.news set id = 3")
            .await;
        let record = client.change().await["record"].take();
        assert_eq!(record["body"].as_str().map(str::len), Some(10_000));
    })
    .await;
}

#[tokio::test]
async fn a_slot_that_was_lost_is_made_anew_and_everybody_is_told_to_read_again() {
    use crate::{cluster::Cluster, server::run_on};
    let cluster = Cluster::start(&[
        ("max_slot_wal_keep_size", "1MB"),
        ("min_wal_size", "32MB"),
        ("max_wal_size", "32MB"),
    ])
    .await;
    run_on(cluster.options("postgres"), |server| async move {
        server.people.add("ada", &[]);
        let mut client = open(&server, "ada", None).await;
        let cursor = client.cursor().await;
        // Another of ours that is gone: its slot is in nobody's way for long.
        let gone = "select pg_create_logical_replication_slot('portico_live_gone', 'pgoutput')";
        sqlx::query(gone).execute(&server.db).await.unwrap();
        // Much is written that concerns no client, more than the slot may hold back.
        for _ in 0..4 {
            server
                .sql(
                    "create table if not exists filler (t text);
                     insert into filler select repeat(md5(i::text), 100) from generate_series(1, 6000) i;
                     select pg_switch_wal(); checkpoint; checkpoint",
                )
                .await;
        }
        client.until(|frame| frame.payload["message"] == "resume_gap").await;
        let health = server.realtime.health();
        assert!(health.summary().contains("changes were lost"), "{health:?}");
        // On a busy machine the slot is lost once more while the last of it is written. Then that
        // is said again: a row is told, or it is told that rows were lost, never nothing.
        for id in 1.. {
            news(&server, id, id).await;
            let told = client
                .until(|frame| {
                    let record = &frame.payload["data"]["record"];
                    record["id"] == id || frame.payload["message"] == "resume_gap"
                })
                .await;
            if told["message"] != "resume_gap" {
                break;
            }
        }
        let mut client = open(&server, "ada", Some(&cursor)).await;
        client.until(|frame| frame.payload["message"] == "resume_gap").await;
        let orphans = "select count(*) from pg_replication_slots where slot_name = 'portico_live_gone'";
        // The slot is tended every ten seconds.
        let mut pause = tokio::time::interval(std::time::Duration::from_millis(50));
        loop {
            let left: i64 = sqlx::query_scalar(orphans).fetch_one(&server.db).await.unwrap();
            if left == 0 {
                break;
            }
            pause.tick().await;
        }
    })
    .await;
}
