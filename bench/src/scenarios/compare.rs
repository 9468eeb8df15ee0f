//! Two sides, asked in turn: A B A B, so that whatever else the machine does meets both.

use crate::{http::Address, load::Outcome, numbers::median, process::cpu_seconds};
use anyhow::{Context, ensure};
use std::process::Stdio;
use tokio::process::Command;

/// What a browser accepts.
pub(super) const BROWSER: &str = "accept-encoding: gzip, deflate, br, zstd";

/// How often, how long and by how many is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bench {
    pub(super) connections: u16,
    pub(super) seconds: f64,
    pub(super) rounds: u32,
}

/// One side: what is asked, and the process that pays for it.
#[derive(Debug)]
pub(super) struct Side {
    pid: u32,
    address: String,
    path: String,
    headers: Vec<String>,
}

pub(super) fn side(pid: u32, address: &Address, path: &str, headers: &[String]) -> Side {
    Side {
        pid,
        address: address.to_string(),
        path: path.to_owned(),
        headers: headers.to_vec(),
    }
}

/// One round of one side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) outcome: Outcome,
    pub(crate) cpu: f64,
}

impl Sample {
    #[expect(clippy::cast_precision_loss, reason = "fewer than two million")]
    fn requests(&self) -> f64 {
        self.outcome.requests as f64
    }

    /// Requests for each second of processor time.
    pub(crate) fn per_cpu_second(&self) -> f64 {
        self.requests() / self.cpu
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.requests() / self.outcome.seconds
    }
}

/// What a comparison came to: requests for each second of processor time, ours by the
/// other's, round by round.
#[derive(Debug)]
pub(super) struct Ratio {
    pub(super) value: f64,
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) ours: Vec<Sample>,
    pub(super) other: Vec<Sample>,
}

impl Bench {
    /// Asks both in turn.
    pub(super) async fn compare(&self, ours: &Side, other: &Side) -> anyhow::Result<Ratio> {
        for side in [ours, other] {
            self.ask(side, self.seconds.min(2.0)).await?;
        }
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            a.push(self.ask(ours, self.seconds).await?);
            b.push(self.ask(other, self.seconds).await?);
        }
        let ratios = a
            .iter()
            .zip(&b)
            .map(|(a, b)| a.per_cpu_second() / b.per_cpu_second());
        let ratios: Vec<f64> = ratios.collect();
        Ok(Ratio {
            value: median(ratios.iter().copied()),
            least: ratios.iter().copied().fold(f64::INFINITY, f64::min),
            most: ratios.iter().copied().fold(0.0, f64::max),
            ours: a,
            other: b,
        })
    }

    /// One round of one side.
    pub(super) async fn ask(&self, side: &Side, seconds: f64) -> anyhow::Result<Sample> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["load", "--address", &side.address, "--path", &side.path])
            .args(["--connections", &self.connections.to_string()])
            .args(["--seconds", &seconds.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        for header in &side.headers {
            command.args(["--header", header]);
        }
        let before = cpu_seconds(side.pid)?;
        let output = command.output().await?;
        let cpu = cpu_seconds(side.pid)? - before;
        ensure!(output.status.success(), "asking {} failed", side.path);
        let outcome: Outcome = serde_json::from_slice(&output.stdout).context("load")?;
        ensure!(
            outcome.failures == 0,
            "{} of {} answers from {}{} were no success",
            outcome.failures,
            outcome.requests,
            side.address,
            side.path
        );
        ensure!(cpu > 0.0, "a run too short to be counted");
        Ok(Sample { outcome, cpu })
    }
}
