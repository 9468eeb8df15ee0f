//! All SQL of the domain, split by noun.

pub(crate) mod accounts;
pub(crate) mod api_keys;
pub(crate) mod bulk;
pub(crate) mod ceremonies;
pub(crate) mod devices;
pub(crate) mod email_changes;
pub(crate) mod factors;
pub(crate) mod happenings;
pub(crate) mod import;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod notes;
pub(crate) mod passkeys;
pub(crate) mod people;
pub(crate) mod pictures;
pub(crate) mod presence;
pub(crate) mod privacy;
pub(crate) mod providers;
pub(crate) mod registrations;
pub(crate) mod roles;
pub(crate) mod saved_views;
pub(crate) mod security;
pub(crate) mod security_log;
pub(crate) mod sessions;
pub(crate) mod standing;
pub(crate) mod tokens;
