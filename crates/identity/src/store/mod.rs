//! All SQL of the domain, split by noun.

pub(crate) mod accounts;
pub(crate) mod bulk;
pub(crate) mod devices;
pub(crate) mod factors;
pub(crate) mod happenings;
pub(crate) mod keys;
pub(crate) mod notes;
pub(crate) mod people;
pub(crate) mod presence;
pub(crate) mod registrations;
pub(crate) mod roles;
pub(crate) mod saved_views;
pub(crate) mod security;
pub(crate) mod sessions;
pub(crate) mod standing;
pub(crate) mod tokens;
