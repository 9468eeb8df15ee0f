//! Finalising: the number, the balance, the payment intent. After this an invoice's lines never change.

use super::{KIND, draft, pay, totals};
use crate::core::calendar::DAY;
use crate::core::{ApiError, Cx, Read, Result, Value, json, money};
use crate::engine::payment_intents;

/// Finalises a draft. An invoice over nothing is paid at once.
#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
pub(crate) fn finalize(cx: &mut Cx<'_>, id: &str) -> Result {
    let mut invoice = cx.take(KIND, id, "id")?;
    if invoice.s("status") != "draft" {
        return Err(ApiError::invalid(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
        )
        .code("invoice_not_editable"));
    }
    let mut customer = cx.take("customer", invoice.s("customer"), "customer")?;
    let sequence = customer.i("next_invoice_sequence").max(1);
    invoice.put(
        "number",
        format!("{}-{sequence:04}", customer.s("invoice_prefix")),
    );
    customer.put("next_invoice_sequence", sequence + 1);
    if !customer.has("currency") {
        customer.put("currency", invoice["currency"].clone());
    }
    draft::snapshot(cx, &mut invoice, &customer);
    let balance = customer.i("balance");
    invoice.put("starting_balance", balance);
    totals::compute(cx, &mut invoice);
    let total = invoice.i("total");
    let currency = invoice.s("currency").to_owned();
    let mut due = (total + balance).max(0);
    // A credit that is larger than the invoice stays on the balance; what was used of it goes.
    let mut ending = if total + balance < 0 {
        total + balance
    } else {
        0
    };
    if due > 0
        && due < money::minimum(&currency)
        && invoice.s("collection_method") == "charge_automatically"
    {
        // Too little for a card: it waits on the balance for the next invoice.
        ending = due;
        due = 0;
    }
    invoice.put("ending_balance", ending);
    invoice.put("amount_due", due);
    invoice.put("amount_remaining", due);
    invoice.put("status", "open");
    invoice.put("effective_at", cx.now);
    invoice.put("automatically_finalizes_at", Value::Null);
    invoice["status_transitions"].put("finalized_at", cx.now);
    invoice.put(
        "hosted_invoice_url",
        format!("{}/pages/invoice/{id}", cx.base),
    );
    invoice.put("invoice_pdf", format!("{}/pages/invoice/{id}/pdf", cx.base));
    if invoice.s("collection_method") == "send_invoice" && !invoice.has("due_date") {
        invoice.put(
            "due_date",
            cx.now + invoice.opt_i("_days_until_due").unwrap_or(30) * DAY,
        );
    }
    invoice.cut("_due");
    if ending != balance {
        customer.put("balance", ending);
    }
    cx.save(customer, "customer.updated");
    if due > 0 {
        let description = match invoice.s("billing_reason") {
            "subscription_create" => "Subscription creation",
            "subscription_cycle" | "subscription_update" => "Subscription update",
            _ => "Payment for Invoice",
        };
        let intent = payment_intents::build(
            cx,
            due,
            &currency,
            json!({"customer": invoice["customer"], "description": description, "setup_future_usage": if invoice.has("parent") { json!("off_session") } else { Value::Null }, "_invoice": id, "_clock": invoice["_clock"]}),
        );
        let intent_id = intent["id"].clone();
        let payment = cx.object("invoice_payment", "inpay", json!({
            "amount_requested": due, "currency": currency, "invoice": id, "is_default": true, "payment": {"type": "payment_intent", "payment_intent": intent_id}, "status": "open",
            "status_transitions": {"canceled_at": null, "paid_at": null},
        }));
        invoice.put("_intent", intent_id);
        cx.create(intent, "payment_intent.created");
        cx.put(payment);
    }
    let discounts: Vec<Value> = invoice.list("discounts").to_vec();
    use_up(cx, &discounts);
    cx.create(invoice, "invoice.finalized");
    if due == 0 {
        pay::mark_paid(cx, id, false)?;
    }
    cx.take(KIND, id, "id")
}

/// A discount that counts once has had its once.
fn use_up(cx: &mut Cx<'_>, discounts: &[Value]) {
    for id in discounts.iter().filter_map(Value::as_str) {
        let Some(found) = cx.state.of("discount", id).cloned() else {
            continue;
        };
        let once = cx
            .state
            .get(found["source"].s("coupon"))
            .is_some_and(|coupon| coupon.s("duration") == "once");
        if once && !found.b("_used") {
            let mut discount = found.clone();
            discount.put("_used", true);
            cx.put(discount);
        }
    }
}

/// What a refused void or pay says.
pub(crate) fn must_be_open(invoice: &Value, verb: &str) -> Result<()> {
    if invoice.s("status") == "open"
        || (invoice.s("status") == "uncollectible" && verb != "mark as uncollectible")
    {
        return Ok(());
    }
    let message = match invoice.s("status") {
        "paid" => "Invoice is already paid".to_owned(),
        status => format!("You can only {verb} an open invoice. This invoice is {status}."),
    };
    Err(ApiError::invalid(message).code("invoice_not_editable"))
}

/// Voids an open invoice: it counts for nothing, and its balance goes back.
pub(crate) fn void(cx: &mut Cx<'_>, id: &str) -> Result {
    let mut invoice = cx.take(KIND, id, "id")?;
    must_be_open(&invoice, "void")?;
    invoice.put("status", "void");
    invoice["status_transitions"].put("voided_at", cx.now);
    invoice.put("next_payment_attempt", Value::Null);
    invoice.put("auto_advance", false);
    invoice.put(
        "amount_remaining",
        invoice.i("amount_due") - invoice.i("amount_paid"),
    );
    invoice.cut("_due");
    let back = invoice.i("ending_balance") - invoice.i("starting_balance");
    if back != 0 {
        let mut customer = cx.take("customer", invoice.s("customer"), "customer")?;
        customer.put("balance", customer.i("balance") - back);
        cx.save(customer, "customer.updated");
    }
    super::payments::cancel_open(cx, id)?;
    Ok(cx.create(invoice, "invoice.voided"))
}
