//! Channels: who has joined them, what is broadcast on them and who is present.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock, atomic::Ordering},
};

use axum::extract::ws::Message;
use serde_json::{Map, Value};

use super::{
    Member,
    presence::{Diff, Presence},
};
use crate::protocol::{
    Version,
    frame::{self, Encoding, json_string},
};

/// The channels of this server.
#[derive(Debug, Default)]
pub(crate) struct Topics(RwLock<HashMap<Key, Mutex<Topic>>>);

/// Private and public channels of one name are two channels.
type Key = (Arc<str>, bool);

#[derive(Debug, Default)]
struct Topic {
    members: HashMap<u64, Arc<Member>>,
    presence: Presence,
}

/// Something said on a channel.
#[derive(Debug)]
pub(crate) struct Broadcast<'a> {
    pub(crate) event: &'a str,
    pub(crate) encoding: Encoding,
    /// JSON, unless the encoding says otherwise.
    pub(crate) payload: &'a [u8],
}

impl Topics {
    pub(crate) fn join(&self, member: &Arc<Member>) {
        let mut topics = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let topic = topics
            .entry((Arc::clone(&member.topic), member.private))
            .or_default();
        let topic = topic.get_mut().unwrap_or_else(PoisonError::into_inner);
        topic.members.insert(member.id, Arc::clone(member));
    }

    /// Leaves, and tells those who stay.
    pub(crate) fn leave(&self, member: &Member) {
        let key = (Arc::clone(&member.topic), member.private);
        let mut topics = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(topic) = topics.get_mut(&key) else {
            return;
        };
        let topic = topic.get_mut().unwrap_or_else(PoisonError::into_inner);
        topic.members.remove(&member.id);
        let diff = topic.presence.untrack(member.id);
        topic.announce(&diff);
        if topic.members.is_empty() {
            topics.remove(&key);
        }
    }

    /// Says something to everyone on a channel; to the sender only if it wants that.
    pub(crate) fn broadcast(&self, sender: &Member, broadcast: &Broadcast<'_>) {
        self.with(sender, |topic| {
            let except = (!sender.self_broadcast).then_some(sender.id);
            topic.broadcast(&sender.topic, except, broadcast);
        });
    }

    /// Tracks a connection's presence.
    pub(crate) fn track(
        &self,
        member: &Member,
        key: &str,
        reference: u64,
        payload: Map<String, Value>,
    ) {
        self.with(member, |topic| {
            if !member.presence.swap(true, Ordering::Relaxed) {
                member.send("presence_state", &topic.presence.to_json());
            }
            let diff = topic.presence.track(key, member.id, reference, payload);
            topic.announce(&diff);
        });
    }

    /// Ends a connection's presence.
    pub(crate) fn untrack(&self, member: &Member) {
        self.with(member, |topic| {
            let diff = topic.presence.untrack(member.id);
            topic.announce(&diff);
        });
    }

    /// Tells a channel's member who is present.
    pub(crate) fn send_state(&self, member: &Member) {
        self.with(member, |topic| {
            member.send("presence_state", &topic.presence.to_json());
        });
    }

    fn with(&self, member: &Member, act: impl FnOnce(&mut Topic)) {
        let key = (Arc::clone(&member.topic), member.private);
        let topics = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = topics.get(&key) {
            act(&mut topic.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Topic {
    fn broadcast(&self, name: &str, except: Option<u64>, broadcast: &Broadcast<'_>) {
        let (mut one, mut two) = (None, None);
        let members = self
            .members
            .values()
            .filter(|member| Some(member.id) != except);
        for member in members {
            let frame = match member.socket.version {
                Version::V1 => one.get_or_insert_with(|| text(Version::V1, name, broadcast)),
                Version::V2 => two.get_or_insert_with(|| {
                    let (event, encoding) = (broadcast.event, broadcast.encoding);
                    frame::binary_broadcast(name, event, encoding, broadcast.payload)
                        .map(Message::Binary)
                        .or_else(|| text(Version::V2, name, broadcast))
                }),
            };
            if let Some(frame) = frame {
                member.socket.outbox.push(frame.clone());
            }
        }
    }

    fn announce(&self, diff: &Diff) {
        if diff.is_empty() {
            return;
        }
        let payload = diff.to_json();
        let mut frames: HashMap<Version, Message> = HashMap::new();
        for member in self.members.values() {
            if !member.presence.load(Ordering::Relaxed) {
                continue;
            }
            let version = member.socket.version;
            let frame = frames.entry(version).or_insert_with(|| {
                let topic = &member.topic;
                Message::Text(frame::text(
                    version,
                    None,
                    None,
                    topic,
                    "presence_diff",
                    &payload,
                ))
            });
            member.socket.outbox.push(frame.clone());
        }
    }
}

/// The same as text; bytes cannot be said so, and clients of vsn 1 go without them.
fn text(version: Version, topic: &str, broadcast: &Broadcast<'_>) -> Option<Message> {
    if broadcast.encoding == Encoding::Binary {
        return None;
    }
    let payload = std::str::from_utf8(broadcast.payload).ok()?;
    let event = json_string(broadcast.event);
    let payload = format!("{{\"type\":\"broadcast\",\"event\":{event},\"payload\":{payload}}}");
    let frame = frame::text(version, None, None, topic, "broadcast", &payload);
    Some(Message::Text(frame))
}
