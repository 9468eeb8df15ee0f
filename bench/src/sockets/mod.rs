//! What a socket costs: memory while it is idle, processor time for each broadcast and each change
//! that it hears, and how long those take; and what the stream of changes costs whoever writes.
//!
//! Three processes again: the server under test (Portico, or realtime alone), the bare loop
//! (`bench bare`), and the crowd of clients (`bench crowd`, `bench watch`), which reads what the
//! servers' processes cost.

pub(crate) mod bare;
mod changes;
mod cluster;
pub(crate) mod crowd;
mod frames;
pub(crate) mod hub;
mod servers;
pub(crate) mod talk;
pub(crate) mod watch;
mod writers;

use crate::{
    machine,
    report::{Goal, Report},
};
use anyhow::{Context, ensure};
use crowd::Outcome;
use servers::{Other, Portico};
use std::{path::PathBuf, time::Duration};

/// How to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// The server's binary. Without it realtime is measured alone (`bench hub`).
    #[arg(long, requires = "data")]
    portico: Option<PathBuf>,
    /// An empty folder that may be written to; PostgreSQL's user must be able to enter it.
    #[arg(long)]
    data: Option<PathBuf>,
    /// What is measured.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["broadcasts", "memory", "changes", "writers"])]
    parts: Vec<Part>,
    /// The sizes of the crowd that hears broadcasts, from small to large; at most 10,000.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000, 10_000])]
    sockets: Vec<usize>,
    /// How often each size is measured on either side; the median of the ratios counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=9))]
    rounds: u32,
    /// How long the crowd is talked to at full speed, and again at half of it.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Broadcasts,
    Memory,
    Changes,
    Writers,
}

const START: Duration = Duration::from_mins(2);
/// A header that means nothing: with one, the crowd joins a channel.
const JOINS: &str = "x-crowd: joins";
const PATH: &str = "/websocket?vsn=2.0.0";

/// Measures, and prints the table.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    raise_file_limit();
    ensure!(
        settings.sockets.iter().all(|count| *count <= 10_000),
        "at most 10,000 sockets"
    );
    let mut report = Report::new(machine::describe());
    let wants = |part| settings.parts.contains(&part);
    if wants(Part::Memory) || wants(Part::Broadcasts) {
        let server = match (&settings.portico, &settings.data) {
            (Some(portico), Some(data)) => Some(Portico::start(portico, data).await?),
            _ => None,
        };
        // First: memory that was in use once is taken again for nothing.
        if wants(Part::Memory) {
            memory(&mut report, &settings, server.as_ref()).await?;
        }
        if wants(Part::Broadcasts) {
            broadcasts(&mut report, &settings, server.as_ref()).await?;
        }
        if let Some(server) = server {
            server.process.stop().await?;
        }
    }
    if wants(Part::Changes) || wants(Part::Writers) {
        let data = settings.data.as_deref();
        let data = data.context("--data names the folder for a PostgreSQL cluster")?;
        let cluster = cluster::Cluster::start(data).await?;
        let measured = measure_changes(&mut report, &settings, &cluster).await;
        cluster.stop().await?;
        measured?;
    }
    println!("{report}");
    Ok(())
}

async fn measure_changes(
    report: &mut Report,
    settings: &Settings,
    cluster: &cluster::Cluster,
) -> anyhow::Result<()> {
    if settings.parts.contains(&Part::Changes) {
        changes::measure(report, cluster, settings.rounds, settings.seconds).await?;
    }
    if settings.parts.contains(&Part::Writers) {
        writers::measure(report, cluster, settings.rounds, settings.seconds).await?;
    }
    Ok(())
}

async fn memory(
    report: &mut Report,
    settings: &Settings,
    server: Option<&Portico>,
) -> anyhow::Result<()> {
    let sockets = settings.sockets.iter().copied().max().unwrap_or(10_000);
    eprintln!("{sockets} idle sockets");
    let ours = match server {
        Some(server) => server.crowd(sockets, 0.0).await?,
        None => Other::for_one("hub", sockets, 0.0, None).await?,
    };
    let bare = Other::for_one("bare", sockets, 0.0, None).await?;
    let kib = ours.bytes_per_socket / 1024.0;
    report.row(
        &format!("memory of an idle socket, of {sockets} that joined a channel"),
        format!("{kib:.1} KiB"),
        format!("bare loop {:.1} KiB", bare.bytes_per_socket / 1024.0),
        Some((Goal::AtMost(10.0), kib)),
    );
    Ok(())
}

async fn broadcasts(
    report: &mut Report,
    settings: &Settings,
    server: Option<&Portico>,
) -> anyhow::Result<()> {
    let who = match server {
        Some(_) => "Portico",
        None => "realtime alone",
    };
    for &sockets in &settings.sockets {
        let mut pairs = Vec::new();
        for round in 0..settings.rounds {
            let (nth, of) = (round + 1, settings.rounds);
            eprintln!("broadcasts to {sockets} sockets, round {nth} of {of}");
            let seconds = settings.seconds;
            let ours = match server {
                Some(server) => server.crowd(sockets, seconds).await?,
                None => Other::for_one("hub", sockets, seconds, None).await?,
            };
            let bare = Other::for_one("bare", sockets, seconds, None).await?;
            pairs.push((ours, bare));
        }
        state(report, who, sockets, pairs);
    }
    Ok(())
}

fn state(report: &mut Report, who: &str, sockets: usize, mut pairs: Vec<(Outcome, Outcome)>) {
    let ratio = |(ours, bare): &(Outcome, Outcome)| ours.per_cpu_second / bare.per_cpu_second;
    pairs.sort_by(|one, two| ratio(one).total_cmp(&ratio(two)));
    let least = pairs.first().map_or(0.0, ratio);
    let most = pairs.last().map_or(0.0, ratio);
    let Some(middle) = pairs.get(pairs.len() / 2) else {
        return;
    };
    report.row(
        &format!("broadcast to {sockets} sockets"),
        format!("{:.2}× bare loop", ratio(middle)),
        format!("spread {least:.2}–{most:.2}"),
        Some((Goal::AtLeast(0.8), ratio(middle))),
    );
    for (who, outcome) in [(who, middle.0), ("bare loop", middle.1)] {
        report.row(
            &format!("… {who}"),
            format!(
                "{:.0} k deliveries per core-second",
                outcome.per_cpu_second / 1e3
            ),
            format!(
                "{:.0} k a second; at {:.0} k a second p50 {:.1}, p95 {:.1}, p99 {:.1} ms",
                outcome.per_second / 1e3,
                outcome.paced_per_second / 1e3,
                outcome.p50,
                outcome.p95,
                outcome.p99
            ),
            None,
        );
    }
}

/// Ten thousand sockets are more than most shells allow a process.
pub(crate) fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // What is refused shows when sockets are opened.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}
