//! How people are seen on this server: online with a page they look at, away with pages none of
//! which they look at, offline without any; on however many tabs and devices.
//!
//! Who comes is seen at once. Who turns away or leaves is so only after a grace, so that
//! reloading a page is not a departure and a glance at another tab no absence.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use kernel::id::UserId;
use tokio::{
    sync::mpsc,
    time::{Instant, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::ports::{Online, Seen};

/// What became of a socket of somebody; whether its page is hidden.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Movement {
    Opened(UserId, bool),
    Closed(UserId, bool),
    /// From now on it is hidden, or not.
    Turned(UserId, bool),
}

/// How long it takes until somebody is not seen any more, and how often we say that we live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Graces {
    pub(crate) away: Duration,
    pub(crate) offline: Duration,
    pub(crate) beat: Duration,
}

/// Movements that are told together.
const BATCH: usize = 512;

/// Counts sockets and tells how their owners are seen.
pub(crate) async fn watch(
    mut movements: mpsc::UnboundedReceiver<Movement>,
    online: Arc<dyn Online>,
    graces: Graces,
    stop: CancellationToken,
) {
    let mut people = People {
        graces,
        known: HashMap::new(),
        due: BTreeSet::new(),
    };
    let mut beat = interval(graces.beat);
    let mut batch = Vec::new();
    // What could not be noted; it is tried again with the next beat.
    let mut unnoted: HashMap<UserId, Seen> = HashMap::new();
    online.begin().await;
    loop {
        let next = people.due.first().map(|(at, _)| *at);
        let due = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let mut told = HashMap::new();
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = beat.tick() => {
                told.extend(std::mem::take(&mut unnoted));
                if online.beat().await {
                    told.extend(people.known.iter().map(|(user, person)| (*user, person.told)));
                }
            }
            count = movements.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return;
                }
                let now = Instant::now();
                for movement in batch.drain(..) {
                    let (user, seen) = people.moved(movement, now);
                    told.extend(seen.map(|seen| (user, seen)));
                }
            }
            () = due => told.extend(people.overdue(Instant::now())),
        }
        if !told.is_empty() {
            let told: Vec<(UserId, Seen)> = told.into_iter().collect();
            for (user, _) in &told {
                unnoted.remove(user);
            }
            if !online.seen(&told).await {
                unnoted.extend(told);
            }
        }
    }
}

struct People {
    graces: Graces,
    known: HashMap<UserId, Person>,
    due: BTreeSet<(Instant, UserId)>,
}

struct Person {
    open: u32,
    hidden: u32,
    told: Seen,
    due: Option<(Instant, Seen)>,
}

impl Person {
    fn seen(&self) -> Seen {
        match self.open {
            0 => Seen::Offline,
            open if open == self.hidden => Seen::Away,
            _ => Seen::Online,
        }
    }
}

impl People {
    /// Counts a movement; how its person is seen from now on, if that changed already.
    fn moved(&mut self, movement: Movement, now: Instant) -> (UserId, Option<Seen>) {
        let (Movement::Opened(user, _) | Movement::Closed(user, _) | Movement::Turned(user, _)) =
            movement;
        let person = self.known.entry(user).or_insert(Person {
            open: 0,
            hidden: 0,
            told: Seen::Offline,
            due: None,
        });
        match movement {
            Movement::Opened(_, hidden) => {
                person.open += 1;
                person.hidden += u32::from(hidden);
            }
            Movement::Closed(_, hidden) => {
                person.open = person.open.saturating_sub(1);
                person.hidden = person.hidden.saturating_sub(u32::from(hidden));
            }
            Movement::Turned(_, true) => person.hidden += 1,
            Movement::Turned(_, false) => person.hidden = person.hidden.saturating_sub(1),
        }
        let seen = person.seen();
        if person.due.is_some_and(|(_, due)| due == seen) {
            return (user, None);
        }
        if let Some((at, _)) = person.due.take() {
            self.due.remove(&(at, user));
        }
        let told = match (person.told, seen) {
            (before, now) if before == now => None,
            (_, Seen::Online) | (Seen::Offline, _) => {
                person.told = seen;
                Some(seen)
            }
            (_, Seen::Away | Seen::Offline) => {
                let grace = match seen {
                    Seen::Away => self.graces.away,
                    _ => self.graces.offline,
                };
                person.due = Some((now + grace, seen));
                self.due.insert((now + grace, user));
                None
            }
        };
        if person.open == 0 && person.due.is_none() {
            self.known.remove(&user);
        }
        (user, told)
    }

    /// Those whose grace is over.
    fn overdue(&mut self, now: Instant) -> Vec<(UserId, Seen)> {
        let mut told = Vec::new();
        while let Some((at, user)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, user));
            let Some(person) = self.known.get_mut(&user) else {
                continue;
            };
            person.due = None;
            person.told = person.seen();
            told.push((user, person.told));
            if person.open == 0 {
                self.known.remove(&user);
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_tabs_are_one_person() {
        let graces = Graces {
            away: Duration::from_mins(1),
            offline: Duration::from_secs(5),
            beat: Duration::from_secs(10),
        };
        let mut people = People {
            graces,
            known: HashMap::new(),
            due: BTreeSet::new(),
        };
        let (ada, now) = (UserId::new(), Instant::now());
        let after = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(
            people.moved(Movement::Opened(ada, false), now).1,
            Some(Seen::Online)
        );
        assert_eq!(people.moved(Movement::Opened(ada, false), now).1, None);
        // One tab hidden: still online. Both: away, a minute later.
        assert_eq!(people.moved(Movement::Turned(ada, true), now).1, None);
        assert!(people.due.is_empty());
        assert_eq!(people.moved(Movement::Turned(ada, true), now).1, None);
        assert_eq!(people.overdue(after(59)), []);
        assert_eq!(people.overdue(after(60)), [(ada, Seen::Away)]);
        assert_eq!(
            people.moved(Movement::Turned(ada, false), after(60)).1,
            Some(Seen::Online)
        );
        // The tab looked at closes, the other stays hidden: away again. A new one: online.
        assert_eq!(
            people.moved(Movement::Closed(ada, false), after(61)).1,
            None
        );
        assert_eq!(
            people.moved(Movement::Opened(ada, false), after(62)).1,
            None
        );
        assert!(people.due.is_empty());
        people.moved(Movement::Closed(ada, false), after(63));
        people.moved(Movement::Closed(ada, true), after(63));
        assert_eq!(people.overdue(after(68)), [(ada, Seen::Offline)]);
        assert!(people.known.is_empty() && people.due.is_empty());
    }
}
