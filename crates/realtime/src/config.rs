//! How realtime is set up.

use std::time::Duration;

use kernel::live::Table;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnectOptions;

use crate::bus::BusConfig;

/// How the names of our servers' slots begin, unless they are told otherwise.
pub const SLOT_FAMILY: &str = "portico_live";

/// The settings of realtime.
#[derive(Debug, Clone)]
pub struct Config {
    /// A direct connection: replication does not pass a transaction pooler.
    pub database: PgConnectOptions,
    /// This server's replication slot; every server of a cluster needs its own.
    pub slot_name: String,
    /// The publication whose tables are streamed; migrations create it.
    pub publication: String,
    /// The tables that may be listened to, and who may see their rows.
    pub tables: Vec<Table>,
    /// The pages (`https://example.org`) that may open a socket with a browser's session.
    pub allowed_origins: Vec<String>,
    /// How slots of ours begin: others of them that nobody reads any more are removed.
    pub slot_family: String,
    /// How long the past can be resumed from.
    pub replay_window: Duration,
    /// Memory for it; a busier past is forgotten sooner.
    pub replay_bytes: usize,
    /// How long after their last socket closed somebody is still online.
    pub offline_grace: Duration,
    /// How long somebody who looks at none of their pages is not yet away.
    pub away_grace: Duration,
    /// How often this server tells the others and the database that it lives. After five times
    /// as long it counts as dead.
    pub beat: Duration,
    /// What carries broadcasts and presence between servers.
    pub bus: BusConfig,
    /// How long messages of private channels are kept at most.
    pub retention: Duration,
    /// Only private channels are offered.
    pub private_only: bool,
    /// What one client may cost.
    pub limits: Limits,
}

/// What one client may cost, and all of them together.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Open sockets on this server.
    pub sockets: usize,
    /// Open sockets of one network on this server: one address, or a /64 of IPv6.
    pub sockets_per_network: usize,
    /// Channels of one socket.
    pub channels: usize,
    /// `postgres_changes` bindings of one channel.
    pub bindings: usize,
    /// Joins of one socket each second; twice as many at once.
    pub joins_per_second: u16,
    /// Messages from one socket each second, and from one user over HTTP; twice as many at once.
    pub messages_per_second: u16,
    /// Times that one socket may track or untrack each second; twice as many at once.
    pub presences_per_second: u16,
    /// Joins and handshakes that are looked into at the same time.
    pub admissions: usize,
    /// Joins and handshakes that wait for that.
    pub admission_queue: usize,
    /// Seconds after which a silent socket is closed; clients send a heartbeat every 25.
    pub idle_seconds: u32,
    /// Bytes of one frame from a client.
    pub frame_bytes: usize,
    /// Bytes of one broadcast's payload.
    pub broadcast_bytes: usize,
    /// Bytes of one presence payload.
    pub presence_bytes: usize,
    /// Frames that may wait for one socket.
    pub outbox_frames: usize,
    /// Bytes that may wait for one socket.
    pub outbox_bytes: usize,
    /// Bytes that may wait for all sockets together before the hungriest are cut off.
    pub waiting_bytes: usize,
    /// Messages of one private channel that are kept.
    pub kept_messages: u16,
    /// Messages of one user that are kept, on all channels together.
    pub kept_by_user: u16,
    /// Bytes of their payloads.
    pub kept_bytes_by_user: usize,
    /// Kept messages that one join is told.
    pub replayed_messages: u16,
    /// Rows of one transaction that are told singly; of a larger one clients are told to refetch.
    pub transaction_changes: usize,
    /// Their bytes, likewise.
    pub transaction_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sockets: 16_384,
            sockets_per_network: 1_000,
            channels: 100,
            bindings: 100,
            joins_per_second: 100,
            messages_per_second: 100,
            presences_per_second: 10,
            admissions: 64,
            admission_queue: 16_384,
            idle_seconds: 60,
            frame_bytes: 1024 * 1024,
            broadcast_bytes: 256 * 1024,
            presence_bytes: 16 * 1024,
            outbox_frames: 8_192,
            outbox_bytes: 8 * 1024 * 1024,
            waiting_bytes: 512 * 1024 * 1024,
            kept_messages: 100,
            kept_by_user: 1_000,
            kept_bytes_by_user: 16 * 1024 * 1024,
            replayed_messages: 25,
            transaction_changes: 2_000,
            transaction_bytes: 2 * 1024 * 1024,
        }
    }
}

impl Config {
    /// Settings with their defaults for what has one.
    pub fn new(database: PgConnectOptions, tables: Vec<Table>) -> Self {
        Self {
            database,
            slot_name: "portico_live".into(),
            publication: "portico_live".into(),
            tables,
            allowed_origins: Vec::new(),
            slot_family: SLOT_FAMILY.into(),
            replay_window: Duration::from_mins(5),
            replay_bytes: 64 * 1024 * 1024,
            offline_grace: Duration::from_secs(5),
            away_grace: Duration::from_mins(1),
            beat: Duration::from_secs(2),
            bus: BusConfig::Local,
            retention: Duration::from_hours(72),
            private_only: false,
            limits: Limits::default(),
        }
    }
}
