//! The servers: Portico, timed from its start on, and the yardstick on the same cluster.

use crate::{
    http::{self, Address, Connection, request},
    numbers::median,
    process::Process,
};
use anyhow::{Context, ensure};
use serde_json::Value;
use std::{
    fs::{self, OpenOptions},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

const LONGEST_START: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(3);

/// Seconds from the process's start.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Phases {
    /// `/livez` answered.
    pub(super) answers: f64,
    /// Every check of `/readyz` holds but the front end's: database, migrations, jobs,
    /// change stream.
    pub(super) ready: f64,
    /// The front end's too.
    pub(super) front: f64,
}

impl Phases {
    pub(super) fn median(all: &[Self], of: impl Fn(&Self) -> f64) -> f64 {
        median(all.iter().map(of))
    }
}

/// Portico with a private cluster.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) process: Process,
    pub(super) address: Address,
    pub(super) phases: Phases,
}

impl Server {
    /// Starts it, and returns when everything is ready.
    pub(super) async fn start(portico: &Path, data: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(data)?;
        let socket = free_port()?;
        let log = data.join("server.log");
        let log = OpenOptions::new().create(true).append(true).open(log)?;
        let mut command = command(portico, data, Some(socket))?;
        command.arg("serve").stdout(Stdio::null()).stderr(log);
        let began = Instant::now();
        let mut process = Process::start(&mut command)?;
        let address = Address::Tcp(socket);
        let mut phases = Phases::default();
        let elapsed = |process: &mut Process| {
            process.must_live().with_context(|| tail(data))?;
            ensure!(began.elapsed() < LONGEST_START, "no answer in time");
            Ok(began.elapsed().as_secs_f64())
        };
        // The port is taken early and answered late: one request waits for the answer.
        let livez = request("GET", "/livez", &[], "");
        loop {
            elapsed(&mut process)?;
            let Ok(mut connection) = Connection::open(&address).await else {
                tokio::time::sleep(POLL).await;
                continue;
            };
            let mut answer = http::Answer::default();
            let asked = connection.ask(&livez, &mut answer);
            let asked = tokio::time::timeout(LONGEST_START, asked).await;
            phases.answers = elapsed(&mut process)?;
            asked.context("no answer in time")??;
            ensure!(answer.status == 200, "/livez answers {}", answer.status);
            break;
        }
        let readyz = request("GET", "/readyz", &[], "");
        while phases.front == 0.0 {
            let answer = http::once(&address, &readyz).await?;
            let now = elapsed(&mut process)?;
            let checks: Value = serde_json::from_slice(&answer.body)?;
            if phases.ready == 0.0 && ready_but_front(&checks) {
                phases.ready = now;
            }
            if checks["ready"] == true {
                phases.front = now;
            } else {
                tokio::time::sleep(POLL).await;
            }
        }
        Ok(Self {
            process,
            address,
            phases,
        })
    }
}

fn ready_but_front(checks: &Value) -> bool {
    checks["checks"].as_array().is_some_and(|checks| {
        !checks.is_empty()
            && checks
                .iter()
                .all(|check| check["ok"] == true || check["name"] == "front_end")
    })
}

/// Loads the demo tenant.
pub(super) async fn load_demo(portico: &Path, data: &Path) -> anyhow::Result<()> {
    let mut command = command(portico, data, None)?;
    let output = command.args(["demo", "load"]).output().await?;
    ensure!(
        output.status.success(),
        "demo load: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// With the defaults of an installation, whatever lies in this folder.
fn command(portico: &Path, data: &Path, listen: Option<SocketAddr>) -> anyhow::Result<Command> {
    let config = data.join("empty.toml");
    fs::write(&config, "")?;
    let mut command = Command::new(portico);
    command
        .env("PORTICO_CONFIG", config)
        .env("PORTICO_DATA", data)
        // Counted as everywhere, but one session asks for all here.
        .env("PORTICO_HTTP__RATE__SESSION_BURST", "100000000")
        .env("PORTICO_HTTP__RATE__SESSION_PER_SECOND", "10000000")
        // The same for sign-ins, of which some thousand come from one network and for one account.
        .env("PORTICO_IDENTITY__SIGN_IN_BURST", "10000000")
        .env("PORTICO_IDENTITY__ACCOUNT_BURST", "10000000")
        .env("PORTICO_IDENTITY__ADDRESS_BURST", "10000000")
        .env_remove("DATABASE_URL")
        .env_remove("DIRECT_DATABASE_URL")
        .stdin(Stdio::null());
    if let Some(listen) = listen {
        command.env("PORTICO_LISTEN", listen.to_string());
    }
    Ok(command)
}

/// The two routes with nothing around them.
#[derive(Debug)]
pub(super) struct Yardstick {
    pub(super) process: Process,
    pub(super) address: Address,
}

impl Yardstick {
    pub(super) async fn start(data: &Path, user: &str, key: &str) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["yardstick", "--user", user, "--key", key, "--socket"])
            .arg(socket_of(data)?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut process = Process::start(&mut command)?;
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout()?);
        output.read_line(&mut line).await?;
        let address = line.trim().parse().context("the yardstick did not start")?;
        Ok(Self { process, address })
    }
}

/// The cluster says where it listens on the fifth line of its lock file (`miscinit.h`).
pub(super) fn socket_of(data: &Path) -> anyhow::Result<PathBuf> {
    let lock = fs::read_to_string(data.join("postgres/data/postmaster.pid"))?;
    Ok(lock.lines().nth(4).context("no socket")?.into())
}

fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn tail(data: &Path) -> String {
    let log = fs::read_to_string(data.join("server.log")).unwrap_or_default();
    let from = log.len().saturating_sub(2000);
    log.get(from..).unwrap_or_default().to_owned()
}
