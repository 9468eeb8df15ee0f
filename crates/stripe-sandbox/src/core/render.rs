//! From a stored document to what a client sees: private keys off, embedded objects in, `expand` done.

use super::cx::{API_VERSION, skeleton};
use super::error::{ApiError, Result};
use super::json::{Read, Value, json, list_object};
use super::state::{Event, State};

/// How many lines an embedded list shows before it says `has_more`.
const EMBEDDED: usize = 10;
/// How deep `expand` may go, as documented.
const DEPTH: usize = 4;

/// Expands in place.
pub(crate) fn expand_all(state: &State, shown: &mut Value, expand: &[String]) -> Result<()> {
    for path in expand {
        let segments: Vec<&str> = path.split('.').collect();
        if segments
            .iter()
            .filter(|segment| **segment != "data")
            .count()
            > DEPTH
        {
            return Err(ApiError::param(
                "expand",
                format!("You cannot expand more than {DEPTH} levels of a property ({path})."),
            ));
        }
        walk(state, shown, &segments, path)?;
    }
    Ok(())
}

fn walk(state: &State, value: &mut Value, segments: &[&str], path: &str) -> Result<()> {
    if let Value::Array(items) = value {
        for item in std::sync::Arc::make_mut(items) {
            if let Some(id) = item.as_str()
                && let Some(found) = state.get(id)
            {
                *item = present(state, found);
            }
            walk(state, item, segments, path)?;
        }
        return Ok(());
    }
    let Some((first, rest)) = segments.split_first() else {
        return Ok(());
    };
    let Some(map) = value.as_object() else {
        return Ok(());
    };
    if !map.contains_key(first) {
        match lazy(state, value, first) {
            Some(found) => value.put(first, found),
            None if map.contains_key("object") => {
                return Err(ApiError::param(
                    "expand",
                    format!("This property cannot be expanded ({path})."),
                ));
            }
            None => return Ok(()),
        }
    }
    let slot = &mut value[*first];
    if let Some(id) = slot.as_str()
        && let Some(found) = state.get(id)
    {
        *slot = present(state, found);
    }
    walk(state, slot, rest, path)
}

/// The fields that exist only when asked for.
fn lazy(state: &State, value: &Value, field: &str) -> Option<Value> {
    let id = value.s("id");
    let collect = |kind: &str, url: String| {
        let data: Vec<Value> = state
            .owned(id, kind)
            .rev()
            .map(|found| present(state, found))
            .collect();
        let more = data.len() > EMBEDDED;
        list_object(data.into_iter().take(EMBEDDED).collect(), &url, more)
    };
    match (value.s("object"), field) {
        ("invoice", "payments") => Some(collect("invoice_payment", "/v1/invoice_payments".into())),
        ("invoice", "confirmation_secret") => {
            let intent = state
                .owned(id, "invoice_payment")
                .last()
                .and_then(|payment| state.get(payment["payment"].s("payment_intent")));
            Some(intent.map_or(Value::Null, |intent| json!({"client_secret": intent["client_secret"], "type": "payment_intent"})))
        }
        ("checkout.session", "line_items") => state.get(id).map(|stored| {
            let lines = stored
                .list("_lines")
                .iter()
                .map(|line| present(state, line))
                .collect();
            list_object(
                lines,
                &format!("/v1/checkout/sessions/{id}/line_items"),
                false,
            )
        }),
        ("customer", "subscriptions") => Some(collect(
            "subscription",
            format!("/v1/customers/{id}/subscriptions"),
        )),
        ("customer", "tax_ids") => Some(collect("tax_id", format!("/v1/customers/{id}/tax_ids"))),
        ("customer", "sources") => Some(list_object(
            Vec::new(),
            &format!("/v1/customers/{id}/sources"),
            false,
        )),
        ("charge", "refunds") => Some(collect("refund", format!("/v1/charges/{id}/refunds"))),
        ("coupon", "applies_to") => state.get(id).map(|stored| stored["_applies_to"].clone()),
        ("price", "currency_options" | "tiers") => Some(Value::Null),
        _ => None,
    }
}

/// Shows a stored object without expansion.
#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
pub(crate) fn present(state: &State, value: &Value) -> Value {
    let Some(map) = value.as_object() else {
        return value.clone();
    };
    let mut shown = Value::Object(map.public());
    match value.s("object") {
        "subscription" => {
            let id = value.s("id");
            let items: Vec<Value> = value
                .list("items")
                .iter()
                .map(|item| subscription_item(state, item))
                .collect();
            shown.put(
                "items",
                list_object(
                    items,
                    &format!("/v1/subscription_items?subscription={id}"),
                    false,
                ),
            );
            if value.has("pending_update") {
                let items: Vec<Value> = value["pending_update"]
                    .list("subscription_items")
                    .iter()
                    .map(|item| subscription_item(state, item))
                    .collect();
                shown["pending_update"].put("subscription_items", items);
            }
            let rates: Vec<Value> = value
                .list("default_tax_rates")
                .iter()
                .filter_map(Value::as_str)
                .filter_map(|id| state.get(id))
                .map(|rate| present(state, rate))
                .collect();
            shown.put("default_tax_rates", rates);
        }
        "subscription_item" => return subscription_item(state, &shown),
        "invoice" => {
            let id = value.s("id");
            let lines = value.list("lines");
            let data: Vec<Value> = lines
                .iter()
                .take(EMBEDDED)
                .map(|line| present(state, line))
                .collect();
            let url = if id.starts_with("upcoming") {
                "/v1/invoices/upcoming/lines".into()
            } else {
                format!("/v1/invoices/{id}/lines")
            };
            shown.put("lines", list_object(data, &url, lines.len() > EMBEDDED));
            let rates: Vec<Value> = value
                .list("default_tax_rates")
                .iter()
                .filter_map(Value::as_str)
                .filter_map(|id| state.get(id))
                .map(|rate| present(state, rate))
                .collect();
            shown.put("default_tax_rates", rates);
        }
        "credit_note" => {
            let lines = value.list("lines");
            let data: Vec<Value> = lines.iter().take(EMBEDDED).cloned().collect();
            shown.put(
                "lines",
                list_object(
                    data,
                    &format!("/v1/credit_notes/{}/lines", value.s("id")),
                    lines.len() > EMBEDDED,
                ),
            );
        }
        "item" => {
            if let Some(price) = state.get(value.s("price")) {
                shown.put("price", present(state, price));
            }
        }
        "customer" => {
            if let Some(discount) = state.get(value.s("discount")) {
                shown.put("discount", present(state, discount));
            }
        }
        "product_feature" => {
            if let Some(feature) = state.get(value.s("entitlement_feature")) {
                shown.put("entitlement_feature", present(state, feature));
            }
        }
        _ => {}
    }
    shown
}

fn subscription_item(state: &State, item: &Value) -> Value {
    let Some(map) = item.as_object() else {
        return item.clone();
    };
    let mut shown = Value::Object(map.public());
    if let Some(price) = state.get(item.s("price")) {
        let price = present(state, price);
        shown.put("plan", plan(&price));
        shown.put("price", price);
    }
    let rates: Vec<Value> = item
        .list("tax_rates")
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|id| state.get(id))
        .map(|rate| present(state, rate))
        .collect();
    shown.put("tax_rates", rates);
    shown
}

/// The old `plan` shape, which Stripe still sends beside a price.
fn plan(price: &Value) -> Value {
    let mut plan = skeleton("plan");
    for key in [
        "id",
        "active",
        "billing_scheme",
        "created",
        "currency",
        "livemode",
        "metadata",
        "nickname",
        "product",
        "tiers_mode",
    ] {
        plan.put(key, price[key].clone());
    }
    plan.put("amount", price["unit_amount"].clone());
    plan.put("amount_decimal", price["unit_amount_decimal"].clone());
    for key in [
        "interval",
        "interval_count",
        "usage_type",
        "meter",
        "trial_period_days",
    ] {
        plan.put(key, price["recurring"][key].clone());
    }
    plan
}

/// Shows an event, for the API and for web hooks.
pub(crate) fn event(state: &State, event: &Event) -> Value {
    let pending = state
        .owned(&event.id, "_delivery")
        .filter(|delivery| delivery.s("status") == "pending")
        .count();
    let mut data = json!({"object": present(state, &event.object)});
    if let Some(previous) = &event.previous {
        data.put("previous_attributes", previous.clone());
    }
    json!({
        "id": event.id, "object": "event", "api_version": API_VERSION, "created": event.created, "data": data, "livemode": false,
        "pending_webhooks": pending, "request": event.request, "type": event.kind,
    })
}
