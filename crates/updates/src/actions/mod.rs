//! The verbs. A verb is one transaction.

pub(crate) mod demo;
mod persons;
mod publish;
mod read;
