//! Web hooks: signed, retried with growing pauses on the global clock, and unordered on purpose.

mod send;
pub(crate) mod sign;

#[cfg(test)]
pub(crate) use send::deliver_due;
pub(crate) use send::{again, deliver_forever};
