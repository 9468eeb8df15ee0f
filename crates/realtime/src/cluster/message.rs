//! What servers say to each other: one line of JSON, and behind it the bytes of a broadcast.

use anyhow::{Context as _, Result};
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A message and whose it is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Message {
    /// The server that says it.
    pub(super) node: u64,
    #[serde(flatten)]
    pub(super) said: Said,
}

/// What is said.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum Said {
    /// Somebody said something on a channel; the payload follows.
    Broadcast {
        topic: String,
        private: bool,
        event: String,
        binary: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<Uuid>,
    },
    /// Somebody came, or changed what they say of themselves.
    Track { revision: u64, present: Present },
    /// Somebody went.
    Untrack {
        revision: u64,
        topic: String,
        private: bool,
        member: u64,
    },
    /// I live, and my presences are at this revision.
    Beat { revision: u64 },
    /// Who is present at yours? Of one server, or of all.
    Ask { of: Option<u64> },
    /// Everybody who is present at mine.
    State {
        revision: u64,
        present: Vec<Present>,
    },
    /// I stop.
    Bye,
}

/// Somebody present.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Present {
    pub(super) topic: String,
    pub(super) private: bool,
    pub(super) member: u64,
    pub(super) key: String,
    pub(super) reference: String,
    pub(super) payload: Map<String, Value>,
}

impl Message {
    pub(super) fn write(&self, payload: &[u8]) -> Bytes {
        // A structure of text and numbers always becomes JSON.
        let head = serde_json::to_vec(self).unwrap_or_default();
        let mut message = BytesMut::with_capacity(head.len() + 1 + payload.len());
        message.extend_from_slice(&head);
        message.extend_from_slice(b"\n");
        message.extend_from_slice(payload);
        message.freeze()
    }

    /// The message and the payload behind it.
    pub(super) fn read(message: &Bytes) -> Result<(Self, Bytes)> {
        // Inside JSON a line break is always escaped.
        let end = message.iter().position(|byte| *byte == b'\n');
        let end = end.context("no head")?;
        let head = serde_json::from_slice(&message[..end])?;
        Ok((head, message.slice(end + 1..)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_arrives_as_it_was_sent() {
        let said = Said::Broadcast {
            topic: "realtime:a\nb".into(),
            private: true,
            event: "e".into(),
            binary: true,
            id: None,
        };
        let sent = Message {
            node: u64::MAX,
            said,
        }
        .write(b"\n{}\0");
        let (message, payload) = Message::read(&sent).unwrap();
        assert_eq!((message.node, &payload[..]), (u64::MAX, &b"\n{}\0"[..]));
        assert!(matches!(message.said, Said::Broadcast { topic, .. } if topic == "realtime:a\nb"));
        assert!(Message::read(&Bytes::from_static(b"nonsense")).is_err());
        assert!(Message::read(&Bytes::from_static(b"{}\n")).is_err());
    }
}
