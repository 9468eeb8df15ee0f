//! One connection: admitted, served frame by frame, closed.
//!
//! One task does it all, so that a socket's messages keep their order without locks. What a
//! client does wrong costs that client its answer, its channel or its connection, in this order,
//! and nobody else anything.

pub(crate) mod admission;
pub(crate) mod bucket;
mod channel;
mod connection;
mod messages;
pub(crate) mod networks;
mod resume;
pub(crate) mod upgrade;
