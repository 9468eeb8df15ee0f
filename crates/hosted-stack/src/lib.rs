//! A hosted Stack Auth (Hexclave) project that is trusted: its people are people here.
//!
//! Owns the schema `hosted_stack`. The project's tokens are checked against its published
//! keys and traded for sessions of ours; its webhooks lie in an inbox and are applied by a
//! job; a comparison of both sides finds and mends what got lost. Webhooks come late, twice
//! and in any order, so an event only says about whom to ask: what counts is what the project
//! answers when it is asked, and of two answers the one that was asked for later.
//!
//! Refuses to believe an address that was not proved there, to take over an account here
//! that has rights, to give a role that whoever wrote the rule does not hold, and to take a
//! wrong address of the project for an empty one.

#![expect(
    deprecated,
    reason = "sqlx 0.9.0 warns at each date that chrono is in the tree too, even when told to prefer `time`"
)]

mod actions;
mod client;
mod config;
pub mod jobs;
pub mod model;
pub mod ports;
pub mod routes;
mod signature;
mod store;
mod trust;

pub use actions::kept::Kept;
pub use config::HostedStackConfig;

use kernel::{
    Clock,
    audit::Audit,
    cache::{Cache, Invalidations},
    database::Database,
    limits::Limits,
    vault::Vault,
};
use std::{sync::Arc, time::Duration};
use url::Url;

/// Everything that the domain needs from outside.
#[derive(Debug)]
pub struct Needs {
    /// The database.
    pub db: Database,
    /// The audit chain.
    pub audit: Audit,
    /// The clock.
    pub clock: Clock,
    /// Rate limits.
    pub limits: Limits,
    /// Seals the server key and the webhook secrets.
    pub vault: Vault,
    /// Tells caches what is stale.
    pub invalidations: Invalidations,
    /// Under which address people reach this server.
    pub public_url: Url,
    /// Whoever keeps accounts.
    pub people: Arc<dyn ports::People>,
    /// The section `[hosted_stack]`.
    pub config: HostedStackConfig,
}

/// The domain.
#[derive(Debug, Clone)]
pub struct HostedStack(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Database,
    audit: Audit,
    clock: Clock,
    limits: Limits,
    vault: Vault,
    public_url: Url,
    people: Arc<dyn ports::People>,
    /// What the configuration file names; it goes before what the admin set.
    configured: Option<Arc<model::Connection>>,
    /// What is trusted now.
    connection: Cache<String, Option<Arc<model::Connection>>>,
    client: client::Client,
    keys: trust::Keys,
}

/// The name of the cache of the connection, for [`kernel::cache::invalidate`].
const CONNECTION: &str = "hosted_stack.connection";

impl HostedStack {
    /// Builds the domain.
    pub fn new(needs: Needs) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Inner {
            configured: needs.config.connection()?.map(Arc::new),
            connection: Cache::new(CONNECTION, 1, Duration::from_mins(1), &needs.invalidations),
            client: client::Client::new()?,
            keys: trust::Keys::default(),
            db: needs.db,
            audit: needs.audit,
            clock: needs.clock,
            limits: needs.limits,
            vault: needs.vault,
            public_url: needs.public_url,
            people: needs.people,
        })))
    }
}
