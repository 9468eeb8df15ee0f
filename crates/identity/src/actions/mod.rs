//! The verbs, one file for each family of them. A verb is one transaction.

pub(crate) mod accounts;
pub(crate) mod api_keys;
pub(crate) mod bulk;
pub(crate) mod demo;
pub(crate) mod departures;
pub(crate) mod email_change;
pub(crate) mod entry;
pub(crate) mod export;
pub(crate) mod exports;
pub(crate) mod happenings;
pub(crate) mod import;
pub(crate) mod invitations;
pub(crate) mod notes;
pub(crate) mod passkeys;
pub(crate) mod people;
pub(crate) mod pictures;
pub(crate) mod presence;
pub(crate) mod providers;
pub(crate) mod roles;
pub(crate) mod saved_views;
pub(crate) mod security;
pub(crate) mod security_log;
pub(crate) mod sessions;
pub(crate) mod setup;
pub(crate) mod standing;
