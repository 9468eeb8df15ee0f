//! What members may have and what they pay for it: tiers, the features they open, who holds
//! which, prices, subscriptions and payments.
//!
//! Owns the schema `billing` and the view `published.people_tiers`. Sends the events of
//! [`model`]. A tier is given by staff, or held by whoever subscribed to it. Cards are typed at
//! the provider's pages only. What the provider holds is mirrored here: a web hook says whom to
//! ask about, and what counts is the answer.
//!
//! Refuses to take a tier away from whoever holds it by archiving it, to change a price that
//! somebody may pay, to count holders when a list is read (the verbs keep the counts), and to
//! believe what a web hook says beside the name of its object.

#![expect(
    deprecated,
    reason = "sqlx 0.9.0 warns at each date that chrono is in the tree too, even when told to prefer `time`"
)]

mod actions;
mod config;
pub mod jobs;
pub mod live;
pub mod model;
pub mod routes;
mod store;
mod stripe;

pub use actions::demo::{DemoMembership, DemoTier};
pub use config::{BillingConfig, Payments};
pub use stripe::Connection;

use kernel::{Clock, audit::Audit, database::Database, events::EventLog, vault::Vault};
use std::sync::Arc;
use url::Url;

/// Everything that the domain needs from outside.
#[derive(Debug)]
pub struct Needs {
    /// The database.
    pub db: Database,
    /// The event log.
    pub events: EventLog,
    /// The audit chain.
    pub audit: Audit,
    /// The clock.
    pub clock: Clock,
    /// Seals the secrets of web hooks.
    pub vault: Vault,
    /// Under which address people reach this server.
    pub public_url: Url,
    /// Who takes payments; without it, nothing is sold.
    pub stripe: Option<Connection>,
}

/// The domain.
#[derive(Debug, Clone)]
pub struct Billing(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Database,
    events: EventLog,
    audit: Audit,
    clock: Clock,
    vault: Vault,
    public_url: Url,
    stripe: Option<stripe::Client>,
}

impl Billing {
    /// Builds the domain.
    pub fn new(needs: Needs) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Inner {
            stripe: needs.stripe.map(stripe::Client::new).transpose()?,
            db: needs.db,
            events: needs.events,
            audit: needs.audit,
            clock: needs.clock,
            vault: needs.vault,
            public_url: needs.public_url,
        })))
    }
}
