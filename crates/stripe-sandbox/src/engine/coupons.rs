//! Coupons, promotion codes and the discounts they turn into.

use super::{Args, copy, deleted, list};
use crate::core::calendar::add_months;
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json, money};

const COUPON: &str = "coupon";
const CODE: &str = "promotion_code";

/// POST /v1/coupons
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let p = &a.p;
    if p.opt("id").is_some_and(|id| cx.state.get(id).is_some()) {
        return Err(ApiError::param("id", "Coupon already exists.").code("resource_already_exists"));
    }
    let percent = p["percent_off"].as_f64();
    match (percent, p.opt_i("amount_off")) {
        (Some(percent), None) if percent > 0.0 && percent <= 100.0 => {}
        (None, Some(amount)) if amount > 0 && money::known(&p.s("currency").to_lowercase()) => {}
        (Some(_), None) => {
            return Err(ApiError::param(
                "percent_off",
                "Invalid percent_off: must be greater than 0 and less than or equal to 100.",
            ));
        }
        (None, Some(_)) => {
            return Err(ApiError::param(
                "currency",
                "You must pass currency when passing amount_off.",
            ));
        }
        _ => {
            return Err(ApiError::invalid(
                "You must pass either percent_off or amount_off, and not both.",
            ));
        }
    }
    let duration = p.opt("duration").unwrap_or("once");
    if (duration == "repeating") != p.has("duration_in_months") {
        return Err(ApiError::param(
            "duration_in_months",
            "duration_in_months is required when duration is repeating, and only then.",
        ));
    }
    let mut coupon = cx.object(
        COUPON,
        "co",
        json!({"duration": duration, "times_redeemed": 0, "valid": true, "metadata": {}}),
    );
    let id = p
        .opt("id")
        .map_or_else(|| cx.id("x")[2..10].to_owned(), str::to_owned);
    coupon.put("id", id);
    copy(
        &mut coupon,
        p,
        &[
            "amount_off",
            "percent_off",
            "duration_in_months",
            "max_redemptions",
            "name",
            "redeem_by",
        ],
    );
    if p.has("amount_off") {
        coupon.put("currency", p.s("currency").to_lowercase());
    }
    coupon.put(
        "_applies_to",
        json!({"products": p["applies_to"].list("products")}),
    );
    for product in p["applies_to"]
        .list("products")
        .iter()
        .filter_map(Value::as_str)
    {
        cx.find("product", product, "applies_to[products]")?;
    }
    if let Some(moment) = p.opt_i("redeem_by") {
        coupon.put("_due", moment);
    }
    merge_metadata(&mut coupon, &p["metadata"]);
    Ok(cx.create(coupon, "coupon.created"))
}

/// GET /v1/coupons/{id}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(COUPON, a.id(), "id")
}

/// POST /v1/coupons/{id}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut coupon = cx.take(COUPON, a.id(), "id")?;
    copy(&mut coupon, &a.p, &["name"]);
    merge_metadata(&mut coupon, &a.p["metadata"]);
    Ok(cx.save(coupon, "coupon.updated"))
}

/// DELETE /v1/coupons/{id}: discounts given before keep their effect.
pub(crate) fn delete(cx: &mut Cx<'_>, a: &Args) -> Result {
    let coupon = cx.find(COUPON, a.id(), "id")?;
    cx.emit("coupon.deleted", &coupon);
    let mut gone = coupon.clone();
    gone.put("deleted", true);
    gone.put("valid", false);
    gone.cut("_due");
    cx.put(gone);
    Ok(deleted(a.id(), COUPON))
}

/// GET /v1/coupons
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    list::plain(cx, &a.p, COUPON, &[], "/v1/coupons")
}

/// `redeem_by` or `expires_at` has come.
#[expect(clippy::unnecessary_wraps, reason = "every waking has one signature")]
pub(crate) fn wake(cx: &mut Cx<'_>, id: &str) -> Result<()> {
    let Some(found) = cx.state.get(id).cloned() else {
        return Ok(());
    };
    let mut value = found.clone();
    value.cut("_due");
    if value.s("object") == COUPON {
        value.put("valid", false);
        cx.put(value);
    } else {
        value.put("active", false);
        cx.save(value, "promotion_code.updated");
    }
    Ok(())
}

/// POST /`v1/promotion_codes`
pub(crate) fn create_code(cx: &mut Cx<'_>, a: &Args) -> Result {
    let promotion = &a.p["promotion"];
    let coupon = cx.find(COUPON, promotion.s("coupon"), "promotion[coupon]")?;
    let code =
        a.p.opt("code")
            .map_or_else(|| cx.id("x")[2..10].to_uppercase(), str::to_owned);
    if code.len() > 500
        || !code
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    {
        return Err(ApiError::param(
            "code",
            "Promotion codes may hold letters, digits, hyphens and underscores.",
        ));
    }
    let taken = cx.state.all(CODE).any(|other| {
        other.b("active")
            && other.s("code").eq_ignore_ascii_case(&code)
            && (!a.p.has("customer")
                || !other.has("customer")
                || other["customer"] == a.p["customer"])
    });
    if taken {
        return Err(ApiError::param(
            "code",
            "An active promotion code with this code already exists.",
        )
        .code("resource_already_exists"));
    }
    if let Some(customer) = a.p.opt("customer") {
        cx.find("customer", customer, "customer")?;
    }
    let restrictions = &a.p["restrictions"];
    let mut value = cx.object(CODE, "promo", json!({
        "active": a.p["active"].as_bool().unwrap_or(true), "code": code, "promotion": {"type": "coupon", "coupon": coupon["id"]}, "times_redeemed": 0, "metadata": {},
        "restrictions": {"first_time_transaction": restrictions.b("first_time_transaction"), "minimum_amount": restrictions["minimum_amount"], "minimum_amount_currency": restrictions["minimum_amount_currency"]},
    }));
    copy(
        &mut value,
        &a.p,
        &["customer", "expires_at", "max_redemptions"],
    );
    if let Some(moment) = a.p.opt_i("expires_at") {
        value.put("_due", moment);
    }
    merge_metadata(&mut value, &a.p["metadata"]);
    Ok(cx.create(value, "promotion_code.created"))
}

/// GET /`v1/promotion_codes/{id`}
pub(crate) fn get_code(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(CODE, a.id(), "id")
}

/// POST /`v1/promotion_codes/{id`}
pub(crate) fn update_code(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut value = cx.take(CODE, a.id(), "id")?;
    copy(&mut value, &a.p, &["active"]);
    merge_metadata(&mut value, &a.p["metadata"]);
    Ok(cx.save(value, "promotion_code.updated"))
}

/// GET /`v1/promotion_codes`
pub(crate) fn all_codes(cx: &mut Cx<'_>, a: &Args) -> Result {
    let found = cx
        .state
        .all(CODE)
        .rev()
        .filter(|value| list::matches(value, &a.p, &["active", "customer"]))
        .filter(|value| {
            a.p.opt("code")
                .is_none_or(|code| value.s("code").eq_ignore_ascii_case(code))
        })
        .filter(|value| {
            a.p.opt("coupon")
                .is_none_or(|coupon| value["promotion"].s("coupon") == coupon)
        })
        .cloned()
        .collect();
    list::page(&a.p, found, "/v1/promotion_codes")
}

/// The active promotion code a customer typed. `subtotal` is checked against its minimum.
pub(crate) fn typed(cx: &Cx<'_>, code: &str, customer: Option<&str>, subtotal: i64) -> Result {
    let found = cx
        .state
        .all(CODE)
        .find(|value| value.b("active") && value.s("code").eq_ignore_ascii_case(code.trim()))
        .cloned();
    let invalid = || ApiError::param("promotion_code", "This code is invalid.");
    let found = found.ok_or_else(invalid)?;
    if found.has("customer") && found.opt("customer") != customer {
        return Err(invalid());
    }
    if found["restrictions"]
        .opt_i("minimum_amount")
        .is_some_and(|least| subtotal < least)
    {
        return Err(ApiError::param(
            "promotion_code",
            "This code needs a larger order.",
        ));
    }
    if found["restrictions"].b("first_time_transaction")
        && customer.is_some_and(|id| cx.state.owned(id, "charge").any(|charge| charge.b("paid")))
    {
        return Err(ApiError::param(
            "promotion_code",
            "This code is only for a first purchase.",
        ));
    }
    let coupon = cx.find(COUPON, found["promotion"].s("coupon"), "promotion_code")?;
    if coupon.b("valid") {
        Ok(found.clone())
    } else {
        Err(invalid())
    }
}

/// Turns the `discounts` parameter into discount objects on a holder. Returns their ids.
pub(crate) fn redeem(
    cx: &mut Cx<'_>,
    given: &[Value],
    customer: &str,
    holder: (&str, &str),
) -> Result<Vec<Value>> {
    if given.len() > 20 {
        return Err(ApiError::param(
            "discounts",
            "You can have up to 20 discounts.",
        ));
    }
    let mut ids = Vec::new();
    for (at, entry) in given.iter().enumerate() {
        if let Some(existing) = entry.opt("discount") {
            ids.push(json!(
                cx.find("discount", existing, &format!("discounts[{at}][discount]"))?
                    .s("id")
            ));
            continue;
        }
        let (coupon, code) = if let Some(id) = entry.opt("promotion_code") {
            let param = format!("discounts[{at}][promotion_code]");
            let code = cx.take(CODE, id, &param)?;
            if !code.b("active") || (code.has("customer") && code.s("customer") != customer) {
                return Err(ApiError::param(
                    &param,
                    "This promotion code is not active or belongs to another customer.",
                ));
            }
            (code["promotion"].s("coupon").to_owned(), Some(code))
        } else {
            let coupon = entry.opt("coupon").ok_or_else(|| {
                ApiError::param(
                    &format!("discounts[{at}]"),
                    "One of coupon, promotion_code or discount must be given.",
                )
            })?;
            (coupon.to_owned(), None)
        };
        let param = format!("discounts[{at}][coupon]");
        let mut coupon = cx.take(COUPON, &coupon, &param)?;
        if !coupon.b("valid") {
            return Err(ApiError::param(
                &param,
                format!("Coupon {} is expired or used up.", coupon.s("id")),
            )
            .code("coupon_expired"));
        }
        count(&mut coupon);
        if coupon
            .opt_i("max_redemptions")
            .is_some_and(|most| coupon.i("times_redeemed") >= most)
        {
            coupon.put("valid", false);
        }
        let end = (coupon.s("duration") == "repeating")
            .then(|| add_months(cx.now, coupon.i("duration_in_months")));
        let mut discount = cx.object("discount", "di", json!({"source": {"type": "coupon", "coupon": coupon["id"]}, "customer": customer, "start": cx.now, "end": end}));
        discount.put(holder.0, holder.1);
        if let Some(mut code) = code {
            discount.put("promotion_code", code["id"].clone());
            count(&mut code);
            if code
                .opt_i("max_redemptions")
                .is_some_and(|most| code.i("times_redeemed") >= most)
            {
                code.put("active", false);
            }
            cx.save(code, "promotion_code.updated");
        }
        cx.save(coupon, "coupon.updated");
        ids.push(discount["id"].clone());
        let discount = cx.create(discount, "customer.discount.created");
        debug_assert!(discount.has("id"), "a discount has an id");
    }
    Ok(ids)
}

fn count(value: &mut Value) {
    value.put("times_redeemed", value.i("times_redeemed") + 1);
}

/// The discounts among `ids` that are still running at `moment`.
pub(crate) fn running(cx: &Cx<'_>, ids: &[Value], moment: i64) -> Vec<Value> {
    ids.iter()
        .filter(|id| {
            id.as_str()
                .and_then(|id| cx.state.of("discount", id))
                .is_some_and(|discount| {
                    !discount.b("_used") && discount.opt_i("end").is_none_or(|end| end > moment)
                })
        })
        .cloned()
        .collect()
}

/// The percentage left after the percent coupons among `ids`, applied to an amount. Amount coupons do not count here.
pub(crate) fn net_of_percent(cx: &Cx<'_>, ids: &[Value], amount: i64) -> i64 {
    running(cx, ids, cx.now)
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|id| cx.state.get(id))
        .filter_map(|discount| cx.state.get(discount["source"].s("coupon")))
        .filter(|coupon| coupon.s("duration") != "once")
        .filter_map(|coupon| coupon["percent_off"].as_f64())
        .fold(amount, |left, percent| left - money::percent(left, percent))
}
