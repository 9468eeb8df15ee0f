//! Ending a subscription, at once or later.

use super::{KIND, bill, period};
use crate::core::{ApiError, Cx, Read, Result, Value, json};
use crate::engine::Args;
use crate::engine::invoices::{lines, pay};

/// Notes that the subscription ends at a moment.
pub(crate) fn ask(cx: &Cx<'_>, sub: &mut Value, moment: i64) {
    sub.put("cancel_at", moment);
    sub.put("canceled_at", cx.now);
    sub["cancellation_details"].put("reason", "cancellation_requested");
}

/// Takes that back.
pub(crate) fn unask(sub: &mut Value) {
    sub.put("cancel_at", Value::Null);
    sub.put("cancel_at_period_end", false);
    sub.put("canceled_at", Value::Null);
    sub["cancellation_details"].put("reason", Value::Null);
}

/// DELETE /v1/subscriptions/{id}
pub(crate) fn cancel(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut sub = cx.take(KIND, a.id(), "id")?;
    cx.enter_doc(&sub);
    if super::ended(&sub) {
        return Err(ApiError::missing(KIND, a.id(), "id"));
    }
    if let Some(details) = a.p["cancellation_details"].as_object() {
        for (key, value) in details {
            sub["cancellation_details"].put(key, crate::core::json::emptied(value));
        }
    }
    let prorate = a.p.b("prorate") && sub.s("status") == "active";
    let before = sub.clone();
    cx.put(sub);
    if prorate {
        credit_rest(cx, &before);
    }
    if a.p.b("invoice_now") {
        bill::now(
            cx,
            a.id(),
            bill::Bill {
                reason: "subscription_update",
                period: false,
                free: false,
                part: None,
            },
            false,
        )?;
    }
    end(cx, a.id(), Some("cancellation_requested"))
}

/// Credits the rest of the period, as pending items.
pub(crate) fn credit_rest(cx: &mut Cx<'_>, sub: &Value) {
    for item in sub.list("items").to_vec() {
        let Some(price) = cx.state.get(item.s("price")).cloned() else {
            continue;
        };
        let credit = lines::prorate(
            cx,
            &lines::Proration {
                sub,
                item: &item,
                price: &price,
                quantity: item.opt_i("quantity").unwrap_or(1),
                at: cx.now,
                period: period(sub),
                credit: true,
            },
        );
        cx.create(credit, "invoiceitem.created");
    }
}

/// Ends a subscription now. Its unpaid invoices are not collected any more.
pub(crate) fn end(cx: &mut Cx<'_>, id: &str, reason: Option<&str>) -> Result {
    let mut sub = cx.take(KIND, id, "id")?;
    sub.put("status", "canceled");
    sub.put("ended_at", cx.now);
    if !sub.has("canceled_at") {
        sub.put("canceled_at", cx.now);
    }
    if let Some(reason) = reason {
        sub["cancellation_details"].put("reason", reason);
    }
    sub.put("pending_update", Value::Null);
    sub.put("cancel_at_period_end", false);
    sub.cut("_pending");
    sub.cut("_due");
    let customer = sub.s("customer").to_owned();
    let schedule = sub.opt("schedule").map(str::to_owned);
    sub.put("schedule", Value::Null);
    stop_invoices(cx, id);
    let stored = cx.create(sub, "customer.subscription.deleted");
    if let Some(schedule) = schedule {
        crate::engine::schedules::subscription_gone(cx, &schedule);
    }
    crate::engine::entitlements::refresh(cx, &customer);
    Ok(stored.clone())
}

fn stop_invoices(cx: &mut Cx<'_>, id: &str) {
    let open: Vec<Value> = cx
        .state
        .owned(id, "invoice")
        .filter(|invoice| {
            matches!(invoice.s("status"), "draft" | "open")
                && pay::subscription_of(invoice) == Some(id)
        })
        .cloned()
        .collect();
    for mut invoice in open {
        invoice.put("auto_advance", false);
        invoice.put("next_payment_attempt", Value::Null);
        invoice.put("automatically_finalizes_at", Value::Null);
        invoice.cut("_due");
        cx.save(invoice, "invoice.updated");
    }
}

/// The first payment's time is over.
pub(crate) fn expire(cx: &mut Cx<'_>, id: &str) -> Result<()> {
    let mut sub = cx.take(KIND, id, "id")?;
    let invoice = sub.s("latest_invoice").to_owned();
    sub.put("status", "incomplete_expired");
    sub.put("ended_at", cx.now);
    super::save(cx, sub);
    if cx
        .state
        .get(&invoice)
        .is_some_and(|invoice| invoice.s("status") == "open")
    {
        crate::engine::invoices::finalize::void(cx, &invoice)?;
    }
    Ok(())
}

/// DELETE /v1/subscriptions/{id}/discount
pub(crate) fn delete_discount(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut sub = cx.take(KIND, a.id(), "id")?;
    let Some(last) = sub
        .list("discounts")
        .last()
        .and_then(Value::as_str)
        .map(str::to_owned)
    else {
        return Err(ApiError::missing("discount", "", "id"));
    };
    sub.put("discounts", json!([]));
    super::save(cx, sub);
    Ok(crate::engine::deleted(&last, "discount"))
}
