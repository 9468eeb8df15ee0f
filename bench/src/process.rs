//! Processes that we start: what they cost, as the kernel counts it, and their end. Each
//! is ended by its own id, also when we fail half-way. Refuses to touch any other.

use anyhow::{Context, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{fs, path::PathBuf, time::Duration};
use tokio::process::{Child, Command};

/// How long a server may take to stop.
const PATIENCE: Duration = Duration::from_secs(40);
/// `USER_HZ`: what the kernel counts in, on every machine that PostgreSQL and Node run on.
const TICKS: f64 = 100.0;

/// A process of ours.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) pid: u32,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.spawn().with_context(|| {
            format!(
                "{} cannot be started",
                command.as_std().get_program().display()
            )
        })?;
        let pid = child.id().context("it ended at once")?;
        Ok(Self { child, pid })
    }

    pub(crate) fn stdout(&mut self) -> anyhow::Result<tokio::process::ChildStdout> {
        self.child.stdout.take().context("its output is not ours")
    }

    /// Fails if it has ended by itself.
    pub(crate) fn must_live(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => anyhow::bail!("the server ended: {status}"),
        }
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.signal(Signal::SIGTERM)?;
        let status = tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .context("it does not stop")??;
        ensure!(status.success(), "it stopped with {status}");
        Ok(())
    }

    /// Ends it without asking.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        Ok(())
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        // Not waited for yet, so the id is still its own.
        Ok(kill(Pid::from_raw(i32::try_from(self.pid)?), signal)?)
    }
}

/// Seconds of processor time that a process has used, in user mode and in the kernel, all
/// threads together; not its children's.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = after_name(&stat)?;
    // proc_pid_stat(5): utime is field 14 and stime 15; the state, after the name, is 3.
    let of = |field: usize| -> anyhow::Result<u32> {
        Ok(fields.get(field - 3).context("a short line")?.parse()?)
    };
    Ok(f64::from(of(14)? + of(15)?) / TICKS)
}

/// The name may hold spaces and brackets, so the line is read from its last bracket on.
fn after_name(stat: &str) -> anyhow::Result<Vec<&str>> {
    let (_, rest) = stat.rsplit_once(')').context("no process name")?;
    Ok(rest.split_whitespace().collect())
}

/// What a process holds in memory, in MiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// All of it (`VmRSS`).
    pub(crate) resident: f64,
    /// What is its own and no file's (`RssAnon`).
    pub(crate) anonymous: f64,
}

impl Memory {
    /// All of it in megabytes (10^6), as the goal is said.
    pub(crate) fn megabytes(self) -> f64 {
        self.resident * 1.048_576
    }

    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let of = |key: &str| -> anyhow::Result<f64> {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .with_context(|| format!("no {key}"))?;
            let kib: u32 = line.trim().trim_end_matches(" kB").trim().parse()?;
            Ok(f64::from(kib) / 1024.0)
        };
        Ok(Self {
            resident: of("VmRSS:")?,
            anonymous: of("RssAnon:")?,
        })
    }
}

impl Drop for Process {
    /// Only where a run failed: a server that is asked also stops its database.
    fn drop(&mut self) {
        if self.child.id().is_some() {
            let _ = self.signal(Signal::SIGTERM);
        }
    }
}

/// The server's own front end: its process, and the socket it listens on.
pub(crate) fn front_of(pid: u32) -> anyhow::Result<(u32, PathBuf)> {
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(child) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let parent = after_name(&stat)?
            .get(1)
            .and_then(|parent| parent.parse().ok());
        if parent != Some(pid) {
            continue;
        }
        let environ = fs::read(entry.path().join("environ")).unwrap_or_default();
        let socket = environ
            .split(|byte| *byte == 0)
            .filter_map(|pair| std::str::from_utf8(pair).ok())
            .find_map(|pair| pair.strip_prefix("PORTICO_SOCKET="));
        if let Some(socket) = socket {
            return Ok((child, PathBuf::from(socket)));
        }
    }
    anyhow::bail!("the server has no front end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_figures_are_read() {
        let pid = std::process::id();
        assert!(cpu_seconds(pid).unwrap() >= 0.0);
        let memory = Memory::of(pid).unwrap();
        assert!(memory.resident >= memory.anonymous && memory.anonymous > 0.0);
    }

    #[test]
    fn a_name_may_hold_brackets() {
        assert_eq!(after_name("7 (a) b (c)) S 1 2").unwrap(), ["S", "1", "2"]);
    }
}
