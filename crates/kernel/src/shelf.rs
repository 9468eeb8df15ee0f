//! Connections kept at hand between two requests.
//!
//! sqlx's pool starts a task and asks the server for a sign of life each time that a
//! connection comes back, so that a read costs two exchanges. A connection that comes back
//! here with nothing outstanding is laid aside instead and taken by the next request. What
//! is not so clean goes the long way through the pool, which asks it, and drops it if need
//! be: a query whose caller has left, a line that broke, a transaction to roll back.
//!
//! Refuses to hold all of the pool: some connections always remain for those who wait at
//! its door, and one in every few returns goes there, so that the pool can renew them.

use futures_util::FutureExt;
use sqlx::{Connection, PgConnection, PgPool, Postgres, pool::PoolConnection};
use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a request waits for a connection.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// A connection that nobody used for this long is asked for a sign of life first.
const DOUBTFUL: Duration = Duration::from_secs(15);
/// One that nobody used for this long is given back.
const IDLE: Duration = Duration::from_mins(5);
/// Every how many returns one goes to the pool.
const RENEWAL: usize = 256;

/// The connections at hand.
#[derive(Debug, Clone)]
pub(crate) struct Shelf(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    turns: Arc<Semaphore>,
    laid: Mutex<Laid>,
}

#[derive(Debug, Default)]
struct Laid {
    idle: Vec<(PoolConnection<Postgres>, Instant)>,
    returns: usize,
    closed: bool,
}

/// A connection for reading, until it is dropped.
#[derive(Debug)]
pub struct Lease {
    connection: Option<PoolConnection<Postgres>>,
    shelf: Shelf,
    _turn: OwnedSemaphorePermit,
}

impl Shelf {
    /// Over a pool of so many connections, of which a quarter is left to it.
    pub(crate) fn new(pool: PgPool, connections: u32) -> Self {
        let most = connections - (connections / 4).clamp(1, connections.max(2) - 1);
        Self(Arc::new(Inner {
            pool,
            turns: Arc::new(Semaphore::new(most.max(1) as usize)),
            laid: Mutex::new(Laid {
                // So few that whoever waits at the pool's door might wait for good.
                closed: connections < 4,
                ..Laid::default()
            }),
        }))
    }

    /// A connection, as soon as there is one.
    pub(crate) async fn lease(&self) -> sqlx::Result<Lease> {
        let turns = self.0.turns.clone();
        let turn = match turns.clone().try_acquire_owned() {
            Ok(turn) => turn,
            Err(_) => tokio::time::timeout(PATIENCE, turns.acquire_owned())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)?
                .map_err(|_| sqlx::Error::PoolClosed)?,
        };
        let connection = match self.take().await {
            Some(connection) => connection,
            None => self.0.pool.acquire().await?,
        };
        Ok(Lease {
            connection: Some(connection),
            shelf: self.clone(),
            _turn: turn,
        })
    }

    /// One that is at hand and lives.
    pub(crate) async fn take(&self) -> Option<PoolConnection<Postgres>> {
        loop {
            let (mut connection, since) = self.laid().idle.pop()?;
            if since.elapsed() < DOUBTFUL {
                return Some(connection);
            }
            if connection.ping().await.is_ok() {
                return Some(connection);
            }
            connection.close_on_drop();
        }
    }

    fn put(&self, mut connection: PoolConnection<Postgres>) {
        let clean = matches!(connection.flush().now_or_never(), Some(Ok(())));
        let old = {
            let mut laid = self.laid();
            laid.returns = laid.returns.wrapping_add(1);
            if !clean || laid.closed || laid.returns.is_multiple_of(RENEWAL) {
                Some(connection)
            } else {
                laid.idle.push((connection, Instant::now()));
                let unused = laid.idle[0].1.elapsed() > IDLE;
                unused.then(|| laid.idle.remove(0).0)
            }
        };
        // Outside the lock: the pool starts a task for it.
        drop(old);
    }

    /// Gives everything back, now and from now on.
    pub(crate) fn close(&self) {
        let idle = {
            let mut laid = self.laid();
            laid.closed = true;
            std::mem::take(&mut laid.idle)
        };
        drop(idle);
    }

    fn laid(&self) -> std::sync::MutexGuard<'_, Laid> {
        self.0.laid.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.shelf.put(connection);
        }
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match &self.connection {
            Some(held) => held,
            None => unreachable!("held until it is dropped"),
        }
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match &mut self.connection {
            Some(held) => held,
            None => unreachable!("held until it is dropped"),
        }
    }
}
