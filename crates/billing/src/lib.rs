//! What members may have: tiers, the features they open, and who holds which.
//!
//! Owns the schema `billing` and the view `published.people_tiers`. Sends the events of
//! [`model`]. A tier is given by staff, with a reason and perhaps an end; nothing is sold
//! here yet. Refuses to take a tier away from whoever holds it by archiving it, and to
//! count holders when a list is read (the verbs keep the counts).

#![expect(
    deprecated,
    reason = "sqlx 0.9.0 warns at each date that chrono is in the tree too, even when told to prefer `time`"
)]

mod actions;
pub mod jobs;
pub mod live;
pub mod model;
pub mod routes;
mod store;

pub use actions::demo::{DemoMembership, DemoTier};

use kernel::{Clock, audit::Audit, database::Database, events::EventLog};
use std::sync::Arc;

/// The domain.
#[derive(Debug, Clone)]
pub struct Billing(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Database,
    events: EventLog,
    audit: Audit,
    clock: Clock,
}

impl Billing {
    /// Builds the domain.
    pub fn new(db: Database, events: EventLog, audit: Audit, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            db,
            events,
            audit,
            clock,
        }))
    }
}
