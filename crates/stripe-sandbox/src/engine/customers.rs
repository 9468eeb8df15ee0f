//! Customers, their tax ids and their balance.

use super::{Args, copy, deleted, list};
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json};

const KIND: &str = "customer";
const FIELDS: &[&str] = &[
    "email",
    "name",
    "phone",
    "description",
    "tax_exempt",
    "preferred_locales",
];

/// POST /v1/customers
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let clock = a.p.opt("test_clock").unwrap_or_default().to_owned();
    if !clock.is_empty() {
        cx.find("test_helpers.test_clock", &clock, "test_clock")?;
        cx.enter(&clock);
    }
    let prefix = cx
        .id("x")
        .trim_start_matches("x_")
        .chars()
        .take(8)
        .collect::<String>()
        .to_uppercase();
    let mut customer = cx.object(KIND, "cus", json!({
        "balance": 0, "currency": null, "delinquent": false, "invoice_prefix": prefix, "next_invoice_sequence": 1, "tax_exempt": "none", "metadata": {},
        "invoice_settings": {"custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null}, "preferred_locales": [],
    }));
    if !clock.is_empty() {
        customer.put("test_clock", clock.as_str());
        customer.put("_clock", clock.as_str());
    }
    set(&mut customer, &a.p)?;
    let id = customer.s("id").to_owned();
    cx.create(customer, "customer.created");
    let mut default = a.p["invoice_settings"]
        .opt("default_payment_method")
        .map(str::to_owned);
    if let Some(method) = a.p.opt("payment_method").or(a.p.opt("source")) {
        let attached = super::payment_methods::attach_to(cx, method, &id)?;
        default = default.map(|wanted| {
            if wanted == method {
                attached.s("id").to_owned()
            } else {
                wanted
            }
        });
    }
    if let Some(method) = default {
        set_default(cx, &id, &method)?;
    }
    for tax_id in a.p.list("tax_id_data") {
        super::tax::build_id(cx, &id, tax_id);
    }
    cx.take(KIND, &id, "id")
}

fn set(customer: &mut Value, p: &Value) -> Result<()> {
    copy(customer, p, FIELDS);
    if p["tax_exempt"].as_str() == Some("") {
        customer.put("tax_exempt", "none");
    }
    if let Some(email) = p.opt("email")
        && (!email.contains('@') || email.len() > 512)
    {
        return Err(
            ApiError::param("email", format!("Invalid email address: {email}"))
                .code("email_invalid"),
        );
    }
    if p.has("balance") {
        customer.put("balance", p.i("balance"));
    }
    for field in ["invoice_prefix", "next_invoice_sequence"] {
        if p.has(field) {
            customer.put(field, p[field].clone());
        }
    }
    if p.has("address") {
        customer.put("address", address(&p["address"]));
    }
    if p["invoice_settings"].has("footer") {
        customer["invoice_settings"].put(
            "footer",
            crate::core::json::emptied(&p["invoice_settings"]["footer"]),
        );
    }
    merge_metadata(customer, &p["metadata"]);
    Ok(())
}

/// An address with every field present.
pub(crate) fn address(given: &Value) -> Value {
    if !given.is_object() {
        return Value::Null;
    }
    let mut full = json!({});
    for key in ["city", "country", "line1", "line2", "postal_code", "state"] {
        full.put(key, crate::core::json::emptied(&given[key]));
    }
    full
}

/// Makes an attached payment method the default for invoices.
pub(crate) fn set_default(cx: &mut Cx<'_>, customer: &str, method: &str) -> Result<()> {
    let param = "invoice_settings[default_payment_method]";
    let found = cx.find("payment_method", method, param)?;
    if found.s("customer") != customer {
        return Err(ApiError::param(param, "The customer does not have a payment method with this ID. The payment method must be attached to the customer first.").code("resource_missing"));
    }
    let mut customer = cx.take(KIND, customer, "customer")?;
    customer["invoice_settings"].put("default_payment_method", method);
    cx.save(customer, "customer.updated");
    Ok(())
}

/// GET /v1/customers/{id}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    match cx.state.of(KIND, a.id()) {
        Some(found) if found.b("deleted") => Ok(deleted(a.id(), KIND)),
        Some(found) => Ok(found.clone()),
        None => Err(ApiError::missing(KIND, a.id(), "id")),
    }
}

/// POST /v1/customers/{id}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut customer = cx.take(KIND, a.id(), "id")?;
    cx.enter_doc(&customer);
    set(&mut customer, &a.p)?;
    let default = &a.p["invoice_settings"]["default_payment_method"];
    if default.as_str() == Some("") {
        customer["invoice_settings"].put("default_payment_method", Value::Null);
    }
    if let Some(method) = default.as_str().filter(|id| !id.is_empty()) {
        let found = cx.find(
            "payment_method",
            method,
            "invoice_settings[default_payment_method]",
        )?;
        if found.s("customer") != a.id() {
            return Err(ApiError::param("invoice_settings[default_payment_method]", "The customer does not have a payment method with this ID. The payment method must be attached to the customer first.").code("resource_missing"));
        }
        customer["invoice_settings"].put("default_payment_method", method);
    }
    Ok(cx.save(customer, "customer.updated"))
}

/// DELETE /v1/customers/{id}: cancels the subscriptions, and keeps a tombstone.
pub(crate) fn delete(cx: &mut Cx<'_>, a: &Args) -> Result {
    let customer = cx.find(KIND, a.id(), "id")?;
    cx.enter_doc(&customer);
    let subscriptions: Vec<String> = cx
        .state
        .owned(a.id(), "subscription")
        .filter(|sub| !super::subscriptions::ended(sub))
        .map(|sub| sub.s("id").to_owned())
        .collect();
    for id in subscriptions {
        super::subscriptions::cancel::end(cx, &id, Some("cancellation_requested"))?;
    }
    let methods: Vec<String> = cx
        .state
        .owned(a.id(), "payment_method")
        .map(|method| method.s("id").to_owned())
        .collect();
    for id in methods {
        super::payment_methods::detach_from(cx, &id)?;
    }
    cx.emit("customer.deleted", &customer);
    cx.put(deleted(a.id(), KIND));
    Ok(deleted(a.id(), KIND))
}

/// DELETE /v1/customers/{id}/discount
pub(crate) fn delete_discount(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut customer = cx.take(KIND, a.id(), "id")?;
    let discount = customer
        .opt("discount")
        .map(str::to_owned)
        .ok_or_else(|| ApiError::missing("discount", "", "id"))?;
    customer.put("discount", Value::Null);
    cx.save(customer, "customer.updated");
    Ok(deleted(&discount, "discount"))
}

/// GET /v1/customers
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    let found = cx
        .state
        .all(KIND)
        .rev()
        .filter(|value| list::matches(value, &a.p, &["email", "test_clock"]))
        .filter(|value| a.p.has("test_clock") || !value.has("test_clock") || a.p.has("email"))
        .cloned()
        .collect();
    list::page(&a.p, found, "/v1/customers")
}

/// GET /`v1/customers/{id}/payment_methods`
pub(crate) fn payment_methods(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.find(KIND, a.id(), "id")?;
    let found = cx
        .state
        .owned(a.id(), "payment_method")
        .rev()
        .filter(|value| list::matches(value, &a.p, &["type"]))
        .cloned()
        .collect();
    list::page(
        &a.p,
        found,
        &format!("/v1/customers/{}/payment_methods", a.id()),
    )
}

/// GET /`v1/customers/{id}/payment_methods/{pm`}
pub(crate) fn payment_method(cx: &mut Cx<'_>, a: &Args) -> Result {
    let found = cx.take("payment_method", a.id2(), "id")?;
    if found.s("customer") == a.id() {
        Ok(found)
    } else {
        Err(ApiError::missing("PaymentMethod", a.id2(), "id"))
    }
}
