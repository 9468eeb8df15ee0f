//! Subscription items by themselves. Each change is a change of the subscription, with the same proration.

use super::{Args, deleted, list, subscriptions};
use crate::core::{ApiError, Cx, Read, Result, Value, json};

/// The subscription an item hangs on.
fn holder(cx: &Cx<'_>, item: &str) -> Result<Value> {
    let found = cx
        .state
        .all("subscription")
        .find(|sub| sub.list("items").iter().any(|row| row.s("id") == item))
        .cloned();
    found.ok_or_else(|| ApiError::missing("subscription_item", item, "id"))
}

fn item(sub: &Value, id: &str) -> Result {
    sub.list("items")
        .iter()
        .find(|row| row.s("id") == id)
        .cloned()
        .ok_or_else(|| ApiError::missing("subscription_item", id, "id"))
}

/// Turns an item's parameters into a change of its subscription.
fn change(cx: &mut Cx<'_>, sub: &str, p: &Value, id: Option<&str>, gone: bool) -> Result<()> {
    let mut row = json!({});
    for key in [
        "price",
        "price_data",
        "quantity",
        "metadata",
        "tax_rates",
        "discounts",
        "plan",
    ] {
        if p.has(key) {
            row.put(key, p[key].clone());
        }
    }
    if let Some(id) = id {
        row.put("id", id);
    }
    if gone {
        row.put("deleted", true);
    }
    let mut whole = json!({"items": [row]});
    for key in [
        "proration_behavior",
        "proration_date",
        "payment_behavior",
        "off_session",
    ] {
        if p.has(key) {
            whole.put(key, p[key].clone());
        }
    }
    subscriptions::update::update(
        cx,
        &Args {
            ids: vec![sub.to_owned()],
            p: whole,
        },
    )
    .map(|_| ())
}

/// `POST /v1/subscription_items`
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let id = a.p.s("subscription").to_owned();
    cx.find("subscription", &id, "subscription")?;
    change(cx, &id, &a.p, None, false)?;
    let sub = cx.find("subscription", &id, "subscription")?;
    let rows = if sub["pending_update"].is_object() {
        sub["pending_update"].list("subscription_items")
    } else {
        sub.list("items")
    };
    rows.last()
        .cloned()
        .ok_or_else(|| ApiError::internal("the item was not added"))
}

/// `GET /v1/subscription_items/{id}`
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    item(&holder(cx, a.id())?, a.id())
}

/// `POST /v1/subscription_items/{id}`
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let sub = holder(cx, a.id())?.s("id").to_owned();
    change(cx, &sub, &a.p, Some(a.id()), false)?;
    get(cx, a)
}

/// `DELETE /v1/subscription_items/{id}`
pub(crate) fn delete(cx: &mut Cx<'_>, a: &Args) -> Result {
    let sub = holder(cx, a.id())?.s("id").to_owned();
    change(cx, &sub, &a.p, Some(a.id()), true)?;
    Ok(deleted(a.id(), "subscription_item"))
}

/// `GET /v1/subscription_items`
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    let sub = cx.find("subscription", a.p.s("subscription"), "subscription")?;
    let rows = sub.list("items").iter().rev().cloned().collect();
    list::page(&a.p, rows, "/v1/subscription_items")
}
