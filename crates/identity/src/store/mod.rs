//! All SQL of the domain, split by noun.

pub(crate) mod accounts;
pub(crate) mod devices;
pub(crate) mod factors;
pub(crate) mod keys;
pub(crate) mod people;
pub(crate) mod presence;
pub(crate) mod registrations;
pub(crate) mod security;
pub(crate) mod sessions;
pub(crate) mod tokens;
