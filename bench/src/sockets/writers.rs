//! What the stream of changes costs whoever writes: the same writers without it and with it, in
//! turn.

use super::{
    cluster::{self, Cluster, SLOT},
    servers::Other,
};
use crate::{
    numbers::median,
    report::{Goal, Report},
};
use anyhow::Context;
use futures_util::future::try_join_all;
use std::{
    cell::Cell,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::task::LocalSet;
use tokio_postgres::Client;

/// Connections that write at once.
const WRITERS: usize = 8;
/// Rows that are changed.
const ROWS: i32 = 20_000;
/// A transaction as `pgbench` has it: one row is changed, one is looked at, one is added.
const SCHEMA: &str = "
    create table if not exists bench.accounts (
        id int primary key, owner uuid not null default gen_random_uuid(), balance int not null,
        filler text not null default repeat('x', 80)
    );
    create table if not exists bench.history (
        id bigint generated always as identity primary key, account int not null,
        delta int not null, at timestamptz not null default now()
    );
    truncate bench.accounts, bench.history;
    insert into bench.accounts (id, balance) select i, 0 from generate_series(0, 19999) i;";

/// What PostgreSQL and the server do meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    /// No table is published, nobody reads.
    Bare,
    /// The tables are published with whole old rows in the log, nobody reads.
    Published,
    /// And a server reads them.
    Streamed,
}

pub(super) async fn measure(
    report: &mut Report,
    cluster: &Cluster,
    rounds: u32,
    seconds: f64,
) -> anyhow::Result<()> {
    let socket = PathBuf::from(cluster.socket());
    let time = Duration::try_from_secs_f64(seconds)?.min(Duration::from_mins(1));
    let (mut published, mut streamed, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    // Once for the sake of caches.
    once(&socket, Case::Bare, time).await?;
    for round in 0..rounds {
        eprintln!("writers, round {} of {rounds}", round + 1);
        let bare = once(&socket, Case::Bare, time).await?;
        let whole = once(&socket, Case::Published, time).await?;
        let read = once(&socket, Case::Streamed, time).await?;
        let again = once(&socket, Case::Bare, time).await?;
        // Between two of the same, so that what drifts with time does not count.
        let bare = f64::midpoint(bare, again);
        published.push((1.0 - whole / bare) * 100.0);
        streamed.push((1.0 - read / bare) * 100.0);
        rates.push(bare);
    }
    let spread = |values: &[f64]| {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!("spread {least:.1}–{most:.1} %")
    };
    let slower = median(streamed.iter().copied());
    report.row(
        &format!("writers slowed down by the stream, {WRITERS} at full speed"),
        format!("{slower:.1} %"),
        format!(
            "{}; {:.0} transactions a second without; of it by whole old rows in the log {:.1} %",
            spread(&streamed),
            median(rates),
            median(published),
        ),
        Some((Goal::AtMost(5.0), slower)),
    );
    Ok(())
}

async fn once(socket: &Path, case: Case, time: Duration) -> anyhow::Result<f64> {
    let local = LocalSet::new();
    local
        .run_until(async {
            let db = cluster::connect(socket).await?;
            db.batch_execute(SCHEMA).await.context("the tables")?;
            prepare(&db, case).await?;
            let server = match case {
                Case::Streamed => {
                    let socket = socket.display().to_string();
                    Some(Other::start(&["hub", "--database", &socket]).await?)
                }
                Case::Bare | Case::Published => None,
            };
            for care in ["vacuum analyze bench.accounts", "checkpoint"] {
                db.batch_execute(care).await?;
            }
            let rate = write(socket, time).await;
            if let Some(server) = server {
                server.process.kill().await?;
            }
            rate
        })
        .await
}

/// Nobody reads, and the slot of a server that did is gone.
async fn prepare(db: &Client, case: Case) -> anyhow::Result<()> {
    let drop = "
        select pg_terminate_backend(active_pid, 10000) from pg_replication_slots
        where slot_name = $1 and active";
    db.execute(drop, &[&SLOT]).await?;
    let drop = "
        select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1";
    db.execute(drop, &[&SLOT]).await?;
    let (identity, tables) = match case {
        Case::Bare => ("default", "bench.news, bench.orders"),
        Case::Published | Case::Streamed => (
            "full",
            "bench.news, bench.orders, bench.accounts, bench.history",
        ),
    };
    let publish = format!(
        "alter table bench.accounts replica identity {identity};
         alter table bench.history replica identity {identity};
         alter publication {} set table {tables}",
        cluster::PUBLICATION
    );
    db.batch_execute(&publish).await.context("the publication")
}

/// Writes for a while; transactions a second.
async fn write(socket: &Path, time: Duration) -> anyhow::Result<f64> {
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        writers.push(cluster::connect(socket).await?);
    }
    let done = Cell::new(0_u32);
    let began = Instant::now();
    let writing = writers.iter().enumerate().map(async |(nth, db)| {
        let change = db
            .prepare("update bench.accounts set balance = balance + $2 where id = $1")
            .await?;
        let look = db
            .prepare("select balance from bench.accounts where id = $1")
            .await?;
        let add = db
            .prepare("insert into bench.history (account, delta) values ($1, $2)")
            .await?;
        let mut at = i32::try_from(nth)? * 2_477;
        while began.elapsed() < time {
            at = (at + 7_919) % ROWS;
            db.batch_execute("begin").await?;
            db.execute(&change, &[&at, &1]).await?;
            db.query_one(&look, &[&at]).await?;
            db.execute(&add, &[&at, &1]).await?;
            db.batch_execute("commit").await?;
            done.set(done.get() + 1);
        }
        anyhow::Ok(())
    });
    try_join_all(writing).await?;
    Ok(f64::from(done.get()) / began.elapsed().as_secs_f64())
}
