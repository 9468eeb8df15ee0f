//! Who is let in when everybody comes at once, as after a restart: so many at a time, so many who
//! wait, and for the others a moment at which to come again that differs from everybody else's.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// The door.
#[derive(Debug)]
pub(crate) struct Admission {
    places: Semaphore,
    queue: Semaphore,
    turned: AtomicU64,
}

/// How long somebody stands in the queue at most.
const WAIT: Duration = Duration::from_secs(8);
/// Clients that come back in one second, if they heed what they are told.
const PER_SECOND: usize = 500;

impl Admission {
    /// So many at a time, and so many in the queue.
    pub(crate) fn new(places: usize, queue: usize) -> Self {
        Self {
            places: Semaphore::new(places.max(1)),
            queue: Semaphore::new(queue.max(1)),
            turned: AtomicU64::new(0),
        }
    }

    /// A place, as soon as there is one; none if the queue is full or does not move.
    pub(crate) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(place) = self.places.try_acquire() {
            return Some(place);
        }
        let standing = self.queue.try_acquire().ok();
        let place = match standing {
            Some(_) => timeout(WAIT, self.places.acquire()).await.ok(),
            None => None,
        };
        let place = place.and_then(Result::ok);
        if place.is_none() {
            metrics::counter!("realtime_turned_away_total").increment(1);
        }
        place
    }

    /// When one of so many should come back: each at another moment, within a time that lets them
    /// in one after the other.
    pub(crate) fn retry_after(&self, crowd: usize) -> Duration {
        let turn = self.turned.fetch_add(1, Ordering::Relaxed);
        let window = (crowd / PER_SECOND).clamp(1, 60) as u64 * 1_000;
        // Steps of the golden ratio spread any number of turns evenly over the window.
        let at = turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        Duration::from_millis(250 + ((at * window) >> 32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn so_many_at_a_time_and_so_many_who_wait() {
        let door = Admission::new(1, 1);
        let inside = door.enter().await.unwrap();
        let (waited, turned_away, ()) = tokio::join!(door.enter(), door.enter(), async {
            tokio::task::yield_now().await;
            drop(inside);
        });
        assert!(waited.is_some() && turned_away.is_none());
    }

    #[test]
    fn nobody_comes_back_at_the_same_moment() {
        let door = Admission::new(1, 1);
        let mut moments: Vec<u128> = (0..1_000)
            .map(|_| door.retry_after(5_000).as_millis())
            .collect();
        moments.sort_unstable();
        assert!(moments[0] >= 250 && moments[999] < 10_250);
        // No second gets more than its share and a little.
        let most = (0..10)
            .map(|second| {
                let from = 250 + second * 1_000;
                let within = moments.iter().filter(|m| (from..from + 1_000).contains(*m));
                within.count()
            })
            .max();
        assert!(most.unwrap() <= 110, "{most:?}");
    }
}
