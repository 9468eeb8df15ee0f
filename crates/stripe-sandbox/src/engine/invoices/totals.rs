//! Sums: subtotal, discounts, tax, total. Invariant: `total = Σ lines − Σ discounts + Σ exclusive taxes`.

use std::collections::BTreeMap;

use crate::core::json::list_mut;
use crate::core::{Cx, Read, Value, json, money};

/// Recomputes every sum of a draft from its lines, discounts and tax rates.
#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
pub(crate) fn compute(cx: &Cx<'_>, invoice: &mut Value) {
    let exempt = cx
        .state
        .get(invoice.s("customer"))
        .is_some_and(|customer| matches!(customer.s("tax_exempt"), "exempt" | "reverse"));
    let discounts: Vec<Value> = invoice.list("discounts").to_vec();
    let fallback = invoice["default_tax_rates"].clone();
    let mut lines = std::mem::take(list_mut(invoice, "lines"));
    let mut left: Vec<i64> = lines.iter().map(|line| line.i("amount")).collect();
    for line in &mut lines {
        line.put("discount_amounts", json!([]));
    }
    let mut discounted: BTreeMap<String, i64> = BTreeMap::new();
    for at in 0..lines.len() {
        for discount in lines[at].list("_own_discounts").to_vec() {
            give(
                cx,
                &discount,
                &mut lines,
                &mut left,
                &mut discounted,
                Some(at),
            );
        }
    }
    for discount in &discounts {
        give(cx, discount, &mut lines, &mut left, &mut discounted, None);
    }
    let subtotal: i64 = lines.iter().map(|line| line.i("amount")).sum();
    let mut inside = 0;
    let mut on_top = 0;
    let mut taxes: BTreeMap<(String, bool), (i64, i64)> = BTreeMap::new();
    for (line, net) in lines.iter_mut().zip(&left) {
        let rates: Vec<Value> = if line.list("_rates").is_empty() {
            fallback.as_array().cloned().unwrap_or_default()
        } else {
            line.list("_rates").to_vec()
        };
        let found: Vec<_> = rates
            .iter()
            .filter_map(Value::as_str)
            .filter_map(|id| cx.state.of("tax_rate", id))
            .collect();
        let inclusive: f64 = found
            .iter()
            .filter(|rate| rate.b("inclusive"))
            .filter_map(|rate| rate["percentage"].as_f64())
            .sum();
        let mut shown = Vec::new();
        for rate in found {
            let percentage = if exempt {
                0.0
            } else {
                rate["percentage"].as_f64().unwrap_or(0.0)
            };
            let is_inside = rate.b("inclusive");
            let all_inside = if exempt {
                0
            } else {
                money::percent_inside(*net, inclusive)
            };
            let base = *net - all_inside;
            let amount = if is_inside {
                if exempt {
                    0
                } else {
                    money::percent(base, percentage)
                }
            } else {
                money::percent(base, percentage)
            };
            if is_inside {
                inside += amount;
            } else {
                on_top += amount;
            }
            let sum = taxes
                .entry((rate.s("id").to_owned(), is_inside))
                .or_default();
            sum.0 += amount;
            sum.1 += base;
            shown.push(tax(rate.s("id"), is_inside, amount, base, exempt));
        }
        line.put("taxes", shown);
        line.put("subtotal", line["amount"].clone());
    }
    let off: i64 = discounted.values().sum();
    let total = subtotal - off + on_top;
    let total_discounts: Vec<Value> = discounted
        .iter()
        .map(|(id, amount)| json!({"amount": amount, "discount": id}))
        .collect();
    let total_taxes: Vec<Value> = taxes
        .iter()
        .map(|((id, inside), (amount, base))| tax(id, *inside, *amount, *base, exempt))
        .collect();
    *list_mut(invoice, "lines") = lines;
    invoice.put("subtotal", subtotal);
    invoice.put("subtotal_excluding_tax", subtotal - inside);
    invoice.put("total_discount_amounts", total_discounts);
    invoice.put("total_taxes", total_taxes);
    invoice.put("total", total);
    invoice.put("total_excluding_tax", total - on_top - inside);
    let due = (total + invoice.i("starting_balance")).max(0);
    invoice.put("amount_due", due);
    invoice.put("amount_remaining", due - invoice.i("amount_paid"));
}

fn tax(rate: &str, inside: bool, amount: i64, base: i64, exempt: bool) -> Value {
    json!({
        "amount": amount, "tax_behavior": if inside { "inclusive" } else { "exclusive" }, "tax_rate_details": {"tax_rate": rate},
        "taxability_reason": if exempt { "customer_exempt" } else { "not_available" }, "taxable_amount": base, "type": "tax_rate_details",
    })
}

/// Applies one discount to the lines it may touch: a percentage of each, or an amount spread over them by size with the
/// remainder on the last.
fn give(
    cx: &Cx<'_>,
    discount: &Value,
    lines: &mut [Value],
    left: &mut [i64],
    sums: &mut BTreeMap<String, i64>,
    only: Option<usize>,
) {
    let Some(found) = discount.as_str().and_then(|id| cx.state.of("discount", id)) else {
        return;
    };
    let Some(coupon) = cx.state.get(found["source"].s("coupon")) else {
        return;
    };
    let products = coupon["_applies_to"].list("products");
    let eligible: Vec<usize> = (0..lines.len())
        .filter(|at| only.is_none_or(|only| only == *at))
        .filter(|at| {
            let product = &lines[*at]["pricing"]["price_details"]["product"];
            lines[*at].b("discountable")
                && left[*at] > 0
                && (products.is_empty() || products.contains(product))
        })
        .collect();
    let base: i64 = eligible.iter().map(|at| left[*at]).sum();
    let amounts: Vec<i64> = match (coupon["percent_off"].as_f64(), coupon.opt_i("amount_off")) {
        (Some(percent), _) => eligible
            .iter()
            .map(|at| money::percent(left[*at], percent))
            .collect(),
        (None, Some(off)) => {
            let off = off.min(base);
            let mut given = 0;
            eligible
                .iter()
                .enumerate()
                .map(|(n, at)| {
                    let part = if n + 1 == eligible.len() {
                        off - given
                    } else {
                        money::ratio(off, left[*at], base)
                    };
                    given += part;
                    part
                })
                .collect()
        }
        _ => return,
    };
    for (at, amount) in eligible.iter().zip(amounts) {
        left[*at] -= amount;
        list_mut(&mut lines[*at], "discount_amounts")
            .push(json!({"amount": amount, "discount": discount}));
        *sums
            .entry(discount.as_str().unwrap_or_default().to_owned())
            .or_default() += amount;
    }
}
