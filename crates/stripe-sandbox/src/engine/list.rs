//! Lists: newest first, cursors, limits, and the filters most of them share.

use crate::core::{ApiError, Read, Result, Value, json};

/// One page of `found`, which is given newest first.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the caller has just made it for this"
)]
pub(crate) fn page(p: &Value, found: Vec<Value>, url: &str) -> Result {
    let limit = p.opt_i("limit").unwrap_or(10);
    if !(1..=100).contains(&limit) {
        return Err(
            ApiError::param("limit", "Invalid integer: limit must be between 1 and 100")
                .code("parameter_invalid_integer"),
        );
    }
    let limit = usize::try_from(limit).unwrap_or(10);
    let at = |key: &str| -> Result<Option<usize>> {
        let Some(id) = p.opt(key) else {
            return Ok(None);
        };
        let position = found.iter().position(|value| value.s("id") == id);
        position
            .map(Some)
            .ok_or_else(|| ApiError::missing("object", id, key))
    };
    if p.has("starting_after") && p.has("ending_before") {
        return Err(ApiError::param(
            "starting_after",
            "You cannot parameterize both starting_after and ending_before.",
        ));
    }
    let (from, to, more) = if let Some(after) = at("starting_after")? {
        let to = (after + 1 + limit).min(found.len());
        (after + 1, to, to < found.len())
    } else if let Some(before) = at("ending_before")? {
        let from = before.saturating_sub(limit);
        (from, before, from > 0)
    } else {
        let to = limit.min(found.len());
        (0, to, to < found.len())
    };
    let data: Vec<Value> = found[from..to].to_vec();
    Ok(json!({"object": "list", "data": data, "has_more": more, "url": url}))
}

/// Whether a moment passes a `created`-like filter: a number, or `gt`, `gte`, `lt`, `lte`.
pub(crate) fn within(filter: &Value, moment: i64) -> bool {
    match filter {
        Value::Int(number) => *number == moment,
        Value::Object(_) => {
            filter.opt_i("gt").is_none_or(|limit| moment > limit)
                && filter.opt_i("gte").is_none_or(|limit| moment >= limit)
                && filter.opt_i("lt").is_none_or(|limit| moment < limit)
                && filter.opt_i("lte").is_none_or(|limit| moment <= limit)
        }
        _ => true,
    }
}

/// Whether an object passes the plain filters: every named field that was asked for is equal, and `created` fits.
pub(crate) fn matches(value: &Value, p: &Value, fields: &[&str]) -> bool {
    !value.b("deleted")
        && fields
            .iter()
            .all(|field| !p.has(field) || value[*field] == p[*field])
        && within(&p["created"], value.i("created"))
}

/// A plain list operation: all of a kind, filtered by equal fields. Follows an owner's index when one is given.
pub(crate) fn plain(
    cx: &crate::core::Cx<'_>,
    p: &Value,
    kind: &str,
    fields: &[&str],
    url: &str,
) -> Result {
    let owner = [
        "customer",
        "subscription",
        "invoice",
        "payment_intent",
        "charge",
        "product",
    ]
    .iter()
    .find_map(|owner| fields.contains(owner).then(|| p.opt(owner)).flatten());
    let found: Vec<Value> = match owner {
        Some(owner) => cx
            .state
            .owned(owner, kind)
            .rev()
            .filter(|value| matches(value, p, fields))
            .cloned()
            .collect(),
        None => cx
            .state
            .all(kind)
            .rev()
            .filter(|value| matches(value, p, fields))
            .cloned()
            .collect(),
    };
    page(p, found, url)
}
