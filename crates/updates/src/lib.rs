//! Updates that staff send, whom they address, and what becomes of them: delivered, read,
//! acknowledged.
//!
//! Owns the schema `updates`. Sends [`model::UpdatePublished`], [`model::UpdateRead`] and
//! [`model::UpdateAcknowledged`]. Refuses to count recipients when a list is read (the
//! verbs keep the counts) and to show an update to somebody it does not address.

#![expect(
    deprecated,
    reason = "sqlx 0.9.0 warns at each date that chrono is in the tree too, even when told to prefer `time`"
)]

mod actions;
pub mod live;
pub mod model;
pub mod routes;
mod store;

pub use actions::demo::DemoUpdate;

use kernel::{Clock, audit::Audit, database::Database, events::EventLog};
use std::sync::Arc;

/// The domain.
#[derive(Debug, Clone)]
pub struct Updates(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Database,
    events: EventLog,
    audit: Audit,
    clock: Clock,
}

impl Updates {
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
