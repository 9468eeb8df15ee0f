//! What is told can be read: transactions wait here until queries see them.
//!
//! PostgreSQL writes a commit to its log, and tells it to whoever reads the log, before it lets
//! other transactions see what was done. That is a moment, and on a busy machine or with a
//! synchronous standby a long one: a page that is told of a row and reads its list again at once
//! reads the old list, and nobody tells it a second time. So the stream asks for a snapshot, and
//! passes on what that sees.

use std::{collections::VecDeque, fmt, time::Duration};

use anyhow::{Context as _, Result};
use futures_util::future::BoxFuture;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep_until};

use super::change::Transaction;
use crate::resume::Snapshot;

/// Looks are no closer together than this: what comes meanwhile shares one.
const PAUSE: Duration = Duration::from_millis(3);
/// After a look that failed.
const RETRY: Duration = Duration::from_millis(100);
/// Nobody waits longer than this. A commit that waits so long for a standby holds all writers up.
const OVERDUE: Duration = Duration::from_secs(10);
/// Nothing more is read from the log while so much waits.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// What came from the log and has not been passed on, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Held {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    what: News,
}

/// What is passed on.
#[derive(Debug)]
pub(super) enum News {
    /// A transaction, and when it committed.
    Committed(Transaction, OffsetDateTime),
    /// Nothing else committed up to here.
    Place(u64),
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES
    }

    pub(super) fn push(&mut self, what: News) {
        if let News::Committed(transaction, _) = &what {
            self.bytes += transaction.weight;
        } else if let Some(last) = self.waiting.back_mut()
            && matches!(last.what, News::Place(_))
        {
            last.what = what;
            return;
        }
        let since = Instant::now();
        self.waiting.push_back(Waiting { since, what });
    }

    /// The next that may be passed on, by the latest look; without one, what is overdue.
    pub(super) fn next(&mut self, seen: Option<&Snapshot>, now: Instant) -> Option<News> {
        let first = self.waiting.front()?;
        if let News::Committed(transaction, _) = &first.what {
            let visible = seen.is_some_and(|seen| seen.sees(transaction.xid));
            if !visible && now.duration_since(first.since) < OVERDUE {
                return None;
            }
            if !visible {
                tracing::warn!(
                    xid = transaction.xid,
                    "a commit stands in the log and is not visible yet; it is told all the same"
                );
            }
            self.bytes -= transaction.weight;
        }
        self.waiting.pop_front().map(|waiting| waiting.what)
    }
}

type Look = (Option<PgConnection>, Result<Snapshot>);

/// Looks at what queries see, over a connection of its own: who waits for one must not wait for
/// those that requests hold.
pub(super) struct Eyes {
    pool: PgPool,
    db: Option<PgConnection>,
    /// Outlives whoever waits for it.
    looking: Option<BoxFuture<'static, Look>>,
    not_before: Instant,
}

impl Eyes {
    pub(super) fn new(pool: &PgPool) -> Self {
        Self {
            pool: pool.clone(),
            db: None,
            looking: None,
            not_before: Instant::now(),
        }
    }

    /// What queries see now; `None` when that could not be asked. May be given up and asked again.
    pub(super) async fn look(&mut self) -> Option<Snapshot> {
        let looking = self.looking.get_or_insert_with(|| {
            Box::pin(look(self.pool.clone(), self.db.take(), self.not_before))
        });
        let (db, seen) = looking.await;
        self.looking = None;
        self.db = db;
        let pause = if seen.is_ok() { PAUSE } else { RETRY };
        self.not_before = Instant::now() + pause;
        seen.inspect_err(|error| {
            tracing::warn!(
                error = format!("{error:#}"),
                "what queries see could not be asked"
            );
        })
        .ok()
    }
}

async fn look(pool: PgPool, db: Option<PgConnection>, not_before: Instant) -> Look {
    sleep_until(not_before).await;
    let mut db = match db {
        Some(db) => db,
        None => match pool.acquire().await {
            Ok(db) => db.detach(),
            Err(error) => return (None, Err(error.into())),
        },
    };
    let seen = sqlx::query_scalar::<_, String>("select pg_current_snapshot()::text")
        .fetch_one(&mut db)
        .await;
    match seen {
        Ok(seen) => {
            let seen = Snapshot::parse(&seen).context("a snapshot that cannot be read");
            (Some(db), seen)
        }
        // It may have been closed because it was quiet for long: the next look opens another.
        Err(error) => (None, Err(error.into())),
    }
}

impl fmt::Debug for Eyes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Eyes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(xid: u32) -> News {
        let transaction = Transaction {
            commit: u64::from(xid) * 10,
            xid,
            weight: 100,
            at: String::new(),
            changes: Vec::new(),
            refetch: Vec::new(),
        };
        News::Committed(transaction, OffsetDateTime::UNIX_EPOCH)
    }

    /// Places in the log of what may be passed on.
    fn told(held: &mut Held, seen: Option<&str>, now: Instant) -> Vec<u64> {
        let seen = seen.map(|seen| Snapshot::parse(seen).unwrap());
        std::iter::from_fn(|| held.next(seen.as_ref(), now))
            .map(|news| match news {
                News::Committed(transaction, _) => transaction.commit,
                News::Place(place) => place,
            })
            .collect()
    }

    #[test]
    fn what_is_not_seen_waits_and_with_it_all_that_follows() {
        let mut held = Held::default();
        for news in [
            committed(5),
            News::Place(55),
            News::Place(56),
            committed(6),
            committed(7),
            News::Place(71),
        ] {
            held.push(news);
        }
        let now = Instant::now();
        assert_eq!(told(&mut held, None, now), [0; 0]);
        assert_eq!(told(&mut held, Some("6:8:6"), now), [50, 56]);
        assert_eq!(held.bytes, 200);
        assert_eq!(told(&mut held, Some("7:7:"), now), [60]);
        assert_eq!(told(&mut held, Some("8:8:"), now), [70, 71]);
        assert!(held.is_empty() && held.bytes == 0);
    }

    #[test]
    fn nobody_waits_for_ever() {
        let mut held = Held::default();
        held.push(committed(5));
        held.push(News::Place(56));
        let now = Instant::now();
        assert_eq!(told(&mut held, Some("5:6:5"), now + OVERDUE / 2), [0; 0]);
        assert_eq!(told(&mut held, Some("5:6:5"), now + OVERDUE), [50, 56]);
    }
}
