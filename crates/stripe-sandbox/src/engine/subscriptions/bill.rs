//! The invoices of a subscription: the first, the renewals, and those of a change.

use super::{KIND, period};
use crate::core::{Cx, Read, Result, Value};
use crate::engine::coupons;
use crate::engine::invoices::{api, draft, finalize, lines, pay};
use crate::engine::payment_intents::Outcome;

/// What to bill.
#[derive(Clone, Copy)]
pub(crate) struct Bill<'a> {
    /// Stripe's `billing_reason`.
    pub(crate) reason: &'a str,
    /// Whether the items' current period is billed, or only what is pending.
    pub(crate) period: bool,
    /// Whether that period is a trial.
    pub(crate) free: bool,
    /// The share of the period billed, as remaining and full seconds, for a first period cut short by an anchor.
    pub(crate) part: Option<(i64, i64)>,
}

/// Makes and stores the draft. Returns nothing when there is nothing to bill.
pub(crate) fn draft(cx: &mut Cx<'_>, sub: &str, bill: Bill<'_>) -> Result<Option<String>> {
    let Some((invoice, items)) = build(cx, sub, bill)? else {
        return Ok(None);
    };
    let id = invoice.s("id").to_owned();
    draft::claim(cx, items, &id);
    cx.create(invoice, "invoice.created");
    let mut sub = cx.take(KIND, sub, "subscription")?;
    sub.put("latest_invoice", id.as_str());
    super::save(cx, sub);
    Ok(Some(id))
}

/// Builds the draft without storing it.
pub(crate) fn build(
    cx: &mut Cx<'_>,
    sub: &str,
    bill: Bill<'_>,
) -> Result<Option<(Value, Vec<Value>)>> {
    let sub = cx.take(KIND, sub, "subscription")?;
    let (start, end) = period(&sub);
    let customer = sub.s("customer").to_owned();
    let (items, mut rows) =
        draft::pending_lines(cx, &customer, Some(sub.s("id")), sub.s("currency"));
    if bill.period {
        for item in sub.list("items").to_vec() {
            let mut line = lines::of_item(cx, &sub, &item, start, end, bill.free);
            if let Some((left, full)) = bill.part {
                let amount = crate::core::money::ratio(line.i("amount"), left, full);
                line.put("amount", amount);
                line.put("subtotal", amount);
            }
            rows.push(line);
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let mut discounts = coupons::running(cx, sub.list("discounts"), cx.now);
    if discounts.is_empty()
        && let Some(holder) = cx.state.get(&customer).cloned()
    {
        discounts = api::inherited(cx, &holder);
    }
    // On a renewal the invoice's period is the one that just ended, as documented.
    let span = match bill.reason {
        "subscription_cycle" => (
            super::interval(cx, &sub).previous(sub.i("billing_cycle_anchor"), start),
            start,
        ),
        _ => (cx.now, cx.now),
    };
    let currency = sub.s("currency").to_owned();
    let mut invoice = draft::build(
        cx,
        draft::Draft {
            customer: &customer,
            sub: Some(&sub),
            reason: bill.reason,
            currency: &currency,
            lines: rows,
            period: span,
            discounts,
        },
    );
    if bill.reason == "subscription_cycle" && !matches!(sub.s("status"), "unpaid") {
        invoice.put("_due", cx.now + pay::DRAFT_HOUR);
        invoice.put("automatically_finalizes_at", cx.now + pay::DRAFT_HOUR);
    }
    if sub.s("status") == "unpaid" {
        invoice.put("auto_advance", false);
    }
    Ok(Some((invoice, items)))
}

/// Bills at once: draft, final, and, unless told to wait, collected. Returns the invoice and how the payment went.
pub(crate) fn now(
    cx: &mut Cx<'_>,
    sub: &str,
    bill: Bill<'_>,
    wait: bool,
) -> Result<Option<(String, Outcome)>> {
    let Some(id) = draft(cx, sub, bill)? else {
        return Ok(None);
    };
    let invoice = cx.find("invoice", &id, "id")?;
    if invoice.s("collection_method") == "send_invoice" {
        let mut invoice = invoice.clone();
        invoice.put("_due", cx.now + pay::DRAFT_HOUR);
        invoice.put("automatically_finalizes_at", cx.now + pay::DRAFT_HOUR);
        cx.put(invoice);
        return Ok(Some((id, Outcome::Paid)));
    }
    let invoice = finalize::finalize(cx, &id)?;
    if invoice.s("status") == "paid" {
        return Ok(Some((id, Outcome::Paid)));
    }
    if wait {
        return Ok(Some((id, Outcome::Action)));
    }
    let outcome = pay::collect(cx, &id, None)?;
    Ok(Some((id, outcome)))
}
