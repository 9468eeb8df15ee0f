//! Subscription schedules: phases that change a subscription at their boundaries.

use super::{Args, copy, list, subscriptions};
use crate::core::calendar::Interval;
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json};
use crate::engine::prices;

const KIND: &str = "subscription_schedule";

fn blank(cx: &mut Cx<'_>, customer: &Value) -> Value {
    let mut schedule = cx.object(KIND, "sub_sched", json!({
        "billing_mode": {"type": "flexible", "flexible": {"proration_discounts": "included"}, "updated_at": null}, "customer": customer["id"], "end_behavior": "release", "metadata": {}, "phases": [], "pause_schedules": [], "status": "not_started",
        "default_settings": {"application_fee_percent": null, "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null}, "billing_cycle_anchor": "automatic", "billing_thresholds": null, "collection_method": "charge_automatically", "default_payment_method": null,
            "description": null, "invoice_settings": {"account_tax_ids": null, "custom_fields": null, "days_until_due": null, "description": null, "footer": null, "issuer": {"type": "self"}}, "on_behalf_of": null, "transfer_data": null},
    }));
    schedule.put("test_clock", customer["test_clock"].clone());
    schedule.put("_clock", customer["_clock"].clone());
    schedule
}

/// `POST /v1/subscription_schedules`
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let p = &a.p;
    for field in ["default_settings", "pause_schedules"] {
        if p.has(field) {
            return Err(ApiError::not_imitated(field));
        }
    }
    if let Some(sub) = p.opt("from_subscription") {
        return from_subscription(cx, p, sub);
    }
    let customer = p.opt("customer").ok_or_else(|| {
        ApiError::param("customer", "You must pass customer or from_subscription.")
            .code("parameter_missing")
    })?;
    let customer = cx.find("customer", customer, "customer")?;
    cx.enter_doc(&customer);
    let mut schedule = blank(cx, &customer);
    let start = p.opt_i("start_date").unwrap_or(cx.now);
    if start < cx.now {
        return Err(ApiError::not_imitated("start_date (in the past)"));
    }
    if p.list("phases").is_empty() {
        return Err(
            ApiError::param("phases", "Missing required param: phases.").code("parameter_missing")
        );
    }
    schedule.put("end_behavior", end_behavior(p)?);
    let phases = phases(cx, p.list("phases"), start)?;
    schedule.put("phases", phases);
    merge_metadata(&mut schedule, &p["metadata"]);
    schedule.put("_due", start);
    let id = schedule.s("id").to_owned();
    cx.create(schedule, "subscription_schedule.created");
    if start == cx.now {
        wake(cx, &id)?;
    }
    cx.take(KIND, &id, "id")
}

fn end_behavior(p: &Value) -> Result<&str> {
    match p.opt("end_behavior").unwrap_or("release") {
        found @ ("release" | "cancel") => Ok(found),
        other => Err(ApiError::not_imitated(&format!("end_behavior={other}"))),
    }
}

fn from_subscription(cx: &mut Cx<'_>, p: &Value, sub: &str) -> Result {
    if p.has("phases") || p.has("customer") || p.has("end_behavior") {
        return Err(ApiError::param(
            "from_subscription",
            "When from_subscription is given, other fields must be set by an update of the schedule.",
        ));
    }
    let mut sub = cx.take("subscription", sub, "from_subscription")?;
    cx.enter_doc(&sub);
    if subscriptions::ended(&sub) || sub.has("schedule") {
        return Err(ApiError::param(
            "from_subscription",
            "You cannot migrate a subscription that is over or already attached to a schedule.",
        ));
    }
    let customer = cx.find("customer", sub.s("customer"), "customer")?;
    let mut schedule = blank(cx, &customer);
    let (start, end) = subscriptions::period(&sub);
    let items: Vec<Value> = sub
        .list("items")
        .iter()
        .map(|item| {
            phase_item(
                item["price"].clone(),
                item.opt_i("quantity").unwrap_or(1),
                item,
            )
        })
        .collect();
    schedule.put(
        "phases",
        json!([phase(&sub, items, start, end, "create_prorations")]),
    );
    schedule.put("status", "active");
    schedule.put(
        "current_phase",
        json!({"start_date": start, "end_date": end}),
    );
    schedule.put("subscription", sub["id"].clone());
    schedule.put("_due", end);
    merge_metadata(&mut schedule, &p["metadata"]);
    sub.put("schedule", schedule["id"].clone());
    subscriptions::save(cx, sub);
    Ok(cx.create(schedule, "subscription_schedule.created"))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the caller has just made it for this"
)]
fn phase_item(price: Value, quantity: i64, given: &Value) -> Value {
    json!({"billing_thresholds": null, "discounts": [], "metadata": if given["metadata"].is_object() { given["metadata"].clone() } else { json!({}) }, "plan": price, "price": price, "quantity": quantity, "tax_rates": []})
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the caller has just made it for this"
)]
fn phase(source: &Value, items: Vec<Value>, start: i64, end: i64, proration: &str) -> Value {
    json!({
        "add_invoice_items": [], "application_fee_percent": null, "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null}, "billing_cycle_anchor": null, "billing_thresholds": null, "collection_method": null,
        "currency": source["currency"], "default_payment_method": null, "default_tax_rates": [], "description": null, "discounts": [], "end_date": end, "invoice_settings": null, "items": items,
        "metadata": {}, "on_behalf_of": null, "proration_behavior": proration, "start_date": start, "transfer_data": null, "trial_end": null,
    })
}

fn phases(cx: &mut Cx<'_>, given: &[Value], first: i64) -> Result<Vec<Value>> {
    let mut start = first;
    let mut rows = Vec::new();
    for (n, wanted) in given.iter().enumerate() {
        let param = format!("phases[{n}]");
        for field in [
            "trial",
            "trial_end",
            "discounts",
            "default_tax_rates",
            "collection_method",
            "default_payment_method",
            "invoice_settings",
            "billing_cycle_anchor",
            "description",
        ] {
            if wanted.has(field) {
                return Err(ApiError::not_imitated(&format!("{param}[{field}]")));
            }
        }
        if wanted
            .opt_i("start_date")
            .is_some_and(|moment| moment != start)
        {
            return Err(ApiError::param(
                &format!("{param}[start_date]"),
                "A phase starts when the one before it ends.",
            ));
        }
        let mut items = Vec::new();
        let mut source = json!({});
        for (m, item) in wanted.list("items").iter().enumerate() {
            let price = prices::resolve(cx, item, &format!("{param}[items][{m}]"), Some(true))?;
            source.put("currency", price["currency"].clone());
            source.put("recurring", price["recurring"].clone());
            items.push(phase_item(
                price["id"].clone(),
                item.opt_i("quantity").unwrap_or(1),
                item,
            ));
        }
        if items.is_empty() {
            return Err(ApiError::param(
                &format!("{param}[items]"),
                "A phase needs at least one item.",
            ));
        }
        let end = if let Some(end) = wanted.opt_i("end_date") {
            end
        } else if wanted["duration"].is_object() {
            Interval::new(
                wanted["duration"].s("interval"),
                wanted["duration"].opt_i("interval_count").unwrap_or(1),
            )
            .nth(start, 1)
        } else {
            Interval::new(
                source["recurring"].s("interval"),
                source["recurring"].i("interval_count"),
            )
            .nth(start, 1)
        };
        if end <= start {
            return Err(ApiError::param(
                &format!("{param}[end_date]"),
                "A phase must end after it starts.",
            ));
        }
        rows.push(phase(
            &source,
            items,
            start,
            end,
            wanted
                .opt("proration_behavior")
                .unwrap_or("create_prorations"),
        ));
        start = end;
    }
    Ok(rows)
}

/// `GET /v1/subscription_schedules/{id}`
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(KIND, a.id(), "id")
}

/// `POST /v1/subscription_schedules/{id}`: new phases from the current one on.
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut schedule = open(cx, a.id())?;
    for field in ["default_settings", "pause_schedules"] {
        if a.p.has(field) {
            return Err(ApiError::not_imitated(field));
        }
    }
    if a.p.has("end_behavior") {
        schedule.put("end_behavior", end_behavior(&a.p)?);
    }
    merge_metadata(&mut schedule, &a.p["metadata"]);
    if a.p.has("phases") {
        let start = schedule["current_phase"]
            .opt_i("start_date")
            .or_else(|| {
                schedule
                    .list("phases")
                    .first()
                    .and_then(|phase| phase.opt_i("start_date"))
            })
            .unwrap_or(cx.now);
        let rows = phases(cx, a.p.list("phases"), start)?;
        let end = rows.first().map_or(start, |phase| phase.i("end_date"));
        if schedule.s("status") == "active" {
            if end <= cx.now {
                return Err(ApiError::param(
                    "phases[0][end_date]",
                    "The current phase must end in the future.",
                ));
            }
            schedule.put(
                "current_phase",
                json!({"start_date": start, "end_date": end}),
            );
            schedule.put("_due", end);
            let sub = schedule.s("subscription").to_owned();
            apply(cx, &sub, &rows[0], a.p.opt("proration_behavior"))?;
        }
        schedule.put("phases", rows);
    }
    copy(&mut schedule, &a.p, &[]);
    Ok(cx.save(schedule, "subscription_schedule.updated"))
}

fn open(cx: &mut Cx<'_>, id: &str) -> Result {
    let schedule = cx.take(KIND, id, "id")?;
    cx.enter_doc(&schedule);
    if matches!(schedule.s("status"), "active" | "not_started") {
        Ok(schedule)
    } else {
        Err(ApiError::invalid(format!(
            "You cannot change a subscription schedule that is {}.",
            schedule.s("status")
        )))
    }
}

/// Brings the subscription's items in line with a phase.
fn apply(cx: &mut Cx<'_>, sub: &str, phase: &Value, proration: Option<&str>) -> Result<()> {
    let found = cx.take("subscription", sub, "subscription")?;
    let mut rows: Vec<Value> = Vec::new();
    let mut old: Vec<Value> = found.list("items").to_vec();
    let same = old.len() == phase.list("items").len()
        && old
            .iter()
            .zip(phase.list("items"))
            .all(|(a, b)| a["price"] == b["price"] && a["quantity"] == b["quantity"]);
    if same {
        return Ok(());
    }
    for wanted in phase.list("items") {
        let mut row = json!({"price": wanted["price"], "quantity": wanted["quantity"]});
        // The item with the same price stays; otherwise the next free one takes the new price.
        let at = old
            .iter()
            .position(|item| item["price"] == wanted["price"])
            .or(if old.is_empty() { None } else { Some(0) });
        if let Some(at) = at {
            row.put("id", old.remove(at)["id"].clone());
        }
        rows.push(row);
    }
    rows.extend(
        old.iter()
            .map(|item| json!({"id": item["id"], "deleted": true})),
    );
    let change = json!({"items": rows, "proration_behavior": proration.unwrap_or(phase.s("proration_behavior"))});
    subscriptions::update::change(cx, sub, &change)
}

/// A phase begins or the last one ends.
pub(crate) fn wake(cx: &mut Cx<'_>, id: &str) -> Result<()> {
    let mut schedule = cx.take(KIND, id, "id")?;
    schedule.cut("_due");
    let now = cx.now;
    let current = schedule
        .list("phases")
        .iter()
        .find(|phase| phase.i("start_date") <= now && now < phase.i("end_date"))
        .cloned();
    let Some(phase) = current else {
        return finish(cx, schedule);
    };
    schedule.put(
        "current_phase",
        json!({"start_date": phase["start_date"], "end_date": phase["end_date"]}),
    );
    schedule.put("_due", phase.i("end_date"));
    if let Some(sub) = schedule.opt("subscription").map(str::to_owned) {
        apply(cx, &sub, &phase, None)?;
    } else {
        let items: Vec<Value> = phase
            .list("items")
            .iter()
            .map(|item| json!({"price": item["price"], "quantity": item["quantity"]}))
            .collect();
        let made = subscriptions::create::create(
            cx,
            &Args {
                ids: Vec::new(),
                p: json!({"customer": schedule["customer"], "items": items}),
            },
        )?;
        let mut sub = cx.take("subscription", made.s("id"), "id")?;
        sub.put("schedule", id);
        subscriptions::save(cx, sub);
        schedule.put("subscription", made["id"].clone());
    }
    schedule.put("status", "active");
    cx.save(schedule, "subscription_schedule.updated");
    Ok(())
}

fn finish(cx: &mut Cx<'_>, mut schedule: Value) -> Result<()> {
    let sub = schedule.s("subscription").to_owned();
    schedule.put("current_phase", Value::Null);
    if schedule.s("end_behavior") == "cancel" {
        schedule.put("status", "completed");
        schedule.put("completed_at", cx.now);
        cx.create(schedule, "subscription_schedule.completed");
        return subscriptions::cancel::end(cx, &sub, Some("cancellation_requested")).map(|_| ());
    }
    let_go(cx, schedule)?;
    Ok(())
}

fn let_go(cx: &mut Cx<'_>, mut schedule: Value) -> Result {
    if let Some(id) = schedule.opt("subscription").map(str::to_owned) {
        let mut sub = cx.take("subscription", &id, "subscription")?;
        sub.put("schedule", Value::Null);
        subscriptions::save(cx, sub);
        schedule.put("released_subscription", id);
    }
    schedule.put("subscription", Value::Null);
    schedule.put("current_phase", Value::Null);
    schedule.put("status", "released");
    schedule.put("released_at", cx.now);
    schedule.cut("_due");
    Ok(cx.create(schedule, "subscription_schedule.released"))
}

/// `POST /v1/subscription_schedules/{id}/release`
pub(crate) fn release(cx: &mut Cx<'_>, a: &Args) -> Result {
    let schedule = open(cx, a.id())?;
    let_go(cx, schedule)
}

/// `POST /v1/subscription_schedules/{id}/cancel`: and its subscription.
pub(crate) fn cancel(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut schedule = open(cx, a.id())?;
    schedule.put("status", "canceled");
    schedule.put("canceled_at", cx.now);
    schedule.put("current_phase", Value::Null);
    schedule.cut("_due");
    let sub = schedule.opt("subscription").map(str::to_owned);
    let stored = cx.create(schedule, "subscription_schedule.canceled");
    if let Some(sub) = sub {
        let mut found = cx.take("subscription", &sub, "id")?;
        found.put("schedule", Value::Null);
        let before = found.clone();
        cx.put(found);
        if a.p["prorate"].as_bool() != Some(false) && before.s("status") == "active" {
            subscriptions::cancel::credit_rest(cx, &before);
        }
        subscriptions::cancel::end(cx, &sub, Some("cancellation_requested"))?;
    }
    Ok(stored.clone())
}

/// The subscription ended by itself.
pub(crate) fn subscription_gone(cx: &mut Cx<'_>, id: &str) {
    let Some(found) = cx.state.of(KIND, id).cloned() else {
        return;
    };
    if matches!(found.s("status"), "active" | "not_started") {
        let mut schedule = found.clone();
        schedule.put("status", "canceled");
        schedule.put("canceled_at", cx.now);
        schedule.put("current_phase", Value::Null);
        schedule.cut("_due");
        cx.create(schedule, "subscription_schedule.canceled");
    }
}

/// `GET /v1/subscription_schedules`
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    list::plain(cx, &a.p, KIND, &["customer"], "/v1/subscription_schedules")
}
