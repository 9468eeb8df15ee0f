//! Mail against a relay that really listens, in a database of its own for each test.

#![expect(
    clippy::disallowed_methods,
    reason = "a test reads its own environment and starts its own tasks"
)]

mod delivery;
mod sink;
mod support;
mod viewer;
