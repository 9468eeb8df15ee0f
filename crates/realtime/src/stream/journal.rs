//! The change stream where PostgreSQL's log cannot be read: triggers write changes down in a
//! table, in the writer's own transaction, and this reads it.
//!
//! The fall-back for databases whose `wal_level` is not ours to set. Writers pay for it, so it is
//! said wherever health is shown. Cursors, resuming and rules are the same: the hub does not know
//! where a transaction comes from. A notice only wakes the reader; what is told is what stands in
//! the table, in portions that are written down, so that every server tells the same and a
//! restarted one tells it again.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use axum::extract::ws::Utf8Bytes;
use kernel::Clock;
use sqlx::{PgConnection, PgPool, postgres::PgListener};
use time::{OffsetDateTime, UtcOffset};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    catalog,
    change::{Cell, Change, Kind, Relation, Transaction},
    journal_store::{self as store, Portion, Row},
    reader::{ISO, Largest, Open, Sink},
    status::Status,
};

/// The reader of the journal.
#[derive(Debug)]
pub(crate) struct Journal<S> {
    pub(crate) db: PgPool,
    pub(crate) sink: Arc<S>,
    pub(crate) status: Arc<Status>,
    pub(crate) clock: Clock,
    pub(crate) stop: CancellationToken,
    pub(crate) publication: String,
    pub(crate) window: Duration,
    pub(crate) largest: Largest,
}

/// A table, and which columns of its rows are published.
#[derive(Debug)]
struct Known {
    relation: Arc<Relation>,
    shown: Vec<bool>,
}

/// How long a notice is waited for before the journal is looked at all the same.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const FORGET_EVERY: Duration = Duration::from_secs(30);
/// A portion's place leaves room for the places of its transactions.
const ROOM: u32 = 20;

impl<S: Sink> Journal<S> {
    /// Reads until the server stops or the database is lost.
    pub(crate) async fn run(&self) -> Result<()> {
        let mut listener = PgListener::connect_with(&self.db).await?;
        listener.listen("portico_journal").await?;
        let mut db = self.db.acquire().await?;
        let name = store::make(&mut db, &self.publication).await?;
        tracing::warn!(
            "wal_level is not logical: changes are read from a journal, which costs writers; \
             set wal_level = logical and restart PostgreSQL"
        );
        self.status.journal(true);
        let mut known = self.recall(&mut db, &name).await?;
        self.status.started();
        let mut forgotten = Instant::now();
        loop {
            known = self.tell(&mut db, known).await?;
            self.sink.tick();
            if forgotten.elapsed() > FORGET_EVERY {
                forgotten = Instant::now();
                store::forget(&mut db, self.window.as_secs_f64()).await?;
            }
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                heard = timeout(LOOK_EVERY, listener.try_recv()) => if let Ok(heard) = heard {
                    heard?.context("the connection was lost")?;
                },
            }
        }
    }

    /// Remembers what was told before; everything that is there now is past.
    async fn recall(&self, db: &mut PgConnection, name: &str) -> Result<Portion> {
        let mut known = Portion::default();
        let portions = store::portions(db, 0).await?;
        if let Some(oldest) = portions.first().filter(|oldest| oldest.place > 1) {
            // What came before it is forgotten.
            known = *oldest;
        }
        self.sink
            .opened(crate::resume::epoch(name, 0, 0), end(known));
        loop {
            let Some(portion) = self.next(db, known).await? else {
                return Ok(known);
            };
            for transaction in self.read(db, known, portion).await? {
                self.sink.recall(transaction);
            }
            self.sink.advance(end(portion));
            known = portion;
        }
    }

    /// Tells what has come since.
    async fn tell(&self, db: &mut PgConnection, mut known: Portion) -> Result<Portion> {
        while let Some(portion) = self.next(db, known).await? {
            for transaction in self.read(db, known, portion).await? {
                metrics::counter!("realtime_changes_total")
                    .increment(transaction.changes.len() as u64);
                self.sink.deliver(transaction);
            }
            self.sink.advance(end(portion));
            known = portion;
        }
        Ok(known)
    }

    /// The portion after this one: cut by another server, or now.
    async fn next(&self, db: &mut PgConnection, known: Portion) -> Result<Option<Portion>> {
        if let Some(found) = store::portions(db, known.place).await?.first() {
            return Ok(Some(*found));
        }
        store::cut(db, known).await?;
        Ok(store::portions(db, known.place).await?.first().copied())
    }

    async fn read(
        &self,
        db: &mut PgConnection,
        known: Portion,
        portion: Portion,
    ) -> Result<Vec<Transaction>> {
        let rows = store::rows(db, known, portion).await?;
        let mut relations: HashMap<i64, Option<Known>> = HashMap::new();
        for row in &rows {
            if let Entry::Vacant(unknown) = relations.entry(row.relation) {
                let oid = u32::try_from(row.relation)?;
                let known = match store::describe(db, oid, &self.publication).await? {
                    Some((described, shown)) => Some(Known {
                        relation: Arc::new(catalog::complete(db, &described).await?),
                        shown,
                    }),
                    None => None,
                };
                unknown.insert(known);
            }
        }
        let mut place = end(portion) - ((1 << ROOM) - 1);
        let mut transactions: Vec<Open> = Vec::new();
        let mut xid = None;
        for row in rows {
            if xid != Some(row.xid) {
                // A run of rows of one transaction.
                xid = Some(row.xid);
                transactions.push(open(place.min(end(portion)), &row)?);
                place += 1;
            }
            let Some(Some(known)) = relations.get(&row.relation) else {
                // The table is gone, and nobody can listen to it.
                continue;
            };
            if let Some(open) = transactions.last_mut() {
                self.status.delivered(self.clock.now() - row.at);
                match change(known, &row) {
                    Some(change) => open.keep(change, self.largest),
                    None => open.refetch(Arc::clone(&known.relation)),
                }
            }
        }
        Ok(transactions.into_iter().map(Open::finish).collect())
    }
}

/// The place up to which a portion has been told.
fn end(portion: Portion) -> u64 {
    let place = u64::try_from(portion.place).unwrap_or_default();
    ((place + 1) << ROOM) - 1
}

fn open(place: u64, row: &Row) -> Result<Open> {
    let at: OffsetDateTime = row.at.to_offset(UtcOffset::UTC);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the lower half, as the log would tell it"
    )]
    let xid = row.xid as u32;
    Ok(Open::at(
        at,
        Transaction {
            commit: place,
            xid,
            weight: 0,
            at: at.format(ISO)?,
            changes: Vec::new(),
            refetch: Vec::new(),
        },
    ))
}

/// A row's change; `None` for one that cannot be told singly: a truncation, or a row that was
/// written before its table changed its shape.
fn change(known: &Known, row: &Row) -> Option<Change> {
    let cells = |text: &Option<String>| {
        let Some(text) = text else {
            return Some(Vec::new());
        };
        let cells = record(text).filter(|cells| cells.len() == known.shown.len())?;
        let shown = cells
            .into_iter()
            .zip(&known.shown)
            .filter(|(_, shown)| **shown);
        Some(shown.map(|(cell, _)| cell).collect())
    };
    let kind = match row.kind.as_str() {
        "I" => Kind::Insert,
        "U" => Kind::Update,
        "D" => Kind::Delete,
        _ => return None,
    };
    Some(Change {
        relation: Arc::clone(&known.relation),
        kind,
        new: cells(&row.new)?,
        old: cells(&row.old)?,
    })
}

/// Reads a row in PostgreSQL's text form, `(1,"a ""b""",)`: what is quoted has its quotes and
/// backslashes doubled, nothing at all is null.
fn record(text: &str) -> Option<Vec<Cell>> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut cells = Vec::new();
    let mut value = String::new();
    let (mut quoted, mut present) = (false, false);
    let mut characters = inner.chars().peekable();
    loop {
        match characters.next() {
            Some('"') if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                value.push('"');
            }
            Some('"') => {
                quoted = !quoted;
                present = true;
            }
            Some('\\') => value.push(characters.next()?),
            Some(',') if !quoted => {
                cells.push(cell(&mut value, &mut present));
            }
            Some(other) => {
                present = true;
                value.push(other);
            }
            None if quoted => return None,
            None => {
                cells.push(cell(&mut value, &mut present));
                return Some(cells);
            }
        }
    }
}

fn cell(value: &mut String, present: &mut bool) -> Cell {
    let text = std::mem::take(value);
    if std::mem::take(present) {
        Cell::Text(Utf8Bytes::from(text))
    } else {
        Cell::Null
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_postgresql_writes_it() {
        let read = |text: &str| -> Vec<Option<String>> {
            let cells = record(text).unwrap();
            cells
                .iter()
                .map(|cell| cell.text().map(ToOwned::to_owned))
                .collect()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            read(r#"(1,,"","a ""b"" \\ , ) (","{x,""y z""}")"#),
            [
                some("1"),
                None,
                some(""),
                some(r#"a "b" \ , ) ("#),
                some(r#"{x,"y z"}"#)
            ]
        );
        assert_eq!(read("()"), [None]);
        assert!(record("1,2").is_none() && record("(\"1)").is_none());
    }
}
