//! Test clocks: a customer's own time, advanced in the background.

use super::{Args, deleted, list, subscriptions};
use crate::core::calendar::DAY;
use crate::core::{ApiError, Cx, Read, Result, json};

const KIND: &str = "test_helpers.test_clock";

/// `POST /v1/test_helpers/test_clocks`
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    if a.p.has("customer") {
        return Err(ApiError::not_imitated("customer"));
    }
    let frozen = a.p.i("frozen_time");
    if !(0..=253_402_300_799).contains(&frozen) {
        return Err(
            ApiError::param("frozen_time", "Invalid timestamp.").code("parameter_invalid_integer")
        );
    }
    let mut clock = cx.object(KIND, "clock", json!({"deletes_after": cx.now + 30 * DAY, "frozen_time": frozen, "name": a.p["name"], "status": "ready", "status_details": {}}));
    clock.put("_clock", clock["id"].clone());
    Ok(cx.create(clock, "test_helpers.test_clock.created"))
}

/// `GET /v1/test_helpers/test_clocks/{id}`
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(KIND, a.id(), "id")
}

/// `GET /v1/test_helpers/test_clocks`
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    list::plain(cx, &a.p, KIND, &[], "/v1/test_helpers/test_clocks")
}

/// `POST /v1/test_helpers/test_clocks/{id}/advance`: answers at once; the status tells when it is done.
pub(crate) fn advance(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut clock = cx.take(KIND, a.id(), "id")?;
    let target = a.p.i("frozen_time");
    let now = clock.i("frozen_time");
    if clock.s("status") != "ready" {
        return Err(
            ApiError::invalid("Test clock advancement is already underway.")
                .code("test_clock_advancement_underway"),
        );
    }
    if target <= now {
        return Err(ApiError::param(
            "frozen_time",
            "The frozen time must be later than the clock's current time.",
        ));
    }
    let customers: Vec<String> = cx
        .state
        .all("customer")
        .filter(|customer| customer.s("test_clock") == a.id())
        .map(|customer| customer.s("id").to_owned())
        .collect();
    let mut furthest = now + 730 * DAY;
    for sub in customers
        .iter()
        .flat_map(|customer| cx.state.owned(customer, "subscription"))
        .filter(|sub| !subscriptions::ended(sub))
    {
        furthest = furthest.min(subscriptions::interval(cx, sub).nth(now, 2));
    }
    if target > furthest {
        return Err(ApiError::param("frozen_time", "You can advance a test clock by at most two intervals of its shortest subscription, or two years without one.").code("test_clock_advance_too_far"));
    }
    clock.put("status", "advancing");
    clock.put(
        "status_details",
        json!({"advancing": {"target_frozen_time": target}}),
    );
    clock.put("_target", target);
    Ok(cx.create(clock, "test_helpers.test_clock.advancing"))
}

/// `DELETE /v1/test_helpers/test_clocks/{id}`: with everything that lives under it.
pub(crate) fn delete(cx: &mut Cx<'_>, a: &Args) -> Result {
    let clock = cx.find(KIND, a.id(), "id")?;
    cx.emit("test_helpers.test_clock.deleted", &clock);
    let customers: Vec<String> = cx
        .state
        .all("customer")
        .filter(|customer| customer.s("test_clock") == a.id())
        .map(|customer| customer.s("id").to_owned())
        .collect();
    for customer in customers {
        super::customers::delete(
            cx,
            &Args {
                ids: vec![customer],
                p: json!({}),
            },
        )?;
    }
    cx.state.remove(a.id());
    Ok(deleted(a.id(), KIND))
}
