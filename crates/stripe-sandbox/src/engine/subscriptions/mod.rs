//! Subscriptions: their items, periods, trials, changes, ends, and how they follow their invoices.

pub(crate) mod api;
pub(crate) mod bill;
pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod cycle;
pub(crate) mod dunning;
pub(crate) mod items;
pub(crate) mod pause;
pub(crate) mod update;

use crate::core::calendar::{DAY, HOUR, Interval};
use crate::core::json::list_mut;
use crate::core::{Cx, Read, Value};

/// The type's name.
pub(crate) const KIND: &str = "subscription";
/// How long a first payment may stay open, and a pending update too.
pub(crate) const PATIENCE: i64 = 23 * HOUR;
/// How long before a trial's end the reminder comes.
pub(crate) const TRIAL_NOTICE: i64 = 3 * DAY;
/// How long before a renewal `invoice.upcoming` comes.
pub(crate) const UPCOMING_NOTICE: i64 = 7 * DAY;

/// Whether a subscription is over for good.
pub(crate) fn ended(sub: &Value) -> bool {
    matches!(sub.s("status"), "canceled" | "incomplete_expired")
}

/// The period all items share.
pub(crate) fn period(sub: &Value) -> (i64, i64) {
    sub.list("items").first().map_or((0, 0), |item| {
        (item.i("current_period_start"), item.i("current_period_end"))
    })
}

/// Gives all items a period.
pub(crate) fn set_period(sub: &mut Value, start: i64, end: i64) {
    for item in list_mut(sub, "items") {
        item.put("current_period_start", start);
        item.put("current_period_end", end);
    }
}

/// The interval of a subscription's prices.
pub(crate) fn interval(cx: &Cx<'_>, sub: &Value) -> Interval {
    sub.list("items")
        .first()
        .and_then(|item| cx.state.get(item.s("price")))
        .map_or(Interval::new("month", 1), |price| {
            Interval::new(
                price["recurring"].s("interval"),
                price["recurring"].i("interval_count"),
            )
        })
}

/// What an interval costs.
pub(crate) fn cost(cx: &Cx<'_>, sub: &Value) -> i64 {
    sub.list("items")
        .iter()
        .filter_map(|item| {
            cx.state.get(item.s("price")).map(|price| {
                price
                    .i("unit_amount")
                    .saturating_mul(item.opt_i("quantity").unwrap_or(1))
            })
        })
        .sum()
}

/// When a subscription wants to be woken next.
fn due(sub: &Value) -> Option<i64> {
    let mut moments = Vec::with_capacity(5);
    match sub.s("status") {
        "incomplete" => moments.push(sub.i("created") + PATIENCE),
        "trialing" => {
            moments.push(sub.i("trial_end"));
            if !sub.b("_reminded") {
                moments.push((sub.i("trial_end") - TRIAL_NOTICE).max(sub.i("trial_start")));
            }
        }
        "active" | "past_due" | "unpaid" => {
            let (_, end) = period(sub);
            moments.push(end);
            if sub.i("_noticed") != end && !sub.b("cancel_at_period_end") {
                moments.push(end - UPCOMING_NOTICE);
            }
        }
        "paused" => moments.extend(sub.opt_i("_resumes_at")),
        _ => {}
    }
    if !ended(sub) {
        moments.extend(sub.opt_i("cancel_at"));
        moments.extend(sub["pending_update"].opt_i("expires_at"));
        moments.extend(sub["pause_collection"].opt_i("resumes_at"));
    }
    moments.into_iter().min()
}

/// Stores a changed subscription with its next waking, and says what changed.
pub(crate) fn save(cx: &mut Cx<'_>, mut sub: Value) -> Value {
    arm(&mut sub);
    cx.save(sub, "customer.subscription.updated")
}

/// Sets the next waking.
pub(crate) fn arm(sub: &mut Value) {
    match due(sub) {
        Some(moment) => sub.put("_due", moment),
        None => sub.cut("_due"),
    }
}
