//! The servers that crowds come to: Portico, and others of this program.

use super::{JOINS, PATH, START, crowd::Outcome};
use crate::{
    http::{self, Address, request},
    process::Process,
};
use anyhow::{Context, ensure};
use serde::de::DeserializeOwned;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

const EMAIL: &str = "mia.keller@demo.example";

/// Our server, with a cluster of its own and without its front end.
pub(super) struct Portico {
    pub(super) process: Process,
    address: SocketAddr,
    cookie: String,
}

impl Portico {
    pub(super) async fn start(portico: &Path, data: &Path) -> anyhow::Result<Self> {
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

    pub(super) async fn crowd(&self, sockets: usize, seconds: f64) -> anyhow::Result<Outcome> {
        let path = "/realtime/v1/websocket?vsn=2.0.0";
        let place = (self.address, path, self.cookie.as_str(), self.process.pid);
        crowd(place, sockets, seconds, None).await
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

/// Another server of this program.
pub(super) struct Other {
    pub(super) process: Process,
    pub(super) address: SocketAddr,
}

impl Other {
    pub(super) async fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut process = Process::start(&mut command)?;
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout()?);
        output.read_line(&mut line).await?;
        let address = line.trim().parse().context("it did not start")?;
        Ok(Self { process, address })
    }

    /// Starts one for one crowd: realtime alone (`hub`) or the loop (`bare`).
    pub(super) async fn for_one(
        what: &str,
        sockets: usize,
        seconds: f64,
        at: Option<f64>,
    ) -> anyhow::Result<Outcome> {
        let (path, header) = match what {
            "bare" => ("/", ""),
            _ => (PATH, JOINS),
        };
        let Self { process, address } = Self::start(&[what]).await?;
        let place = (address, path, header, process.pid);
        let outcome = crowd(place, sockets, seconds, at).await;
        process.kill().await?;
        outcome
    }
}

async fn crowd(
    (address, path, header, pid): (SocketAddr, &str, &str, u32),
    sockets: usize,
    seconds: f64,
    at: Option<f64>,
) -> anyhow::Result<Outcome> {
    let mut arguments = vec![
        ("--path", path.to_owned()),
        ("--header", header.to_owned()),
        ("--address", address.to_string()),
        ("--pid", pid.to_string()),
        ("--sockets", sockets.to_string()),
        ("--seconds", seconds.to_string()),
    ];
    arguments.extend(at.map(|at| ("--at", at.to_string())));
    ask("crowd", &arguments).await
}

/// Runs another command of this program, which prints what came of it as JSON.
pub(super) async fn ask<T: DeserializeOwned>(
    what: &str,
    arguments: &[(&str, String)],
) -> anyhow::Result<T> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(what).stdin(Stdio::null());
    for (name, value) in arguments {
        command.args([name, value.as_str()]);
    }
    let output = command.output().await?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the {what} failed: {errors}");
    Ok(serde_json::from_slice(&output.stdout)?)
}
