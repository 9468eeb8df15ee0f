//! Background jobs: a queue in PostgreSQL, filled inside the caller's transaction.
//!
//! A job is idempotent: it may run again after a crash. It fails with back-off until
//! its attempts are used up and then becomes a dead letter, which staff see and retry.
//! Payloads hold ids, never secrets: the queue is not a vault and failures are logged.

mod dead;
mod progress;
mod worker;

pub use dead::{DeadLetter, discard_dead, list_dead, retry_dead, sweep_dead};
pub use progress::Progress;
pub use worker::{Context, Handlers, Schedule, Worker};

use crate::error::Result;
use anyhow::Context as _;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// A piece of work, imperative: `SendWelcome`.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// `identity:send_welcome`: a domain, a colon, what it does (the crontab reads no dot).
    const NAME: &'static str;
    /// How often it is tried; the pause grows as e^attempt seconds, to about two hours
    /// after the ninth.
    const ATTEMPTS: i16 = 12;

    /// Jobs with the same key that wait are one job.
    fn key(&self) -> Option<String> {
        None
    }
}

/// A job on its way into the queue.
#[derive(Debug, Clone)]
pub struct Queued {
    name: &'static str,
    payload: serde_json::Value,
    attempts: i16,
    key: Option<String>,
    run_at: Option<OffsetDateTime>,
}

impl Queued {
    /// Not before this time.
    #[must_use]
    pub fn at(mut self, time: OffsetDateTime) -> Self {
        self.run_at = Some(time);
        self
    }
}

impl<J: Job> From<J> for Queued {
    fn from(job: J) -> Self {
        Self {
            name: J::NAME,
            // A payload is plain data; what does not serialise would fail every test.
            payload: serde_json::to_value(&job).unwrap_or_default(),
            attempts: J::ATTEMPTS,
            key: job.key().map(|key| format!("{}:{key}", J::NAME)),
            run_at: None,
        }
    }
}

/// Puts a job into the queue, in the caller's transaction.
pub async fn enqueue(db: &mut PgConnection, job: impl Into<Queued>) -> Result<()> {
    let job = job.into();
    // Not `query!`: this schema belongs to graphile_worker, which makes it at start.
    sqlx::query(
        "select graphile_worker.add_job($1, $2::json, run_at => $3, max_attempts => $4, job_key => $5)",
    )
    .bind(job.name)
    .bind(job.payload)
    .bind(job.run_at)
    .bind(job.attempts)
    .bind(job.key)
    .execute(db)
    .await
    .context("enqueue a job")?;
    Ok(())
}

/// How the queue stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct QueueState {
    /// Jobs that could run now.
    pub ready: i64,
    /// Seconds that the oldest of them has waited.
    pub oldest_ready_seconds: f64,
    /// Jobs that failed for good.
    pub dead: i64,
}

/// Looks how the queue stands.
pub async fn state(db: &mut PgConnection) -> Result<QueueState> {
    let (ready, oldest_ready_seconds, dead): (i64, f64, i64) = sqlx::query_as(
        r"
        select
            count(*) filter (where run_at <= now() and locked_at is null and attempts < max_attempts),
            coalesce(extract(epoch from max(now() - run_at)
                filter (where run_at <= now() and locked_at is null and attempts < max_attempts)), 0)::float8,
            (select count(*) from kernel.dead_letters)
        from graphile_worker._private_jobs
        ",
    )
    .fetch_one(db)
    .await
    .context("queue state")?;
    Ok(QueueState {
        ready,
        oldest_ready_seconds,
        dead,
    })
}
