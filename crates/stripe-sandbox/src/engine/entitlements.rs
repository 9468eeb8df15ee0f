//! Features, and who is entitled to them through a running subscription.

use std::collections::BTreeSet;

use super::{Args, copy, list};
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json};

const FEATURE: &str = "entitlements.feature";
const ACTIVE: &str = "entitlements.active_entitlement";

/// POST /v1/entitlements/features
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let key = a.p.s("lookup_key");
    if cx
        .state
        .owned(key, FEATURE)
        .any(|feature| feature.b("active"))
    {
        return Err(ApiError::param(
            "lookup_key",
            format!("A feature already uses the lookup key '{key}'."),
        )
        .code("resource_already_exists"));
    }
    let mut feature = cx.object(
        FEATURE,
        "feat",
        json!({"active": true, "name": a.p["name"], "lookup_key": key}),
    );
    merge_metadata(&mut feature, &a.p["metadata"]);
    Ok(cx.put(feature))
}

/// GET /v1/entitlements/features/{id}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(FEATURE, a.id(), "id")
}

/// POST /v1/entitlements/features/{id}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut feature = cx.take(FEATURE, a.id(), "id")?;
    copy(&mut feature, &a.p, &["name", "active"]);
    merge_metadata(&mut feature, &a.p["metadata"]);
    Ok(cx.put(feature))
}

/// GET /v1/entitlements/features
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    let archived = a.p["archived"].as_bool();
    let found = cx
        .state
        .all(FEATURE)
        .rev()
        .filter(|feature| archived.is_none_or(|archived| feature.b("active") != archived))
        .filter(|feature| {
            a.p.opt("lookup_key")
                .is_none_or(|key| feature.s("lookup_key") == key)
        })
        .cloned()
        .collect();
    list::page(&a.p, found, "/v1/entitlements/features")
}

/// GET /`v1/entitlements/active_entitlements/{id`}
pub(crate) fn get_active(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(ACTIVE, a.id(), "id")
}

/// GET /`v1/entitlements/active_entitlements`
pub(crate) fn all_active(cx: &mut Cx<'_>, a: &Args) -> Result {
    let customer = a.p.s("customer");
    cx.find("customer", customer, "customer")?;
    let found = cx.state.owned(customer, ACTIVE).rev().cloned().collect();
    list::page(&a.p, found, "/v1/entitlements/active_entitlements")
}

/// Brings a customer's entitlements in line with the running subscriptions, and says so when they changed.
pub(crate) fn refresh(cx: &mut Cx<'_>, customer: &str) {
    if cx.state.all("product_feature").next().is_none() {
        return;
    }
    let running: Vec<_> = cx
        .state
        .owned(customer, "subscription")
        .filter(|sub| matches!(sub.s("status"), "active" | "trialing" | "past_due"))
        .cloned()
        .collect();
    let mut wanted = BTreeSet::new();
    for product in running
        .iter()
        .flat_map(|sub| sub.list("items"))
        .filter_map(|item| cx.state.get(item.s("price")))
        .map(|price| price.s("product").to_owned())
    {
        wanted.extend(
            cx.state
                .owned(&product, "product_feature")
                .map(|attached| attached.s("entitlement_feature").to_owned()),
        );
    }
    let held: Vec<(String, String)> = cx
        .state
        .owned(customer, ACTIVE)
        .map(|active| (active.s("id").to_owned(), active.s("feature").to_owned()))
        .collect();
    let mut changed = false;
    for (id, feature) in &held {
        if !wanted.remove(feature) {
            cx.state.remove(id);
            changed = true;
        }
    }
    for feature in wanted {
        let key = cx
            .state
            .get(&feature)
            .map_or(Value::Null, |found| found["lookup_key"].clone());
        let active = cx.object(
            ACTIVE,
            "ent",
            json!({"feature": feature, "lookup_key": key, "_owner": customer}),
        );
        cx.put(active);
        changed = true;
    }
    if changed {
        let data: Vec<Value> = cx
            .state
            .owned(customer, ACTIVE)
            .rev()
            .take(10)
            .map(|active| crate::core::render::present(cx.state, active))
            .collect();
        let more = cx.state.owned(customer, ACTIVE).count() > 10;
        let summary = json!({
            "object": "entitlements.active_entitlement_summary", "customer": customer, "livemode": false,
            "entitlements": {"object": "list", "data": data, "has_more": more, "url": format!("/v1/customer/{customer}/entitlements")},
        });
        cx.emit("entitlements.active_entitlement_summary.updated", &summary);
    }
}

/// The same for everyone subscribed to a product whose features changed.
pub(crate) fn refresh_product(cx: &mut Cx<'_>, product: &str) {
    let customers: BTreeSet<String> = cx
        .state
        .all("subscription")
        .filter(|sub| {
            sub.list("items").iter().any(|item| {
                cx.state
                    .get(item.s("price"))
                    .is_some_and(|price| price.s("product") == product)
            })
        })
        .map(|sub| sub.s("customer").to_owned())
        .collect();
    for customer in customers {
        refresh(cx, &customer);
    }
}
