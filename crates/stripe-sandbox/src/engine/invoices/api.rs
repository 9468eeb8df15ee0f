//! The invoice operations of the API.

use super::super::{Args, copy, coupons, deleted, list, tax};
use super::{KIND, draft, finalize, pay, totals};
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json};
use crate::engine::payment_intents::{Outcome, keep};

/// POST /v1/invoices: by hand, of the customer's pending items.
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let p = &a.p;
    let customer = p
        .opt("customer")
        .ok_or_else(|| {
            ApiError::param("customer", "Missing required param: customer.")
                .code("parameter_missing")
        })?
        .to_owned();
    let holder = cx.find("customer", &customer, "customer")?;
    cx.enter_doc(&holder);
    let sub = p
        .opt("subscription")
        .map(|id| cx.take("subscription", id, "subscription"))
        .transpose()?;
    let include = p
        .opt("pending_invoice_items_behavior")
        .map_or(sub.is_some(), |given| given == "include");
    let currency = p
        .opt("currency")
        .or(holder.opt("currency"))
        .unwrap_or("usd")
        .to_lowercase();
    let (items, lines) = if include {
        draft::pending_lines(
            cx,
            &customer,
            sub.as_ref().map(|sub| sub.s("id")),
            &currency,
        )
    } else {
        (Vec::new(), Vec::new())
    };
    if sub.is_some() && items.is_empty() {
        return Err(ApiError::invalid("Nothing to invoice for subscription")
            .code("invoice_no_subscription_line_items"));
    }
    let discounts = if p.has("discounts") {
        coupons::redeem(cx, p.list("discounts"), &customer, ("invoice", ""))?
    } else {
        inherited(cx, &holder)
    };
    let mut invoice = draft::build(
        cx,
        draft::Draft {
            customer: &customer,
            sub: sub.as_ref(),
            reason: "manual",
            currency: &currency,
            lines,
            period: (cx.now, cx.now),
            discounts,
        },
    );
    invoice.put("auto_advance", p.b("auto_advance"));
    set(cx, &mut invoice, p)?;
    if invoice.s("collection_method") == "send_invoice"
        && !p.has("days_until_due")
        && !p.has("due_date")
        && sub.is_none()
    {
        return Err(ApiError::param(
            "days_until_due",
            "You must pass days_until_due or due_date when collection_method is send_invoice.",
        )
        .code("parameter_missing"));
    }
    totals::compute(cx, &mut invoice);
    advance(cx, &mut invoice);
    draft::claim(cx, items, invoice.s("id"));
    Ok(cx.create(invoice, "invoice.created"))
}

/// The customer's own discount.
pub(crate) fn inherited(cx: &Cx<'_>, customer: &Value) -> Vec<Value> {
    coupons::running(
        cx,
        &customer
            .opt("discount")
            .map(|id| json!(id))
            .into_iter()
            .collect::<Vec<_>>(),
        cx.now,
    )
}

fn advance(cx: &Cx<'_>, invoice: &mut Value) {
    if invoice.b("auto_advance") {
        invoice.put("_due", cx.now + pay::DRAFT_HOUR);
        invoice.put("automatically_finalizes_at", cx.now + pay::DRAFT_HOUR);
    } else {
        invoice.cut("_due");
        invoice.put("automatically_finalizes_at", Value::Null);
    }
}

fn set(cx: &mut Cx<'_>, invoice: &mut Value, p: &Value) -> Result<()> {
    for field in [
        "automatically_finalizes_at",
        "effective_at",
        "number",
        "shipping_cost",
        "shipping_details",
    ] {
        if p.has(field) {
            return Err(ApiError::not_imitated(field));
        }
    }
    copy(
        invoice,
        p,
        &[
            "collection_method",
            "description",
            "footer",
            "due_date",
            "statement_descriptor",
        ],
    );
    if let Some(days) = p.opt_i("days_until_due") {
        invoice.put("_days_until_due", days);
    }
    if let Some(method) = p.opt("default_payment_method") {
        cx.find("payment_method", method, "default_payment_method")?;
        invoice.put("default_payment_method", method);
    }
    if p.has("default_tax_rates") {
        invoice.put(
            "default_tax_rates",
            tax::rates(cx, &p["default_tax_rates"], "default_tax_rates")?,
        );
    }
    merge_metadata(invoice, &p["metadata"]);
    Ok(())
}

/// GET /v1/invoices/{id}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(KIND, a.id(), "id")
}

/// POST /v1/invoices/{id}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut invoice = cx.take(KIND, a.id(), "id")?;
    cx.enter_doc(&invoice);
    let only_soft = a.p.as_object().is_none_or(|map| {
        map.keys().all(|key| {
            matches!(
                key.as_str(),
                "metadata"
                    | "expand"
                    | "auto_advance"
                    | "default_payment_method"
                    | "payment_settings"
                    | "days_until_due"
                    | "due_date"
            )
        })
    });
    if invoice.s("status") != "draft" && !only_soft {
        return Err(
            ApiError::invalid("Finalized invoices can't be updated in this way.")
                .code("invoice_not_editable"),
        );
    }
    set(cx, &mut invoice, &a.p)?;
    if a.p.has("discounts") {
        let customer = invoice.s("customer").to_owned();
        let ids = coupons::redeem(cx, a.p.list("discounts"), &customer, ("invoice", a.id()))?;
        invoice.put("discounts", ids);
    }
    if let Some(on) = a.p["auto_advance"].as_bool() {
        invoice.put("auto_advance", on);
        if invoice.s("status") == "draft" {
            advance(cx, &mut invoice);
        }
    }
    if invoice.s("status") == "draft" {
        totals::compute(cx, &mut invoice);
    }
    Ok(cx.save(invoice, "invoice.updated"))
}

/// DELETE /v1/invoices/{id}: drafts only.
pub(crate) fn delete(cx: &mut Cx<'_>, a: &Args) -> Result {
    let invoice = cx.find(KIND, a.id(), "id")?;
    if invoice.s("status") != "draft" || pay::subscription_of(&invoice).is_some() {
        return Err(ApiError::invalid(
            "You can only delete one-off draft invoices. Void a finalized one instead.",
        )
        .code("invoice_not_editable"));
    }
    let items: Vec<Value> = cx.state.owned(a.id(), "invoiceitem").cloned().collect();
    for mut item in items {
        item.put("invoice", Value::Null);
        cx.put(item);
    }
    cx.emit("invoice.deleted", &invoice);
    cx.state.remove(a.id());
    Ok(deleted(a.id(), KIND))
}

/// POST /v1/invoices/{id}/finalize
pub(crate) fn finalize(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut invoice = cx.take(KIND, a.id(), "id")?;
    cx.enter_doc(&invoice);
    if let Some(on) = a.p["auto_advance"].as_bool() {
        invoice.put("auto_advance", on);
        cx.put(invoice);
    }
    let invoice = finalize::finalize(cx, a.id())?;
    if invoice.s("status") == "open"
        && invoice.b("auto_advance")
        && invoice.s("collection_method") == "charge_automatically"
    {
        let mut invoice = invoice;
        invoice.put("_due", cx.now + pay::DRAFT_HOUR);
        invoice.put("next_payment_attempt", cx.now + pay::DRAFT_HOUR);
        return Ok(cx.put(invoice));
    }
    Ok(invoice)
}

/// POST /v1/invoices/{id}/pay
pub(crate) fn pay(cx: &mut Cx<'_>, a: &Args) -> Result {
    let invoice = cx.find(KIND, a.id(), "id")?;
    cx.enter_doc(&invoice);
    for field in ["source", "forgive"] {
        if a.p.has(field) {
            return Err(ApiError::not_imitated(field));
        }
    }
    if invoice.s("status") == "draft" {
        finalize::finalize(cx, a.id())?;
    }
    let invoice = cx.find(KIND, a.id(), "id")?;
    if invoice.s("status") == "paid" && invoice.i("amount_due") == 0 && !a.p.b("paid_out_of_band") {
        return Ok(invoice.clone());
    }
    finalize::must_be_open(&invoice, "pay")?;
    if a.p.b("paid_out_of_band") {
        pay::mark_paid(cx, a.id(), true)?;
        return cx.take(KIND, a.id(), "id");
    }
    let given = a.p.opt("payment_method");
    if given.is_none() && pay::method_for(cx, &invoice).is_none() {
        return Err(pay::no_card());
    }
    match pay::collect(cx, a.id(), given)? {
        Outcome::Paid => cx.take(KIND, a.id(), "id"),
        Outcome::Declined(error) => Err(keep(error)),
        Outcome::Action => {
            let error = ApiError::card(
                "invoice_payment_intent_requires_action",
                None,
                "This payment requires additional user action before it can be completed successfully. Payment can be completed using the PaymentIntent associated with the invoice.",
            );
            Err(keep(error))
        }
    }
}

/// POST /v1/invoices/{id}/send
pub(crate) fn send(cx: &mut Cx<'_>, a: &Args) -> Result {
    let invoice = cx.find(KIND, a.id(), "id")?;
    cx.enter_doc(&invoice);
    if invoice.s("collection_method") != "send_invoice" {
        return Err(ApiError::invalid(
            "You can only manually send an invoice if its collection method is 'send_invoice'.",
        ));
    }
    if invoice.s("status") == "draft" {
        finalize::finalize(cx, a.id())?;
    }
    let invoice = cx.find(KIND, a.id(), "id")?;
    cx.emit("invoice.sent", &invoice);
    Ok(invoice.clone())
}

/// POST /v1/invoices/{id}/void
pub(crate) fn void(cx: &mut Cx<'_>, a: &Args) -> Result {
    let invoice = cx.find(KIND, a.id(), "id")?;
    cx.enter_doc(&invoice);
    finalize::void(cx, a.id())
}

/// Marks an invoice as not collectible.
pub(crate) fn give_up(cx: &mut Cx<'_>, id: &str) -> Result {
    let mut invoice = cx.take(KIND, id, "id")?;
    finalize::must_be_open(&invoice, "mark as uncollectible")?;
    invoice.put("status", "uncollectible");
    invoice.put("auto_advance", false);
    invoice.put("next_payment_attempt", Value::Null);
    invoice.cut("_due");
    invoice["status_transitions"].put("marked_uncollectible_at", cx.now);
    Ok(cx.create(invoice, "invoice.marked_uncollectible"))
}

/// `POST /v1/invoices/{id}/mark_uncollectible`
pub(crate) fn mark_uncollectible(cx: &mut Cx<'_>, a: &Args) -> Result {
    let invoice = cx.find(KIND, a.id(), "id")?;
    cx.enter_doc(&invoice);
    give_up(cx, a.id())
}

/// GET /v1/invoices/{id}/lines
pub(crate) fn lines(cx: &mut Cx<'_>, a: &Args) -> Result {
    let invoice = cx.find(KIND, a.id(), "id")?;
    let rows = invoice.list("lines").to_vec();
    list::page(&a.p, rows, &format!("/v1/invoices/{}/lines", a.id()))
}

/// GET /v1/invoices
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    let p = &a.p;
    let keep = |value: &Value| {
        list::matches(value, p, &["customer", "status", "collection_method"])
            && p.opt("subscription")
                .is_none_or(|sub| pay::subscription_of(value) == Some(sub))
            && (!p.has("due_date") || list::within(&p["due_date"], value.i("due_date")))
    };
    let found: Vec<_> = match p.opt("subscription").or(p.opt("customer")) {
        Some(owner) => cx
            .state
            .owned(owner, KIND)
            .rev()
            .filter(|value| keep(value))
            .cloned()
            .collect(),
        None => cx
            .state
            .all(KIND)
            .rev()
            .filter(|value| keep(value))
            .cloned()
            .collect(),
    };
    list::page(p, found, "/v1/invoices")
}
