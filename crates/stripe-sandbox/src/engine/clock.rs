//! Time's commands: waking what is due, in order, on the global clock and on the test clocks that are being advanced.

use super::{checkout, coupons, invoices, refunds, schedules, subscriptions};
use crate::core::{Cx, Read, RequestInfo, Result, Value, json};

/// Does up to `limit` due things. Returns whether more is due.
pub(crate) fn pump(cx: &mut Cx<'_>, limit: usize) -> Result<bool> {
    cx.request = RequestInfo::default();
    let mut left = limit;
    while let Some((due, id)) = cx.state.next_wake("").filter(|(due, _)| *due <= cx.global) {
        if left == 0 {
            return Ok(true);
        }
        left -= 1;
        wake(cx, &id, due);
    }
    let advancing: Vec<String> = cx
        .state
        .all("test_helpers.test_clock")
        .filter(|clock| clock.s("status") == "advancing")
        .map(|clock| clock.s("id").to_owned())
        .collect();
    for clock in advancing {
        if !advance(cx, &clock, &mut left)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Moves one test clock towards its target. Returns whether it arrived.
fn advance(cx: &mut Cx<'_>, id: &str, left: &mut usize) -> Result<bool> {
    let target = cx.find("test_helpers.test_clock", id, "id")?.i("_target");
    while let Some((due, doc)) = cx.state.next_wake(id).filter(|(due, _)| *due <= target) {
        if *left == 0 {
            return Ok(false);
        }
        *left -= 1;
        let mut clock = cx.take("test_helpers.test_clock", id, "id")?;
        if due > clock.i("frozen_time") {
            clock.put("frozen_time", due);
            cx.put(clock);
        }
        wake(cx, &doc, due);
    }
    let mut clock = cx.take("test_helpers.test_clock", id, "id")?;
    clock.put("frozen_time", target);
    clock.put("status", "ready");
    clock.put("status_details", json!({}));
    clock.cut("_target");
    cx.now = target;
    cx.create(clock, "test_helpers.test_clock.ready");
    Ok(true)
}

/// Wakes one document at its moment. One that fails is put to sleep with its error, so that time goes on.
fn wake(cx: &mut Cx<'_>, id: &str, due: i64) {
    cx.now = due;
    let Some(doc) = cx.state.get(id).cloned() else {
        return;
    };
    let mark = cx.state.mark();
    let done = match doc.s("object") {
        "subscription" => subscriptions::cycle::wake(cx, id),
        "invoice" => invoices::pay::wake(cx, id),
        "checkout.session" => checkout::expire_session(cx, id).map(|_| ()),
        "subscription_schedule" => schedules::wake(cx, id),
        "refund" => refunds::wake(cx, id),
        "coupon" | "promotion_code" => coupons::wake(cx, id),
        // A day is over: the answer kept under an idempotency key is forgotten.
        "_idempotency" => {
            cx.state.remove(id);
            Ok(())
        }
        _ => Ok(()),
    };
    let stuck = cx
        .state
        .get(id)
        .is_some_and(|after| after.opt_i("_due") == Some(due));
    if let Err(error) = done {
        cx.state.rollback_to(mark);
        tracing::warn!(
            id,
            error = error.message(),
            "a due object could not be woken"
        );
        sleep(cx, &doc, error.message());
    } else if stuck {
        tracing::warn!(id, "a due object did not move on");
        sleep(cx, &doc, "did not move on");
    }
}

fn sleep(cx: &mut Cx<'_>, doc: &Value, why: &str) {
    let mut doc = doc.clone();
    doc.cut("_due");
    doc.put("_stuck", why);
    cx.put(doc);
}
