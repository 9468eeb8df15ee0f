//! All SQL of this face, split by noun.

pub(crate) mod channels;
pub(crate) mod codes;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod links;
pub(crate) mod project;
pub(crate) mod roles;
pub(crate) mod sessions;
pub(crate) mod teams;
pub(crate) mod users;
