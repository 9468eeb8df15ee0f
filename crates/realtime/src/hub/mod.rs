//! Who listens to what, and how a message reaches all of them at the price of one.
//!
//! A frame is written once and shared; each socket has a bounded outbox, and one that is not
//! emptied in time costs its owner the connection, never the others their memory. The hub does
//! no input or output and asks no database: everything it decides, it decides from what is in
//! memory.

pub(crate) mod changes;
pub(crate) mod filter;
mod moment;
mod number;
pub(crate) mod online;
pub(crate) mod outbox;
pub(crate) mod presence;
pub(crate) mod sockets;
pub(crate) mod topics;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use axum::extract::ws::Message;
use kernel::live::Table;

use crate::{
    protocol::{Version, frame},
    stream::{change::Transaction, reader::Sink},
};
use changes::Changes;
use outbox::Outbox;
use sockets::Sockets;
use topics::Topics;

/// One connection, as the hub sees it.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) id: u64,
    pub(crate) version: Version,
    pub(crate) outbox: Outbox,
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
    pub(crate) self_broadcast: bool,
    pub(crate) presence: AtomicBool,
}

/// The subscribers of this server.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) topics: Topics,
    pub(crate) changes: Changes,
    pub(crate) sockets: Sockets,
    next_id: AtomicU64,
}

impl Member {
    /// Puts a frame of this channel into its socket's outbox.
    pub(crate) fn send(&self, event: &str, payload: &str) {
        let frame = frame::text(self.socket.version, None, None, &self.topic, event, payload);
        self.socket.outbox.push(Message::Text(frame));
    }
}

impl Hub {
    pub(crate) fn new(tables: &[Table]) -> Self {
        Self {
            topics: Topics::default(),
            changes: Changes::new(tables),
            sockets: Sockets::default(),
            next_id: AtomicU64::new(1),
        }
    }

    /// A number that no other socket, channel or presence of this server has.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }
}

impl Sink for Hub {
    fn deliver(&self, transaction: Transaction) {
        let mut delivered = 0;
        for change in &transaction.changes {
            delivered += self.changes.deliver(change, &transaction.at);
        }
        for table in &transaction.refetch {
            self.changes.refetch(table);
        }
        metrics::counter!("realtime_deliveries_total").increment(delivered);
    }

    fn gap(&self) {
        self.changes.gap();
    }
}
