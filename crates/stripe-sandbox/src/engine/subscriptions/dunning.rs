//! How a subscription follows its invoices: active when paid, past due when not, and the end of patience.

use super::{KIND, cancel, save, update};
use crate::core::{Cx, Read, Result};
use crate::engine::invoices::pay;

/// An invoice of this subscription was paid.
pub(crate) fn paid(cx: &mut Cx<'_>, id: &str, invoice: &str) -> Result<()> {
    let Some(found) = cx.state.of(KIND, id).cloned() else {
        return Ok(());
    };
    if found["_pending"].s("invoice") == invoice {
        return update::apply_pending(cx, id);
    }
    let mut sub = found.clone();
    let others = cx.state.owned(id, "invoice").any(|other| {
        other.s("status") == "open"
            && other.s("id") != invoice
            && pay::subscription_of(other) == Some(id)
            && other.b("attempted")
    });
    let back = match sub.s("status") {
        "incomplete" => true,
        "past_due" | "unpaid" => !others || sub.s("latest_invoice") == invoice,
        _ => false,
    };
    if back {
        let first = sub.s("status") == "incomplete";
        sub.put("status", "active");
        if first
            && sub["payment_settings"].s("save_default_payment_method") == "on_subscription"
            && let Some(method) = payer(cx, invoice)
        {
            sub.put("default_payment_method", method);
        }
        let customer = sub.s("customer").to_owned();
        save(cx, sub);
        delinquent(cx, &customer, false)?;
        crate::engine::entitlements::refresh(cx, &customer);
    }
    Ok(())
}

/// The card that paid an invoice.
fn payer(cx: &Cx<'_>, invoice: &str) -> Option<String> {
    let intent = cx.state.get(invoice)?.opt("_intent")?.to_owned();
    let method = cx.state.get(&intent)?.opt("payment_method")?.to_owned();
    cx.state.get(&method)?.has("customer").then_some(method)
}

fn delinquent(cx: &mut Cx<'_>, customer: &str, is: bool) -> Result<()> {
    let mut customer = cx.take("customer", customer, "customer")?;
    if customer.b("delinquent") != is {
        customer.put("delinquent", is);
        cx.save(customer, "customer.updated");
    }
    Ok(())
}

/// An attempt failed. `spent` means that no automatic try is left.
pub(crate) fn failed(cx: &mut Cx<'_>, id: &str, invoice: &str, spent: bool) -> Result<()> {
    let Some(found) = cx.state.of(KIND, id).cloned() else {
        return Ok(());
    };
    let renewal = cx.state.get(invoice).is_some_and(|invoice| {
        matches!(
            invoice.s("billing_reason"),
            "subscription_cycle" | "subscription_threshold"
        )
    });
    let mut sub = found.clone();
    let customer = sub.s("customer").to_owned();
    if renewal && sub.s("status") == "active" {
        sub.put("status", "past_due");
        save(cx, sub);
        delinquent(cx, &customer, true)?;
    }
    if !spent || !renewal {
        return Ok(());
    }
    match cx.settings().s("after_retries") {
        "unpaid" => {
            let mut sub = cx.take(KIND, id, "id")?;
            sub.put("status", "unpaid");
            save(cx, sub);
            crate::engine::entitlements::refresh(cx, &customer);
            Ok(())
        }
        "past_due" => Ok(()),
        _ => cancel::end(cx, id, Some("payment_failed")).map(|_| ()),
    }
}
