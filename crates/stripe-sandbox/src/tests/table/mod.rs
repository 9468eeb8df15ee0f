//! The table of operations the sandbox promises, row by row: each parameter of it is taken, each field of it is answered.
//! Rows are numbered as in `contracts/stripe/README.md`.
#![expect(clippy::too_many_lines, reason = "a row of the table after the other")]

mod catalogue;
mod customers;
mod invoices;
mod pages;
mod payments;
mod rest;
mod subscriptions;

use super::Api;
use crate::core::{Read, Value};

/// Asserts that an answer has these fields, null or not; `a.b` looks inside, and into the first entry of a list.
fn has(value: &Value, fields: &str) {
    for path in fields.split_whitespace() {
        let mut at = value.clone();
        for key in path.split('.') {
            if at["object"] == "list" {
                at = at.list("data").first().cloned().unwrap_or_default();
            } else if at.is_array() {
                at = at[0].clone();
            }
            let map = at.as_object().unwrap_or_else(|| panic!("{path}: {at}"));
            assert!(map.contains_key(key), "{path} is absent: {value}");
            at = at[key].clone();
        }
    }
}

/// A monthly price, a customer with a card, and their paid subscription.
async fn subscribed(api: &Api) -> (String, String, Value) {
    let price = api.price("Gold", 1000, "").await;
    let customer = api.customer("pm_card_visa", "").await;
    let sub = api.subscribe(&customer, &price, "").await;
    (price, customer, sub)
}
