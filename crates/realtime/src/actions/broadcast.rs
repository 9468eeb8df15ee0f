//! Saying something on a channel, and telling those who come later what was said.

use anyhow::Result;
use kernel::id::UserId;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Realtime, Shared,
    hub::{
        Member,
        topics::{Broadcast, Key},
    },
    protocol::{
        frame::{Encoding, Persist},
        join::Replay,
    },
    store::messages,
};

/// Something to be said.
#[derive(Debug)]
pub(crate) struct Saying<'a> {
    pub(crate) event: &'a str,
    pub(crate) encoding: Encoding,
    pub(crate) payload: &'a [u8],
    pub(crate) persist: Option<Persist>,
}

impl Realtime {
    /// Says something on a channel, as the server itself. `topic` without the `realtime:` prefix;
    /// `payload` is JSON. Whoever has joined hears it, on every server.
    pub fn broadcast(&self, topic: &str, private: bool, event: &str, payload: &serde_json::Value) {
        let key = key(topic, private);
        let payload = payload.to_string();
        let broadcast = Broadcast {
            event,
            encoding: Encoding::Json,
            id: None,
            payload: payload.as_bytes(),
        };
        self.shared.cluster.broadcast(&key, None, &broadcast);
    }
}

/// What a channel is found by, from its name without the prefix.
pub(crate) fn key(topic: &str, private: bool) -> Key {
    (format!("realtime:{topic}").into(), private)
}

impl Shared {
    /// Says something on a channel to everybody but one; what is to be kept is kept first, so
    /// that whoever joins in between hears it one way or the other.
    pub(crate) async fn say(
        &self,
        sender: UserId,
        key: &Key,
        except: Option<u64>,
        saying: &Saying<'_>,
    ) -> Result<()> {
        let id = match saying.persist {
            Some(Persist(seconds)) => Some(self.keep(sender, &key.0, saying, seconds).await?),
            None => None,
        };
        metrics::counter!("realtime_broadcasts_total").increment(1);
        let broadcast = Broadcast {
            event: saying.event,
            encoding: saying.encoding,
            id,
            payload: saying.payload,
        };
        self.cluster.broadcast(key, except, &broadcast);
        Ok(())
    }

    async fn keep(
        &self,
        sender: UserId,
        topic: &str,
        saying: &Saying<'_>,
        seconds: Option<u32>,
    ) -> Result<Uuid> {
        let message = messages::Message {
            id: Uuid::now_v7(),
            event: saying.event.to_owned(),
            payload: saying.payload.to_vec(),
            is_binary: saying.encoding == Encoding::Binary,
        };
        let most = self.config.retention;
        let kept = seconds.map_or(most, |s| most.min(std::time::Duration::from_secs(s.into())));
        let now = self.clock.now();
        let mut db = self.db.acquire().await?;
        let limits = &self.limits;
        let most = messages::Most {
            of_channel: limits.kept_messages.max(1).into(),
            of_sender: limits.kept_by_user.max(1).into(),
            bytes_of_sender: i64::try_from(limits.kept_bytes_by_user).unwrap_or(i64::MAX),
        };
        let lasting = (now, now + kept);
        messages::keep(&mut db, topic, sender.0, &message, lasting, most).await?;
        Ok(message.id)
    }

    /// Tells a member what was said before it came, but nothing twice.
    pub(crate) async fn replay(&self, member: &Member, replay: Replay) -> Result<()> {
        let most = self.limits.replayed_messages;
        let limit = replay.limit.map_or(most, |limit| limit.min(most));
        let since = i128::from(replay.since) * 1_000_000;
        let since =
            OffsetDateTime::from_unix_timestamp_nanos(since).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let now = self.clock.now();
        let kept = {
            let mut db = self.db.acquire().await?;
            messages::since(&mut db, &member.topic, since, now, limit.into()).await?
        };
        for message in kept {
            if member.knows(message.id) {
                continue;
            }
            let broadcast = Broadcast {
                event: &message.event,
                encoding: if message.is_binary {
                    Encoding::Binary
                } else {
                    Encoding::Json
                },
                id: Some(message.id),
                payload: &message.payload,
            };
            let version = member.socket.version;
            if let Some(frame) = broadcast.frame(version, &member.topic, true) {
                member.socket.outbox.push(frame);
            }
        }
        Ok(())
    }
}
