//! The billing portal: configurations, sessions, and what a customer may do there.

use super::{Args, copy, list, schedules, subscriptions};
use crate::core::calendar::Interval;
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json};

const CONFIG: &str = "billing_portal.configuration";
const SESSION: &str = "billing_portal.session";

fn default_features() -> Value {
    json!({
        "customer_update": {"allowed_updates": ["email", "name", "address", "phone", "tax_id"], "enabled": true}, "invoice_history": {"enabled": true}, "payment_method_update": {"enabled": true, "payment_method_configuration": null},
        "subscription_cancel": {"cancellation_reason": {"enabled": true, "options": ["too_expensive", "missing_features", "switched_service", "unused", "customer_service", "too_complex", "low_quality", "other"]}, "enabled": true, "mode": "at_period_end", "proration_behavior": "none"},
        "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": false},
        "subscription_update": {"billing_cycle_anchor": null, "default_allowed_updates": [], "enabled": false, "products": null, "proration_behavior": "none", "schedule_at_period_end": {"conditions": []}, "trial_update_behavior": "end_trial"},
    })
}

/// Lays given features over a base, member by member.
fn features(cx: &Cx<'_>, mut base: Value, given: &Value) -> Result {
    for (name, feature) in given.as_object().into_iter().flatten() {
        for (key, value) in feature.as_object().into_iter().flatten() {
            base[name.as_str()].put(
                key,
                if value.as_str() == Some("") {
                    json!([])
                } else {
                    value.clone()
                },
            );
        }
    }
    let update = &base["subscription_update"];
    for product in update.list("products") {
        cx.find(
            "product",
            product.s("product"),
            "features[subscription_update][products]",
        )?;
        for price in product.list("prices").iter().filter_map(Value::as_str) {
            cx.find("price", price, "features[subscription_update][products]")?;
        }
    }
    if update.b("enabled") && update.list("products").is_empty() {
        return Err(ApiError::param(
            "features[subscription_update][products]",
            "You must list the products customers may switch to.",
        )
        .code("parameter_missing"));
    }
    Ok(base)
}

/// `POST /v1/billing_portal/configurations`
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut off = default_features();
    for feature in [
        "customer_update",
        "invoice_history",
        "payment_method_update",
        "subscription_cancel",
        "subscription_pause",
        "subscription_update",
    ] {
        off[feature].put("enabled", false);
    }
    let built = features(cx, off, &a.p["features"])?;
    let default = cx.state.all(CONFIG).next().is_none();
    let mut config = blank(cx, built, default);
    set(&mut config, &a.p);
    Ok(cx.create(config, "billing_portal.configuration.created"))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the caller has just made it for this"
)]
fn blank(cx: &mut Cx<'_>, features: Value, default: bool) -> Value {
    cx.object(CONFIG, "bpc", json!({"active": true, "business_profile": {"headline": null, "privacy_policy_url": null, "terms_of_service_url": null}, "features": features, "is_default": default, "login_page": {"enabled": false, "url": null}, "metadata": {}, "updated": cx.now}))
}

fn set(config: &mut Value, p: &Value) {
    copy(config, p, &["default_return_url", "name", "active"]);
    for (key, value) in p["business_profile"].as_object().into_iter().flatten() {
        config["business_profile"].put(key, crate::core::json::emptied(value));
    }
    merge_metadata(config, &p["metadata"]);
}

/// `GET /v1/billing_portal/configurations/{id}`
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(CONFIG, a.id(), "id")
}

/// `POST /v1/billing_portal/configurations/{id}`
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut config = cx.take(CONFIG, a.id(), "id")?;
    let built = features(cx, config["features"].clone(), &a.p["features"])?;
    config.put("features", built);
    config.put("updated", cx.now);
    set(&mut config, &a.p);
    Ok(cx.save(config, "billing_portal.configuration.updated"))
}

/// `GET /v1/billing_portal/configurations`
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    list::plain(
        cx,
        &a.p,
        CONFIG,
        &["active", "is_default"],
        "/v1/billing_portal/configurations",
    )
}

fn default_config(cx: &mut Cx<'_>) -> Value {
    let found = cx
        .state
        .all(CONFIG)
        .find(|config| config.b("is_default"))
        .cloned();
    found.unwrap_or_else(|| {
        let config = blank(cx, default_features(), true);
        cx.put(config)
    })
}

/// `POST /v1/billing_portal/sessions`
pub(crate) fn create_session(cx: &mut Cx<'_>, a: &Args) -> Result {
    let p = &a.p;
    let customer = p.opt("customer").ok_or_else(|| {
        ApiError::param("customer", "Missing required param: customer.").code("parameter_missing")
    })?;
    let customer = cx.find("customer", customer, "customer")?;
    cx.enter_doc(&customer);
    let config = match p.opt("configuration") {
        Some(id) => cx.find(CONFIG, id, "configuration")?,
        None => default_config(cx),
    };
    let flow = &p["flow_data"];
    let flow_shown = if flow.is_object() {
        let kind = flow.s("type");
        if kind == "subscription_cancel"
            && let Some(coupon) = flow[kind]["retention"]["coupon_offer"].opt("coupon")
        {
            let param = "flow_data[subscription_cancel][retention][coupon_offer][coupon]";
            cx.find("coupon", coupon, param)?;
        }
        if let Some(sub) = flow[kind].opt("subscription") {
            let found = cx.find(
                "subscription",
                sub,
                &format!("flow_data[{kind}][subscription]"),
            )?;
            if found["customer"] != customer["id"] {
                return Err(ApiError::missing(
                    "subscription",
                    sub,
                    &format!("flow_data[{kind}][subscription]"),
                ));
            }
        }
        let after = &flow["after_completion"];
        json!({
            "after_completion": {"hosted_confirmation": if after.s("type") == "hosted_confirmation" { json!({"custom_message": after["hosted_confirmation"]["custom_message"]}) } else { Value::Null }, "redirect": if after["redirect"].is_object() { after["redirect"].clone() } else { Value::Null }, "type": after.opt("type").unwrap_or("portal_homepage")},
            "subscription_cancel": if flow["subscription_cancel"].is_object() { json!({"retention": flow["subscription_cancel"]["retention"], "subscription": flow["subscription_cancel"]["subscription"]}) } else { Value::Null },
            "subscription_update": if flow["subscription_update"].is_object() { flow["subscription_update"].clone() } else { Value::Null },
            "subscription_update_confirm": if flow["subscription_update_confirm"].is_object() { json!({"discounts": flow["subscription_update_confirm"]["discounts"], "items": flow["subscription_update_confirm"]["items"], "subscription": flow["subscription_update_confirm"]["subscription"]}) } else { Value::Null },
            "subscription_pause": if flow["subscription_pause"].is_object() { flow["subscription_pause"].clone() } else { Value::Null }, "type": kind,
        })
    } else {
        Value::Null
    };
    let token = cx.id("t");
    let mut session = cx.object(SESSION, "bps", json!({"configuration": config["id"], "customer": customer["id"], "flow": flow_shown, "locale": p["locale"], "return_url": p.opt("return_url").or(config.opt("default_return_url")), "lookup_key": token}));
    session.cut("lookup_key");
    session.put("_owner", token.as_str());
    session.put("url", format!("{}/pages/portal/{token}", cx.base));
    Ok(cx.create(session, "billing_portal.session.created"))
}

/// The session and configuration behind a portal address.
pub(crate) fn by_token(cx: &mut Cx<'_>, token: &str) -> Result<(Value, Value)> {
    let session = cx
        .state
        .owned(token, SESSION)
        .next()
        .cloned()
        .ok_or_else(|| ApiError::missing("session", token, "id"))?;
    let customer = cx.find("customer", session.s("customer"), "customer")?;
    cx.enter_doc(&customer);
    let config = cx.take(CONFIG, session.s("configuration"), "configuration")?;
    Ok((session.clone(), config))
}

/// The prices a customer may switch a subscription to.
pub(crate) fn choices(cx: &Cx<'_>, config: &Value, sub: &Value) -> Vec<Value> {
    let update = &config["features"]["subscription_update"];
    if !update.b("enabled") || sub.list("items").len() != 1 {
        return Vec::new();
    }
    update
        .list("products")
        .iter()
        .flat_map(|product| product.list("prices"))
        .filter_map(Value::as_str)
        .filter_map(|id| cx.state.of("price", id))
        .filter(|price| {
            price.b("active")
                && price["currency"] == sub["currency"]
                && price.s("type") == "recurring"
        })
        .cloned()
        .collect()
}

/// Whether a switch waits for the period's end, by the configuration's conditions.
pub(crate) fn waits(cx: &Cx<'_>, config: &Value, sub: &Value, price: &Value) -> bool {
    let item = sub.list("items").first().cloned().unwrap_or_default();
    let Some(old) = cx.state.get(item.s("price")) else {
        return false;
    };
    let length = |price: &Value| {
        let recurring = &price["recurring"];
        Interval::new(recurring.s("interval"), recurring.i("interval_count")).nth(0, 1)
    };
    config["features"]["subscription_update"]["schedule_at_period_end"]
        .list("conditions")
        .iter()
        .any(|condition| match condition.s("type") {
            "decreasing_item_amount" => price.i("unit_amount") < old.i("unit_amount"),
            _ => length(price) < length(old),
        })
}

/// Puts a switch off until the period's end, with a schedule.
pub(crate) fn switch_later(cx: &mut Cx<'_>, sub: &Value, price: &str) -> Result<()> {
    let end = subscriptions::period(sub).1;
    let made = schedules::create(
        cx,
        &Args {
            ids: Vec::new(),
            p: json!({"from_subscription": sub["id"]}),
        },
    )?;
    let now = &made.list("phases")[0];
    let items: Vec<Value> = now
        .list("items")
        .iter()
        .map(|item| json!({"price": item["price"], "quantity": item["quantity"]}))
        .collect();
    let quantity = sub
        .list("items")
        .first()
        .map_or(1, |item| item.opt_i("quantity").unwrap_or(1));
    let phases = json!([
        {"items": items, "start_date": now["start_date"], "end_date": end},
        {"items": [{"price": price, "quantity": quantity}], "proration_behavior": "none"},
    ]);
    schedules::update(
        cx,
        &Args {
            ids: vec![made.s("id").to_owned()],
            p: json!({"phases": phases, "end_behavior": "release"}),
        },
    )?;
    Ok(())
}

/// The change a switch to another price is, in the configuration's words.
pub(crate) fn switch(config: &Value, sub: &Value, price: &str) -> Value {
    let update = &config["features"]["subscription_update"];
    let item = sub.list("items").first().cloned().unwrap_or_default();
    let mut change = json!({"items": [{"id": item["id"], "price": price}], "proration_behavior": update.opt("proration_behavior").unwrap_or("none")});
    if update.s("proration_behavior") == "always_invoice" {
        change.put("payment_behavior", "pending_if_incomplete");
    }
    if sub.s("status") == "trialing" && update.s("trial_update_behavior") == "end_trial" {
        change.put("trial_end", "now");
    }
    change
}
