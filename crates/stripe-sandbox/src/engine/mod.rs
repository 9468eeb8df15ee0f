//! Stripe's nouns, one file each, and the table of operations. Pure: a verb reads and writes the state, nothing else.

pub(crate) mod account;
pub(crate) mod charges;
pub(crate) mod checkout;
pub(crate) mod clock;
pub(crate) mod coupons;
pub(crate) mod credit_notes;
pub(crate) mod customers;
pub(crate) mod entitlements;
pub(crate) mod events;
pub(crate) mod invoices;
pub(crate) mod list;
pub(crate) mod payment_intents;
pub(crate) mod payment_methods;
pub(crate) mod portal;
pub(crate) mod prices;
pub(crate) mod products;
pub(crate) mod refunds;
pub(crate) mod routes;
pub(crate) mod schedules;
pub(crate) mod setup_intents;
pub(crate) mod subscription_items;
pub(crate) mod subscriptions;
pub(crate) mod tax;
pub(crate) mod test_clocks;
pub(crate) mod webhook_endpoints;

use crate::core::{Cx, Read, Result, Value};

/// What an operation is called with: the ids in its path and its typed parameters.
#[derive(Debug, Clone)]
pub(crate) struct Args {
    /// The ids of the path, in order.
    pub(crate) ids: Vec<String>,
    /// The parameters.
    pub(crate) p: Value,
}

impl Args {
    /// The first id of the path.
    pub(crate) fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }

    /// The second id of the path.
    pub(crate) fn id2(&self) -> &str {
        self.ids.get(1).map_or("", String::as_str)
    }
}

/// An operation.
pub(crate) type Verb = fn(&mut Cx<'_>, &Args) -> Result;

/// Copies plain fields from the parameters to an object; an empty string unsets.
pub(crate) fn copy(object: &mut Value, p: &Value, fields: &[&str]) {
    for field in fields {
        if p.has(field) {
            object.put(field, crate::core::json::emptied(&p[*field]));
        }
    }
}

/// The answer to a deletion.
pub(crate) fn deleted(id: &str, kind: &str) -> Value {
    crate::core::json!({"id": id, "object": kind, "deleted": true})
}
