//! All SQL of the domain. Reads and writes the schema `billing`, and reads the view of
//! people; nothing else.

pub(crate) mod features;
pub(crate) mod memberships;
pub(crate) mod tiers;
