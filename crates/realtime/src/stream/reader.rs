//! Reads the slot for as long as the server runs, whatever happens to PostgreSQL meanwhile.
//!
//! Each transaction goes to the hub once, in commit order, when queries see it. It is acknowledged
//! to PostgreSQL only after the replay window, so that the log itself is the memory of the recent
//! past: a server that starts again reads that past first, remembers it for those who ask, and
//! tells only what committed since.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use kernel::{Clock, tasks::Tasks};
use pgwire_replication::{Lsn, ReplicationClient, ReplicationEvent};
use sqlx::PgPool;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tokio::time::{Instant, MissedTickBehavior, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    catalog,
    change::{Change, Relation, Transaction},
    pgoutput::{Message, Relations},
    route::{Route, Session},
    slot,
    status::Status,
    visible::{Eyes, Held, News},
};
use crate::resume::{Snapshot, epoch};

/// What takes the transactions.
pub(crate) trait Sink: Send + Sync + 'static {
    /// The stream goes on after this place of this epoch.
    fn opened(&self, epoch: u64, floor: u64);
    /// A transaction from before this server started.
    fn recall(&self, transaction: Transaction);
    /// A transaction that is news.
    fn deliver(&self, transaction: Transaction);
    /// Nothing else committed up to here.
    fn advance(&self, place: u64);
    /// About once a second.
    fn tick(&self);
    /// Changes were lost: whoever holds copies must fetch again.
    fn gap(&self);
}

/// The stream's reader.
#[derive(Debug)]
pub(crate) struct Reader<S> {
    pub(crate) route: Route,
    pub(crate) tasks: Tasks,
    pub(crate) db: PgPool,
    pub(crate) sink: Arc<S>,
    pub(crate) status: Arc<Status>,
    pub(crate) clock: Clock,
    pub(crate) stop: CancellationToken,
    /// How long a transaction stays unacknowledged.
    pub(crate) window: Duration,
    /// Above so many changes or bytes, a transaction is announced instead of told.
    pub(crate) largest: Largest,
}

/// The largest transaction that is told row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Largest {
    pub(crate) changes: usize,
    pub(crate) bytes: usize,
}

/// Where the reading stands; it outlives a lost connection.
#[derive(Debug, Default)]
struct Position {
    /// The stream was read before, so whoever listens would miss what is lost now.
    before: bool,
    /// The cluster, timeline and database; places in the log mean nothing in another.
    epoch: Option<u64>,
    /// The last commit that was taken.
    last: Option<u64>,
    /// What committed up to here was past when this server started. Zero after a loss: whoever
    /// listens has heard nothing of what follows.
    past: u64,
    /// That past has been read.
    caught_up: bool,
    /// Where to read on after a lost connection.
    resume: Lsn,
    acknowledged: Lsn,
    pending: VecDeque<(Instant, Lsn)>,
    /// Committed, and not passed on yet.
    held: Held,
}

/// The transaction being received.
#[derive(Debug)]
pub(super) struct Open {
    committed_at: OffsetDateTime,
    transaction: Transaction,
}

pub(super) const ISO: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
/// The slot is tended every ten seconds, which is heard in the stream: whoever hears nothing for
/// so long has lost the connection, even if nobody said so.
const SILENCE: Duration = Duration::from_secs(35);
/// How long PostgreSQL may take over each step of a new connection.
const ENTRANCE: Duration = Duration::from_secs(15);

/// PostgreSQL asks for an answer when it has heard nothing for long, or when it wants to stop: then
/// it would wait for us to confirm everything, which we do a window later. So it is asked which, at
/// most so often.
const PRESSED: Duration = Duration::from_secs(1);

impl<S: Sink> Reader<S> {
    /// Reads until the server stops, or until PostgreSQL's log is no longer a logical one.
    pub(crate) async fn run(&self) {
        let mut position = Position::default();
        let mut failures = 0_u32;
        loop {
            let session = self.session(&mut position, &mut failures);
            let outcome = tokio::select! {
                () = self.stop.cancelled() => return,
                outcome = session => outcome,
            };
            let Err(error) = outcome else { return };
            if error.is::<slot::NotLogical>() {
                return;
            }
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
        let mut session = self.connect(position).await?;
        *failures = 0;
        tracing::info!(slot = self.route.slot(), "change stream running");
        if position.caught_up {
            self.status.started();
        }
        let client = &mut session.client;
        let mut relations = Relations::default();
        let mut open: Option<Open> = None;
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut eyes = Eyes::new(&self.db);
        let mut heard = Instant::now();
        let mut asked = heard;
        loop {
            let event = tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    client.shutdown().await?;
                    return Ok(());
                }
                _ = tick.tick() => {
                    self.sink.tick();
                    self.acknowledge(position, client);
                    continue;
                }
                seen = eyes.look(), if !position.held.is_empty() => {
                    self.tell(position, seen.as_ref());
                    continue;
                }
                event = client.recv(), if !position.held.is_full() => event?.context("the server ended the stream")?,
                () = sleep_until(heard + SILENCE) => bail!("PostgreSQL fell silent"),
            };
            heard = Instant::now();
            let pressed = matches!(event, ReplicationEvent::KeepAlive { reply_requested, .. } if reply_requested);
            if pressed && asked.elapsed() > PRESSED {
                asked = heard;
                if slot::is_stopping(&self.db).await {
                    bail!("PostgreSQL is stopping");
                }
            }
            match event {
                ReplicationEvent::Begin {
                    final_lsn,
                    xid,
                    commit_time_micros,
                } => {
                    open = Some(Open::new(final_lsn.as_u64(), xid, commit_time_micros)?);
                }
                ReplicationEvent::XLogData { data, .. } => {
                    self.data(relations.read(data)?, &mut relations, open.as_mut())
                        .await?;
                }
                ReplicationEvent::Commit { end_lsn, .. } => {
                    let open = open.take().context("a commit without a beginning")?;
                    let commit = open.transaction.commit;
                    self.take(position, open);
                    position.resume = end_lsn;
                    position.pending.push_back((Instant::now(), end_lsn));
                    self.reached(position, commit);
                }
                ReplicationEvent::KeepAlive { wal_end, .. }
                | ReplicationEvent::Message { lsn: wal_end, .. }
                    if open.is_none() =>
                {
                    // A quiet database beside a busy one: nothing here, but the log moves on.
                    let spaced = |(at, _): &(Instant, Lsn)| at.elapsed() > Duration::from_secs(1);
                    if position.pending.back().is_none_or(spaced) {
                        position.pending.push_back((Instant::now(), wal_end));
                    }
                    // The next commit may begin at this very place.
                    let place = wal_end.as_u64().saturating_sub(1);
                    self.advance(position, place);
                    self.reached(position, place);
                }
                _ => {}
            }
        }
    }

    async fn data(
        &self,
        message: Message,
        relations: &mut Relations,
        open: Option<&mut Open>,
    ) -> Result<()> {
        match message {
            Message::Relation(described) => {
                let mut db = self.db.acquire().await?;
                let relation = catalog::complete(&mut db, &described).await?;
                relations.learn(described.oid, Arc::new(relation));
            }
            Message::Change(change) => {
                let open = open.context("a change outside a transaction")?;
                open.keep(change, self.largest);
            }
            Message::Truncate(tables) => {
                let open = open.context("a change outside a transaction")?;
                for table in tables {
                    open.refetch(table);
                }
            }
            Message::Other => {}
        }
        Ok(())
    }

    async fn connect(&self, position: &mut Position) -> Result<Session> {
        // A network that swallows what it is given would keep us for a quarter of an hour.
        const SWALLOWED: &str = "PostgreSQL did not answer the stream's connection";
        let mut db = self
            .db
            .acquire()
            .await
            .context("PostgreSQL cannot be reached")?;
        let slot = slot::ensure(&mut db, self.route.slot(), &self.route.publication()).await?;
        // What commits at the slot's own place is read, and everything after it.
        let floor = slot.confirmed.saturating_sub(1);
        if slot.made && (position.before || slot.lost) {
            self.lost(position, "the replication slot was lost and is made anew");
        }
        if !position.before {
            position.past = slot::head(&mut db).await?.saturating_sub(1);
        }
        let confirmed = Lsn::from_u64(slot.confirmed);
        position.acknowledged = position.acknowledged.max(confirmed);
        position.resume = position.resume.max(confirmed);
        let opening = async {
            let opening = self
                .route
                .open(position.resume, position.acknowledged, &self.tasks);
            let mut session = opening.await?;
            let identity = session.client.identify_system().await?;
            anyhow::Ok((session, identity))
        };
        let (mut session, identity) = timeout(ENTRANCE, opening).await.context(SWALLOWED)??;
        let database = slot::database(&mut db).await?;
        let epoch = epoch(&identity.system_id, identity.timeline, database);
        if position.epoch.is_some_and(|known| known != epoch) {
            self.lost(
                position,
                "PostgreSQL is another cluster or timeline than before",
            );
            bail!("PostgreSQL is another cluster or timeline than before");
        }
        position.epoch = Some(epoch);
        self.sink.opened(epoch, floor);
        let starting = async {
            session.client.start().await?;
            anyhow::Ok(session.client.wait_started().await?)
        };
        timeout(ENTRANCE, starting).await.context(SWALLOWED)??;
        position.before = true;
        // Heard in the stream, it says that the past has been read.
        slot::beat(&mut db).await?;
        Ok(session)
    }

    /// Says loudly that changes were lost, and begins anew.
    fn lost(&self, position: &mut Position, why: &str) {
        tracing::error!(why, "changes were lost; every client is told to read again");
        metrics::counter!("realtime_gaps_total").increment(1);
        self.status.gap(self.clock.now(), why);
        self.sink.gap();
        *position = Position {
            before: position.before,
            ..Position::default()
        };
    }

    /// Takes a transaction, unless it was taken before the connection was lost.
    fn take(&self, position: &mut Position, open: Open) {
        let committed_at = open.committed_at;
        let transaction = open.finish();
        if position.last.is_some_and(|last| transaction.commit <= last) {
            return;
        }
        position.last = Some(transaction.commit);
        if transaction.changes.is_empty() && transaction.refetch.is_empty() {
            self.advance(position, transaction.commit);
        } else if transaction.commit <= position.past {
            self.sink.recall(transaction);
        } else {
            let news = News::Committed(transaction, committed_at);
            position.held.push(news);
        }
    }

    /// Nothing else committed up to here.
    fn advance(&self, position: &mut Position, place: u64) {
        if position.held.is_empty() {
            self.sink.advance(place);
        } else {
            position.held.push(News::Place(place));
        }
    }

    /// Passes on what queries see.
    fn tell(&self, position: &mut Position, seen: Option<&Snapshot>) {
        let now = Instant::now();
        while let Some(news) = position.held.next(seen, now) {
            match news {
                News::Place(place) => self.sink.advance(place),
                News::Committed(transaction, at) => {
                    self.status.delivered(self.clock.now() - at);
                    let changes = transaction.changes.len() as u64;
                    metrics::counter!("realtime_changes_total").increment(changes);
                    self.sink.deliver(transaction);
                }
            }
        }
    }

    /// The stream has come so far.
    fn reached(&self, position: &mut Position, place: u64) {
        if !position.caught_up && place >= position.past {
            position.caught_up = true;
            self.status.started();
        }
    }

    /// Confirms what is past the window, or what the slot has no room to hold back.
    fn acknowledge(&self, position: &mut Position, client: &ReplicationClient) {
        let newest = position.pending.back().map_or(0, |(_, lsn)| lsn.as_u64());
        let room = self.status.condition().room();
        while let Some((at, lsn)) = position.pending.front().copied() {
            if at.elapsed() < self.window && newest - lsn.as_u64().min(newest) <= room {
                break;
            }
            position.acknowledged = position.acknowledged.max(lsn);
            position.pending.pop_front();
        }
        client.update_applied_lsn(position.acknowledged);
    }
}

impl Open {
    /// A transaction of which nothing has been received yet.
    pub(super) fn at(committed_at: OffsetDateTime, transaction: Transaction) -> Self {
        Self {
            committed_at,
            transaction,
        }
    }

    /// The whole transaction.
    pub(super) fn finish(self) -> Transaction {
        let mut transaction = self.transaction;
        let changes = transaction.changes.iter().map(Change::weight);
        transaction.weight = size_of::<Transaction>() + changes.sum::<usize>();
        transaction
    }

    fn new(commit: u64, xid: u32, commit_time_micros: i64) -> Result<Self> {
        // PostgreSQL counts microseconds from the year 2000.
        let nanos = (i128::from(commit_time_micros) + 946_684_800_000_000) * 1_000;
        let committed_at = OffsetDateTime::from_unix_timestamp_nanos(nanos)?;
        Ok(Self::at(
            committed_at,
            Transaction {
                commit,
                xid,
                weight: 0,
                at: committed_at.format(ISO)?,
                changes: Vec::new(),
                refetch: Vec::new(),
            },
        ))
    }

    pub(super) fn keep(&mut self, change: Change, largest: Largest) {
        let transaction = &mut self.transaction;
        transaction.weight += change.weight();
        let fits =
            transaction.changes.len() < largest.changes && transaction.weight <= largest.bytes;
        if fits && transaction.refetch.is_empty() {
            transaction.changes.push(change);
            return;
        }
        let kept = std::mem::take(&mut transaction.changes);
        for change in kept.into_iter().chain([change]) {
            self.refetch(change.relation);
        }
    }

    pub(super) fn refetch(&mut self, table: Arc<Relation>) {
        let known =
            |other: &Arc<Relation>| other.schema == table.schema && other.name == table.name;
        if !self.transaction.refetch.iter().any(known) {
            self.transaction.refetch.push(table);
        }
    }
}
