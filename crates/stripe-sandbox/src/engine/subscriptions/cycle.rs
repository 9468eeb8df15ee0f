//! What time does to a subscription: reminders, trial ends, renewals, expiries.

use super::{KIND, bill, cancel, pause, period, save, update};
use crate::core::{Cx, Read, Result, Value, json};
use crate::engine::invoices::pay;
use crate::engine::{Args, coupons};

/// A moment the subscription waited for has come. `cx.now` is that moment.
pub(crate) fn wake(cx: &mut Cx<'_>, id: &str) -> Result<()> {
    let mut sub = cx.take(KIND, id, "id")?;
    let now = cx.now;
    if sub["pause_collection"]
        .opt_i("resumes_at")
        .is_some_and(|moment| moment <= now)
    {
        sub.put("pause_collection", Value::Null);
        save(cx, sub);
        return Ok(());
    }
    if sub["pending_update"]
        .opt_i("expires_at")
        .is_some_and(|moment| moment <= now)
    {
        return update::expire_pending(cx, id);
    }
    if sub.opt_i("cancel_at").is_some_and(|moment| moment <= now) {
        let asked = sub["cancellation_details"].opt("reason").map(str::to_owned);
        return cancel::end(cx, id, asked.as_deref().or(Some("cancellation_requested")))
            .map(|_| ());
    }
    match sub.s("status") {
        "incomplete" => cancel::expire(cx, id),
        "paused" => {
            let again = Args {
                ids: vec![id.to_owned()],
                p: json!({"payment_behavior": "resume_on_payment_attempt"}),
            };
            pause::resume(cx, &again).map(|_| ())
        }
        "trialing" if sub.i("trial_end") <= now => end_trial(cx, sub),
        "trialing" => {
            sub.put("_reminded", true);
            super::arm(&mut sub);
            let stored = cx.put(sub);
            cx.emit("customer.subscription.trial_will_end", &stored);
            Ok(())
        }
        "active" | "past_due" | "unpaid" if period(&sub).1 <= now => renew(cx, sub),
        "active" | "past_due" | "unpaid" => notice(cx, sub),
        _ => {
            super::arm(&mut sub);
            cx.put(sub);
            Ok(())
        }
    }
}

/// `invoice.upcoming`, some days before a renewal. It has no id, as documented.
fn notice(cx: &mut Cx<'_>, mut sub: Value) -> Result<()> {
    let id = sub.s("id").to_owned();
    sub.put("_noticed", period(&sub).1);
    super::arm(&mut sub);
    cx.put(sub);
    if cx
        .state
        .all("webhook_endpoint")
        .any(|endpoint| crate::core::cx::wants(endpoint, "invoice.upcoming"))
    {
        let mut upcoming = crate::engine::invoices::preview::upcoming(cx, &id)?;
        upcoming.cut("id");
        cx.emit("invoice.upcoming", &upcoming);
    }
    Ok(())
}

fn end_trial(cx: &mut Cx<'_>, mut sub: Value) -> Result<()> {
    let id = sub.s("id").to_owned();
    let probe = json!({"customer": sub["customer"], "default_payment_method": sub["default_payment_method"]});
    let has_card =
        pay::method_for(cx, &probe).is_some() || sub.s("collection_method") == "send_invoice";
    let missing = sub["trial_settings"]["end_behavior"]
        .s("missing_payment_method")
        .to_owned();
    if !has_card && missing == "cancel" {
        return cancel::end(cx, &id, None).map(|_| ());
    }
    if !has_card && missing == "pause" {
        sub.put("status", "paused");
        let stored = save(cx, sub);
        cx.emit("customer.subscription.paused", &stored);
        let customer = stored.s("customer").to_owned();
        crate::engine::entitlements::refresh(cx, &customer);
        return Ok(());
    }
    sub.put("status", "active");
    renew(cx, sub)
}

/// Begins the next period and drafts its invoice.
fn renew(cx: &mut Cx<'_>, mut sub: Value) -> Result<()> {
    let id = sub.s("id").to_owned();
    let start = period(&sub).1;
    let anchor = sub.i("billing_cycle_anchor");
    let end = super::interval(cx, &sub).next_after(anchor, start);
    super::set_period(&mut sub, start, end);
    let running = coupons::running(cx, sub.list("discounts"), cx.now);
    if running.len() != sub.list("discounts").len() {
        let gone: Vec<Value> = sub
            .list("discounts")
            .iter()
            .filter(|id| !running.contains(id))
            .cloned()
            .collect();
        sub.put("discounts", running);
        for discount in gone.iter().filter_map(Value::as_str) {
            if let Some(found) = cx.state.get(discount).cloned() {
                cx.emit("customer.discount.deleted", &found);
            }
        }
    }
    save(cx, sub);
    bill::draft(
        cx,
        &id,
        bill::Bill {
            reason: "subscription_cycle",
            period: true,
            free: false,
            part: None,
        },
    )?;
    Ok(())
}
