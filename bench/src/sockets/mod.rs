//! What a socket costs: memory while it is idle, processor time for each broadcast it hears, and
//! how long that takes; beside a bare loop of the same library with the same batching.
//!
//! Three processes again: the server under test (Portico, or realtime alone), the bare loop (`bench bare`), and the crowd of
//! clients (`bench crowd`), which reads what the servers' processes cost.

pub(crate) mod bare;
pub(crate) mod crowd;
mod frames;
pub(crate) mod hub;

use crate::{
    http::{self, Address, request},
    machine,
    process::Process,
    report::{Goal, Report},
};
use anyhow::{Context, ensure};
use crowd::Outcome;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

/// How to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// The server's binary. Without it realtime is measured alone (`bench hub`).
    #[arg(long, requires = "data")]
    portico: Option<PathBuf>,
    /// An empty folder that may be written to; PostgreSQL's user must be able to enter it.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The sizes of the crowd, from small to large; at most 10,000.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000, 10_000])]
    sockets: Vec<usize>,
    /// How often each size is measured on either side; the median of the ratios counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=9))]
    rounds: u32,
    /// How long the crowd is talked to at full speed, and again at half of it.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
}

const START: Duration = Duration::from_mins(2);
/// A header that means nothing: with one, the crowd joins a channel.
const JOINS: &str = "x-crowd: joins";
const EMAIL: &str = "mia.keller@demo.example";

/// Measures, and prints the table.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    raise_file_limit();
    let mut report = Report::new(machine::describe());
    let server = match (&settings.portico, &settings.data) {
        (Some(portico), Some(data)) => Some(Portico::start(portico, data).await?),
        _ => None,
    };
    let who = if server.is_some() {
        "Portico"
    } else {
        "realtime alone"
    };
    let mut idle = None;
    for &sockets in &settings.sockets {
        ensure!(sockets <= 10_000, "at most 10,000 sockets");
        let mut pairs = Vec::new();
        for round in 0..settings.rounds {
            eprintln!(
                "{sockets} sockets, round {} of {}",
                round + 1,
                settings.rounds
            );
            let seconds = settings.seconds;
            let ours = match &server {
                Some(server) => server.crowd(sockets, seconds).await?,
                None => child("hub", "/websocket?vsn=2.0.0", JOINS, sockets, seconds).await?,
            };
            let bare = child("bare", "/", "", sockets, seconds).await?;
            idle = Some((sockets, ours.bytes_per_socket, bare.bytes_per_socket));
            pairs.push((ours, bare));
        }
        state(&mut report, who, sockets, pairs);
    }
    if let Some((sockets, ours, bare)) = idle {
        let kib = ours / 1024.0;
        report.row(
            &format!("memory of an idle socket, of {sockets} that joined a channel"),
            format!("{kib:.1} KiB"),
            format!("bare loop {:.1} KiB", bare / 1024.0),
            Some((Goal::AtMost(10.0), kib)),
        );
    }
    if let Some(server) = server {
        server.process.stop().await?;
    }
    println!("{report}");
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

/// Our server, with a cluster of its own and without its front end.
struct Portico {
    process: Process,
    address: SocketAddr,
    cookie: String,
}

impl Portico {
    async fn start(portico: &Path, data: &Path) -> anyhow::Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let command = || -> anyhow::Result<Command> {
            let config = data.join("empty.toml");
            fs::write(&config, "")?;
            let mut command = Command::new(portico);
            command
                .env("PORTICO_CONFIG", config)
                .env("PORTICO_DATA", data.join("sockets"))
                .env("PORTICO_LISTEN", address.to_string())
                .env("PORTICO_FRONT__DIR", "/nonexistent")
                // The one who talks does so faster than a client may; nothing else is changed.
                .env("PORTICO_REALTIME__LIMITS__MESSAGES_PER_SECOND", "65535")
                .env("PORTICO_REALTIME__LIMITS__IDLE_SECONDS", "600")
                .env("PORTICO_IDENTITY__ACCESS_MINUTES", "600")
                .env_remove("DATABASE_URL")
                .env_remove("DIRECT_DATABASE_URL")
                .stdin(Stdio::null());
            Ok(command)
        };
        let log = fs::File::create(data.join("sockets.log"))?;
        let mut serve = command()?;
        serve
            .args(["serve", "--demo"])
            .stdout(Stdio::null())
            .stderr(log);
        let mut process = Process::start(&mut serve)?;
        ready(&mut process, address, data).await?;
        let cookie = crate::scenarios::sign_in(&Address::Tcp(address), EMAIL).await?;
        Ok(Self {
            process,
            address,
            cookie,
        })
    }

    async fn crowd(&self, sockets: usize, seconds: f64) -> anyhow::Result<Outcome> {
        let path = "/realtime/v1/websocket?vsn=2.0.0";
        crowd(
            self.address,
            path,
            &self.cookie,
            self.process.pid,
            sockets,
            seconds,
        )
        .await
    }
}

async fn ready(process: &mut Process, address: SocketAddr, data: &Path) -> anyhow::Result<()> {
    let began = Instant::now();
    let readyz = request("GET", "/readyz", &[], "");
    loop {
        let log = || fs::read_to_string(data.join("sockets.log")).unwrap_or_default();
        process.must_live().with_context(log)?;
        ensure!(began.elapsed() < START, "it is not ready: {}", log());
        tokio::time::sleep(Duration::from_millis(100)).await;
        let Ok(answer) = http::once(&Address::Tcp(address), &readyz).await else {
            continue;
        };
        let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let checks = said["checks"].as_array().map_or(&[][..], Vec::as_slice);
        let holds = |check: &serde_json::Value| check["ok"] == true || check["name"] == "front_end";
        if !checks.is_empty() && checks.iter().all(holds) {
            return Ok(());
        }
    }
}

/// A server of this program, and a crowd for it.
async fn child(
    what: &str,
    path: &str,
    header: &str,
    sockets: usize,
    seconds: f64,
) -> anyhow::Result<Outcome> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg(what)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut process = Process::start(&mut command)?;
    let mut line = String::new();
    let mut output = BufReader::new(process.stdout()?);
    output.read_line(&mut line).await?;
    let address = line.trim().parse().context("it did not start")?;
    let outcome = crowd(address, path, header, process.pid, sockets, seconds).await;
    process.kill().await?;
    outcome
}

async fn crowd(
    address: SocketAddr,
    path: &str,
    header: &str,
    pid: u32,
    sockets: usize,
    seconds: f64,
) -> anyhow::Result<Outcome> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["crowd", "--path", path, "--header", header])
        .args(["--address", &address.to_string(), "--pid", &pid.to_string()])
        .args(["--sockets", &sockets.to_string()])
        .args(["--seconds", &seconds.to_string()])
        .stdin(Stdio::null());
    let output = command.output().await?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the crowd failed: {errors}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Ten thousand sockets are more than most shells allow a process.
pub(crate) fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // What is refused shows when sockets are opened.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}
