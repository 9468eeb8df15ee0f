//! A database over a network: passwords, TLS, and what is refused.

use std::sync::Arc;

use crate::{
    cluster::{Cluster, Papers},
    server::{PATIENCE, Server, run_on},
};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::{sync::Mutex, time::timeout};

/// A server that lets nobody in over TCP without TLS and a password.
async fn guarded() -> (Cluster, Papers) {
    let papers = Papers::new();
    let cluster = Cluster::start(&[("listen_addresses", "127.0.0.1")]).await;
    let certificate = cluster.file("server.pem", &papers.certificate);
    let key = cluster.file("server.key", &papers.key);
    let access = cluster.file(
        "hba.conf",
        "local all all trust\nhostssl all portico all scram-sha-256\nhostssl all elder all md5\n",
    );
    let mut cluster = cluster;
    for (name, value) in [
        ("ssl_cert_file", &certificate),
        ("ssl_key_file", &key),
        ("hba_file", &access),
    ] {
        cluster
            .sql(&format!("alter system set {name} = '{}'", value.display()))
            .await;
    }
    cluster.sql("alter system set ssl = on").await;
    cluster
        .sql(
            "create role portico superuser login password 'se cret@/ü';
             set password_encryption = md5;
             create role elder superuser login password 'old';",
        )
        .await;
    cluster.restart().await;
    (cluster, papers)
}

fn over_network(cluster: &Cluster, user: &str, password: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("localhost")
        .port(cluster.port)
        .username(user)
        .password(password)
        .database("postgres")
}

async fn a_change_arrives(server: &Server) {
    let ada = server.people.add("ada", &[]);
    let config = json!({"postgres_changes": [{"event": "*", "schema": "shop", "table": "*"}]});
    let mut client = server.join("ada", "realtime:x", config).await;
    server.order(1, ada.user, "over the network").await;
    assert_eq!(client.change().await["record"]["title"], "over the network");
}

#[tokio::test]
async fn changes_arrive_over_verified_tls_with_a_password() {
    let (cluster, papers) = guarded().await;
    let options = over_network(&cluster, "portico", "se cret@/ü")
        .ssl_mode(PgSslMode::VerifyFull)
        .ssl_root_cert_from_pem(papers.authority.clone().into());
    run_on(options, |server| async move {
        timeout(PATIENCE, server.realtime.streaming())
            .await
            .unwrap();
        a_change_arrives(&server).await;
        let encrypted: bool = sqlx::query_scalar(
            "select s.ssl from pg_stat_ssl s join pg_stat_activity a using (pid)
              where a.backend_type = 'walsender'",
        )
        .fetch_one(&server.db)
        .await
        .unwrap();
        assert!(encrypted);
    })
    .await;
}

#[tokio::test]
async fn tls_that_is_offered_is_used_and_older_passwords_still_open() {
    let (cluster, _) = guarded().await;
    let options = over_network(&cluster, "elder", "old").ssl_mode(PgSslMode::Prefer);
    run_on(options, |server| async move {
        timeout(PATIENCE, server.realtime.streaming())
            .await
            .unwrap();
        a_change_arrives(&server).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_gets_no_password() {
    let (cluster, papers) = guarded().await;
    let stranger = Papers::new();
    let base = over_network(&cluster, "portico", "se cret@/ü");
    let wrong_authority = base
        .clone()
        .ssl_mode(PgSslMode::VerifyCa)
        .ssl_root_cert_from_pem(stranger.authority.into());
    let wrong_name = base
        .host("127.0.0.1")
        .ssl_mode(PgSslMode::VerifyFull)
        .ssl_root_cert_from_pem(papers.authority.clone().into());
    let any_name = wrong_name.clone().ssl_mode(PgSslMode::VerifyCa);
    for (options, admitted) in [
        (wrong_authority, false),
        (wrong_name, false),
        (any_name, true),
    ] {
        let direct = cluster.options("postgres");
        let outcome = crate::server::probe(&direct, options).await;
        assert_eq!(outcome.is_ok(), admitted, "{outcome:?}");
        if let Err(failure) = outcome {
            assert!(failure.contains("certificate"), "{failure}");
        }
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_when_tls_is_demanded() {
    let cluster = Cluster::start(&[("listen_addresses", "127.0.0.1")]).await;
    let options = over_network(&cluster, "postgres", "").ssl_mode(PgSslMode::Require);
    let outcome = crate::server::probe(&cluster.options("postgres"), options).await;
    let failure = outcome.unwrap_err();
    assert!(failure.contains("TLS"), "{failure}");
}

#[tokio::test]
async fn a_postgresql_that_is_asked_to_stop_does_not_wait_for_us_and_is_read_on_when_it_is_back() {
    let cluster = Cluster::start(&[]).await;
    let options = cluster.options("postgres");
    // It lives until what the test left in it is removed.
    let cluster = Arc::new(Mutex::new(cluster));
    let kept = Arc::clone(&cluster);
    run_on(options, |server| async move {
        timeout(PATIENCE, server.realtime.streaming())
            .await
            .unwrap();
        let ada = server.people.add("ada", &[]);
        let config = json!({"postgres_changes": [{"event": "*", "schema": "shop", "table": "*"}]});
        let mut client = server.join("ada", "realtime:x", config).await;
        server.order(1, ada.user, "before").await;
        assert_eq!(client.change().await["record"]["title"], "before");
        // What was read is confirmed minutes later; PostgreSQL would wait for that.
        let mut cluster = cluster.lock().await;
        cluster.close().await;
        cluster.launch().await;
        server.order(2, ada.user, "after").await;
        assert_eq!(client.change().await["record"]["title"], "after");
    })
    .await;
    drop(kept);
}
