//! Realtime as its clients see it: frames in, frames out, on a real PostgreSQL.

#![cfg(test)]

mod changes;
mod channels;
mod server;
mod sessions;
