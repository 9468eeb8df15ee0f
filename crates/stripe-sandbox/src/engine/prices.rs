//! Prices: immutable but for a few fields, found by lookup key. Tiers and metered usage are not imitated.

use super::{Args, copy, list};
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json, money};

const KIND: &str = "price";

/// POST /v1/prices
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    build(cx, &a.p)
}

/// The amount of one unit; at most whole minor units.
fn unit_amount(p: &Value) -> Result<i64> {
    if p.has("unit_amount") && p.has("unit_amount_decimal") {
        return Err(ApiError::param(
            "unit_amount",
            "You may only specify one of unit_amount and unit_amount_decimal.",
        )
        .code("parameter_invalid"));
    }
    let amount = match p.opt("unit_amount_decimal") {
        Some(text) => text
            .split_once('.')
            .map_or(Some(text), |(whole, rest)| {
                rest.chars().all(|c| c == '0').then_some(whole)
            })
            .and_then(|whole| whole.parse().ok())
            .ok_or_else(|| {
                ApiError::not_imitated("unit_amount_decimal (fractions of a minor unit)")
            })?,
        None => p.opt_i("unit_amount").ok_or_else(|| {
            ApiError::param(
                "unit_amount",
                "You must specify unit_amount or unit_amount_decimal.",
            )
            .code("parameter_missing")
        })?,
    };
    if (0..=99_999_999).contains(&amount) {
        Ok(amount)
    } else {
        Err(
            ApiError::param("unit_amount", "Invalid non-negative integer")
                .code("parameter_invalid_integer"),
        )
    }
}

/// Makes a price from parameters shaped like those of its creation.
pub(crate) fn build(cx: &mut Cx<'_>, p: &Value) -> Result {
    let currency = p.s("currency").to_lowercase();
    if !money::known(&currency) {
        return Err(ApiError::param(
            "currency",
            format!("Invalid currency: {currency}."),
        ));
    }
    let amount = unit_amount(p)?;
    let product = match (p.opt("product"), p.has("product_data")) {
        (Some(id), false) => {
            let found = cx.find("product", id, "product")?;
            if !found.b("active") {
                return Err(ApiError::param("product", "The product is not active."));
            }
            id.to_owned()
        }
        (None, true) => super::products::create(
            cx,
            &Args {
                ids: Vec::new(),
                p: p["product_data"].clone(),
            },
        )?
        .s("id")
        .to_owned(),
        (None, false) => {
            return Err(
                ApiError::param("product", "Missing required param: product.")
                    .code("parameter_missing"),
            );
        }
        (Some(_), true) => {
            return Err(ApiError::param(
                "product",
                "You may only specify one of product and product_data.",
            ));
        }
    };
    let recurring = &p["recurring"];
    if recurring.s("usage_type") == "metered" || recurring.has("meter") {
        return Err(ApiError::not_imitated("recurring[usage_type]=metered"));
    }
    if p.s("billing_scheme") == "tiered" {
        return Err(ApiError::not_imitated("billing_scheme=tiered"));
    }
    let recurring = if recurring.is_object() {
        let count = recurring.opt_i("interval_count").unwrap_or(1);
        let limit = match recurring.s("interval") {
            "day" => 1095,
            "week" => 156,
            "month" => 36,
            _ => 3,
        };
        if !(1..=limit).contains(&count) {
            return Err(ApiError::param(
                "recurring[interval_count]",
                "The interval may be at most three years.",
            ));
        }
        json!({"interval": recurring["interval"], "interval_count": count, "usage_type": "licensed", "meter": null, "trial_period_days": recurring["trial_period_days"]})
    } else {
        Value::Null
    };
    if let Some(key) = p.opt("lookup_key") {
        claim(cx, key, p.b("transfer_lookup_key"), "")?;
    }
    let mut price = cx.object(KIND, "price", json!({
        "active": p["active"].as_bool().unwrap_or(true), "billing_scheme": "per_unit", "currency": currency, "product": product,
        "type": if recurring.is_null() { "one_time" } else { "recurring" }, "recurring": recurring, "unit_amount": amount,
        "unit_amount_decimal": amount.to_string(), "tax_behavior": p.opt("tax_behavior").unwrap_or("unspecified"),
    }));
    copy(&mut price, p, &["lookup_key", "nickname"]);
    merge_metadata(&mut price, &p["metadata"]);
    Ok(cx.create(price, "price.created"))
}

/// Makes sure that a lookup key is free, or takes it from its holder.
fn claim(cx: &mut Cx<'_>, key: &str, transfer: bool, own: &str) -> Result<()> {
    let holder = cx
        .state
        .owned(key, KIND)
        .find(|price| price.s("id") != own)
        .cloned();
    match holder {
        None => Ok(()),
        Some(holder) if transfer => {
            let mut holder = holder.clone();
            holder.put("lookup_key", Value::Null);
            cx.save(holder, "price.updated");
            Ok(())
        }
        Some(holder) => Err(ApiError::param(
            "lookup_key",
            format!(
                "A price (`{}`) already uses that lookup key.",
                holder.s("id")
            ),
        )
        .code("resource_already_exists")),
    }
}

/// GET /v1/prices/{id}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(KIND, a.id(), "id")
}

/// POST /v1/prices/{id}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut price = cx.take(KIND, a.id(), "id")?;
    if let Some(key) = a.p.opt("lookup_key") {
        claim(cx, key, a.p.b("transfer_lookup_key"), a.id())?;
    }
    if let Some(behavior) = a.p.opt("tax_behavior")
        && price.s("tax_behavior") != "unspecified"
        && price.s("tax_behavior") != behavior
    {
        return Err(ApiError::param(
            "tax_behavior",
            "The tax behavior cannot be changed once it is set.",
        ));
    }
    copy(
        &mut price,
        &a.p,
        &["active", "nickname", "lookup_key", "tax_behavior"],
    );
    merge_metadata(&mut price, &a.p["metadata"]);
    Ok(cx.save(price, "price.updated"))
}

/// GET /v1/prices
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    let keys: Option<Vec<&str>> = a.p.has("lookup_keys").then(|| {
        a.p.list("lookup_keys")
            .iter()
            .filter_map(Value::as_str)
            .collect()
    });
    let wanted = &a.p["recurring"];
    let found = cx
        .state
        .all(KIND)
        .rev()
        .filter(|value| list::matches(value, &a.p, &["active", "currency", "product", "type"]))
        .filter(|value| {
            keys.as_ref()
                .is_none_or(|keys| keys.contains(&value.s("lookup_key")))
        })
        .filter(|value| {
            wanted.is_null()
                || ["interval", "usage_type"]
                    .iter()
                    .all(|field| !wanted.has(field) || value["recurring"][*field] == wanted[*field])
        })
        .cloned()
        .collect();
    list::page(&a.p, found, "/v1/prices")
}

/// The price an item names, by id or by inline data. Refuses archived ones and the wrong type.
pub(crate) fn resolve(
    cx: &mut Cx<'_>,
    item: &Value,
    param: &str,
    recurring: Option<bool>,
) -> Result {
    if item.has("plan") {
        return Err(ApiError::not_imitated(&format!("{param}[plan]")));
    }
    let price = if item.has("price_data") {
        build(cx, &item["price_data"])?
    } else {
        let param = format!("{param}[price]");
        let id = item.opt("price").ok_or_else(|| {
            ApiError::param(&param, format!("Missing required param: {param}."))
                .code("parameter_missing")
        })?;
        cx.take(KIND, id, &param)?
    };
    if !price.b("active") {
        return Err(ApiError::param(
            &format!("{param}[price]"),
            format!(
                "The price specified is inactive. This field only accepts active prices: {}",
                price.s("id")
            ),
        ));
    }
    match recurring {
        Some(true) if price.s("type") != "recurring" => Err(ApiError::param(
            &format!("{param}[price]"),
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
        )),
        Some(false) if price.s("type") != "one_time" => Err(ApiError::param(
            &format!("{param}[price]"),
            "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.",
        )),
        _ => Ok(price),
    }
}
