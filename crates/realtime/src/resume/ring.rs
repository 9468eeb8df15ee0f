//! The recent past: transactions as they were decoded, bounded in time and in memory.
//!
//! Invariant: everything that committed after `floor` and up to `head` is in it.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use tokio::time::Instant;

use super::cursor::{Cursor, Snapshot};
use crate::stream::change::Transaction;

/// The transactions of the last while.
#[derive(Debug)]
pub(crate) struct Ring {
    window: Duration,
    most_bytes: usize,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    /// None before the stream was first connected.
    epoch: Option<u64>,
    floor: u64,
    head: u64,
    kept: VecDeque<(Instant, Arc<Transaction>)>,
    bytes: usize,
}

/// The past does not reach back to where a client stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap;

/// How far a client has been told the past.
#[derive(Debug)]
pub(crate) struct Replay {
    epoch: u64,
    at: u64,
    /// What the client's list has seen, in any order of the log.
    seen: Option<Snapshot>,
    /// From before `at`: committed in the log, and not visible to the list.
    early: Vec<Arc<Transaction>>,
}

/// So much is told at once, before other work has its turn.
const BATCH_CHANGES: usize = 1_000;
const BATCH_BYTES: usize = 1024 * 1024;
/// How far back a list's unfinished transactions are looked for.
const EARLY: usize = 10_000;

impl Ring {
    pub(crate) fn new(window: Duration, most_bytes: usize) -> Self {
        Self {
            window,
            most_bytes,
            state: RwLock::default(),
        }
    }

    /// The stream goes on after `floor`. What was kept stays when it joins on to that.
    pub(crate) fn open(&self, epoch: u64, floor: u64) {
        let mut state = self.write();
        if state.epoch == Some(epoch) && floor <= state.head {
            return;
        }
        *state = State {
            epoch: Some(epoch),
            floor,
            head: floor,
            ..State::default()
        };
    }

    /// Nothing that was kept joins on to what follows.
    pub(crate) fn forget(&self) {
        *self.write() = State::default();
    }

    /// Remembers a transaction, the latest so far.
    pub(crate) fn push(&self, transaction: Arc<Transaction>) {
        let mut state = self.write();
        state.head = state.head.max(transaction.commit);
        state.bytes += transaction.weight;
        state.kept.push_back((Instant::now(), transaction));
        while state.bytes > self.most_bytes {
            state.drop_oldest();
        }
    }

    /// Nothing of ours committed up to here.
    pub(crate) fn advance(&self, place: u64) {
        let mut state = self.write();
        if state.epoch.is_some() {
            state.head = state.head.max(place);
        }
    }

    /// Drops what is past the window.
    pub(crate) fn expire(&self) {
        let mut state = self.write();
        while let Some((since, _)) = state.kept.front()
            && since.elapsed() > self.window
        {
            state.drop_oldest();
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge in bytes")]
        metrics::gauge!("realtime_replay_bytes").set(state.bytes as f64);
    }

    /// The latest cursor; none before the stream was connected.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        let state = self.read();
        Some(Cursor {
            epoch: state.epoch?,
            place: state.head,
            snapshot: None,
        })
    }

    /// Begins to tell what came after a cursor.
    pub(crate) fn begin(&self, cursor: Cursor) -> Result<Replay, Gap> {
        let state = self.read();
        if state.epoch != Some(cursor.epoch) || cursor.place < state.floor {
            return Err(Gap);
        }
        let mut early = Vec::new();
        if let Some(seen) = cursor.snapshot.as_ref().filter(|seen| !seen.is_settled()) {
            let before = state.after(cursor.place);
            let kept = state.kept.range(..before).rev().take(EARLY);
            let unseen = kept.filter(|(_, transaction)| !seen.sees(transaction.xid));
            early = unseen.map(|(_, kept)| Arc::clone(kept)).collect();
            early.reverse();
        }
        Ok(Replay {
            epoch: cursor.epoch,
            at: cursor.place,
            seen: cursor.snapshot,
            early,
        })
    }

    /// The next that a replay has to tell. The second is false when more is left.
    pub(crate) fn next(&self, replay: &mut Replay) -> Result<(Vec<Arc<Transaction>>, bool), Gap> {
        if !replay.early.is_empty() {
            return Ok((std::mem::take(&mut replay.early), false));
        }
        let state = self.read();
        if state.epoch != Some(replay.epoch) || replay.at < state.floor {
            return Err(Gap);
        }
        let mut batch = Vec::new();
        let (mut changes, mut bytes) = (0, 0);
        for (_, transaction) in state.kept.range(state.after(replay.at)..) {
            if changes >= BATCH_CHANGES || bytes >= BATCH_BYTES {
                return Ok((batch, false));
            }
            replay.at = transaction.commit;
            let seen = replay.seen.as_ref();
            if seen.is_none_or(|seen| !seen.sees(transaction.xid)) {
                changes += transaction.changes.len();
                bytes += transaction.weight;
                batch.push(Arc::clone(transaction));
            }
        }
        Ok((batch, true))
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The index of the first transaction after a place.
    fn after(&self, place: u64) -> usize {
        self.kept
            .partition_point(|(_, transaction)| transaction.commit <= place)
    }

    fn drop_oldest(&mut self) {
        if let Some((_, oldest)) = self.kept.pop_front() {
            self.bytes -= oldest.weight;
            self.floor = oldest.commit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction(commit: u64, xid: u32) -> Arc<Transaction> {
        Arc::new(Transaction {
            commit,
            xid,
            at: String::new(),
            changes: Vec::new(),
            refetch: Vec::new(),
            weight: 100,
        })
    }

    fn ring(most_bytes: usize) -> Ring {
        let ring = Ring::new(Duration::from_mins(5), most_bytes);
        ring.open(7, 10);
        for (commit, xid) in [(20, 1), (30, 2), (40, 4), (50, 3)] {
            ring.push(transaction(commit, xid));
        }
        ring
    }

    fn told(ring: &Ring, cursor: &str) -> Result<Vec<u64>, Gap> {
        let mut replay = ring.begin(Cursor::parse(cursor).unwrap())?;
        let mut told = Vec::new();
        loop {
            let (batch, last) = ring.next(&mut replay)?;
            told.extend(batch.iter().map(|transaction| transaction.commit));
            if last {
                return Ok(told);
            }
        }
    }

    #[test]
    fn what_came_after_a_cursor_is_told_and_nothing_else() {
        let ring = ring(1_000);
        assert_eq!(ring.cursor().unwrap().to_string(), "7:32");
        assert_eq!(told(&ring, "7:A"), Ok(vec![20, 30, 40, 50]));
        assert_eq!(told(&ring, "7:1E"), Ok(vec![40, 50]));
        assert_eq!(told(&ring, "7:32"), Ok(vec![]));
        assert_eq!(told(&ring, "7:9"), Err(Gap));
        assert_eq!(told(&ring, "8:1E"), Err(Gap));
    }

    #[test]
    fn a_list_is_told_what_it_could_not_see_wherever_that_stands_in_the_log() {
        let ring = ring(1_000);
        // Read when 3 was under way and 4 had committed: 50 is told, 40 is not.
        assert_eq!(told(&ring, "7:1E:3:5:3"), Ok(vec![50]));
        // 2 stood in the log at 30 already, and was not visible yet.
        assert_eq!(told(&ring, "7:1E:2:3:2"), Ok(vec![30, 40, 50]));
        assert_eq!(told(&ring, "7:1E:9:9:"), Ok(vec![]));
    }

    #[test]
    fn what_was_dropped_for_room_is_a_gap() {
        let ring = ring(250);
        assert_eq!(told(&ring, "7:1E"), Ok(vec![40, 50]));
        assert_eq!(told(&ring, "7:1D"), Err(Gap));
    }

    #[test]
    fn a_stream_that_goes_on_elsewhere_begins_anew() {
        let ring = ring(1_000);
        ring.open(7, 45);
        assert_eq!(told(&ring, "7:1E"), Ok(vec![40, 50]));
        ring.open(7, 60);
        assert_eq!(told(&ring, "7:32"), Err(Gap));
        assert_eq!(told(&ring, "7:3C"), Ok(vec![]));
        ring.open(8, 60);
        assert_eq!(told(&ring, "7:3C"), Err(Gap));
    }
}
