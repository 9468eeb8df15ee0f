//! Strict parameters: every request is checked against the schema derived from Stripe's SDK before the engine sees it.
//!
//! Unknown, missing and ill-typed parameters are refused with Stripe's codes, so that a bad request fails here and not in
//! production. What Stripe has and the sandbox does not imitate is refused with `sandbox_unsupported`.

use std::sync::LazyLock;

use super::error::{ApiError, Result};
use super::json::{Read, Value, json};
use crate::http::form::Tree;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../schema/params.json")).unwrap_or_default()
});

/// Parameters that Stripe has and the sandbox does not imitate, wherever they stand.
const REFUSED: &[&str] = &[
    "on_behalf_of",
    "application_fee_amount",
    "application_fee_percent",
    "transfer_data",
    "transfer_group",
    "stripe_account",
    "customer_account",
    "billing_thresholds",
    "backdate_start_date",
    "add_invoice_items",
    "pending_invoice_item_interval",
    "billing_schedules",
    "current_trial",
    "rendering_options",
    "after_expiration",
    "managed_payments",
    "from_invoice",
    "confirmation_token",
    "mandate",
    "shipping_address_collection",
    "currency_options",
    "tiers",
    "tiers_mode",
    "transform_quantity",
    "custom_unit_amount",
    "account_tax_ids",
    "billing_cycle_anchor_config",
];

/// Deep trees that are accepted and have no effect on what the sandbox imitates.
const IGNORED: &[&str] = &[
    "payment_method_options",
    "radar_options",
    "custom_text",
    "custom_fields",
    "rendering",
    "issuer",
    "branding_settings",
    "wallet_options",
    "saved_payment_method_options",
    "adaptive_pricing",
    "shipping",
    "package_dimensions",
    "name_collection",
    "tax",
    "permissions",
    "consent_collection",
];

#[cfg(test)]
/// Whether Stripe has this operation, by `"GET /v1/customers/{id}"`.
pub(crate) fn has(operation: &str) -> bool {
    SCHEMA.get(operation).is_some()
}

/// Checks and types a request's parameters.
pub(crate) fn check(operation: &str, form: &Tree) -> Result {
    object(&SCHEMA[operation]["p"], &SCHEMA[operation]["r"], form, "")
}

fn object(fields: &Value, required: &Value, form: &Tree, path: &str) -> Result {
    let mut typed = json!({});
    for (key, child) in form.children() {
        let full = join(path, key);
        let Some(wanted) = fields.get(key) else {
            return Err(
                ApiError::param(&full, format!("Received unknown parameter: {full}"))
                    .code("parameter_unknown"),
            );
        };
        if REFUSED.contains(&key.as_str()) && *child != Tree::Text(String::new()) {
            return Err(ApiError::not_imitated(&full));
        }
        let value = coerce(wanted, child, &full)?;
        if key == "automatic_tax" && value.b("enabled") {
            return Err(ApiError::not_imitated(&format!("{full}[enabled]")));
        }
        typed.put(key, value);
    }
    for key in required
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !typed.has(key) {
            let full = join(path, key);
            return Err(
                ApiError::param(&full, format!("Missing required param: {full}."))
                    .code("parameter_missing"),
            );
        }
    }
    Ok(typed)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}[{key}]")
    }
}

fn coerce(wanted: &Value, given: &Tree, path: &str) -> Result {
    match wanted {
        Value::String(simple) => scalar(simple, given, path),
        Value::Object(map) => {
            if let Some(options) = map.get("u") {
                return union(options, given, path);
            }
            if let Some(options) = map.get("e") {
                return enumeration(options, given, path);
            }
            if let Some(item) = map.get("a") {
                return array(item, given, path);
            }
            if let Some(item) = map.get("m") {
                return mapping(item, given, path);
            }
            match given {
                Tree::Map(_) => object(&wanted["o"], &wanted["r"], given, path),
                Tree::Text(_) => Err(ApiError::param(path, "Invalid object")),
            }
        }
        _ => Ok(Value::Null),
    }
}

fn scalar(simple: &str, given: &Tree, path: &str) -> Result {
    let last = path
        .rsplit('[')
        .next()
        .unwrap_or(path)
        .trim_end_matches(']');
    if simple == "x" {
        if IGNORED.contains(&last) {
            return Ok(Value::Null);
        }
        return Err(ApiError::not_imitated(path));
    }
    let Tree::Text(text) = given else {
        return Err(ApiError::param(
            path,
            format!(
                "Invalid {}: an object or array was given",
                if simple == "s" { "string" } else { "value" }
            ),
        ));
    };
    match simple {
        "i" => text.parse::<i64>().map(Value::Int).map_err(|_| {
            ApiError::param(path, format!("Invalid integer: {text}"))
                .code("parameter_invalid_integer")
        }),
        "b" => match text.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(ApiError::param(path, format!("Invalid boolean: {text}"))),
        },
        "f" | "d" => {
            let number: f64 = text
                .parse()
                .map_err(|_| ApiError::param(path, format!("Invalid decimal: {text}")))?;
            if !number.is_finite() {
                return Err(ApiError::param(path, format!("Invalid decimal: {text}")));
            }
            Ok(if simple == "f" {
                json!(number)
            } else {
                json!(text)
            })
        }
        "" if text.is_empty() => Ok(json!("")),
        "" => Err(ApiError::param(path, "Invalid value")),
        _ if text.len() > 40_000 => Err(ApiError::param(path, "The string is too long.")),
        _ => Ok(json!(text)),
    }
}

fn enumeration(options: &Value, given: &Tree, path: &str) -> Result {
    let names: Vec<&str> = options
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    match given {
        Tree::Text(text) if names.contains(&text.as_str()) => Ok(json!(text)),
        Tree::Text(text) => Err(ApiError::param(
            path,
            format!(
                "Invalid {path}: must be one of {}; got '{text}'",
                names.join(", ")
            ),
        )),
        Tree::Map(_) => Err(ApiError::param(path, "Invalid string: an object was given")),
    }
}

fn union(options: &Value, given: &Tree, path: &str) -> Result {
    let mut failure = None;
    if matches!(given, Tree::Text(text) if text.is_empty())
        && options
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one.as_str() == Some("")))
    {
        return Ok(json!(""));
    }
    for option in options.as_array().into_iter().flatten() {
        match coerce(option, given, path) {
            Ok(value) => return Ok(value),
            // The error of the arm that fits the shape says most.
            Err(error) if option.is_object() == matches!(given, Tree::Map(_)) => {
                failure = failure.or(Some(error));
            }
            Err(_) => {}
        }
    }
    Err(failure.unwrap_or_else(|| ApiError::param(path, "Invalid value")))
}

fn array(item: &Value, given: &Tree, path: &str) -> Result {
    let Tree::Map(children) = given else {
        return Err(ApiError::param(path, "Invalid array"));
    };
    let mut sorted: Vec<(usize, &Tree)> = Vec::with_capacity(children.len());
    for (key, child) in children {
        let at = key
            .parse()
            .map_err(|_| ApiError::param(path, "Invalid array"))?;
        sorted.push((at, child));
    }
    sorted.sort_by_key(|(at, _)| *at);
    sorted
        .into_iter()
        .map(|(at, child)| coerce(item, child, &join(path, &at.to_string())))
        .collect()
}

fn mapping(item: &Value, given: &Tree, path: &str) -> Result {
    let Tree::Map(children) = given else {
        return Err(ApiError::param(path, "Invalid object"));
    };
    let mut typed = json!({});
    for (key, child) in children {
        typed.put(key, coerce(item, child, &join(path, key))?);
    }
    if path == "metadata" || path.ends_with("[metadata]") {
        check_metadata(&typed, path)?;
    }
    Ok(typed)
}

fn check_metadata(metadata: &Value, path: &str) -> Result<()> {
    let map = metadata.as_object().into_iter().flatten();
    for (key, value) in map {
        if key.chars().count() > 40 {
            return Err(ApiError::param(
                path,
                format!("Metadata keys can have up to 40 characters: {key}"),
            ));
        }
        if value
            .as_str()
            .is_some_and(|text| text.chars().count() > 500)
        {
            return Err(ApiError::param(
                path,
                format!("Metadata values can have up to 500 characters: {key}"),
            ));
        }
    }
    if metadata.as_object().is_some_and(|map| map.len() > 50) {
        return Err(ApiError::param(
            path,
            "You can have up to 50 metadata keys.",
        ));
    }
    Ok(())
}

/// Merges metadata: given keys replace, empty values unset, an empty whole unsets all.
pub(crate) fn merge_metadata(object: &mut Value, given: &Value) {
    if given.as_str() == Some("") {
        object.put("metadata", json!({}));
        return;
    }
    let Some(given) = given.as_object() else {
        return;
    };
    if !object["metadata"].is_object() {
        object.put("metadata", json!({}));
    }
    for (key, value) in given {
        if value.as_str() == Some("") {
            object["metadata"].cut(key);
        } else {
            object["metadata"].put(key, value.clone());
        }
    }
}
