//! Caches that are told when they are wrong.
//!
//! A verb that changes what somebody caches calls [`invalidate`] in its transaction:
//! PostgreSQL delivers the notice at commit, to every node, in order. A node that lost
//! its connection clears everything, because it may have missed something.

use crate::tasks::Tasks;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use sqlx::{
    PgConnection,
    postgres::{PgListener, PgPool},
};
use std::{
    fmt::Display,
    future::Future,
    hash::Hash,
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

const CHANNEL: &str = "portico_cache";

#[derive(Serialize, Deserialize)]
struct Notice<'a> {
    cache: &'a str,
    key: &'a str,
}

/// Tells every node, at commit, that a key of a cache is stale.
pub async fn invalidate(db: &mut PgConnection, cache: &str, key: impl Display) -> sqlx::Result<()> {
    let key = key.to_string();
    let notice = serde_json::to_string(&Notice { cache, key: &key })
        .map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!("select pg_notify($1, $2)", CHANNEL, notice)
        .execute(db)
        .await?;
    Ok(())
}

type Forget = Arc<dyn Fn(Option<&str>) + Send + Sync>;

/// Carries invalidations to the caches of this node.
#[derive(Clone, Default)]
pub struct Invalidations {
    caches: Arc<Mutex<Vec<(&'static str, Forget)>>>,
}

impl std::fmt::Debug for Invalidations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invalidations").finish_non_exhaustive()
    }
}

impl Invalidations {
    /// Calls `forget` with a key, or with none when everything must go.
    pub fn on(&self, cache: &'static str, forget: impl Fn(Option<&str>) + Send + Sync + 'static) {
        self.caches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((cache, Arc::new(forget)));
    }

    fn told(&self, cache: Option<&str>, key: Option<&str>) {
        let caches = self
            .caches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for (name, forget) in caches {
            if cache.is_none_or(|cache| cache == name) {
                forget(key);
            }
        }
    }

    /// Starts to listen, on a connection with a session of its own.
    pub async fn listen(&self, direct: &PgPool, tasks: &Tasks) -> anyhow::Result<()> {
        let mut listener = PgListener::connect_with(direct)
            .await
            .context("cache listener")?;
        listener.listen(CHANNEL).await.context("cache listener")?;
        let (bus, token) = (self.clone(), tasks.token());
        tasks.spawn("cache invalidations", async move {
            loop {
                let heard = tokio::select! {
                    () = token.cancelled() => return,
                    heard = listener.try_recv() => heard,
                };
                match heard {
                    Ok(Some(notification)) => {
                        match serde_json::from_str::<Notice<'_>>(notification.payload()) {
                            Ok(notice) => bus.told(Some(notice.cache), Some(notice.key)),
                            Err(_) => bus.told(None, None),
                        }
                    }
                    // Reconnected: what was said in between is lost.
                    Ok(None) => bus.told(None, None),
                    Err(error) => {
                        tracing::warn!(%error, "cache invalidations interrupted");
                        bus.told(None, None);
                        tokio::select! {
                            () = token.cancelled() => return,
                            () = tokio::time::sleep(Duration::from_secs(1)) => {}
                        }
                    }
                }
            }
        });
        Ok(())
    }
}

/// A bounded cache, invalidated by key.
#[derive(Clone)]
pub struct Cache<K, V> {
    name: &'static str,
    inner: moka::sync::Cache<K, V>,
    /// Counts what was forgotten. What was read while it moved may be old, and is not kept.
    forgotten: Arc<AtomicU64>,
    hits: metrics::Counter,
    misses: metrics::Counter,
}

impl<K, V> std::fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<K, V> Cache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + FromStr + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A cache of at most `capacity` entries, each kept for at most `ttl`.
    pub fn new(name: &'static str, capacity: u64, ttl: Duration, bus: &Invalidations) -> Self {
        let cache = Self {
            name,
            inner: moka::sync::Cache::builder()
                .max_capacity(capacity)
                .time_to_live(ttl)
                .build(),
            forgotten: Arc::default(),
            hits: metrics::counter!("portico_cache_hits_total", "cache" => name),
            misses: metrics::counter!("portico_cache_misses_total", "cache" => name),
        };
        let told = cache.clone();
        bus.on(name, move |key| match key.map(K::from_str) {
            Some(Ok(key)) => told.forget(&key),
            _ => told.forget_all(),
        });
        cache
    }

    /// What is cached, or what `load` finds.
    ///
    /// Invariant: nothing that was read before a key was forgotten is answered to whoever
    /// asks after it. So those who ask at once each load for themselves.
    pub async fn get<E, F>(&self, key: K, load: F) -> Result<V, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        if let Some(value) = self.inner.get(&key) {
            self.hits.increment(1);
            return Ok(value);
        }
        self.misses.increment(1);
        let before = self.forgotten.load(Ordering::SeqCst);
        let value = load.await?;
        if self.forgotten.load(Ordering::SeqCst) == before {
            self.inner.insert(key.clone(), value.clone());
            // Whoever forgot between the look and the insertion did not find it.
            if self.forgotten.load(Ordering::SeqCst) != before {
                self.inner.invalidate(&key);
            }
        }
        Ok(value)
    }

    /// Forgets a key on this node now, before the notice of the commit comes around.
    pub fn forget(&self, key: &K) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.inner.invalidate(key);
    }

    /// Forgets everything on this node now.
    pub fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.inner.invalidate_all();
    }
}
