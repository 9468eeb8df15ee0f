//! Web hooks: signed, retried with growing pauses on the global clock, and unordered on purpose.

mod send;
pub(crate) mod sign;

pub(crate) use send::{again, deliver_forever};
