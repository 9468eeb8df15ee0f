//! The verbs of the domain: one verb, one transaction.

mod checkout;
pub(crate) mod demo;
mod endpoint;
mod follow;
mod inbox;
mod memberships;
mod payments;
mod prices;
mod subscribed;
mod tiers;

pub(crate) use checkout::Offers;
