//! The alarm before PostgreSQL gives a slot up, and what follows when it does.
//!
//! PostgreSQL keeps 64 MiB of log here. The reader is held back as a network does it that swallows
//! what it is given: its connections stay open and carry nothing, while others get through.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kernel::tasks::Tasks;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    time::timeout,
};

use crate::{
    cluster::Cluster,
    server::{PATIENCE, Server, run_on, until_slowly},
};

/// A network between the server and its database.
struct Network {
    port: u16,
    /// It swallows what belongs to replication.
    swallows: AtomicBool,
}

impl Network {
    async fn lay(to: u16, tasks: &Tasks) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let network = Arc::new(Self {
            port: listener.local_addr().unwrap().port(),
            swallows: AtomicBool::new(false),
        });
        let (laid, all, stop) = (Arc::clone(&network), tasks.clone(), tasks.token());
        tasks.spawn("network", async move {
            loop {
                let accepted = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let (near, _) = accepted.unwrap();
                let (laid, stop) = (Arc::clone(&laid), stop.clone());
                all.spawn("wire", async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = laid.wire(near, to) => {}
                    }
                });
            }
        });
        network
    }

    async fn wire(&self, mut near: TcpStream, to: u16) {
        let mut first = vec![0; 1024];
        let Ok(length @ 1..) = near.read(&mut first).await else {
            return;
        };
        first.truncate(length);
        // The first thing said names what the connection is for.
        let word: &[u8] = b"replication";
        let replicates = first.windows(word.len()).any(|part| part == word);
        let mut far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
        if !(replicates && self.swallows()) {
            far.write_all(&first).await.unwrap();
        }
        let (from_near, to_near) = near.into_split();
        let (from_far, to_far) = far.into_split();
        tokio::join!(
            self.carry(from_near, to_far, replicates),
            self.carry(from_far, to_near, replicates),
        );
    }

    async fn carry(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, replicates: bool) {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut bytes).await {
            let swallowed = replicates && self.swallows();
            if !swallowed && to.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
        if replicates && self.swallows() {
            // Nobody is told of an end either.
            std::future::pending::<()>().await;
        }
    }

    fn swallows(&self) -> bool {
        self.swallows.load(Ordering::Relaxed)
    }
}

async fn narrow() -> Cluster {
    let mut cluster = Cluster::start(&[
        ("listen_addresses", "127.0.0.1"),
        ("max_slot_wal_keep_size", "64MB"),
        ("max_wal_size", "256MB"),
    ])
    .await;
    let access = cluster.file(
        "hba.conf",
        "local all all trust\nhost all all 127.0.0.1/32 trust\n",
    );
    let hba = format!("alter system set hba_file = '{}'", access.display());
    cluster.sql(&hba).await;
    cluster.restart().await;
    cluster
}

/// Writes so many MiB into the log.
async fn fill(server: &Server, mebibytes: i32) {
    sqlx::query(
        "select pg_logical_emit_message(false, 'filling', repeat('x', 1024 * 1024))
           from generate_series(1, $1)",
    )
    .bind(mebibytes)
    .execute(&server.db)
    .await
    .unwrap();
}

async fn checkpoint(server: &Server) {
    // What was written must be past: a checkpoint removes the log, and the slots that need it.
    server.sql("select pg_switch_wal()").await;
    server.sql("checkpoint").await;
}

#[tokio::test]
async fn a_slot_whose_reader_is_stuck_raises_the_alarm_at_half_and_its_loss_is_said_to_everybody() {
    let cluster = narrow().await;
    let tasks = Tasks::new();
    let network = Network::lay(cluster.port, &tasks).await;
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(network.port)
        .username("postgres")
        .database("postgres")
        .ssl_mode(PgSslMode::Disable);
    run_on(options, |server| async move {
        let ada = server.people.add("ada", &[]);
        let config =
            || json!({"postgres_changes": [{"event": "*", "schema": "shop", "table": "*"}]});
        let mut client = server.open("2.0.0", &[]).await.unwrap();
        client.resume("realtime:x", "ada", config(), None).await;
        server.order(1, ada.user, "before").await;
        assert_eq!(client.change().await["record"]["title"], "before");
        let cursor = client.cursor().await;
        let health = || server.realtime.health();
        assert!(!health().slot_endangered);

        network.swallows.store(true, Ordering::Relaxed);
        server.order(2, ada.user, "never told").await;
        fill(&server, 40).await;
        until_slowly(|| health().slot_endangered).await;
        let told = health().summary();
        let half = format!("the slot {} holds back 4", server.slot);
        assert!(told.contains(&half), "{told}");
        assert!(told.contains("more than half of what it may"), "{told}");

        fill(&server, 80).await;
        checkpoint(&server).await;
        until_slowly(|| health().summary().contains("was lost: its reader")).await;
        assert!(health().slot_endangered);

        network.swallows.store(false, Ordering::Relaxed);
        let gap = client
            .until(|frame| {
                frame.payload["extension"] == "resume" && frame.payload["status"] == "error"
            })
            .await;
        assert_eq!(gap["message"], "resume_gap");
        until_slowly(|| health().streaming).await;
        let told = health().last_gap.unwrap();
        assert!(told.contains("the replication slot was lost"), "{told}");
        server.order(3, ada.user, "after").await;
        while client.change().await["record"]["title"] != "after" {}
        let mut late = server.open("2.0.0", &[]).await.unwrap();
        late.resume("realtime:x", "ada", config(), Some(&cursor))
            .await;
        let told = late
            .until(|frame| frame.payload["extension"] == "resume")
            .await;
        assert_eq!(told["message"], "resume_gap");
        until_slowly(|| !health().slot_endangered).await;
    })
    .await;
    tasks.stop(Duration::from_secs(5)).await;
    drop(cluster);
}

#[tokio::test]
async fn a_slot_that_another_server_left_raises_the_alarm_here_and_is_removed_when_it_is_lost() {
    let cluster = narrow().await;
    run_on(cluster.options("postgres"), |server| async move {
        timeout(PATIENCE, server.realtime.streaming())
            .await
            .unwrap();
        server
            .sql("select pg_create_logical_replication_slot('portico_live_gone', 'pgoutput')")
            .await;
        fill(&server, 40).await;
        let told = || server.realtime.health().summary();
        until_slowly(|| told().contains("the slot portico_live_gone holds back 4")).await;
        fill(&server, 80).await;
        checkpoint(&server).await;
        until_slowly(|| !told().contains("portico_live_gone")).await;
        let left: Vec<String> =
            sqlx::query_scalar("select slot_name::text from pg_replication_slots")
                .fetch_all(&server.db)
                .await
                .unwrap();
        assert_eq!(left, [server.slot.as_str()]);
    })
    .await;
    drop(cluster);
}
