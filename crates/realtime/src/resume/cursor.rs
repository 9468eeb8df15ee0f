//! What somebody has seen, as text that clients keep and give back.
//!
//! `epoch:place` after changes, `epoch:place:xmin:xmax:xip,…` with a list that was read by SQL.
//! The epoch names the cluster, its timeline and the database: places in one log mean nothing in
//! another. Transactions are told whole, so a place is that of a commit and needs no number within
//! it. With a snapshot, the place only bounds the search: what the list has seen is what the
//! snapshot could see, which is not the same as what stood in the log before it (a commit is
//! written before it is visible).

use std::fmt;

/// A position in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) epoch: u64,
    /// Everything that committed up to here was seen, unless there is a snapshot.
    pub(crate) place: u64,
    pub(crate) snapshot: Option<Snapshot>,
}

/// What a query could see: PostgreSQL's `pg_snapshot`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    xmin: u64,
    xmax: u64,
    running: Vec<u64>,
}

/// Longer ones are not ours, or of no use: so many transactions at once are not resumed.
const LONGEST: usize = 8 * 1024;

impl Cursor {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (epoch, rest) = text.split_once(':')?;
        let (place, snapshot) = match rest.split_once(':') {
            None => (rest, None),
            Some((place, snapshot)) => (place, Some(Snapshot::parse(snapshot)?)),
        };
        Some(Self {
            epoch: u64::from_str_radix(epoch, 16).ok()?,
            place: u64::from_str_radix(place, 16).ok()?,
            snapshot,
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}:{:X}", self.epoch, self.place)?;
        if let Some(Snapshot {
            xmin,
            xmax,
            running,
        }) = &self.snapshot
        {
            let running: Vec<String> = running.iter().map(u64::to_string).collect();
            write!(f, ":{xmin}:{xmax}:{}", running.join(","))?;
        }
        Ok(())
    }
}

impl Snapshot {
    /// Reads `xmin:xmax:xip,xip`, as PostgreSQL writes it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (xmin, xmax, running) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let running = running
            .split(',')
            .filter(|id| !id.is_empty())
            .map(|id| id.parse().ok())
            .collect::<Option<_>>()?;
        Some(Self {
            xmin: xmin.parse().ok()?,
            xmax: xmax.parse().ok()?,
            running,
        })
    }

    /// Whether anything was under way, which may stand in the log and not have been seen.
    pub(crate) fn is_settled(&self) -> bool {
        self.running.is_empty()
    }

    /// Whether the query saw this transaction, which has committed since at the latest. The
    /// stream tells the lower half of its number; the upper half is that of the near past.
    pub(crate) fn sees(&self, xid: u32) -> bool {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the lower half, as the stream tells it"
        )]
        let distance = xid.wrapping_sub(self.xmax as u32).cast_signed();
        let xid = self.xmax.saturating_add_signed(distance.into());
        xid < self.xmin || (xid < self.xmax && !self.running.contains(&xid))
    }
}

/// Names a database on a timeline of a cluster (FNV-1a: the name must not change with a library).
pub(crate) fn epoch(system: &str, timeline: u32, database: u32) -> u64 {
    let parts = [
        system.as_bytes(),
        &timeline.to_be_bytes(),
        &database.to_be_bytes(),
    ];
    let bytes = parts.into_iter().flatten();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for text in ["1f:16B3748", "1f:16B3748:730:734:730,732", "0:0:1:1:"] {
            assert_eq!(Cursor::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "1f", "1f:x", "x:1", "1:2:3", "1:2:3:4:5:6", "1:2:3:4:x"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
        assert_eq!(Cursor::parse(&"1".repeat(9_000)), None);
    }

    #[test]
    fn a_snapshot_has_not_seen_what_was_running_or_came_later() {
        let seen = |text: &str, xid| Snapshot::parse(text).unwrap().sees(xid);
        assert!(seen("730:734:730,732", 729) && seen("730:734:730,732", 731));
        assert!(!seen("730:734:730,732", 730) && !seen("730:734:730,732", 734));
        // The lower half has just begun anew.
        let wrapped = "4294967290:4294967300:4294967295";
        assert!(seen(wrapped, 4_294_967_291) && seen(wrapped, 2));
        assert!(!seen(wrapped, 4_294_967_295) && !seen(wrapped, 4));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in ".{0,60}") {
            let _ = Cursor::parse(&text);
        }

        #[test]
        fn every_cursor_survives_its_way(epoch: u64, place: u64, xmin: u64, xmax: u64, running: Vec<u64>) {
            let snapshot = Some(Snapshot { xmin, xmax, running });
            let cursor = Cursor { epoch, place, snapshot };
            let text = cursor.to_string();
            if text.len() <= LONGEST {
                prop_assert_eq!(Cursor::parse(&text), Some(cursor));
            }
        }
    }
}
