//! What every domain needs and no domain owns.
//!
//! Configuration, ids, the clock, errors and how they become HTTP, the caller and
//! their permissions, the database, the event log, jobs, mail, files, the vault, the
//! audit chain, rate limits and caches. The kernel knows no domain: nothing here may
//! name an account, an update or a payment, apart from the list of permissions, which
//! is one closed set so that a role can be read on one page.

#![expect(
    deprecated,
    reason = "sqlx 0.9.0 warns at each date that chrono is in the tree too, even when told to prefer `time`"
)]

pub mod audit;
pub mod cache;
pub mod client;
pub mod clock;
pub mod config;
pub mod database;
pub mod error;
pub mod events;
pub mod extract;
pub mod files;
pub mod id;
pub mod jobs;
pub mod limits;
pub mod live;
pub mod mail;
pub mod page;
mod pooler;
pub mod postgres;
pub mod principal;
pub mod row_security;
pub mod settings;
pub mod sheet;
mod shelf;
pub mod tasks;
pub mod vault;

pub use clock::Clock;
pub use error::{Error, Result};
pub use principal::{Permission, Principal};
