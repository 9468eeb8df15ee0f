//! Reading subscriptions.

use super::{KIND, ended, period};
use crate::core::{Cx, Read, Result, Value};
use crate::engine::{Args, list};

/// GET /v1/subscriptions/{id}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(KIND, a.id(), "id")
}

/// GET /v1/subscriptions: without a status, all that are not over.
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    let p = &a.p;
    let keep = |sub: &Value| {
        list::matches(sub, p, &["customer", "collection_method", "test_clock"])
            && match p.opt("status") {
                None => sub.s("status") != "canceled" && sub.s("status") != "incomplete_expired",
                Some("all") => true,
                Some("ended") => ended(sub),
                Some(status) => sub.s("status") == status,
            }
            && p.opt("price").is_none_or(|price| {
                sub.list("items")
                    .iter()
                    .any(|item| item.s("price") == price)
            })
            && list::within(&p["current_period_start"], period(sub).0)
            && list::within(&p["current_period_end"], period(sub).1)
    };
    let found: Vec<_> = match p.opt("customer") {
        Some(customer) => cx
            .state
            .owned(customer, KIND)
            .rev()
            .filter(|sub| keep(sub))
            .cloned()
            .collect(),
        None => cx
            .state
            .all(KIND)
            .rev()
            .filter(|sub| keep(sub))
            .cloned()
            .collect(),
    };
    list::page(p, found, "/v1/subscriptions")
}
