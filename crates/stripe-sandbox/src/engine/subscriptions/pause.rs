//! Pausing and resuming a whole subscription, which is not the same as pausing collection.

use super::{KIND, bill, save};
use crate::core::{ApiError, Cx, Read, Result, json};
use crate::engine::Args;
use crate::engine::payment_intents::Outcome;

/// POST /v1/subscriptions/{id}/pause
pub(crate) fn pause(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut sub = cx.take(KIND, a.id(), "id")?;
    cx.enter_doc(&sub);
    if !matches!(sub.s("status"), "active" | "trialing" | "past_due") {
        return Err(ApiError::invalid(format!(
            "You cannot pause a subscription with the status {}.",
            sub.s("status")
        )));
    }
    let before = sub.clone();
    if a.p["bill_for"]["unused_time_from"].s("type") == "now" && before.s("status") == "active" {
        super::cancel::credit_rest(cx, &before);
        if a.p.s("invoicing_behavior") == "invoice" {
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
            sub = cx.take(KIND, a.id(), "id")?;
        }
    }
    sub.put("status", "paused");
    // Time that was given back is charged again when the old period goes on.
    sub.put(
        "_credited",
        a.p["bill_for"]["unused_time_from"].s("type") == "now",
    );
    match a.p.opt_i("_resumes_at") {
        Some(moment) => sub.put("_resumes_at", moment),
        None => sub.cut("_resumes_at"),
    }
    sub.put("status_details", json!({"paused": {"subscription": {"paused_at": cx.now}, "transitioned_at": cx.now, "type": "subscription"}}));
    let customer = sub.s("customer").to_owned();
    let stored = save(cx, sub);
    cx.emit("customer.subscription.paused", &stored);
    crate::engine::entitlements::refresh(cx, &customer);
    cx.take(KIND, a.id(), "id")
}

/// POST /v1/subscriptions/{id}/resume
pub(crate) fn resume(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut sub = cx.take(KIND, a.id(), "id")?;
    cx.enter_doc(&sub);
    if sub.s("status") != "paused" {
        return Err(ApiError::invalid(
            "Only paused subscriptions can be resumed.",
        ));
    }
    let (_, end) = super::period(&sub);
    let now = cx.now;
    let reset = a.p["billing_cycle_anchor"].s("type") != "unchanged" || end <= now;
    let owed = sub.b("_credited") && !reset;
    sub.put("status", "active");
    for gone in ["status_details", "_resumes_at", "_credited"] {
        sub.cut(gone);
    }
    if reset {
        let next = super::interval(cx, &sub).nth(now, 1);
        sub.put("billing_cycle_anchor", now);
        super::set_period(&mut sub, now, next);
    }
    let customer = sub.s("customer").to_owned();
    let proration = a.p.opt("proration_behavior").unwrap_or("create_prorations");
    if owed && proration != "none" {
        let at = a.p.opt_i("proration_date").unwrap_or(now);
        super::items::charge_rest(cx, &sub, at);
    }
    save(cx, sub);
    if reset || (owed && proration == "always_invoice") {
        let billed = bill::now(
            cx,
            a.id(),
            bill::Bill {
                reason: "subscription_update",
                period: reset,
                free: false,
                part: None,
            },
            false,
        )?;
        if let Some((_, outcome)) = billed
            && outcome != Outcome::Paid
        {
            let mut sub = cx.take(KIND, a.id(), "id")?;
            sub.put(
                "status",
                if a.p.s("payment_behavior") == "resume_on_payment_attempt" {
                    "past_due"
                } else {
                    "paused"
                },
            );
            save(cx, sub);
        }
    }
    let stored = cx.find(KIND, a.id(), "id")?;
    if stored.s("status") != "paused" {
        cx.emit("customer.subscription.resumed", &stored);
    }
    crate::engine::entitlements::refresh(cx, &customer);
    cx.take(KIND, a.id(), "id")
}
