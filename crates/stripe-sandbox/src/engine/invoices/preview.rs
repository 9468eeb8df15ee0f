//! Previews: the change is made for real, the invoice is looked at, and everything is taken back.

use crate::core::{ApiError, Cx, Read, Result, Value, json};
use crate::engine::Args;
use crate::engine::subscriptions::{self, cycle};

/// `POST /v1/invoices/create_preview`
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    for field in [
        "schedule",
        "schedule_details",
        "invoice_items",
        "customer_details",
    ] {
        if a.p.has(field) {
            return Err(ApiError::not_imitated(field));
        }
    }
    let mark = cx.state.mark();
    let now = cx.now;
    let shown = imagine(cx, &a.p);
    cx.state.rollback_to(mark);
    cx.now = now;
    let mut invoice = shown?;
    let id = cx.id("upcoming_in");
    invoice.put("id", id.as_str());
    for line in crate::core::json::list_mut(&mut invoice, "lines") {
        line.put("invoice", id.as_str());
    }
    Ok(invoice)
}

/// The next renewal's invoice, as it stands now.
pub(crate) fn upcoming(cx: &mut Cx<'_>, sub: &str) -> Result {
    let mark = cx.state.mark();
    let now = cx.now;
    let shown = next(cx, sub);
    cx.state.rollback_to(mark);
    cx.now = now;
    shown
}

fn next(cx: &mut Cx<'_>, sub: &str) -> Result {
    let mut found = cx.take("subscription", sub, "subscription")?;
    if subscriptions::ended(&found)
        || found
            .opt_i("cancel_at")
            .is_some_and(|moment| moment <= subscriptions::period(&found).1)
    {
        return Err(
            ApiError::invalid("No upcoming invoices for customer: the subscription ends.")
                .code("invoice_upcoming_none"),
        );
    }
    if found.s("status") == "incomplete" {
        found.put("status", "active");
        cx.put(found.clone());
    }
    let now = cx.now;
    let end = subscriptions::period(&found).1;
    cx.now = end;
    let trialing = found.s("status") == "trialing";
    if trialing {
        found.put("status", "active");
        cx.put(found);
    }
    cycle::wake(cx, sub)?;
    cx.now = now;
    let id = cx
        .find("subscription", sub, "subscription")?
        .s("latest_invoice")
        .to_owned();
    let mut invoice = cx.take("invoice", &id, "subscription")?;
    invoice.put("created", end);
    invoice.put("next_payment_attempt", end + super::pay::DRAFT_HOUR);
    invoice.put("billing_reason", "upcoming");
    Ok(invoice)
}

fn imagine(cx: &mut Cx<'_>, p: &Value) -> Result {
    let details = &p["subscription_details"];
    let mut change = json!({});
    for key in [
        "items",
        "proration_behavior",
        "proration_date",
        "trial_end",
        "billing_cycle_anchor",
        "cancel_at",
        "cancel_at_period_end",
        "default_tax_rates",
    ] {
        if details.has(key) {
            change.put(key, details[key].clone());
        }
    }
    if details.b("cancel_now") {
        return Err(ApiError::not_imitated("subscription_details[cancel_now]"));
    }
    if p.has("discounts") {
        change.put("discounts", p["discounts"].clone());
    }
    let Some(sub) = p.opt("subscription") else {
        return fresh(cx, p, change);
    };
    let found = cx.find("subscription", sub, "subscription")?;
    cx.enter_doc(&found);
    if change
        .as_object()
        .is_none_or(crate::core::json::Map::is_empty)
    {
        return next(cx, sub);
    }
    let before = found.s("latest_invoice").to_owned();
    // The preview shows what would be billed, so it must not depend on a card.
    change.put("payment_behavior", "default_incomplete");
    subscriptions::update::change(cx, sub, &change)?;
    let after = cx
        .find("subscription", sub, "subscription")?
        .s("latest_invoice")
        .to_owned();
    if after == before {
        return next(cx, sub);
    }
    let mut invoice = cx.take("invoice", &after, "subscription")?;
    invoice.put("status", "draft");
    invoice.put("number", Value::Null);
    for key in [
        "hosted_invoice_url",
        "invoice_pdf",
        "effective_at",
        "ending_balance",
    ] {
        invoice.put(key, Value::Null);
    }
    Ok(invoice)
}

/// The first invoice of a subscription that does not exist yet.
fn fresh(cx: &mut Cx<'_>, p: &Value, mut change: Value) -> Result {
    let Some(customer) = p.opt("customer") else {
        return Err(ApiError::invalid(
            "You must provide one of customer or subscription.",
        ));
    };
    let holder = cx.find("customer", customer, "customer")?;
    cx.enter_doc(&holder);
    if p["subscription_details"].list("items").is_empty() {
        let sub = cx
            .state
            .owned(customer, "subscription")
            .rev()
            .find(|sub| !subscriptions::ended(sub))
            .map(|sub| sub.s("id").to_owned());
        return match sub {
            Some(sub) => next(cx, &sub),
            None => Err(ApiError::invalid(format!(
                "No upcoming invoices for customer: {customer}"
            ))
            .code("invoice_upcoming_none")),
        };
    }
    change.put("customer", customer);
    change.put("payment_behavior", "default_incomplete");
    let sub = subscriptions::create::create(
        cx,
        &Args {
            ids: Vec::new(),
            p: change,
        },
    )?;
    let id = cx
        .find("subscription", sub.s("id"), "subscription")?
        .s("latest_invoice")
        .to_owned();
    let mut invoice = cx.take("invoice", &id, "customer")?;
    invoice.put("status", "draft");
    invoice.put("number", Value::Null);
    Ok(invoice)
}

/// What a change would cost now and at the next renewal, for the portal: `(now, next renewal)`.
pub(crate) fn cost_of(cx: &mut Cx<'_>, sub: &str, change: &Value) -> Result<(Value, i64)> {
    let mark = cx.state.mark();
    let now = cx.now;
    let result = (|| {
        let found = cx.find("subscription", sub, "subscription")?;
        cx.enter_doc(&found);
        let before = found.s("latest_invoice").to_owned();
        let mut change = change.clone();
        change.put("payment_behavior", "default_incomplete");
        subscriptions::update::change(cx, sub, &change)?;
        let after = cx.take("subscription", sub, "subscription")?;
        let invoice = if after.s("latest_invoice") == before {
            Value::Null
        } else {
            cx.take("invoice", after.s("latest_invoice"), "subscription")?
        };
        Ok((invoice, subscriptions::cost(cx, &after)))
    })();
    cx.state.rollback_to(mark);
    cx.now = now;
    result
}
