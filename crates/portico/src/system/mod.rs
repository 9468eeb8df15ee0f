//! What belongs to no single domain: what this installation is, the audit chain, jobs that
//! failed for good, and the demo tenant.

mod audit;
mod mails;
pub mod routes;
mod store;
