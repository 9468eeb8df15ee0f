//! The verbs. A verb is one transaction.

pub(crate) mod demo;
mod publish;
mod read;
