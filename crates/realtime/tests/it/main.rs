//! Realtime as its clients see it: frames in, frames out, on a real PostgreSQL.

#![cfg(test)]

mod alarm;
mod broadcasts;
mod changes;
mod channels;
mod client;
mod cluster;
mod echo;
mod failover;
mod journal;
mod legacy;
mod limits;
mod loss;
mod network;
mod redis;
mod resume;
mod rfc6455;
mod rules;
mod server;
mod servers;
mod sessions;
mod visible;
