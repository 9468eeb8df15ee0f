//! Stripe's API, or whatever speaks it: version `2026-10-28.endive`.
//!
//! Knows nothing of tiers and members. Answers are read for the fields that are used; what is
//! unknown in them is ignored, so that a newer server is understood.

mod client;
pub(crate) mod objects;
pub(crate) mod signature;

pub use client::Connection;
pub(crate) use client::{Client, Failure, VERSION};
