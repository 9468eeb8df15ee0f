//! The change stream: one logical replication slot, read and decoded, transaction by transaction;
//! or a journal that triggers write, where the log cannot be read.
//!
//! PostgreSQL's own log is the queue: a change is here because it was committed, and is
//! acknowledged only after the replay window, so a restarted server reads the recent past again.
//! Nothing in here knows who listens.

pub(crate) mod care;
pub(crate) mod catalog;
pub(crate) mod change;
mod gathering;
pub(crate) mod journal;
mod journal_store;
pub(crate) mod pgoutput;
pub(crate) mod reader;
pub(crate) mod route;
pub(crate) mod slot;
pub(crate) mod status;
mod tunnel;
pub(crate) mod value;
mod visible;

use std::time::Duration;

use anyhow::Result;

use journal::Journal;
use reader::{Reader, Sink};

/// Reads changes until the server stops, in the way that the database allows now.
pub(crate) async fn read<S: Sink>(reader: Reader<S>, journal: Journal<S>) {
    let mut failures = 0_u32;
    while !reader.stop.is_cancelled() {
        let outcome = choose(&reader, &journal).await;
        let Err(error) = outcome else {
            failures = 0;
            continue;
        };
        let pause = Duration::from_millis(100 * (1 << failures.min(6))).min(Duration::from_secs(5));
        failures += 1;
        let error = format!("{error:#}");
        tracing::warn!(
            error,
            ?pause,
            "the change stream stopped; it is tried again"
        );
        reader.status.stopped(error);
        tokio::select! {
            () = reader.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn choose<S: Sink>(reader: &Reader<S>, journal: &Journal<S>) -> Result<()> {
    let mut db = reader.db.acquire().await?;
    if !slot::is_logical(&mut db).await? {
        drop(db);
        return journal.run().await;
    }
    journal_store::remove(&mut db).await?;
    drop(db);
    reader.status.journal(false);
    reader.run().await;
    Ok(())
}
