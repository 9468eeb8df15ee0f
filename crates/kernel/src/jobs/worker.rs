//! Runs jobs: `graphile_worker` behind our own names, so that no domain knows it.

use super::{Job, Progress, dead};
use crate::{clock::Clock, database::Database, error::Error, tasks::Tasks};
use anyhow::Context as _;
use futures_util::{FutureExt, future::BoxFuture};
use graphile_worker::{
    IntoTaskHandlerResult, JobDefinition, JobPermanentlyFail, TaskHandler, WorkerContext,
    WorkerOptions,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::HashMap, fmt, marker::PhantomData, panic::AssertUnwindSafe, sync::Arc,
    time::Duration,
};

/// What a running job may use.
#[derive(Debug, Clone)]
pub struct Context {
    /// The database.
    pub db: Database,
    /// The clock.
    pub clock: Clock,
    /// Which attempt this is, from 1.
    pub attempt: i16,
}

impl Context {
    /// A record of how far a long job has come.
    pub async fn progress(&self, task: &str, total: Option<i64>) -> Result<Progress, Error> {
        Progress::begin(self.db.pool(), task, total).await
    }
}

type Run = Arc<dyn Fn(Value, Context) -> BoxFuture<'static, Result<(), Error>> + Send + Sync>;

/// Which code runs which job.
#[derive(Clone, Default)]
pub struct Handlers {
    run: HashMap<&'static str, Run>,
    definitions: Vec<fn() -> JobDefinition>,
    schedule: Vec<Schedule>,
}

/// A job that runs by the clock (UTC).
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Minute, hour, day, month, weekday, as in crontab(5).
    pub when: &'static str,
    /// The job's name; its payload is empty.
    pub job: &'static str,
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.run.keys()).finish()
    }
}

impl Handlers {
    /// No handlers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs jobs of this kind with `handler`.
    #[must_use]
    pub fn on<J, F, T>(mut self, handler: F) -> Self
    where
        J: Job,
        F: Fn(J, Context) -> T + Clone + Send + Sync + 'static,
        T: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let run: Run = Arc::new(move |payload, context| {
            let handler = handler.clone();
            // A job that comes by the clock carries nothing.
            let payload = match payload {
                Value::Null => Value::Object(serde_json::Map::new()),
                payload => payload,
            };
            async move {
                let job = serde_json::from_value::<J>(payload)
                    .with_context(|| format!("the payload is no {}", J::NAME))?;
                handler(job, context).await
            }
            .boxed()
        });
        self.run.insert(J::NAME, run);
        self.definitions.push(Task::<J>::definition);
        self
    }

    /// Runs jobs of this kind with `handler`, and by the clock.
    #[must_use]
    pub fn every<J, F, T>(mut self, when: &'static str, handler: F) -> Self
    where
        J: Job,
        F: Fn(J, Context) -> T + Clone + Send + Sync + 'static,
        T: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.schedule.push(Schedule { when, job: J::NAME });
        self.on(handler)
    }
}

/// What the library's context carries for us.
#[derive(Debug, Clone)]
struct Home {
    handlers: Arc<Handlers>,
    db: Database,
    clock: Clock,
}

/// A job kind as the library wants it: a type with a name.
struct Task<J> {
    payload: Value,
    kind: PhantomData<fn() -> J>,
}

impl<J> Serialize for Task<J> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.payload.serialize(serializer)
    }
}

impl<'de, J> Deserialize<'de> for Task<J> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|payload| Self {
            payload,
            kind: PhantomData,
        })
    }
}

impl<J: Job> TaskHandler for Task<J> {
    const IDENTIFIER: &'static str = J::NAME;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(home) = context.get_ext::<Home>().cloned() else {
            return Err(Failure("the worker has no home".to_owned()));
        };
        let Some(run) = home.handlers.run.get(J::NAME).cloned() else {
            return Err(Failure(format!("nobody handles {}", J::NAME)));
        };
        let attempt = *context.job().attempts();
        let queue = home.db.clone();
        let ours = Context {
            db: home.db,
            clock: home.clock,
            attempt,
        };
        let started = tokio::time::Instant::now();
        let outcome = AssertUnwindSafe(run(self.payload, ours))
            .catch_unwind()
            .await;
        let outcome = match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure(error.to_string())),
            Err(_) => Err(Failure("it panicked".to_owned())),
        };
        metrics::histogram!("portico_job_seconds", "job" => J::NAME)
            .record(started.elapsed().as_secs_f64());
        metrics::counter!(
            "portico_jobs_total",
            "job" => J::NAME,
            "outcome" => if outcome.is_ok() { "done" } else { "failed" },
        )
        .increment(1);
        if let Err(Failure(why)) = &outcome {
            tracing::warn!(job = J::NAME, attempt, why, "job failed");
        }
        wake_for_the_next(&queue).await;
        outcome
    }
}

/// Says that there is more to do, if there is. The library takes one job for each notice, and
/// the jobs of one transaction give one notice together: without this, a thousand mails would
/// go out a handful at each poll.
async fn wake_for_the_next(db: &Database) {
    let told = sqlx::query(
        r"
        select pg_notify('jobs:insert', '')
        where exists (
            select from graphile_worker._private_jobs
            where is_available = true and run_at <= now()
        )
        ",
    )
    .execute(db.pool())
    .await;
    if let Err(error) = told {
        // The poll finds it.
        tracing::debug!(%error, "nobody was woken for the next job");
    }
}

/// Why a job failed, in words: the library stores its `Debug`.
struct Failure(String);

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The worker of one server.
pub struct Worker {
    inner: Arc<graphile_worker::Worker>,
    db: Database,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

impl Worker {
    /// Prepares the queue's schema and the worker; runs nothing yet.
    pub async fn new(
        db: &Database,
        clock: &Clock,
        handlers: Handlers,
        tasks: &Tasks,
    ) -> anyhow::Result<Self> {
        let lines: Vec<String> = handlers
            .schedule
            .iter()
            .map(|entry| format!("{} {}", entry.when, entry.job))
            .collect();
        let crontab = lines.join("\n");
        let definitions: Vec<JobDefinition> = handlers
            .definitions
            .iter()
            .map(|definition| definition())
            .collect();
        let home = Home {
            handlers: Arc::new(handlers),
            db: db.clone(),
            clock: clock.clone(),
        };
        let letters = db.clone();
        let mut options = WorkerOptions::default()
            .pg_pool(db.direct().clone())
            .schema("graphile_worker")
            .concurrency(4)
            .poll_interval(Duration::from_secs(5))
            .listen_os_shutdown_signals(false)
            .shutdown_signal(tasks.token().cancelled_owned())
            .shutdown_grace_period(Duration::from_secs(10))
            .heartbeat_interval(Duration::from_secs(30))
            .sweep_interval(Duration::from_mins(1))
            .add_extension(home)
            .define_jobs(definitions)
            .on(JobPermanentlyFail, move |failed| {
                let (db, job, error) = (letters.clone(), *failed.job.id(), failed.error.clone());
                async move {
                    if let Err(error) = dead::bury(db.pool(), job, &error).await {
                        // The sweep will find it.
                        tracing::warn!(%error, job, "dead letter not stored yet");
                    }
                }
            });
        if !crontab.is_empty() {
            options = options
                .with_cron(crontab.as_str())
                .map_err(|error| anyhow::anyhow!("the schedule is not understood: {error:?}"))?;
        }
        let inner = options
            .init()
            .await
            .context("the job queue cannot be prepared")?;
        Ok(Self {
            inner: Arc::new(inner),
            db: db.clone(),
        })
    }

    /// Runs jobs until the server stops.
    pub fn start(&self, tasks: &Tasks) {
        let (worker, token) = (Arc::clone(&self.inner), tasks.token());
        tasks.spawn("jobs", async move {
            loop {
                match worker.run().await {
                    Ok(()) if token.is_cancelled() => return,
                    Ok(()) => tracing::warn!("the job worker stopped by itself; starting it again"),
                    Err(error) => {
                        tracing::error!(?error, "the job worker failed; starting it again");
                    }
                }
                tokio::select! {
                    () = token.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_secs(2)) => {}
                }
            }
        });
    }

    /// Runs every job that is ready now, and those that they enqueue: for tests.
    pub async fn drain(&self) -> anyhow::Result<()> {
        let mut before = Vec::new();
        loop {
            let ready: Vec<i64> = sqlx::query_scalar(
                r"
                select id from graphile_worker._private_jobs
                where run_at <= now() and locked_at is null and attempts < max_attempts
                order by id
                ",
            )
            .fetch_all(self.db.pool())
            .await?;
            // What stays ready is for another worker.
            if ready.is_empty() || ready == before {
                return Ok(());
            }
            self.inner.run_once().await.context("drain the queue")?;
            before = ready;
        }
    }
}
