//! Realtime as its clients see it: frames in, frames out, on a real PostgreSQL.

#![cfg(test)]

mod broadcasts;
mod changes;
mod channels;
mod client;
mod limits;
mod redis;
mod rfc6455;
mod server;
mod servers;
mod sessions;
