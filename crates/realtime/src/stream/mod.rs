//! The change stream: one logical replication slot, read and decoded, transaction by transaction.
//!
//! PostgreSQL's own log is the queue: a change is here because it was committed, and is
//! acknowledged only after the replay window, so a restarted server reads the recent past again.
//! Nothing in here knows who listens.

pub(crate) mod catalog;
pub(crate) mod change;
pub(crate) mod pgoutput;
pub(crate) mod reader;
pub(crate) mod slot;
pub(crate) mod status;
pub(crate) mod value;
