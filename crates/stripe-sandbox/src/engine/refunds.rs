//! Refunds of charges, whole or in part. They succeed at once; the `refundFail` card's fail an hour later.

use super::{Args, list};
use crate::core::calendar::HOUR;
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, json};

const KIND: &str = "refund";

/// POST /v1/refunds
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    for field in [
        "instructions_email",
        "origin",
        "reverse_transfer",
        "refund_application_fee",
    ] {
        if a.p.has(field) {
            return Err(ApiError::not_imitated(field));
        }
    }
    let charge = match (a.p.opt("charge"), a.p.opt("payment_intent")) {
        (Some(charge), _) => cx.find("charge", charge, "charge")?,
        (None, Some(intent)) => {
            let intent = cx.find("payment_intent", intent, "payment_intent")?;
            let charge = intent.opt("latest_charge").filter(|_| intent.s("status") == "succeeded")
                .ok_or_else(|| ApiError::param("payment_intent", format!("This PaymentIntent ({}) does not have a successful charge to refund.", intent.s("id"))))?;
            cx.find("charge", charge, "payment_intent")?
        }
        _ => return Err(ApiError::invalid("One of the following params should be provided for this request: payment_intent or charge.").code("parameter_missing")),
    };
    let mut refund = issue(cx, charge.s("id"), a.p.opt_i("amount"), a.p.opt("reason"))?;
    if a.p.has("metadata") {
        merge_metadata(&mut refund, &a.p["metadata"]);
        refund = cx.put(refund);
    }
    Ok(refund)
}

/// Gives money back.
pub(crate) fn issue(
    cx: &mut Cx<'_>,
    charge: &str,
    amount: Option<i64>,
    reason: Option<&str>,
) -> Result {
    let mut charge = cx.take("charge", charge, "charge")?;
    if let Some(customer) = charge.opt("customer")
        && let Some(customer) = cx.state.of("customer", customer).cloned()
    {
        cx.enter_doc(&customer);
    }
    if !charge.b("paid") {
        return Err(ApiError::param(
            "charge",
            "This charge was not successful and cannot be refunded.",
        ));
    }
    let left = charge.i("amount") - charge.i("amount_refunded");
    let amount = amount.unwrap_or(left);
    if left == 0 {
        return Err(ApiError::param(
            "charge",
            format!("Charge {} has already been refunded.", charge.s("id")),
        )
        .code("charge_already_refunded"));
    }
    if charge.b("disputed") {
        return Err(ApiError::param(
            "charge",
            format!(
                "Charge {} has been charged back; cannot issue a refund.",
                charge.s("id")
            ),
        )
        .code("charge_disputed"));
    }
    if amount < 1 {
        return Err(
            ApiError::param("amount", "Invalid positive integer").code("parameter_invalid_integer")
        );
    }
    if amount > left {
        return Err(ApiError::param(
            "amount",
            format!(
                "Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            ),
        ));
    }
    let mut refund = cx.object(KIND, "re", json!({
        "amount": amount, "charge": charge["id"], "currency": charge["currency"], "customer": charge["customer"], "payment_intent": charge["payment_intent"], "payment_method": charge["payment_method"], "reason": reason, "status": "succeeded", "metadata": {},
        "destination_details": {"card": {"reference": null, "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}, "type": "card"},
    }));
    if charge.s("_card") == "refundFail" {
        refund.put("_due", cx.now + HOUR);
        if let Some(customer) = charge
            .opt("customer")
            .and_then(|id| cx.state.of("customer", id))
        {
            refund.put("_clock", customer["_clock"].clone());
        }
    }
    charge.put("amount_refunded", charge.i("amount_refunded") + amount);
    charge.put(
        "refunded",
        charge.i("amount_refunded") == charge.i("amount"),
    );
    let refund = cx.create(refund, "refund.created");
    cx.save(charge, "charge.refunded");
    Ok(refund.clone())
}

/// The bank sends the money back.
pub(crate) fn wake(cx: &mut Cx<'_>, id: &str) -> Result<()> {
    let mut refund = cx.take(KIND, id, "id")?;
    refund.cut("_due");
    refund.put("status", "failed");
    refund.put("failure_reason", "expired_or_canceled_card");
    let mut charge = cx.take("charge", refund.s("charge"), "charge")?;
    charge.put(
        "amount_refunded",
        charge.i("amount_refunded") - refund.i("amount"),
    );
    charge.put("refunded", false);
    cx.put(charge);
    let refund = cx.save(refund, "refund.updated");
    cx.emit("refund.failed", &refund);
    Ok(())
}

/// GET /v1/refunds/{id}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(KIND, a.id(), "id")
}

/// POST /v1/refunds/{id}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut refund = cx.take(KIND, a.id(), "id")?;
    merge_metadata(&mut refund, &a.p["metadata"]);
    Ok(cx.save(refund, "refund.updated"))
}

/// GET /v1/refunds
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    list::plain(cx, &a.p, KIND, &["charge", "payment_intent"], "/v1/refunds")
}
