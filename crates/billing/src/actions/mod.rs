//! The verbs of the domain: one verb, one transaction.

pub(crate) mod demo;
mod memberships;
mod tiers;
