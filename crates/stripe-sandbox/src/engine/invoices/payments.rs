//! Invoice payments: the link between an invoice and its payment intent.

use super::super::{Args, list, payment_intents};
use crate::core::{Cx, Read, Result, Value};

const KIND: &str = "invoice_payment";

/// The open payments of an invoice are paid.
pub(crate) fn pay_open(cx: &mut Cx<'_>, invoice: &str, amount: i64) {
    let open: Vec<Value> = cx
        .state
        .owned(invoice, KIND)
        .filter(|payment| payment.s("status") == "open")
        .cloned()
        .collect();
    for mut payment in open {
        payment.put("status", "paid");
        payment.put("amount_paid", amount);
        payment["status_transitions"].put("paid_at", cx.now);
        cx.create(payment, "invoice_payment.paid");
    }
}

/// The open payments of an invoice are not needed any more.
pub(crate) fn cancel_open(cx: &mut Cx<'_>, invoice: &str) -> Result<()> {
    let open: Vec<Value> = cx
        .state
        .owned(invoice, KIND)
        .filter(|payment| payment.s("status") == "open")
        .cloned()
        .collect();
    for mut payment in open {
        let intent = payment["payment"].s("payment_intent").to_owned();
        payment.put("status", "canceled");
        payment["status_transitions"].put("canceled_at", cx.now);
        cx.put(payment);
        payment_intents::cancel_intent(cx, &intent, "void_invoice")?;
    }
    Ok(())
}

/// GET /`v1/invoice_payments/{id`}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(KIND, a.id(), "id")
}

/// GET /`v1/invoice_payments`
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    let intent = a.p["payment"].opt("payment_intent").map(str::to_owned);
    let found = cx
        .state
        .all(KIND)
        .rev()
        .filter(|value| list::matches(value, &a.p, &["invoice", "status"]))
        .filter(|value| {
            intent
                .as_deref()
                .is_none_or(|intent| value["payment"].s("payment_intent") == intent)
        })
        .cloned()
        .collect();
    list::page(&a.p, found, "/v1/invoice_payments")
}
