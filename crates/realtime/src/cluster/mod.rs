//! The servers as one: what is said on a channel is heard on all of them, and who is present on
//! one is present on all.
//!
//! Each server is the authority on its own presences. It counts its changes, and says the count
//! with each and with every beat, so another that missed one knows it and asks for all of them. A
//! server that is not heard of for a while is dead, and its presences with it. Broadcasts are
//! told at most once, here as in the protocol.
//!
//! Invariant: with one server nothing is written or sent.

mod message;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::mpsc,
    time::{Instant, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    bus::Bus,
    hub::{
        Hub, Member,
        presence::Whose,
        topics::{Broadcast, Key, Track},
    },
    protocol::frame::Encoding,
};
use message::{Message, Present, Said};

/// Messages that may wait to be carried.
const WAITING: usize = 16_384;
/// Messages that are carried at once.
const BATCH: usize = 256;
/// A server is not asked again for its presences sooner than this.
const PATIENCE: Duration = Duration::from_millis(500);

/// This server among the others.
pub(crate) struct Cluster {
    hub: Arc<Hub>,
    /// Differs for every start of every server.
    node: u64,
    bus: Option<Arc<dyn Bus>>,
    /// How often the others hear that this one lives; after five times as long it is dead.
    beat: Duration,
    own: Mutex<Own>,
    others: Mutex<HashMap<u64, Other>>,
    outgoing: mpsc::Sender<Bytes>,
    /// Taken by the task that carries them.
    waiting: Mutex<Option<mpsc::Receiver<Bytes>>>,
    references: AtomicU64,
}

/// The presences of this server.
#[derive(Default)]
struct Own {
    revision: u64,
    present: HashMap<u64, Present>,
}

/// What is known of another server.
struct Other {
    heard: Instant,
    /// What its presences here are at; `None` while they are not known.
    revision: Option<u64>,
    asked: Option<Instant>,
}

impl Cluster {
    pub(crate) fn new(hub: Arc<Hub>, node: u64, bus: Option<Arc<dyn Bus>>, beat: Duration) -> Self {
        let (outgoing, waiting) = mpsc::channel(WAITING);
        Self {
            hub,
            node,
            bus,
            beat,
            own: Mutex::default(),
            others: Mutex::default(),
            outgoing,
            waiting: Mutex::new(Some(waiting)),
            references: AtomicU64::new(1),
        }
    }

    /// Says something to everyone on a channel, on every server, but one connection here.
    pub(crate) fn broadcast(&self, key: &Key, except: Option<u64>, broadcast: &Broadcast<'_>) {
        let heard = self.hub.topics.broadcast(key, except, broadcast);
        metrics::counter!("realtime_broadcast_deliveries_total").increment(heard);
        if self.bus.is_some() {
            let said = Said::Broadcast {
                topic: key.0.to_string(),
                private: key.1,
                event: broadcast.event.to_owned(),
                binary: broadcast.encoding == Encoding::Binary,
                id: broadcast.id,
            };
            self.say(said, broadcast.payload);
        }
    }

    /// Tracks the presence of a connection of this server.
    pub(crate) fn track(
        &self,
        member: &Member,
        key: &str,
        payload: serde_json::Map<String, serde_json::Value>,
    ) {
        let number = self.references.fetch_add(1, Ordering::Relaxed);
        let track = Track {
            key: key.to_owned(),
            // Unlike any other of any server.
            reference: format!("{:x}.{number:x}", self.node >> 32),
            payload,
        };
        if self.bus.is_some() {
            let present = Present {
                topic: member.topic.to_string(),
                private: member.private,
                member: member.id,
                key: track.key.clone(),
                reference: track.reference.clone(),
                payload: track.payload.clone(),
            };
            let mut own = lock(&self.own);
            let before = own.present.insert(member.id, present.clone());
            if before.is_none_or(|before| before.payload != present.payload) {
                own.revision += 1;
                let revision = own.revision;
                self.say(Said::Track { revision, present }, &[]);
            }
        }
        let whose = Whose::here(member.id);
        self.hub.topics.track(&member.key(), whose, track);
    }

    /// Ends a connection's presence.
    pub(crate) fn untrack(&self, member: &Member) {
        self.tell_untrack(member);
        let whose = Whose::here(member.id);
        self.hub.topics.untrack(&member.key(), whose);
    }

    /// A connection left its channel.
    pub(crate) fn leave(&self, member: &Member) {
        self.tell_untrack(member);
        self.hub.topics.leave(member);
    }

    fn tell_untrack(&self, member: &Member) {
        if self.bus.is_none() {
            return;
        }
        let mut own = lock(&self.own);
        if own.present.remove(&member.id).is_some() {
            own.revision += 1;
            let said = Said::Untrack {
                revision: own.revision,
                topic: member.topic.to_string(),
                private: member.private,
                member: member.id,
            };
            self.say(said, &[]);
        }
    }

    fn say(&self, said: Said, payload: &[u8]) {
        let node = self.node;
        let message = Message { node, said }.write(payload);
        if self.outgoing.try_send(message).is_err() {
            // A missing presence is noticed by its revision; a broadcast is lost, which the
            // protocol allows.
            metrics::counter!("realtime_bus_dropped_total").increment(1);
        }
    }

    /// Carries what is said here to the others.
    pub(crate) async fn speak(self: Arc<Self>, stop: CancellationToken) {
        let waiting = lock(&self.waiting).take();
        let (Some(mut waiting), Some(bus)) = (waiting, self.bus.clone()) else {
            return;
        };
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let stopping = tokio::select! {
                biased;
                count = waiting.recv_many(&mut batch, BATCH) => count == 0,
                () = stop.cancelled() => true,
            };
            if stopping {
                batch.push(self.bye());
            }
            if let Err(error) = bus.publish(&batch).await {
                metrics::counter!("realtime_bus_dropped_total").increment(batch.len() as u64);
                tracing::warn!(%error, "the other servers cannot be told");
            }
            batch.clear();
            if stopping {
                return;
            }
        }
    }

    fn bye(&self) -> Bytes {
        let (node, said) = (self.node, Said::Bye);
        Message { node, said }.write(&[])
    }

    /// Hears what the others say, and misses those who are silent.
    pub(crate) async fn hear(self: Arc<Self>, stop: CancellationToken) {
        let Some(bus) = self.bus.clone() else {
            return;
        };
        let (heard, mut messages) = mpsc::channel(1_024);
        let listening = bus.listen(heard, stop.clone());
        tokio::pin!(listening);
        let mut beat = interval(self.beat);
        self.say(Said::Ask { of: None }, &[]);
        loop {
            tokio::select! {
                () = &mut listening => return,
                Some(message) = messages.recv() => self.heard(&message),
                _ = beat.tick() => {
                    let revision = lock(&self.own).revision;
                    self.say(Said::Beat { revision }, &[]);
                    self.miss();
                }
            }
        }
    }

    fn heard(&self, message: &Bytes) {
        let (Message { node, said }, payload) = match Message::read(message) {
            Ok(read) if read.0.node != self.node => read,
            Ok(_own) => return,
            Err(error) => {
                tracing::warn!(%error, "another server said something that is not understood");
                return;
            }
        };
        if matches!(said, Said::Bye) {
            lock(&self.others).remove(&node);
            self.hub.topics.forget_node(node, &HashSet::new());
            return;
        }
        let ask = {
            let mut others = lock(&self.others);
            let other = others.entry(node).or_insert(Other {
                heard: Instant::now(),
                revision: None,
                asked: None,
            });
            other.heard = Instant::now();
            self.take(node, other, said, &payload)
        };
        if ask {
            self.say(Said::Ask { of: Some(node) }, &[]);
        }
    }

    /// Takes what another says; true if it must be asked for its presences.
    fn take(&self, node: u64, other: &mut Other, said: Said, payload: &[u8]) -> bool {
        match said {
            Said::Broadcast {
                topic,
                private,
                event,
                binary,
                id,
            } => {
                let broadcast = Broadcast {
                    event: &event,
                    encoding: if binary {
                        Encoding::Binary
                    } else {
                        Encoding::Json
                    },
                    id,
                    payload,
                };
                let key = (topic.into(), private);
                self.hub.topics.broadcast(&key, None, &broadcast);
                false
            }
            Said::Track { revision, present } if other.is_next(revision) => {
                let (key, whose, track) = present.tracked(node);
                self.hub.topics.track_elsewhere(&key, whose, track);
                false
            }
            Said::Untrack {
                revision,
                topic,
                private,
                member,
            } if other.is_next(revision) => {
                let whose = Whose { node, member };
                self.hub.topics.untrack(&(topic.into(), private), whose);
                false
            }
            Said::Track { .. } | Said::Untrack { .. } => other.must_be_asked(),
            Said::Beat { revision } => other.revision != Some(revision) && other.must_be_asked(),
            Said::Ask { of } => {
                if of.is_none_or(|of| of == self.node) {
                    self.say_state();
                }
                false
            }
            Said::State { revision, present } => {
                other.revision = Some(revision);
                let there = present
                    .iter()
                    .map(|present| {
                        (
                            (Arc::from(&*present.topic), present.private),
                            present.member,
                        )
                    })
                    .collect();
                self.hub.topics.forget_node(node, &there);
                for present in present {
                    let (key, whose, track) = present.tracked(node);
                    self.hub.topics.track_elsewhere(&key, whose, track);
                }
                false
            }
            Said::Bye => false,
        }
    }

    fn say_state(&self) {
        let own = lock(&self.own);
        let state = Said::State {
            revision: own.revision,
            present: own.present.values().cloned().collect(),
        };
        // Said while nothing can change, so that what follows has the next revision.
        self.say(state, &[]);
    }

    /// Forgets the servers that were silent for too long.
    fn miss(&self) {
        let patience = self.beat * 5;
        let dead: Vec<u64> = {
            let mut others = lock(&self.others);
            let dead = others
                .iter()
                .filter(|(_, other)| other.heard.elapsed() > patience)
                .map(|(node, _)| *node)
                .collect();
            for node in &dead {
                others.remove(node);
            }
            dead
        };
        for node in dead {
            tracing::warn!(node, "a server is not heard of any more; its presences end");
            self.hub.topics.forget_node(node, &HashSet::new());
        }
    }

    /// How many other servers are heard.
    pub(crate) fn others(&self) -> usize {
        lock(&self.others).len()
    }
}

impl Other {
    fn is_next(&mut self, revision: u64) -> bool {
        let next = self.revision.is_some_and(|known| known + 1 == revision);
        if next {
            self.revision = Some(revision);
        }
        next
    }

    fn must_be_asked(&mut self) -> bool {
        let now = Instant::now();
        let lately = self.asked.is_some_and(|asked| now - asked < PATIENCE);
        if !lately {
            self.asked = Some(now);
        }
        !lately
    }
}

impl Present {
    fn tracked(self, node: u64) -> (Key, Whose, Track) {
        let key = (self.topic.into(), self.private);
        let whose = Whose {
            node,
            member: self.member,
        };
        let track = Track {
            key: self.key,
            reference: self.reference,
            payload: self.payload,
        };
        (key, whose, track)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
