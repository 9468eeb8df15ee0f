//! What servers that share a database say to each other: broadcasts and presence. Changes of rows
//! do not go this way; every server reads them from the database itself.
//!
//! A bus carries opaque messages from one server to all of them, in the order in which they were
//! given to it, at most once. What is lost on the way is noticed by those who must notice it
//! (`cluster`). It refuses to know what is said.

mod postgres;
mod redis;

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) use postgres::PostgresBus;
pub(crate) use redis::RedisBus;

/// Between two attempts to reach the others.
const AGAIN: Duration = Duration::from_secs(1);

/// Carries messages between servers.
#[async_trait]
pub(crate) trait Bus: Send + Sync + 'static {
    /// Gives messages to everybody who listens, this server included. After an error some may
    /// have arrived.
    async fn publish(&self, messages: &[Bytes]) -> Result<()>;

    /// Listens until the server stops, and connects again whenever that is needed.
    async fn listen(&self, heard: mpsc::Sender<Bytes>, stop: CancellationToken);
}

/// Which bus there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BusConfig {
    /// None: this is the only server.
    #[default]
    Local,
    /// The database that all share.
    Postgres,
    /// Redis, Valkey or whatever else speaks its protocol, at this address.
    Redis(String),
}
