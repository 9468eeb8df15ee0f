//! The SQL of this domain. What asks PostgreSQL's catalogue stands in `stream/`.

pub(crate) mod messages;
