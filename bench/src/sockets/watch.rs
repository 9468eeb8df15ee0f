//! Rows are written, and the clients that may see them hear of it: changes.
//!
//! The writers sit in the clients' own process, so that one clock takes both times: before the
//! statement is sent, and when the client has read the frame. The commit is part of it.

use super::{
    cluster,
    crowd::{self, Crowd},
    frames::{self, DIGITS},
};
use crate::process::cpu_seconds;
use anyhow::Context;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use std::{
    cell::Cell,
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    #[command(flatten)]
    crowd: crowd::Settings,
    /// The folder of PostgreSQL's socket.
    #[arg(long)]
    database: PathBuf,
    /// Each row is visible to one client instead of all.
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set)]
    owned: bool,
    /// Rows that one transaction writes.
    #[arg(long, default_value_t = 1)]
    rows: u32,
}

/// What it came to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Changes a second that all who should have heard of did, at full speed.
    pub(crate) per_second: f64,
    /// Deliveries for each second of the server's processor time, at full speed.
    pub(crate) per_cpu_second: f64,
    /// Seconds of the server's processor time for each second, at full speed.
    pub(crate) cores: f64,
    /// Changes a second at half speed, when the times were taken; milliseconds.
    pub(crate) paced_per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
}

/// Connections that write.
const WRITERS: usize = 8;
/// Deliveries that are on their way at full speed, for each client, and for all together at least.
const WINDOW: usize = 16;
const LEAST: usize = 2_000;

/// Comes, has rows written, listens, and prints the [`Outcome`] as JSON.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let outcome = crowd::alone(measure(&settings)).await?;
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

/// Somebody's id, which is also their token.
fn somebody(nth: usize) -> Uuid {
    Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + nth as u128)
}

async fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let table = if settings.owned { "orders" } else { "news" };
    let join = |nth| Some(frames::join(&somebody(nth).to_string(), Some(table)));
    let gathered = Crowd::gather(&settings.crowd, join).await?;
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        writers.push(Writer::new(settings, table).await?);
    }
    let desk = Desk {
        crowd: &gathered.crowd,
        settings,
        sockets: usize::from(settings.crowd.sockets),
        written: Cell::new(0),
    };
    let pid = settings.crowd.pid;
    let time = Duration::try_from_secs_f64(settings.crowd.seconds)?.min(Duration::from_mins(1));
    desk.write(&writers, time / 4, None).await?;
    let cpu = cpu_seconds(pid)?;
    let (written, seconds) = desk.write(&writers, time, None).await?;
    let cpu = (cpu_seconds(pid)? - cpu).max(0.01);
    let per_second = written / seconds;
    gathered.crowd.take_times();
    let pace =
        Duration::try_from_secs_f64(f64::from(settings.rows) / settings.crowd.pace(per_second))?;
    let (paced, paced_seconds) = desk.write(&writers, time, Some(pace)).await?;
    let [p50, p95, p99] = gathered.crowd.times()?;
    Ok(Outcome {
        per_second,
        per_cpu_second: written * f64::from(u32::try_from(desk.reach())?) / cpu,
        cores: cpu / seconds,
        paced_per_second: paced / paced_seconds,
        p50,
        p95,
        p99,
    })
}

/// One connection that writes.
struct Writer {
    db: Client,
    insert: Statement,
}

impl Writer {
    async fn new(settings: &Settings, table: &str) -> anyhow::Result<Self> {
        let db = cluster::connect(&settings.database).await?;
        let insert = format!(
            "insert into bench.{table} (owner, stamp) select owner, $2 from unnest($1::uuid[]) owner"
        );
        let insert = db.prepare(&insert).await.context("the insert")?;
        Ok(Self { db, insert })
    }
}

/// What the writers share.
struct Desk<'a> {
    crowd: &'a Crowd,
    settings: &'a Settings,
    sockets: usize,
    written: Cell<usize>,
}

impl Desk<'_> {
    /// Who hears of a row.
    fn reach(&self) -> usize {
        if self.settings.owned { 1 } else { self.sockets }
    }

    /// Writes for a while, as fast as it is heard or at a pace; how many rows, in how long.
    async fn write(
        &self,
        writers: &[Writer],
        time: Duration,
        pace: Option<Duration>,
    ) -> anyhow::Result<(f64, f64)> {
        let began = Instant::now();
        let (heard, written) = (self.crowd.heard(), self.written.get());
        self.crowd.said();
        let statements = Cell::new(0_u32);
        let window = (WINDOW * self.sockets).max(LEAST);
        let writing = writers.iter().map(async |writer| {
            while began.elapsed() < time {
                let due = match pace {
                    None => {
                        let expected = (self.written.get() - written) * self.reach();
                        expected < self.crowd.heard() - heard + window
                    }
                    Some(pace) => pace * statements.get() <= began.elapsed(),
                };
                self.crowd.check()?;
                if !due {
                    tokio::time::sleep(Duration::from_micros(500)).await;
                    continue;
                }
                statements.set(statements.get() + 1);
                self.insert(writer).await?;
            }
            anyhow::Ok(())
        });
        try_join_all(writing).await?;
        let rows = self.written.get() - written;
        while self.crowd.heard() - heard < rows * self.reach() {
            self.crowd.check()?;
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        let rows = f64::from(u32::try_from(rows)?);
        Ok((rows, began.elapsed().as_secs_f64()))
    }

    async fn insert(&self, writer: &Writer) -> anyhow::Result<()> {
        let rows = usize::try_from(self.settings.rows)?;
        let first = self.written.get();
        self.written.set(first + rows);
        // Neighbours in time are strangers in the table of subscribers.
        let owner = |nth: usize| somebody(nth * 7_919 % self.sockets);
        let owners: Vec<Uuid> = (first..first + rows).map(owner).collect();
        let stamp = format!("{:0DIGITS$}", self.crowd.nanos()?);
        writer
            .db
            .execute(&writer.insert, &[&owners, &stamp])
            .await
            .context("a row cannot be written")?;
        Ok(())
    }
}
