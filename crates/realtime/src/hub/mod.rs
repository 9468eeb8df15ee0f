//! Who listens to what, and how a message reaches all of them at the price of one.
//!
//! A frame is written once and shared; each socket has a bounded outbox, and one that is not
//! emptied in time costs its owner the connection, never the others their memory. The hub does
//! no input or output and asks no database: everything it decides, it decides from what is in
//! memory.

pub(crate) mod changes;
pub(crate) mod filter;
mod members;
mod moment;
mod number;
pub(crate) mod online;
pub(crate) mod outbox;
pub(crate) mod presence;
pub(crate) mod sockets;
pub(crate) mod topics;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::extract::ws::Message;
use kernel::live::Table;

use crate::{
    protocol::{Version, frame},
    resume::Ring,
    stream::{change::Transaction, reader::Sink},
};
use changes::Changes;
use outbox::Outbox;
use sockets::Sockets;
use topics::{Key, Topics};
use uuid::Uuid;

/// One connection, as the hub sees it.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) id: u64,
    pub(crate) version: Version,
    pub(crate) outbox: Outbox,
    /// When the client last said something, in seconds of [`Hub::seconds`].
    pub(crate) heard: AtomicU32,
    /// When the principal is looked up again, likewise.
    pub(crate) recheck: AtomicU32,
}

/// One channel of one connection.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) id: u64,
    pub(crate) socket: Arc<Socket>,
    /// The topic as the client calls it, `realtime:` included.
    pub(crate) topic: Arc<str>,
    /// Private and public channels of one name are two channels.
    pub(crate) private: bool,
    pub(crate) presence: AtomicBool,
    /// Where stored messages were asked for: which it has heard already.
    pub(crate) replay: Option<Mutex<Vec<Uuid>>>,
    /// The client wants to know where it stands, to go on from there.
    pub(crate) resumable: bool,
    /// It was joined as clients did before there were bindings: a change is an event of its own
    /// name, and its payload the change itself.
    pub(crate) legacy: bool,
    /// It was told changes since it was last told where it stands.
    pub(crate) owed: AtomicBool,
}

/// The subscribers of this server.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) topics: Topics,
    pub(crate) changes: Changes,
    pub(crate) sockets: Sockets,
    pub(crate) ring: Ring,
    ticks: AtomicU64,
    next_id: AtomicU64,
    began: Instant,
}

/// How many stored messages a channel remembers to have heard.
const REMEMBERED: usize = 256;
/// Seconds after which every channel is told where it stands.
const TICKS: u64 = 60;

impl Member {
    /// What its channel is found by.
    pub(crate) fn key(&self) -> Key {
        (Arc::clone(&self.topic), self.private)
    }

    /// Whether it has heard this stored message already; from now on it has.
    pub(crate) fn knows(&self, id: Uuid) -> bool {
        let Some(heard) = &self.replay else {
            return false;
        };
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.contains(&id) {
            return true;
        }
        if heard.len() == REMEMBERED {
            heard.remove(0);
        }
        heard.push(id);
        false
    }

    /// The topic without its prefix.
    pub(crate) fn name(&self) -> &str {
        self.topic.strip_prefix("realtime:").unwrap_or(&self.topic)
    }

    /// Tells the client where it stands.
    pub(crate) fn tell_cursor(&self, cursor: &str) {
        let payload = serde_json::json!({
            "extension": "resume", "status": "ok", "message": "cursor", "channel": self.name(),
            "cursor": cursor,
        });
        self.send("system", &payload.to_string());
    }

    /// Tells the client that it missed something, and must read again what it holds.
    pub(crate) fn tell_gap(&self) {
        let payload = serde_json::json!({
            "extension": "resume", "status": "error", "message": "resume_gap",
            "channel": self.name(),
        });
        self.send("system", &payload.to_string());
    }

    /// Puts a frame of this channel into its socket's outbox.
    pub(crate) fn send(&self, event: &str, payload: &str) {
        let frame = frame::text(self.socket.version, None, None, &self.topic, event, payload);
        self.socket.outbox.push(Message::Text(frame));
    }
}

impl Hub {
    pub(crate) fn new(tables: &[Table], ring: Ring) -> Self {
        Self {
            topics: Topics::default(),
            changes: Changes::new(tables),
            sockets: Sockets::default(),
            ring,
            ticks: AtomicU64::new(0),
            next_id: AtomicU64::new(1),
            began: Instant::now(),
        }
    }

    /// Seconds since the server's start, as sockets count them.
    pub(crate) fn seconds(&self) -> u32 {
        u32::try_from(self.began.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    /// A number that no other socket, channel or presence of this server has.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }
}

impl Sink for Hub {
    fn deliver(&self, transaction: Transaction) {
        let transaction = Arc::new(transaction);
        // Remembered while nobody can be subscribed: whoever comes has it from here or from there.
        let delivered = self.changes.deliver(&transaction, || {
            self.ring.push(Arc::clone(&transaction));
        });
        metrics::counter!("realtime_deliveries_total").increment(delivered);
    }

    fn opened(&self, epoch: u64, floor: u64) {
        self.ring.open(epoch, floor);
    }

    fn recall(&self, transaction: Transaction) {
        self.ring.push(Arc::new(transaction));
    }

    fn advance(&self, place: u64) {
        self.ring.advance(place);
    }

    /// The reader calls this between two transactions, so every channel has been told all that
    /// came before the cursor.
    fn tick(&self) {
        self.ring.expire();
        let Some(cursor) = self.ring.cursor() else {
            return;
        };
        // A channel that hears nothing still moves on, or it would fall out of the ring.
        let everybody = self.ticks.fetch_add(1, Ordering::Relaxed) % TICKS == TICKS - 1;
        self.changes.tell_cursor(&cursor.to_string(), everybody);
    }

    fn gap(&self) {
        self.ring.forget();
        self.changes.gap();
    }
}
