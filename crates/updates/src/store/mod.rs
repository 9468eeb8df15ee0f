//! All SQL of the domain, split by noun.

pub(crate) mod feed;
pub(crate) mod persons;
pub(crate) mod recipients;
pub(crate) mod updates;
