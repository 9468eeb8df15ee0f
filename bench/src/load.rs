//! The one who asks: many connections, each asking again as soon as it is answered, for
//! a time that is set beforehand. A process of its own, so that its cost is nobody else's.

use crate::{
    http::{Address, Answer, Connection, request},
    numbers::quantile,
};
use anyhow::ensure;
use serde::{Deserialize, Serialize};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// The most requests of one run, whatever its time.
const MOST: usize = 2_000_000;

/// What to ask.
#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// Where the server listens: an address of this machine, or a Unix socket's path.
    #[arg(long)]
    address: Address,
    #[arg(long)]
    path: String,
    /// A header line; may be given again.
    #[arg(long = "header")]
    headers: Vec<String>,
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
    /// At most 60.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

/// What came.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) requests: usize,
    /// Answers other than 200.
    pub(crate) failures: usize,
    pub(crate) seconds: f64,
    /// Of one body, on average.
    pub(crate) bytes: usize,
    /// Milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Asks, and prints the [`Outcome`] as JSON.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let time = Duration::try_from_secs_f64(settings.seconds)?.min(Duration::from_mins(1));
    let bytes: Arc<[u8]> = request("GET", &settings.path, &settings.headers, "").into();
    let mut connections = Vec::new();
    for _ in 0..settings.connections {
        connections.push(Connection::open(&settings.address).await?);
    }
    let share = MOST / connections.len();
    let began = Instant::now();
    let mut asking = JoinSet::new();
    for connection in connections {
        asking.spawn(ask(connection, bytes.clone(), began + time, share));
    }
    let mut all = Tally::default();
    while let Some(tally) = asking.join_next().await {
        all.add(tally??);
    }
    let seconds = began.elapsed().as_secs_f64();
    ensure!(!all.micros.is_empty(), "nothing was answered");
    all.micros.sort_unstable();
    let outcome = Outcome {
        requests: all.micros.len(),
        failures: all.failures,
        seconds,
        bytes: all.bytes / all.micros.len(),
        p50: f64::from(quantile(&all.micros, 50)) / 1000.0,
        p99: f64::from(quantile(&all.micros, 99)) / 1000.0,
    };
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

#[derive(Debug, Default)]
struct Tally {
    micros: Vec<u32>,
    failures: usize,
    bytes: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.micros.extend(other.micros);
        self.failures += other.failures;
        self.bytes += other.bytes;
    }
}

async fn ask(
    mut connection: Connection,
    request: Arc<[u8]>,
    until: Instant,
    most: usize,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let mut answer = Answer::default();
    let mut now = Instant::now();
    while now < until && tally.micros.len() < most {
        connection.ask(&request, &mut answer).await?;
        let answered = Instant::now();
        let micros = answered.duration_since(now).as_micros();
        tally.micros.push(u32::try_from(micros).unwrap_or(u32::MAX));
        tally.failures += usize::from(answer.status != 200);
        tally.bytes += answer.body.len();
        now = answered;
    }
    Ok(tally)
}
