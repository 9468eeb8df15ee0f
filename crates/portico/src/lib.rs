//! The server: builds everything, wires the domains together, and speaks HTTP. The only
//! crate that knows more than one domain.

pub mod app;
pub mod cluster;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod front;
pub mod health;
mod holders;
pub mod http;
pub mod in_place;
mod live_reads;
pub mod payments;
pub mod router;
pub mod system;
mod wiring;

/// Every migration, in order; built in, so that the binary is whole.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");
