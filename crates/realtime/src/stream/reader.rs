//! Reads the slot for as long as the server runs, whatever happens to PostgreSQL meanwhile.
//!
//! Each transaction goes to the hub once, in commit order. It is acknowledged to PostgreSQL only
//! after the replay window, so that the log itself is the memory of the recent past.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use kernel::Clock;
use pgwire_replication::{Lsn, ReplicationClient, ReplicationConfig, ReplicationEvent};
use sqlx::PgPool;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{
    catalog,
    change::{Relation, Transaction},
    pgoutput::{Message, Relations},
    slot,
    status::Status,
};

/// What takes the transactions.
pub(crate) trait Sink: Send + Sync + 'static {
    /// A transaction that committed while this server was running.
    fn deliver(&self, transaction: Transaction);
    /// Changes were lost: whoever holds copies must fetch again.
    fn gap(&self);
}

/// The stream's reader.
#[derive(Debug)]
pub(crate) struct Reader<S> {
    pub(crate) replication: ReplicationConfig,
    pub(crate) db: PgPool,
    pub(crate) sink: Arc<S>,
    pub(crate) status: Arc<Status>,
    pub(crate) clock: Clock,
    pub(crate) stop: CancellationToken,
    /// How long a transaction stays unacknowledged.
    pub(crate) window: Duration,
    /// Above so many changes, a transaction is announced instead of told.
    pub(crate) max_changes: usize,
}

/// Where the reading stands; it outlives a lost connection.
#[derive(Debug, Default)]
struct Position {
    /// The cluster and its timeline; places in the log mean nothing on another.
    system: Option<(String, u32)>,
    /// What committed up to here was delivered, or was past before this server started.
    delivered: Option<u64>,
    /// Where to read on after a lost connection.
    resume: Lsn,
    acknowledged: Lsn,
    pending: VecDeque<(Instant, Lsn)>,
}

/// The transaction being received.
#[derive(Debug)]
struct Open {
    commit: u64,
    committed_at: OffsetDateTime,
    transaction: Transaction,
}

const ISO: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const TEND_EVERY: Duration = Duration::from_secs(30);

impl<S: Sink> Reader<S> {
    /// Reads until the server stops.
    pub(crate) async fn run(self) {
        let mut position = Position::default();
        let mut failures = 0_u32;
        loop {
            let session = self.session(&mut position, &mut failures);
            let outcome = tokio::select! {
                () = self.stop.cancelled() => return,
                outcome = session => outcome,
            };
            let Err(error) = outcome else { return };
            let pause =
                Duration::from_millis(100 * (1 << failures.min(6))).min(Duration::from_secs(5));
            failures += 1;
            tracing::warn!(
                error = format!("{error:#}"),
                ?pause,
                "the change stream stopped; it is tried again"
            );
            metrics::counter!("realtime_stream_restarts_total").increment(1);
            self.status.stopped(format!("{error:#}"));
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One connection's life. `Ok` when the server stops.
    async fn session(&self, position: &mut Position, failures: &mut u32) -> Result<()> {
        let mut client = self.connect(position).await?;
        *failures = 0;
        self.status.started();
        tracing::info!(slot = self.replication.slot, "change stream running");
        let mut relations = Relations::default();
        let mut open: Option<Open> = None;
        let mut tend = tokio::time::interval(TEND_EVERY);
        tend.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    client.shutdown().await?;
                    return Ok(());
                }
                event = client.recv() => event?.context("the server ended the stream")?,
                _ = tend.tick() => {
                    self.tend().await?;
                    self.acknowledge(position, &client);
                    continue;
                }
            };
            match event {
                ReplicationEvent::Begin {
                    final_lsn,
                    commit_time_micros,
                    ..
                } => {
                    open = Some(Open::new(final_lsn.as_u64(), commit_time_micros)?);
                }
                ReplicationEvent::XLogData { data, .. } => match relations.read(data)? {
                    Message::Relation(described) => {
                        let mut db = self.db.acquire().await?;
                        let relation = catalog::complete(&mut db, &described).await?;
                        relations.learn(described.oid, Arc::new(relation));
                    }
                    Message::Change(change) => {
                        let open = open.as_mut().context("a change outside a transaction")?;
                        open.keep(change, self.max_changes);
                    }
                    Message::Truncate(tables) => {
                        let open = open.as_mut().context("a change outside a transaction")?;
                        for table in tables {
                            open.refetch(table);
                        }
                    }
                    Message::Other => {}
                },
                ReplicationEvent::Commit { end_lsn, .. } => {
                    let open = open.take().context("a commit without a beginning")?;
                    self.deliver(position, open);
                    position.resume = end_lsn;
                    position.pending.push_back((Instant::now(), end_lsn));
                    self.acknowledge(position, &client);
                }
                ReplicationEvent::KeepAlive { wal_end, .. }
                | ReplicationEvent::Message { lsn: wal_end, .. }
                    if open.is_none() =>
                {
                    // A quiet database beside a busy one: nothing here, but the log moves on.
                    if position
                        .pending
                        .back()
                        .is_none_or(|(at, _)| at.elapsed() > Duration::from_secs(1))
                    {
                        position.pending.push_back((Instant::now(), wal_end));
                    }
                    self.acknowledge(position, &client);
                }
                _ => {}
            }
        }
    }

    async fn connect(&self, position: &mut Position) -> Result<ReplicationClient> {
        let mut db = self
            .db
            .acquire()
            .await
            .context("PostgreSQL cannot be reached")?;
        let slot = slot::ensure(
            &mut db,
            &self.replication.slot,
            self.replication.publication.names().join(",").as_str(),
        )
        .await?;
        let started_before = position.delivered.is_some();
        if slot.made && started_before {
            position.reset();
            self.sink.gap();
        }
        if position.delivered.is_none() {
            position.delivered = Some(slot::head(&mut db).await?);
        }
        drop(db);
        let confirmed = Lsn::from_u64(slot.confirmed);
        position.acknowledged = position.acknowledged.max(confirmed);
        position.resume = position.resume.max(confirmed);
        let config = self
            .replication
            .clone()
            .with_start_lsn(position.resume)
            .with_ack_lsn(position.acknowledged);
        let mut client = ReplicationClient::connect_gated(config).await?;
        let identity = client.identify_system().await?;
        let system = (identity.system_id, identity.timeline);
        if position
            .system
            .as_ref()
            .is_some_and(|known| *known != system)
        {
            position.reset();
            self.sink.gap();
            bail!("PostgreSQL is another cluster or timeline than before");
        }
        position.system = Some(system);
        client.start().await?;
        client.wait_started().await?;
        Ok(client)
    }

    fn deliver(&self, position: &mut Position, open: Open) {
        if position
            .delivered
            .is_some_and(|delivered| open.commit <= delivered)
        {
            return;
        }
        position.delivered = Some(open.commit);
        self.status
            .delivered(open.commit, self.clock.now() - open.committed_at);
        let transaction = open.transaction;
        metrics::counter!("realtime_changes_total").increment(transaction.changes.len() as u64);
        if !transaction.changes.is_empty() || !transaction.refetch.is_empty() {
            self.sink.deliver(transaction);
        }
    }

    fn acknowledge(&self, position: &mut Position, client: &ReplicationClient) {
        while let Some((at, lsn)) = position.pending.front().copied() {
            if at.elapsed() < self.window {
                break;
            }
            position.acknowledged = position.acknowledged.max(lsn);
            position.pending.pop_front();
        }
        client.update_applied_lsn(position.acknowledged);
    }

    async fn tend(&self) -> Result<()> {
        let mut db = self.db.acquire().await?;
        let condition = slot::tend(&mut db, &self.replication.slot).await?;
        self.status.slot(condition);
        if condition
            .safe
            .is_some_and(|safe| safe < condition.held_back)
        {
            tracing::error!(
                held_back = condition.held_back,
                safe = condition.safe,
                "the replication slot has used half of the log it may hold back; \
                 it will be lost if the change stream does not catch up",
            );
        }
        Ok(())
    }
}

impl Position {
    fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Open {
    fn new(commit: u64, commit_time_micros: i64) -> Result<Self> {
        // PostgreSQL counts microseconds from the year 2000.
        let nanos = (i128::from(commit_time_micros) + 946_684_800_000_000) * 1_000;
        let committed_at = OffsetDateTime::from_unix_timestamp_nanos(nanos)?;
        Ok(Self {
            commit,
            committed_at,
            transaction: Transaction {
                at: committed_at.format(ISO)?,
                changes: Vec::new(),
                refetch: Vec::new(),
            },
        })
    }

    fn keep(&mut self, change: super::change::Change, most: usize) {
        let transaction = &mut self.transaction;
        if transaction.changes.len() < most && transaction.refetch.is_empty() {
            transaction.changes.push(change);
            return;
        }
        let kept = std::mem::take(&mut transaction.changes);
        for change in kept.into_iter().chain([change]) {
            self.refetch(change.relation);
        }
    }

    fn refetch(&mut self, table: Arc<Relation>) {
        let known =
            |other: &Arc<Relation>| other.schema == table.schema && other.name == table.name;
        if !self.transaction.refetch.iter().any(known) {
            self.transaction.refetch.push(table);
        }
    }
}
