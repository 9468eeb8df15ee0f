//! A token bucket: so many at once, so many a second after that. Small, because every socket
//! has some.

use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: f32,
    left: f32,
    at: Instant,
}

impl Bucket {
    /// A bucket that holds two seconds' worth.
    pub(crate) fn new(per_second: u16) -> Self {
        let per_second = f32::from(per_second.max(1));
        Self {
            per_second,
            left: per_second * 2.0,
            at: Instant::now(),
        }
    }

    /// Takes one; false if there is none left.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let earned = now.duration_since(self.at).as_secs_f32() * self.per_second;
        self.at = now;
        self.left = (self.left + earned).min(self.per_second * 2.0);
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }

    /// Whether it would hold all it can by now.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        let earned = now.duration_since(self.at).as_secs_f32() * self.per_second;
        self.left + earned >= self.per_second * 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_empties_and_fills() {
        let mut bucket = Bucket::new(5);
        let now = Instant::now();
        assert!(bucket.is_full(now));
        let mut taken = |now| (0..20).filter(|_| bucket.take(now)).count();
        assert_eq!(taken(now), 10);
        assert_eq!(taken(now + Duration::from_secs(1)), 5);
        assert!(!bucket.is_full(now + Duration::from_secs(1)));
    }
}
