//! How much each user says over HTTP on this server.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use kernel::id::UserId;

use crate::socket::bucket::Bucket;

/// Users whose count is held; beyond it, those who were silent are forgotten.
const HELD: usize = 10_000;

/// One bucket for each user who says something.
#[derive(Debug)]
pub(crate) struct Senders {
    per_second: u16,
    buckets: Mutex<HashMap<UserId, Bucket>>,
}

impl Senders {
    pub(crate) fn new(per_second: u16) -> Self {
        Self {
            per_second,
            buckets: Mutex::default(),
        }
    }

    /// Takes so many; false if there are not so many left.
    pub(crate) fn take(&self, user: UserId, count: usize) -> bool {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= HELD {
            buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        let bucket = buckets
            .entry(user)
            .or_insert_with(|| Bucket::new(self.per_second));
        (0..count).all(|_| bucket.take(now))
    }
}
