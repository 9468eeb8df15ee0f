//! Collecting: which card is asked, what a success and a failure change, and when the next try is.

use super::{KIND, finalize};
use crate::core::calendar::{DAY, HOUR};
use crate::core::{ApiError, Cx, Read, Result, Value};
use crate::engine::payment_intents::{self, Outcome};
use crate::engine::subscriptions;

/// The subscription an invoice bills.
pub(crate) fn subscription_of(invoice: &Value) -> Option<&str> {
    invoice["parent"]["subscription_details"].opt("subscription")
}

/// The card to ask: the invoice's, the subscription's, the customer's.
pub(crate) fn method_for(cx: &Cx<'_>, invoice: &Value) -> Option<String> {
    let sub = subscription_of(invoice).and_then(|id| cx.state.get(id));
    let customer = cx.state.get(invoice.s("customer"));
    invoice
        .opt("default_payment_method")
        .or_else(|| sub.and_then(|sub| sub.opt("default_payment_method")))
        .or_else(|| {
            customer.and_then(|customer| customer["invoice_settings"].opt("default_payment_method"))
        })
        .filter(|id| cx.state.get(id).is_some())
        .map(str::to_owned)
}

/// Tries to collect an open invoice with a card, and records how it went.
pub(crate) fn collect(cx: &mut Cx<'_>, id: &str, method: Option<&str>) -> Result<Outcome> {
    let invoice = cx.take(KIND, id, "id")?;
    finalize::must_be_open(&invoice, "pay")?;
    let method = match method {
        Some(given) => {
            let found = crate::engine::payment_methods::resolve(cx, given, "payment_method")?;
            if found.has("customer") && found["customer"] != invoice["customer"] {
                return Err(ApiError::param(
                    "payment_method",
                    "The payment method belongs to another customer.",
                ));
            }
            Some(found.s("id").to_owned())
        }
        None => method_for(cx, &invoice),
    };
    let outcome = match (method, invoice.opt("_intent")) {
        (Some(method), Some(intent)) => payment_intents::attempt(cx, intent, &method, false)?,
        _ => Outcome::Declined(no_card()),
    };
    settle(cx, id, &outcome)?;
    Ok(outcome)
}

/// The customer has no card.
pub(crate) fn no_card() -> ApiError {
    ApiError::invalid("This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.").code("resource_missing")
}

/// Brings an invoice and its subscription in line with an attempt.
pub(crate) fn settle(cx: &mut Cx<'_>, id: &str, outcome: &Outcome) -> Result<()> {
    match outcome {
        Outcome::Paid => mark_paid(cx, id, false),
        Outcome::Action | Outcome::Declined(_) => {
            let mut invoice = cx.take(KIND, id, "id")?;
            if invoice.s("status") != "open" {
                return Ok(());
            }
            let sub = subscription_of(&invoice).map(str::to_owned);
            let first = sub
                .as_ref()
                .and_then(|id| cx.state.get(id))
                .is_some_and(|sub| matches!(sub.s("status"), "incomplete"));
            invoice.put("attempt_count", invoice.i("attempt_count") + 1);
            invoice.put("attempted", true);
            let again = if first
                || !invoice.b("auto_advance")
                || invoice.s("collection_method") != "charge_automatically"
            {
                None
            } else {
                next_try(cx, &invoice)
            };
            invoice.put("next_payment_attempt", again);
            match again {
                Some(moment) => invoice.put("_due", moment),
                None => invoice.cut("_due"),
            }
            let spent = again.is_none()
                && !first
                && invoice.b("auto_advance")
                && invoice.s("collection_method") == "charge_automatically";
            let stored = cx.save(invoice, "invoice.updated");
            cx.emit("invoice.payment_failed", &stored);
            if *outcome == Outcome::Action {
                cx.emit("invoice.payment_action_required", &stored);
            }
            match sub {
                Some(sub) => subscriptions::dunning::failed(cx, &sub, id, spent),
                None => Ok(()),
            }
        }
    }
}

/// The next automatic try: the schedule counts days after each failed one.
fn next_try(cx: &Cx<'_>, invoice: &Value) -> Option<i64> {
    let settings = cx.settings();
    let at = usize::try_from(invoice.i("attempt_count") - 1).ok()?;
    settings
        .list("retry_days")
        .get(at)
        .and_then(Value::as_i64)
        .map(|days| cx.now + days * DAY)
}

/// Marks an invoice as paid, with the subscription's reaction.
pub(crate) fn mark_paid(cx: &mut Cx<'_>, id: &str, out_of_band: bool) -> Result<()> {
    let mut invoice = cx.take(KIND, id, "id")?;
    if invoice.s("status") == "paid" {
        return Ok(());
    }
    let due = invoice.i("amount_due");
    invoice.put("status", "paid");
    invoice.put("amount_paid", due);
    invoice.put("amount_remaining", 0);
    invoice.put("attempted", true);
    if due > 0 && !out_of_band {
        invoice.put("attempt_count", invoice.i("attempt_count") + 1);
    }
    invoice.put("next_payment_attempt", Value::Null);
    invoice.put("auto_advance", false);
    invoice.cut("_due");
    invoice["status_transitions"].put("paid_at", cx.now);
    let sub = subscription_of(&invoice).map(str::to_owned);
    if out_of_band {
        super::payments::cancel_open(cx, id)?;
    } else {
        super::payments::pay_open(cx, id, due);
    }
    let stored = cx.put(invoice);
    cx.emit("invoice.paid", &stored);
    cx.emit("invoice.payment_succeeded", &stored);
    match sub {
        Some(sub) => subscriptions::dunning::paid(cx, &sub, id),
        None => Ok(()),
    }
}

/// A draft's hour is over, or a retry is due.
pub(crate) fn wake(cx: &mut Cx<'_>, id: &str) -> Result<()> {
    let mut invoice = cx.take(KIND, id, "id")?;
    invoice.cut("_due");
    let paused = subscription_of(&invoice)
        .and_then(|id| cx.state.get(id))
        .map(|sub| sub["pause_collection"].s("behavior").to_owned())
        .unwrap_or_default();
    match invoice.s("status") {
        "draft" if !invoice.b("auto_advance") || paused == "keep_as_draft" => {
            cx.put(invoice);
            Ok(())
        }
        "draft" => {
            cx.put(invoice);
            let invoice = finalize::finalize(cx, id)?;
            if invoice.s("status") != "open" {
                return Ok(());
            }
            match paused.as_str() {
                "void" => return finalize::void(cx, id).map(|_| ()),
                "mark_uncollectible" => return super::api::give_up(cx, id).map(|_| ()),
                _ => {}
            }
            if invoice.s("collection_method") == "charge_automatically" {
                collect(cx, id, None)?;
            } else {
                let stored = cx.find(KIND, id, "id")?;
                cx.emit("invoice.sent", &stored);
                let mut invoice = stored.clone();
                invoice.put("_due", invoice.i("due_date"));
                cx.put(invoice);
            }
            Ok(())
        }
        "open" if invoice.s("collection_method") == "send_invoice" => {
            let stored = cx.put(invoice);
            cx.emit("invoice.overdue", &stored);
            match subscription_of(&stored) {
                Some(sub) => subscriptions::dunning::failed(cx, sub, id, false),
                None => Ok(()),
            }
        }
        "open" => {
            cx.put(invoice);
            collect(cx, id, None).map(|_| ())
        }
        _ => {
            cx.put(invoice);
            Ok(())
        }
    }
}

/// How long a draft of a subscription waits.
pub(crate) const DRAFT_HOUR: i64 = HOUR;
