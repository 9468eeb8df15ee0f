//! Channels: who has joined them, what is broadcast on them and who is present, here and on the
//! other servers.
//!
//! Broadcasts go out at once. Who came and went is told together, some milliseconds later, so
//! that a hall that fills costs each of its guests a few frames and not one for every other.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, atomic::Ordering},
    time::Duration,
};

use axum::extract::ws::Message;
use serde_json::{Map, Value};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Member,
    members::Members,
    presence::{Diff, Presence, Whose},
};
use crate::protocol::{
    Version,
    frame::{self, Encoding, json_string},
};

/// How long comings and goings are gathered.
const GATHER: Duration = Duration::from_millis(50);

/// The channels of this server.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    all: RwLock<HashMap<Key, Mutex<Topic>>>,
    /// Where somebody came or went that is still to be told.
    stirred: Mutex<HashSet<Key>>,
    stirring: Notify,
}

/// A channel's name as its clients say it, and whether it is private. Private and public channels
/// of one name are two channels.
pub(crate) type Key = (Arc<str>, bool);

#[derive(Debug, Default)]
struct Topic {
    members: Members,
    presence: Presence,
    untold: Diff,
}

/// Something said on a channel.
#[derive(Debug)]
pub(crate) struct Broadcast<'a> {
    pub(crate) event: &'a str,
    pub(crate) encoding: Encoding,
    /// Of a stored message.
    pub(crate) id: Option<Uuid>,
    /// JSON, unless the encoding says otherwise.
    pub(crate) payload: &'a [u8],
}

/// Somebody present, as they are tracked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Track {
    pub(crate) key: String,
    /// Differs for every change of every presence on every server.
    pub(crate) reference: String,
    pub(crate) payload: Map<String, Value>,
}

impl Topics {
    /// The name of a channel as all of its members share it: one place in memory, and comparing
    /// it costs none of them a look elsewhere.
    pub(crate) fn name(&self, topic: &str, private: bool) -> Arc<str> {
        let key: Key = (topic.into(), private);
        let topics = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let known = topics.get_key_value(&key).map(|(known, _)| &known.0);
        known.map_or(key.0.clone(), Arc::clone)
    }

    pub(crate) fn join(&self, member: &Arc<Member>) {
        let mut topics = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let topic = topics.entry(member.key()).or_default();
        let topic = topic.get_mut().unwrap_or_else(PoisonError::into_inner);
        // What the others are still to be told, the new one sees in its state.
        topic.tell();
        topic.members.insert(member);
    }

    /// Leaves, and tells those who stay.
    pub(crate) fn leave(&self, member: &Member) {
        let key = member.key();
        let mut topics = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let Some(topic) = topics.get_mut(&key) else {
            return;
        };
        let topic = topic.get_mut().unwrap_or_else(PoisonError::into_inner);
        topic.members.remove(member.id);
        let stirred = topic.untrack(Whose::here(member.id));
        if topic.is_over() {
            topics.remove(&key);
        }
        drop(topics);
        if stirred {
            self.stir(key);
        }
    }

    /// Says something to everyone on a channel, but one. Returns how many heard.
    pub(crate) fn broadcast(
        &self,
        key: &Key,
        except: Option<u64>,
        broadcast: &Broadcast<'_>,
    ) -> u64 {
        self.with(key, |topic| topic.broadcast(&key.0, except, broadcast))
            .unwrap_or_default()
    }

    /// Tracks the presence of a connection, here or elsewhere.
    pub(crate) fn track(&self, key: &Key, whose: Whose, track: Track) {
        let stirred = self.with(key, |topic| topic.track(whose, track));
        if stirred == Some(true) {
            self.stir(key.clone());
        }
    }

    /// The same for somebody elsewhere, where nobody here has to have joined.
    pub(crate) fn track_elsewhere(&self, key: &Key, whose: Whose, track: Track) {
        let known = {
            let topics = self.all.read().unwrap_or_else(PoisonError::into_inner);
            topics.contains_key(key)
        };
        if !known {
            let mut topics = self.all.write().unwrap_or_else(PoisonError::into_inner);
            topics.entry(key.clone()).or_default();
        }
        self.track(key, whose, track);
    }

    /// Ends a connection's presence.
    pub(crate) fn untrack(&self, key: &Key, whose: Whose) {
        let outcome = self.with(key, |topic| (topic.untrack(whose), topic.is_over()));
        match outcome {
            Some((_, true)) => self.forget(std::slice::from_ref(key)),
            Some((true, false)) => self.stir(key.clone()),
            _ => {}
        }
    }

    /// Ends the presence of everybody on another server, but those named.
    pub(crate) fn forget_node(&self, node: u64, except: &HashSet<(Key, u64)>) {
        let (mut stirred, mut over) = (Vec::new(), Vec::new());
        {
            let topics = self.all.read().unwrap_or_else(PoisonError::into_inner);
            for (key, topic) in topics.iter() {
                let mut topic = lock(topic);
                let gone = topic.presence.of_node(node, |member| {
                    !except.is_empty() && except.contains(&(key.clone(), member))
                });
                for whose in &gone {
                    topic.untrack(*whose);
                }
                if topic.is_over() {
                    over.push(key.clone());
                } else if !gone.is_empty() {
                    stirred.push(key.clone());
                }
            }
        }
        self.forget(&over);
        for key in stirred {
            self.stir(key);
        }
    }

    /// Tells a channel's member who is present, and from now on who comes and goes.
    pub(crate) fn send_state(&self, member: &Member) {
        self.with(&member.key(), |topic| {
            topic.tell();
            member.presence.store(true, Ordering::Relaxed);
            member.send("presence_state", &topic.presence.to_json());
        });
    }

    /// Tells of comings and goings, until the server stops.
    pub(crate) async fn tell(&self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.stirring.notified() => {}
            }
            tokio::time::sleep(GATHER).await;
            let stirred = std::mem::take(&mut *lock(&self.stirred));
            for key in stirred {
                self.with(&key, Topic::tell);
            }
        }
    }

    fn stir(&self, key: Key) {
        lock(&self.stirred).insert(key);
        self.stirring.notify_one();
    }

    fn forget(&self, keys: &[Key]) {
        if keys.is_empty() {
            return;
        }
        let mut topics = self.all.write().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            // Somebody may have come between the look and this.
            if topics.get(key).is_some_and(|topic| lock(topic).is_over()) {
                topics.remove(key);
            }
        }
    }

    fn with<T>(&self, key: &Key, act: impl FnOnce(&mut Topic) -> T) -> Option<T> {
        let topics = self.all.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(key).map(|topic| act(&mut lock(topic)))
    }
}

impl Topic {
    fn is_over(&self) -> bool {
        self.members.is_empty() && self.presence.is_empty()
    }

    fn track(&mut self, whose: Whose, track: Track) -> bool {
        let diff = self.presence.track(whose, track);
        let stirred = !diff.is_empty();
        self.untold.merge(diff);
        stirred
    }

    fn untrack(&mut self, whose: Whose) -> bool {
        let diff = self.presence.untrack(whose);
        let stirred = !diff.is_empty();
        self.untold.merge(diff);
        stirred
    }

    fn broadcast(&self, name: &str, except: Option<u64>, broadcast: &Broadcast<'_>) -> u64 {
        let (mut one, mut two) = (None, None);
        let mut heard = 0;
        self.members.each(|seat| {
            let known = |id| seat.member.knows(id);
            if Some(seat.id) == except || broadcast.id.is_some_and(known) {
                return;
            }
            let frame = match seat.version {
                Version::V1 => one.get_or_insert_with(|| broadcast.frame(Version::V1, name, false)),
                Version::V2 => two.get_or_insert_with(|| broadcast.frame(Version::V2, name, false)),
            };
            if let Some(frame) = frame {
                seat.socket.outbox.push(frame.clone());
                heard += 1;
            }
        });
        heard
    }

    /// Tells who came and went since the last time.
    fn tell(&mut self) {
        let diff = std::mem::take(&mut self.untold);
        if diff.is_empty() {
            return;
        }
        let payload = diff.to_json();
        let mut frames: [Option<Message>; 2] = [None, None];
        self.members.each(|seat| {
            if !seat.member.presence.load(Ordering::Relaxed) {
                return;
            }
            let version = seat.version;
            let frame = frames[usize::from(version == Version::V2)].get_or_insert_with(|| {
                let (topic, event) = (&seat.member.topic, "presence_diff");
                Message::Text(frame::text(version, None, None, topic, event, &payload))
            });
            seat.socket.outbox.push(frame.clone());
        });
    }
}

impl Broadcast<'_> {
    /// As a client of this version gets it. Bytes, or a name too long for the format, cannot be
    /// said in every way, and some clients go without.
    pub(crate) fn frame(&self, version: Version, topic: &str, replayed: bool) -> Option<Message> {
        let meta = match self.id {
            Some(id) if replayed => format!("{{\"id\":\"{id}\",\"replayed\":true}}"),
            Some(id) => format!("{{\"id\":\"{id}\"}}"),
            None => String::new(),
        };
        let binary = (version == Version::V2)
            .then(|| {
                let (event, encoding) = (self.event, self.encoding);
                frame::binary_broadcast(topic, event, encoding, &meta, self.payload)
            })
            .flatten()
            .map(Message::Binary);
        binary.or_else(|| self.text(version, topic, &meta))
    }

    fn text(&self, version: Version, topic: &str, meta: &str) -> Option<Message> {
        if self.encoding == Encoding::Binary {
            return None;
        }
        let payload = std::str::from_utf8(self.payload).ok()?;
        let event = json_string(self.event);
        let (comma, meta) = match meta {
            "" => ("", ""),
            meta => (",\"meta\":", meta),
        };
        let payload = format!(
            "{{\"type\":\"broadcast\",\"event\":{event},\"payload\":{payload}{comma}{meta}}}"
        );
        let frame = frame::text(version, None, None, topic, "broadcast", &payload);
        Some(Message::Text(frame))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
