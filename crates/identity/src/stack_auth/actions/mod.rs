//! The verbs of this face, over those of the domain.

pub(crate) mod accounts;
pub(crate) mod administration;
pub(crate) mod channels;
pub(crate) mod codes;
pub(crate) mod entry;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod links;
pub(crate) mod mails;
pub(crate) mod mfa;
pub(crate) mod oauth;
pub(crate) mod operator;
pub(crate) mod otp;
pub(crate) mod passkeys;
pub(crate) mod passwords;
pub(crate) mod reset;
pub(crate) mod roles;
pub(crate) mod sessions;
pub(crate) mod teams;
pub(crate) mod trade;
pub(crate) mod users;
