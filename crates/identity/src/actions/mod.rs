//! The verbs, one file for each family of them. A verb is one transaction.

pub(crate) mod accounts;
pub(crate) mod demo;
pub(crate) mod entry;
pub(crate) mod people;
pub(crate) mod presence;
pub(crate) mod security;
pub(crate) mod sessions;
pub(crate) mod setup;
