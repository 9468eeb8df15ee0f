//! Tax rates and customers' tax ids. Tax is never calculated, only applied at the rates given.

use super::{Args, copy, deleted, list};
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json};

const RATE: &str = "tax_rate";

/// POST /`v1/tax_rates`
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let percentage = a.p["percentage"].as_f64().unwrap_or(-1.0);
    if !(0.0..=100.0).contains(&percentage) {
        return Err(ApiError::param(
            "percentage",
            "Invalid percentage: must be between 0 and 100.",
        ));
    }
    let mut rate = cx.object(RATE, "txr", json!({"active": a.p["active"].as_bool().unwrap_or(true), "metadata": {}, "rate_type": "percentage"}));
    copy(
        &mut rate,
        &a.p,
        &[
            "display_name",
            "percentage",
            "inclusive",
            "country",
            "description",
            "jurisdiction",
            "state",
            "tax_type",
        ],
    );
    merge_metadata(&mut rate, &a.p["metadata"]);
    Ok(cx.create(rate, "tax_rate.created"))
}

/// GET /`v1/tax_rates/{id`}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(RATE, a.id(), "id")
}

/// POST /`v1/tax_rates/{id`}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut rate = cx.take(RATE, a.id(), "id")?;
    copy(
        &mut rate,
        &a.p,
        &[
            "active",
            "display_name",
            "country",
            "description",
            "jurisdiction",
            "state",
            "tax_type",
        ],
    );
    merge_metadata(&mut rate, &a.p["metadata"]);
    Ok(cx.save(rate, "tax_rate.updated"))
}

/// GET /`v1/tax_rates`
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    list::plain(cx, &a.p, RATE, &["active", "inclusive"], "/v1/tax_rates")
}

/// The rates of a list of ids, checked.
pub(crate) fn rates(cx: &Cx<'_>, given: &Value, param: &str) -> Result<Vec<Value>> {
    given
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|id| cx.find(RATE, id, param).map(|rate| rate["id"].clone()))
        .collect()
}

/// The type of tax id that businesses of a country have.
pub(crate) fn kind_of(country: &str) -> &'static str {
    match country {
        "GB" => "gb_vat",
        "CH" => "ch_vat",
        "US" => "us_ein",
        "CA" => "ca_bn",
        "JP" => "jp_cn",
        _ => "eu_vat",
    }
}

/// Attaches a tax id to a customer.
pub(crate) fn build_id(cx: &mut Cx<'_>, customer: &str, p: &Value) -> Value {
    let value = p.s("value");
    let country: Option<String> = match p.s("type") {
        "eu_vat" => value.get(..2).map(str::to_uppercase),
        other => other
            .split_once('_')
            .map(|(country, _)| country.to_uppercase()),
    };
    let tax_id = cx.object("tax_id", "txi", json!({
        "customer": customer, "type": p["type"], "value": value, "country": country, "owner": {"type": "customer", "customer": customer},
        "verification": {"status": "unavailable", "verified_address": null, "verified_name": null},
    }));
    cx.create(tax_id, "customer.tax_id.created")
}

/// POST /`v1/customers/{id}/tax_ids`
pub(crate) fn create_id(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.find("customer", a.id(), "id")?;
    Ok(build_id(cx, a.id(), &a.p))
}

/// GET /`v1/customers/{id}/tax_ids/{tid`}
pub(crate) fn get_id(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take("tax_id", a.id2(), "id").and_then(|found| {
        if found.s("customer") == a.id() {
            Ok(found)
        } else {
            Err(ApiError::missing("tax_id", a.id2(), "id"))
        }
    })
}

/// GET /`v1/customers/{id}/tax_ids`
pub(crate) fn all_ids(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.find("customer", a.id(), "id")?;
    let found = cx.state.owned(a.id(), "tax_id").rev().cloned().collect();
    list::page(&a.p, found, &format!("/v1/customers/{}/tax_ids", a.id()))
}

/// DELETE /`v1/customers/{id}/tax_ids/{tid`}
pub(crate) fn delete_id(cx: &mut Cx<'_>, a: &Args) -> Result {
    get_id(cx, a)?;
    let found = cx.find("tax_id", a.id2(), "id")?;
    cx.emit("customer.tax_id.deleted", &found);
    cx.state.remove(a.id2());
    Ok(deleted(a.id2(), "tax_id"))
}
