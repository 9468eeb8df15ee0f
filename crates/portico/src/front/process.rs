//! Keeps the Next.js server alive: starts it, knows when it answers, restarts it when it
//! dies or stops answering, and ends it with us. Nothing of value lives in the child, so
//! it may be killed at any time; it gets no secret, and no more of the environment than
//! it needs.

use super::{
    config::FrontConfig,
    home::{Account, Home},
    upstream::{self, ORIGIN, Pool},
};
use anyhow::Context;
use axum::{body::Body, http::Request};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    future::Future,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

/// Whether pages can be rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Being started for the first time.
    Starting,
    /// Answering.
    Ready,
    /// Not answering; being restarted.
    Down,
}

/// What is known of the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct FrontState {
    /// Whether pages can be rendered.
    pub phase: Phase,
    /// The child's process id while there is one.
    pub pid: Option<u32>,
    /// How often it had to be started again.
    pub restarts: u32,
}

impl FrontState {
    pub(crate) const NEW: Self = Self {
        phase: Phase::Starting,
        pid: None,
        restarts: 0,
    };
}

/// A child that stayed ready this long has earned a quick restart.
const STEADY: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Health checks missed in a row before the child counts as hung.
const MISSES: u32 = 3;

/// Runs the child until `stop`.
pub(crate) struct Supervisor {
    pub(crate) config: FrontConfig,
    pub(crate) home: Home,
    pub(crate) pool: Pool,
    pub(crate) state: watch::Sender<FrontState>,
    pub(crate) stop: CancellationToken,
}

impl Supervisor {
    pub(crate) async fn run(self) {
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let began = Instant::now();
            let ended = self.run_once().await;
            if began.elapsed() > STEADY {
                failures = 0;
            }
            let pause = pause(
                Duration::from_millis(self.config.restart_after_ms),
                failures,
            );
            failures += 1;
            let stopping = self.stop.is_cancelled();
            self.state.send_modify(|state| {
                state.phase = Phase::Down;
                state.pid = None;
                state.restarts += u32::from(!stopping);
            });
            match ended {
                _ if stopping => break,
                Ok(status) => {
                    tracing::warn!(%status, ?pause, "the front end ended; it is restarted");
                }
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), ?pause, "the front end failed");
                }
            }
            let () = tokio::select! {
                () = self.stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            };
        }
        tracing::debug!("the front end is stopped");
    }

    /// One life of the child. Ok with its exit status when it ended by itself or with us.
    async fn run_once(&self) -> anyhow::Result<ExitStatus> {
        self.home
            .clear_socket()
            .context("the socket of a former run is in the way")?;
        let mut child = self
            .command()?
            .spawn()
            .with_context(|| format!("{} cannot be started", self.config.node.display()))?;
        self.state.send_modify(|state| state.pid = child.id());
        // Held until the child has ended: it watches this pipe and exits when we are gone.
        let leash = child.stdin.take();
        let out = log(child.stdout.take(), "stdout");
        let err = log(child.stderr.take(), "stderr");
        let logs = async { tokio::join!(out, err) };
        tokio::pin!(logs);

        let (ended, mut logged) = {
            let life = self.live(&mut child);
            tokio::pin!(life);
            tokio::select! {
                ended = &mut life => (ended, false),
                _ = &mut logs => (life.await, true),
            }
        };
        let status = match ended {
            Ok(Some(status)) => Ok(status),
            Ok(None) => self.end(&mut child).await,
            Err(error) => {
                self.end(&mut child).await?;
                Err(error)
            }
        };
        drop(leash);
        if !logged {
            // A grandchild may hold the pipes open: the last lines are not worth waiting for.
            logged = tokio::time::timeout(Duration::from_millis(500), logs)
                .await
                .is_ok();
        }
        tracing::trace!(logged, "child reaped");
        status
    }

    /// Waits for readiness, then watches. `None`: we are to stop.
    async fn live(&self, child: &mut Child) -> anyhow::Result<Option<ExitStatus>> {
        let ready = tokio::time::timeout(self.config.start_timeout(), self.ready());
        tokio::select! {
            status = child.wait() => return Ok(Some(status?)),
            () = self.stop.cancelled() => return Ok(None),
            ready = ready => ready.context("it was not ready in time")?,
        }
        tracing::info!(pid = child.id(), "the front end is ready");
        self.state.send_modify(|state| state.phase = Phase::Ready);
        tokio::select! {
            status = child.wait() => Ok(Some(status?)),
            () = self.stop.cancelled() => Ok(None),
            () = self.hangs() => anyhow::bail!("it does not answer any more"),
        }
    }

    /// Returns when the child has answered once.
    async fn ready(&self) {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if self.home.socket().exists() && self.ping().await {
                return;
            }
        }
    }

    /// Returns when the child has missed too many health checks in a row.
    async fn hangs(&self) {
        let mut tick = tokio::time::interval(self.config.ping_every());
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut misses = 0;
        while misses < MISSES {
            tick.tick().await;
            misses = if self.ping().await { 0 } else { misses + 1 };
        }
    }

    async fn ping(&self) -> bool {
        let uri = format!("{ORIGIN}{}", self.config.ping_path);
        let Ok(request) = Request::head(uri).body(Body::empty()) else {
            return false;
        };
        upstream::ask(&self.pool, request, self.config.ping_timeout())
            .await
            .is_ok()
    }

    /// SIGTERM, patience, SIGKILL.
    async fn end(&self, child: &mut Child) -> anyhow::Result<ExitStatus> {
        if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // Not yet waited for, so the id cannot have been given to anybody else.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        if let Ok(status) = tokio::time::timeout(self.config.stop_timeout(), child.wait()).await {
            return Ok(status?);
        }
        tracing::warn!(
            pid = child.id(),
            "the front end did not stop when asked; killing it"
        );
        child.kill().await?;
        Ok(child.wait().await?)
    }

    fn command(&self) -> anyhow::Result<Command> {
        let config = &self.config;
        let dir = std::path::absolute(&config.dir)?;
        let entry = dir.join(&config.entry);
        anyhow::ensure!(
            entry.is_file(),
            "there is no {}: build the front end first, or set front.dir",
            entry.display(),
        );
        let mut command = Command::new(node(config)?);
        command
            .arg(format!("--max-old-space-size={}", config.max_old_space_mb))
            .arg(entry)
            .current_dir(dir)
            .env_clear()
            .env("PORTICO_SOCKET", self.home.socket())
            .env("PORTICO_API", &config.api_url)
            .env("NEXT_TELEMETRY_DISABLED", "1")
            .env("NODE_ENV", "production")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal reaches us alone; we end the child in order.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(Account { uid, gid }) = self.home.account() {
            command.uid(uid).gid(gid);
        }
        Ok(command)
    }
}

/// Finds a bare name: the one that the build pins, then the system's. A `PATH` is not
/// asked, for it is whatever the operator's shell happened to hold.
pub(crate) fn node(config: &FrontConfig) -> anyhow::Result<PathBuf> {
    let name = &config.node;
    if name.components().count() > 1 {
        return Ok(std::path::absolute(name)?);
    }
    let dir = std::path::absolute(&config.dir)?;
    [
        dir.join("node_modules/.bin"),
        dir.join("../../node_modules/.bin"),
        PathBuf::from("/usr/local/bin"),
        PathBuf::from("/usr/bin"),
    ]
    .iter()
    .map(|folder| folder.join(name))
    .find(|path| path.is_file())
    .with_context(|| format!("{} was not found; set front.node", name.display()))
}

fn pause(first: Duration, failures: u32) -> Duration {
    first
        .saturating_mul(2_u32.saturating_pow(failures.min(16)))
        .min(LONGEST_PAUSE)
}

/// Writes a pipe's lines to the log, each cut at 8 KiB.
async fn log(pipe: Option<impl AsyncRead + Unpin>, stream: &'static str) {
    let Some(pipe) = pipe else { return };
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut pipe)
            .take(8 * 1024)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                match (text.trim_end(), stream) {
                    ("", _) => {}
                    (text, "stderr") => tracing::warn!(target: "portico::front", "{text}"),
                    (text, _) => tracing::info!(target: "portico::front", "{text}"),
                }
            }
        }
    }
}

/// The future that [`Supervisor::run`] is; named so that its size stays off the caller.
pub(crate) fn supervise(supervisor: Supervisor) -> impl Future<Output = ()> + Send {
    Box::pin(supervisor.run())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let first = Duration::from_millis(250);
        assert_eq!(pause(first, 0), first);
        assert_eq!(pause(first, 3), Duration::from_secs(2));
        assert_eq!(pause(first, 1000), LONGEST_PAUSE);
    }
}
