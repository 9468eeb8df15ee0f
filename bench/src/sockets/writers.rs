//! What the stream of changes costs whoever writes: the same writers without it and with it, in
//! turn.

use super::{
    cluster::{self, Cluster, SLOT},
    servers::Other,
};
use crate::{
    numbers::median,
    process::cpu_seconds,
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

/// Where things run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Wherever the kernel likes.
    Anywhere,
    /// Writers and their backends on one core, what streams on the next.
    Apart,
}

pub(super) async fn measure(
    report: &mut Report,
    cluster: &Cluster,
    rounds: u32,
    seconds: f64,
) -> anyhow::Result<()> {
    let time = Duration::try_from_secs_f64(seconds)?.min(Duration::from_mins(1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Once for the sake of caches.
    once(cluster, Case::Bare, Place::Anywhere, time).await?;
    for place in [Place::Anywhere, Place::Apart] {
        if place == Place::Apart && cores < 2 {
            continue;
        }
        let (mut published, mut streamed, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        let (mut ours, mut decoding, mut looking) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            eprintln!("writers ({place:?}), round {} of {rounds}", round + 1);
            let bare = once(cluster, Case::Bare, place, time).await?;
            let whole = once(cluster, Case::Published, place, time).await?;
            let read = once(cluster, Case::Streamed, place, time).await?;
            let again = once(cluster, Case::Bare, place, time).await?;
            // Between two of the same, so that what drifts with time does not count.
            let bare = f64::midpoint(bare.rate, again.rate);
            published.push((1.0 - whole.rate / bare) * 100.0);
            streamed.push((1.0 - read.rate / bare) * 100.0);
            rates.push(bare);
            ours.push(read.server * 100.0);
            decoding.push(read.decoding * 100.0);
            looking.push(read.looking * 100.0);
        }
        let least = streamed.iter().copied().fold(f64::INFINITY, f64::min);
        let most = streamed.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let slower = median(streamed);
        let what = match place {
            Place::Anywhere => {
                format!(
                    "writers slowed down by the stream: {WRITERS} at full speed, every core full"
                )
            }
            Place::Apart => "… writers on one core, the stream on another".to_owned(),
        };
        report.row(
            &what,
            format!("{slower:.1} %"),
            format!(
                "spread {least:.1}–{most:.1} %; {:.0} transactions a second without; of it by whole old rows in the log {:.1} %; of a core PostgreSQL's decoding takes {:.0} %, the server {:.0} %, its looks at what is visible {:.0} %",
                median(rates),
                median(published),
                median(decoding),
                median(ours),
                median(looking),
            ),
            Some((Goal::AtMost(5.0), slower)),
        );
    }
    Ok(())
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
struct Written {
    /// Transactions a second.
    rate: f64,
    /// What the server took meanwhile, in cores.
    server: f64,
    /// What PostgreSQL's sender of the stream took.
    decoding: f64,
    /// What its backend took that the server asks which transactions are visible.
    looking: f64,
}

async fn once(
    cluster: &Cluster,
    case: Case,
    place: Place,
    time: Duration,
) -> anyhow::Result<Written> {
    let socket = PathBuf::from(cluster.socket());
    let local = LocalSet::new();
    local
        .run_until(async {
            let db = cluster::connect(&socket).await?;
            db.batch_execute(SCHEMA).await.context("the tables")?;
            prepare(&db, case).await?;
            let server = match case {
                Case::Streamed => {
                    let socket = cluster.socket();
                    Some(Other::start(&["hub", "--database", &socket]).await?)
                }
                Case::Bare | Case::Published => None,
            };
            for care in ["vacuum analyze bench.accounts", "checkpoint"] {
                db.batch_execute(care).await?;
            }
            if place == Place::Apart {
                set_apart(&db, cluster.pid(), server.as_ref()).await?;
            }
            let written = written(&db, &socket, server.as_ref(), time).await;
            if let Some(server) = server {
                server.process.kill().await?;
            }
            written
        })
        .await
}

/// Writes for a while, and looks what the stream took.
async fn written(
    db: &Client,
    socket: &Path,
    server: Option<&Other>,
    time: Duration,
) -> anyhow::Result<Written> {
    let pids = async |query| -> anyhow::Result<Vec<u32>> {
        let rows = db.query(query, &[]).await?;
        let pids = rows.iter().map(|row| u32::try_from(row.get::<_, i32>(0)));
        Ok(pids.collect::<Result<_, _>>()?)
    };
    let sum = |pids: &[u32]| {
        pids.iter()
            .map(|pid| cpu_seconds(*pid))
            .sum::<anyhow::Result<f64>>()
    };
    let server: Vec<u32> = server.iter().map(|server| server.process.pid).collect();
    let senders = pids("select pid from pg_stat_replication").await?;
    let (began, before) = (Instant::now(), (sum(&server)?, sum(&senders)?));
    let rate = write(socket, time).await?;
    let (seconds, after) = (
        began.elapsed().as_secs_f64(),
        (sum(&server)?, sum(&senders)?),
    );
    // It came with the first transaction, so all that it took is of these.
    let lookers =
        "select pid from pg_stat_activity where query like 'select pg_current_snapshot()%'";
    let looking = sum(&pids(lookers).await?)?;
    Ok(Written {
        rate,
        server: (after.0 - before.0) / seconds,
        decoding: (after.1 - before.1) / seconds,
        looking: looking / seconds,
    })
}

/// Puts writers and backends on the first core, and what streams on the second.
async fn set_apart(db: &Client, postmaster: i32, server: Option<&Other>) -> anyhow::Result<()> {
    let own = i32::try_from(std::process::id())?;
    let backends = "
        select a.pid, exists (select from pg_stat_replication r where r.pid = a.pid) as streams
        from pg_stat_activity a";
    let mut places = vec![(own, 0), (postmaster, 0)];
    for row in db.query(backends, &[]).await? {
        places.push((row.get(0), u32::from(row.get::<_, bool>(1))));
    }
    if let Some(server) = server {
        places.push((i32::try_from(server.process.pid)?, 1));
    }
    for (pid, core) in places {
        let output = tokio::process::Command::new("taskset")
            .args(["--all-tasks", "--cpu-list", "--pid"])
            .args([core.to_string(), pid.to_string()])
            .output()
            .await
            .context("taskset, of util-linux")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        // A backend may have ended meanwhile.
        let gone = errors.contains("No such process");
        anyhow::ensure!(output.status.success() || gone, "taskset: {errors}");
    }
    Ok(())
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
