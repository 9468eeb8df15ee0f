//! What is told can be read.
//!
//! A commit stands in the log before other transactions see it. PostgreSQL makes that moment as
//! long as one likes where a commit waits for a standby that is not there.

use std::sync::Arc;

use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

use crate::{
    cluster::Cluster,
    server::{PATIENCE, Server, run_on},
};

/// Waits until something is so in PostgreSQL.
async fn until(server: &Server, question: &'static str) {
    let mut pause = tokio::time::interval(std::time::Duration::from_millis(20));
    let asking = async {
        while !sqlx::query_scalar::<_, bool>(question)
            .fetch_one(&server.db)
            .await
            .unwrap()
        {
            pause.tick().await;
        }
    };
    timeout(PATIENCE, asking).await.expect(question);
}

const WAITS: &str = "select exists (select from pg_stat_activity where wait_event = 'SyncRep')";
const TOLD: &str = "select bool_and(sent_lsn >= pg_current_wal_lsn()) from pg_stat_replication";

#[tokio::test]
async fn a_change_is_told_when_queries_see_it_and_not_before() {
    let cluster = Arc::new(
        Cluster::start(&[
            ("synchronous_standby_names", "nobody"),
            ("synchronous_commit", "local"),
        ])
        .await,
    );
    let (address, superuser) = (cluster.options("postgres"), Arc::clone(&cluster));
    run_on(cluster.options("postgres"), async move |server| {
        let config =
            json!({"postgres_changes": [{"event": "*", "schema": "shop", "table": "news"}]});
        server.people.add("ada", &[]);
        let mut client = server.join("ada", "realtime:x", config).await;
        let writing = Box::pin(async {
            let name: String = sqlx::query_scalar("select current_database()")
                .fetch_one(&server.db)
                .await
                .unwrap();
            let mut db = PgConnection::connect_with(&address.database(&name))
                .await
                .unwrap();
            sqlx::raw_sql("set synchronous_commit = on; insert into shop.news values (1, 'slow')")
                .execute(&mut db)
                .await
                .unwrap();
        });
        let mut db = server.db.acquire().await.unwrap();
        let listening = Box::pin(async {
            let told = client.change().await;
            let seen: i64 = sqlx::query_scalar("select count(*) from shop.news where id = 1")
                .fetch_one(&mut *db)
                .await
                .unwrap();
            assert_eq!((&told["record"]["id"], seen), (&json!(1), 1));
            // What committed later and was visible sooner keeps its place.
            assert_eq!(client.change().await["record"]["id"], 2);
        });
        let release = Box::pin(async {
            until(&server, WAITS).await;
            server.sql("insert into shop.news values (2, 'fast')").await;
            until(&server, TOLD).await;
            // Who was told too soon has looked by the time that others have come and gone.
            for _ in 0..10 {
                server.join("ada", "realtime:y", json!({})).await;
            }
            superuser
                .sql("alter system reset synchronous_standby_names")
                .await;
            superuser.sql("select pg_reload_conf()").await;
        });
        tokio::join!(writing, listening, release);
    })
    .await;
    drop(cluster);
}
