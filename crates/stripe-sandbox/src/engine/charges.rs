//! Charges and disputes: what an attempt to pay leaves behind. Balance transactions are not imitated.

use super::{Args, list};
use crate::core::json::ToValue;
use crate::core::{Cx, Read, Result, Value, json};

const KIND: &str = "charge";

/// Records one attempt. `failure` is code, decline code and message.
pub(crate) fn record(
    cx: &mut Cx<'_>,
    intent: &Value,
    method: &Value,
    failure: Option<(&str, Option<&str>, &str)>,
) -> Value {
    let amount = intent.i("amount");
    let card = &method["card"];
    let details = json!({"type": "card", "card": {
        "amount_authorized": if failure.is_none() { json!(amount) } else { Value::Null }, "authorization_code": null, "brand": card["brand"], "checks": card["checks"], "country": card["country"],
        "exp_month": card["exp_month"], "exp_year": card["exp_year"], "extended_authorization": {"status": "disabled"}, "fingerprint": card["fingerprint"], "funding": card["funding"],
        "incremental_authorization": {"status": "unavailable"}, "installments": null, "last4": card["last4"], "mandate": null, "multicapture": {"status": "unavailable"},
        "network": card["brand"], "network_token": {"used": false}, "network_transaction_id": null, "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated", "three_d_secure": null, "wallet": null,
    }});
    let outcome = match failure {
        None => {
            json!({"advice_code": null, "network_advice_code": null, "network_decline_code": null, "network_status": "approved_by_network", "reason": null, "risk_level": "normal", "seller_message": "Payment complete.", "type": "authorized"})
        }
        Some((code, decline, _)) => {
            json!({"advice_code": "try_again_later", "network_advice_code": null, "network_decline_code": null, "network_status": "declined_by_network", "reason": decline.unwrap_or(code), "risk_level": "normal", "seller_message": "The bank did not return any further details with this decline.", "type": "issuer_declined"})
        }
    };
    let ok = failure.is_none();
    let mut charge = cx.object(KIND, "ch", json!({
        "amount": amount, "amount_captured": if ok { amount } else { 0 }, "amount_refunded": 0, "billing_details": method["billing_details"], "captured": ok,
        "currency": intent["currency"], "customer": intent["customer"], "description": intent["description"], "failure_code": failure.map(|f| f.0), "failure_message": failure.map(|f| f.2),
        "fraud_details": {}, "metadata": intent["metadata"], "outcome": outcome, "paid": ok, "payment_intent": intent["id"], "payment_method": method["id"],
        "payment_method_details": details, "receipt_email": intent["receipt_email"], "status": if ok { "succeeded" } else { "failed" }, "_card": method["_card"],
    }));
    charge.cut("refunds");
    if ok {
        let receipt = match intent.opt("_invoice") {
            Some(invoice) => format!("{}/pages/invoice/{invoice}", cx.base),
            None => format!("{}/pages/receipt/{}", cx.base, charge.s("id")),
        };
        charge.put("receipt_url", receipt);
    }
    cx.create(
        charge,
        if ok {
            "charge.succeeded"
        } else {
            "charge.failed"
        },
    )
}

/// Opens a dispute over a charge.
pub(crate) fn dispute(cx: &mut Cx<'_>, id: &str) -> Result<()> {
    let mut charge = cx.take(KIND, id, "charge")?;
    let evidence: Value = [
        "access_activity_log",
        "cancellation_policy",
        "customer_communication",
        "customer_email_address",
        "customer_name",
        "customer_signature",
        "product_description",
        "receipt",
        "refund_policy",
        "uncategorized_text",
    ]
    .iter()
    .map(|key| (*key, Value::Null))
    .collect::<crate::core::json::Map>()
    .to_value();
    let dispute = cx.object("dispute", "du", json!({
        "amount": charge["amount"], "balance_transactions": [], "charge": id, "currency": charge["currency"], "enhanced_eligibility_types": [], "evidence": evidence,
        "evidence_details": {"due_by": cx.now + 7 * 86_400, "has_evidence": false, "past_due": false, "submission_count": 0, "enhanced_eligibility": {}},
        "is_charge_refundable": false, "payment_intent": charge["payment_intent"], "reason": "fraudulent", "status": "needs_response",
    }));
    charge.put("disputed", true);
    cx.put(charge);
    cx.create(dispute, "charge.dispute.created");
    Ok(())
}

/// GET /v1/charges/{id}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(KIND, a.id(), "id")
}

/// GET /v1/charges
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    list::plain(
        cx,
        &a.p,
        KIND,
        &["customer", "payment_intent"],
        "/v1/charges",
    )
}
