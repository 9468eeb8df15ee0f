//! Items: parsing the `items` parameter, and turning changes into prorations.

use super::{cost, interval, period};
use crate::core::calendar::Interval;
use crate::core::json::list_mut;
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json};
use crate::engine::invoices::lines::{self, Proration};
use crate::engine::{coupons, prices, tax};

/// Makes an item from its parameters.
pub(crate) fn build(
    cx: &mut Cx<'_>,
    sub: &str,
    customer: &str,
    given: &Value,
    param: &str,
) -> Result {
    let price = prices::resolve(cx, given, param, Some(true))?;
    let quantity = given.opt_i("quantity").unwrap_or(1);
    if quantity < 0 {
        return Err(ApiError::param(
            &format!("{param}[quantity]"),
            "Invalid non-negative integer",
        )
        .code("parameter_invalid_integer"));
    }
    let rates = tax::rates(cx, &given["tax_rates"], &format!("{param}[tax_rates]"))?;
    let mut item = cx.object("subscription_item", "si", json!({"metadata": {}, "price": price["id"], "quantity": quantity, "subscription": sub, "tax_rates": rates, "discounts": []}));
    let discounts = coupons::redeem(
        cx,
        given.list("discounts"),
        customer,
        ("subscription_item", item.s("id")),
    )?;
    item.put("discounts", discounts);
    merge_metadata(&mut item, &given["metadata"]);
    Ok(item)
}

/// All items must bill in one currency and one interval.
pub(crate) fn check(cx: &Cx<'_>, sub: &Value) -> Result<()> {
    let rows = sub.list("items");
    if rows.is_empty() {
        return Err(ApiError::param(
            "items",
            "A subscription must have at least one active item.",
        ));
    }
    if rows.len() > 20 {
        return Err(ApiError::param(
            "items",
            "A subscription can have up to 20 items.",
        ));
    }
    let found: Vec<_> = rows
        .iter()
        .filter_map(|item| cx.state.get(item.s("price")))
        .collect();
    for (at, price) in found.iter().enumerate() {
        if price["currency"] != found[0]["currency"] {
            return Err(ApiError::param(
                "items",
                "All prices on a subscription must have the same currency.",
            ));
        }
        if price["recurring"]["interval"] != found[0]["recurring"]["interval"]
            || price["recurring"]["interval_count"] != found[0]["recurring"]["interval_count"]
        {
            return Err(ApiError::not_imitated(
                "items (prices with different intervals on one subscription)",
            ));
        }
        if found[..at].iter().any(|other| other["id"] == price["id"]) {
            return Err(ApiError::param(
                "items",
                format!(
                    "Cannot add multiple subscription items with the same price: {}",
                    price.s("id")
                ),
            ));
        }
    }
    Ok(())
}

/// How a change is to be prorated.
pub(crate) struct Change {
    /// The pending prorations it makes.
    pub(crate) prorations: Vec<Value>,
    /// Whether a new period begins now.
    pub(crate) reset: bool,
}

/// Applies the `items` parameter to a subscription. Prorations are built, not stored.
#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
pub(crate) fn apply(
    cx: &mut Cx<'_>,
    sub: &mut Value,
    given: &[Value],
    prorate: bool,
    at: i64,
    force_reset: bool,
) -> Result<Change> {
    let before = sub.clone();
    let before_interval = interval(cx, sub);
    let before_cost = cost(cx, sub);
    let (sub_id, customer) = (sub.s("id").to_owned(), sub.s("customer").to_owned());
    let (start, end) = period(sub);
    for (n, wanted) in given.iter().enumerate() {
        let param = format!("items[{n}]");
        let Some(id) = wanted.opt("id") else {
            let mut item = build(cx, &sub_id, &customer, wanted, &param)?;
            item.put("current_period_start", start);
            item.put("current_period_end", end);
            list_mut(sub, "items").push(item);
            continue;
        };
        let position = sub
            .list("items")
            .iter()
            .position(|item| item.s("id") == id)
            .ok_or_else(|| ApiError::missing("subscription_item", id, &format!("{param}[id]")))?;
        if wanted.b("deleted") {
            list_mut(sub, "items").remove(position);
            continue;
        }
        let mut item = sub.list("items")[position].clone();
        if wanted.has("price") || wanted.has("price_data") {
            let price = prices::resolve(cx, wanted, &param, Some(true))?;
            item.put("price", price["id"].clone());
        }
        if let Some(quantity) = wanted.opt_i("quantity") {
            if quantity < 0 {
                return Err(ApiError::param(
                    &format!("{param}[quantity]"),
                    "Invalid non-negative integer",
                )
                .code("parameter_invalid_integer"));
            }
            item.put("quantity", quantity);
        }
        if wanted.has("tax_rates") {
            item.put(
                "tax_rates",
                tax::rates(cx, &wanted["tax_rates"], &format!("{param}[tax_rates]"))?,
            );
        }
        if wanted.has("discounts") {
            let discounts = coupons::redeem(
                cx,
                wanted.list("discounts"),
                &customer,
                ("subscription_item", id),
            )?;
            item.put("discounts", discounts);
        }
        merge_metadata(&mut item, &wanted["metadata"]);
        list_mut(sub, "items")[position] = item;
    }
    check(cx, sub)?;
    let currency = sub
        .list("items")
        .first()
        .and_then(|item| cx.state.get(item.s("price")))
        .map(|price| price.s("currency").to_owned())
        .unwrap_or_default();
    if currency != sub.s("currency") {
        return Err(ApiError::param(
            "items",
            format!(
                "The price's currency must be the subscription's, {}.",
                sub.s("currency")
            ),
        ));
    }
    // A new interval, and a paid plan after a free one, begin a new period.
    let reset = force_reset
        || interval(cx, sub) != before_interval
        || (before_cost == 0 && cost(cx, sub) > 0);
    let prorations = if prorate
        && matches!(
            sub.s("status"),
            "active" | "past_due" | "incomplete" | "unpaid"
        ) {
        differences(cx, &before, sub, at, reset)
    } else {
        Vec::new()
    };
    Ok(Change { prorations, reset })
}

/// Credits for what was and charges for what is, for the rest of the period. A reset charges a whole new period instead.
fn differences(cx: &mut Cx<'_>, before: &Value, after: &Value, at: i64, reset: bool) -> Vec<Value> {
    let mut found = Vec::new();
    let span = period(before);
    if at >= span.1 {
        return found;
    }
    for old in before.list("items") {
        let same = after
            .list("items")
            .iter()
            .find(|item| item["id"] == old["id"]);
        let unchanged = same.is_some_and(|item| {
            item["price"] == old["price"] && item["quantity"] == old["quantity"]
        });
        if unchanged && !reset {
            continue;
        }
        let Some(price) = cx.state.get(old.s("price")).cloned() else {
            continue;
        };
        if price.i("unit_amount") != 0 {
            found.push(lines::prorate(
                cx,
                &Proration {
                    sub: before,
                    item: old,
                    price: &price,
                    quantity: old.opt_i("quantity").unwrap_or(1),
                    at,
                    period: span,
                    credit: true,
                },
            ));
        }
    }
    if reset {
        return found;
    }
    for new in after.list("items") {
        let same = before
            .list("items")
            .iter()
            .find(|item| item["id"] == new["id"]);
        if same.is_some_and(|item| {
            item["price"] == new["price"] && item["quantity"] == new["quantity"]
        }) {
            continue;
        }
        let Some(price) = cx.state.get(new.s("price")).cloned() else {
            continue;
        };
        if price.i("unit_amount") != 0 {
            found.push(lines::prorate(
                cx,
                &Proration {
                    sub: after,
                    item: new,
                    price: &price,
                    quantity: new.opt_i("quantity").unwrap_or(1),
                    at,
                    period: span,
                    credit: false,
                },
            ));
        }
    }
    found
}

/// Charges the rest of the period, as pending items: what a pause had given back.
pub(crate) fn charge_rest(cx: &mut Cx<'_>, sub: &Value, at: i64) {
    for item in sub.list("items").to_vec() {
        let Some(price) = cx.state.get(item.s("price")).cloned() else {
            continue;
        };
        let charge = lines::prorate(
            cx,
            &Proration {
                sub,
                item: &item,
                price: &price,
                quantity: item.opt_i("quantity").unwrap_or(1),
                at,
                period: period(sub),
                credit: false,
            },
        );
        cx.create(charge, "invoiceitem.created");
    }
}

/// The first boundary after `now` for a grid anchored at `anchor`; an anchor in the future is the boundary itself.
pub(crate) fn first_end(interval: Interval, anchor: i64, now: i64) -> i64 {
    if anchor > now {
        anchor
    } else {
        interval.next_after(anchor, now)
    }
}
