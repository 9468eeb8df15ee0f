//! Drafts: an invoice before it has a number.

use super::{KIND, lines, totals};
use crate::core::json::list_mut;
use crate::core::{Cx, Read, Value, json};
use crate::engine::account;

/// What a draft is made of.
pub(crate) struct Draft<'a> {
    /// The customer's id.
    pub(crate) customer: &'a str,
    /// The subscription it bills, if any.
    pub(crate) sub: Option<&'a Value>,
    /// Stripe's `billing_reason`.
    pub(crate) reason: &'a str,
    /// The currency.
    pub(crate) currency: &'a str,
    /// The lines.
    pub(crate) lines: Vec<Value>,
    /// The period shown on the invoice.
    pub(crate) period: (i64, i64),
    /// Discounts on the whole.
    pub(crate) discounts: Vec<Value>,
}

/// Builds a draft with its sums. It is not stored yet.
pub(crate) fn build(cx: &mut Cx<'_>, draft: Draft<'_>) -> Value {
    let customer = cx.state.get(draft.customer).cloned();
    let balance = customer
        .as_ref()
        .map_or(0, |customer| customer.i("balance"));
    let mut invoice = cx.object(KIND, "in", json!({
        "account_country": "US", "account_name": account::NAME, "amount_paid": 0, "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null},
        "auto_advance": true, "billing_reason": draft.reason, "collection_method": "charge_automatically", "currency": draft.currency, "customer": draft.customer, "customer_tax_exempt": "none", "customer_tax_ids": [],
        "default_tax_rates": [], "discounts": draft.discounts, "issuer": {"type": "self"}, "lines": [], "metadata": {}, "period_start": draft.period.0, "period_end": draft.period.1,
        "payment_settings": {"default_mandate": null, "payment_method_options": null, "payment_method_types": null},
        "rendering": {"amount_tax_display": null, "pdf": {"page_size": "auto"}, "template": null, "template_version": null}, "status": "draft", "starting_balance": balance,
        "status_transitions": {"finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null}, "total_pretax_credit_amounts": [],
    }));
    let id = invoice.s("id").to_owned();
    let mut own = draft.lines;
    for line in &mut own {
        line.put("invoice", id.as_str());
    }
    *list_mut(&mut invoice, "lines") = own;
    if let Some(customer) = customer {
        snapshot(cx, &mut invoice, &customer);
        invoice.put("test_clock", customer["test_clock"].clone());
        invoice.put("_clock", customer["_clock"].clone());
    }
    if let Some(sub) = draft.sub {
        invoice.put("parent", json!({"type": "subscription_details", "quote_details": null, "subscription_details": {"metadata": sub["metadata"], "subscription": sub["id"]}}));
        invoice.put("collection_method", sub["collection_method"].clone());
        invoice.put("default_tax_rates", sub["default_tax_rates"].clone());
        invoice.put("description", sub["description"].clone());
        invoice.put("_days_until_due", sub["days_until_due"].clone());
    }
    totals::compute(cx, &mut invoice);
    invoice
}

/// What the invoice remembers of the customer.
pub(crate) fn snapshot(cx: &Cx<'_>, invoice: &mut Value, customer: &Value) {
    for field in ["address", "email", "name", "phone"] {
        invoice.put(&format!("customer_{field}"), customer[field].clone());
    }
    invoice.put(
        "customer_tax_exempt",
        customer.opt("tax_exempt").unwrap_or("none"),
    );
    let ids: Vec<Value> = cx
        .state
        .owned(customer.s("id"), "tax_id")
        .map(|id| json!({"type": id["type"], "value": id["value"]}))
        .collect();
    invoice.put("customer_tax_ids", ids);
}

/// Takes the customer's pending invoice items, as lines. Items of other subscriptions stay.
pub(crate) fn pending_lines(
    cx: &mut Cx<'_>,
    customer: &str,
    sub: Option<&str>,
    currency: &str,
) -> (Vec<Value>, Vec<Value>) {
    let items: Vec<Value> = cx
        .state
        .owned(customer, "invoiceitem")
        .filter(|item| !item.has("invoice") && item.s("currency") == currency)
        .filter(
            |item| match item["parent"]["subscription_details"].opt("subscription") {
                Some(owner) => Some(owner) == sub,
                None => true,
            },
        )
        .cloned()
        .collect();
    let lines = items
        .iter()
        .map(|item| lines::of_invoiceitem(cx, item))
        .collect();
    (items, lines)
}

/// Marks invoice items as billed.
pub(crate) fn claim(cx: &mut Cx<'_>, items: Vec<Value>, invoice: &str) {
    for mut item in items {
        item.put("invoice", invoice);
        cx.put(item);
    }
}
