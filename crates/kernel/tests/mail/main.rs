//! Mail against a relay that really listens, in a database of its own for each test.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test reads its own environment, starts its own tasks, and may fall over"
)]

mod delivery;
mod sink;
mod support;
mod viewer;
