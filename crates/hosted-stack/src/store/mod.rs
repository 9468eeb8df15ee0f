//! All SQL of the domain. Reads and writes the schema `hosted_stack`; nothing else.

pub(crate) mod inbox;
pub(crate) mod people;
pub(crate) mod project;
pub(crate) mod runs;
