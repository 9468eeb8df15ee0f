//! All SQL of the domain. Reads and writes the schema `billing`, and reads the view of
//! people; nothing else.

pub(crate) mod customers;
pub(crate) mod events;
pub(crate) mod features;
pub(crate) mod memberships;
pub(crate) mod payments;
pub(crate) mod prices;
pub(crate) mod subscriptions;
pub(crate) mod tiers;
