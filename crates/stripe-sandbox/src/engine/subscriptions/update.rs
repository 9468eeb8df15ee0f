//! Changing a subscription: items with proration, anchors, trials, pending updates, ends.

use super::{KIND, bill, cancel, create, items, save};
use crate::core::{ApiError, Cx, Read, Result, Value, json};
use crate::engine::payment_intents::Outcome;
use crate::engine::{Args, coupons};

/// POST /v1/subscriptions/{id}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let sub = cx.take(KIND, a.id(), "id")?;
    cx.enter_doc(&sub);
    let p = &a.p;
    if super::ended(&sub) {
        let soft = p.as_object().is_none_or(|map| {
            map.keys()
                .all(|key| matches!(key.as_str(), "metadata" | "cancellation_details" | "expand"))
        });
        if !soft {
            return Err(ApiError::invalid(
                "A canceled subscription can only update its cancellation_details and metadata.",
            )
            .code("subscription_canceled"));
        }
    }
    if p.s("payment_behavior") == "pending_if_incomplete" {
        const ALLOWED: &[&str] = &[
            "expand",
            "items",
            "payment_behavior",
            "proration_behavior",
            "proration_date",
            "trial_end",
            "trial_from_plan",
            "billing_cycle_anchor",
            "off_session",
            "cancel_at_period_end",
            "discounts",
            "metadata",
        ];
        if let Some(key) = p
            .as_object()
            .into_iter()
            .flat_map(crate::core::json::Map::keys)
            .find(|key| !ALLOWED.contains(&key.as_str()))
        {
            return Err(ApiError::param(
                key,
                format!(
                    "`{key}` is not allowed together with payment_behavior=pending_if_incomplete."
                ),
            ));
        }
        if sub.s("collection_method") == "send_invoice" {
            return Err(ApiError::param(
                "payment_behavior",
                "pending_if_incomplete is not allowed with collection_method=send_invoice.",
            ));
        }
    }
    change(cx, a.id(), p)?;
    cx.take(KIND, a.id(), "id")
}

/// What a change left to bill.
struct Plan {
    reset: bool,
    prorated: bool,
}

/// Applies a change and bills it.
pub(crate) fn change(cx: &mut Cx<'_>, id: &str, p: &Value) -> Result<()> {
    let before = cx.take(KIND, id, "id")?;
    let mut sub = before.clone();
    let proration = p
        .opt("proration_behavior")
        .unwrap_or("create_prorations")
        .to_owned();
    let behaviour = p
        .opt("payment_behavior")
        .unwrap_or("allow_incomplete")
        .to_owned();
    create::settings(cx, &mut sub, p)?;
    ends(cx, &mut sub, p)?;
    pause(cx, &mut sub, p);
    if p.has("discounts") {
        let customer = sub.s("customer").to_owned();
        let ids = coupons::redeem(cx, p.list("discounts"), &customer, ("subscription", id))?;
        sub.put("discounts", ids);
    }
    let plan = apply(cx, &mut sub, p, &proration)?;
    if sub.b("cancel_at_period_end") {
        let end = super::period(&sub).1;
        sub.put("cancel_at", end);
    }
    if before["status"] == "trialing"
        && sub.s("status") == "active"
        && before.s("status") != sub.s("status")
        && super::cost(cx, &sub) > 0
        && sub.s("collection_method") == "charge_automatically"
    {
        sub.put("_trial_over", true);
    }
    let bills = plan.reset || (plan.prorated && proration == "always_invoice");
    save(cx, sub);
    if bills {
        settle(cx, id, &before, &plan, &behaviour)?;
    }
    let customer = before.s("customer").to_owned();
    super::super::entitlements::refresh(cx, &customer);
    Ok(())
}

/// Items, anchor and trial. Stores the prorations as pending invoice items.
fn apply(cx: &mut Cx<'_>, sub: &mut Value, p: &Value, proration: &str) -> Result<Plan> {
    let now = cx.now;
    let (start, end) = super::period(sub);
    let at = p.opt_i("proration_date").unwrap_or(now);
    if p.has("proration_date") && !(start..=end).contains(&at) {
        return Err(ApiError::param(
            "proration_date",
            "Cannot specify proration_date outside of the current period.",
        ));
    }
    let trialing = sub.s("status") == "trialing";
    let anchor_now = p["billing_cycle_anchor"].s("type") == "now";
    let touches = p.has("items") || anchor_now;
    let mut plan = Plan {
        reset: false,
        prorated: false,
    };
    if touches {
        let change = items::apply(
            cx,
            sub,
            p.list("items"),
            proration != "none",
            at,
            anchor_now,
        )?;
        plan.prorated = !change.prorations.is_empty();
        for item in change.prorations {
            cx.create(item, "invoiceitem.created");
        }
        plan.reset = change.reset && !trialing;
    }
    if trialing && (p.s("trial_end") == "now" || (anchor_now && !p.has("trial_end"))) {
        sub.put("trial_end", now);
        sub.put("status", "active");
        plan.reset = true;
    } else if let Some(moment) = p.opt_i("trial_end") {
        if moment <= now {
            return Err(ApiError::param(
                "trial_end",
                "trial_end must be in the future, or 'now'.",
            ));
        }
        sub.put("status", "trialing");
        sub.put("trial_start", sub.opt_i("trial_start").unwrap_or(now));
        sub.put("trial_end", moment);
        sub.put("billing_cycle_anchor", moment);
        sub.cut("_reminded");
        let from = if trialing { start } else { now };
        super::set_period(sub, from, moment);
    }
    if plan.reset {
        let next = super::interval(cx, sub).nth(now, 1);
        sub.put("billing_cycle_anchor", now);
        super::set_period(sub, now, next);
    }
    Ok(plan)
}

/// Bills a change, and takes it back or holds it when the payment fails and the caller wants that.
fn settle(cx: &mut Cx<'_>, id: &str, before: &Value, plan: &Plan, behaviour: &str) -> Result<()> {
    let free = false;
    let bill = bill::Bill {
        reason: "subscription_update",
        period: plan.reset,
        free,
        part: None,
    };
    let Some((invoice, outcome)) = bill::now(cx, id, bill, behaviour == "default_incomplete")?
    else {
        return Ok(());
    };
    match (outcome, behaviour) {
        (Outcome::Paid, _) => Ok(()),
        (Outcome::Declined(error), "error_if_incomplete") => Err(error),
        (Outcome::Action, "error_if_incomplete") => Err(ApiError::card(
            "subscription_payment_intent_requires_action",
            None,
            "Payment for this subscription requires additional user action before it can be completed successfully.",
        )),
        (_, "pending_if_incomplete") => hold(cx, id, before, &invoice),
        (_, _) => {
            let mut sub = cx.take(KIND, id, "id")?;
            if matches!(sub.s("status"), "active") {
                sub.put("status", "past_due");
                save(cx, sub);
            }
            Ok(())
        }
    }
}

/// Puts the old items back and keeps the new ones as a pending update, until the invoice is paid or the time is over.
fn hold(cx: &mut Cx<'_>, id: &str, before: &Value, invoice: &str) -> Result<()> {
    let applied = cx.take(KIND, id, "id")?;
    let mut sub = before.clone();
    sub.put("latest_invoice", invoice);
    sub.put("pending_update", json!({
        "billing_cycle_anchor": if applied["billing_cycle_anchor"] == before["billing_cycle_anchor"] { Value::Null } else { applied["billing_cycle_anchor"].clone() },
        "cancel_at_period_end": null, "discounts": null, "expires_at": cx.now + super::PATIENCE, "metadata": null, "subscription_items": applied["items"],
        "trial_end": null, "trial_from_plan": null,
    }));
    sub.put("_pending", json!({"invoice": invoice, "applied": {
        "items": applied["items"], "billing_cycle_anchor": applied["billing_cycle_anchor"], "discounts": applied["discounts"], "metadata": applied["metadata"], "status": applied["status"], "trial_end": applied["trial_end"],
    }}));
    // A failed upgrade leaves the old plan as it was: no dunning for it.
    let mut held = cx.take("invoice", invoice, "id")?;
    held.put("next_payment_attempt", Value::Null);
    held.put("auto_advance", false);
    held.cut("_due");
    cx.put(held);
    save(cx, sub);
    Ok(())
}

/// The invoice of a pending update was paid: it applies now.
pub(crate) fn apply_pending(cx: &mut Cx<'_>, id: &str) -> Result<()> {
    let mut sub = cx.take(KIND, id, "id")?;
    let applied = sub["_pending"]["applied"].clone();
    let period_before = super::period(&sub);
    for key in [
        "items",
        "billing_cycle_anchor",
        "discounts",
        "metadata",
        "status",
        "trial_end",
    ] {
        sub.put(key, applied[key].clone());
    }
    let fresh = applied["items"]
        .as_array()
        .and_then(|rows| rows.first())
        .map_or(period_before, |item| {
            (item.i("current_period_start"), item.i("current_period_end"))
        });
    super::set_period(&mut sub, fresh.0, fresh.1);
    sub.put("pending_update", Value::Null);
    sub.cut("_pending");
    let stored = save(cx, sub);
    cx.emit("customer.subscription.pending_update_applied", &stored);
    Ok(())
}

/// A pending update's time is over: its invoice is void, the old plan stays.
pub(crate) fn expire_pending(cx: &mut Cx<'_>, id: &str) -> Result<()> {
    let mut sub = cx.take(KIND, id, "id")?;
    let invoice = sub["_pending"].s("invoice").to_owned();
    sub.put("pending_update", Value::Null);
    sub.cut("_pending");
    let stored = save(cx, sub);
    crate::engine::invoices::finalize::void(cx, &invoice)?;
    cx.emit("customer.subscription.pending_update_expired", &stored);
    Ok(())
}

fn ends(cx: &mut Cx<'_>, sub: &mut Value, p: &Value) -> Result<()> {
    let period_end = super::period(sub).1;
    if let Some(at_end) = p["cancel_at_period_end"].as_bool() {
        sub.put("cancel_at_period_end", at_end);
        if at_end {
            cancel::ask(cx, sub, period_end);
        } else {
            cancel::unask(sub);
        }
    }
    match &p["cancel_at"] {
        Value::Int(_) => {
            let moment = p.i("cancel_at");
            if moment <= cx.now {
                return Err(ApiError::param(
                    "cancel_at",
                    "cancel_at must be in the future.",
                ));
            }
            cancel::ask(cx, sub, moment);
        }
        Value::String(text) if text.is_empty() => cancel::unask(sub),
        Value::String(_) => cancel::ask(cx, sub, period_end),
        _ => {}
    }
    Ok(())
}

fn pause(cx: &Cx<'_>, sub: &mut Value, p: &Value) {
    if p["pause_collection"].is_object() {
        let given = &p["pause_collection"];
        let resumes = given.opt_i("resumes_at").filter(|moment| *moment > cx.now);
        sub.put(
            "pause_collection",
            json!({"behavior": given["behavior"], "resumes_at": resumes}),
        );
    } else if p["pause_collection"].as_str() == Some("") {
        sub.put("pause_collection", Value::Null);
    }
}
