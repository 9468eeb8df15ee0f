//! A token bucket: so many at once, so many a second after that.

use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    size: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A bucket that holds two seconds' worth.
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second.max(1));
        Self {
            per_second,
            size: per_second * 2.0,
            left: per_second * 2.0,
            at: Instant::now(),
        }
    }

    /// Takes one; false if there is none left.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let earned = now.duration_since(self.at).as_secs_f64() * self.per_second;
        self.at = now;
        self.left = (self.left + earned).min(self.size);
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_empties_and_fills() {
        let mut bucket = Bucket::new(5);
        let mut taken = |now| (0..20).filter(|_| bucket.take(now)).count();
        let now = Instant::now();
        assert_eq!(taken(now), 10);
        assert_eq!(taken(now + Duration::from_secs(1)), 5);
    }
}
