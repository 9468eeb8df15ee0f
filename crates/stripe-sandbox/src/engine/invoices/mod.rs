//! Invoices: draft, finalised, paid, void or given up; their lines, sums, payments and previews.

pub(crate) mod api;
pub(crate) mod draft;
pub(crate) mod finalize;
pub(crate) mod items;
pub(crate) mod lines;
pub(crate) mod pay;
pub(crate) mod payments;
pub(crate) mod preview;
pub(crate) mod totals;

/// The type's name.
pub(crate) const KIND: &str = "invoice";
