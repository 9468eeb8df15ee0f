//! Checkout sessions: what the hosted page shows and what its completion makes.

use super::{Args, list, prices};
use crate::core::calendar::{DAY, HOUR};
use crate::core::json::list_mut;
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json};
use crate::engine::coupons;
use crate::engine::invoices::{draft, lines};

pub(crate) mod page;

pub(crate) use page::{needs_card, promote, submit};

const KIND: &str = "checkout.session";

/// Parameters Stripe has here and the sandbox does not imitate.
const UNSUPPORTED: &[&str] = &[
    "payment_method_data",
    "optional_items",
    "shipping_options",
    "redirect_on_completion",
    "return_url",
    "integration_identifier",
    "payment_method_configuration",
];

/// POST /v1/checkout/sessions
#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let p = &a.p;
    if let Some(field) = UNSUPPORTED.iter().find(|field| p.has(field)) {
        return Err(ApiError::not_imitated(field));
    }
    if p.opt("ui_mode").is_some_and(|mode| mode != "hosted_page") {
        return Err(ApiError::not_imitated(&format!(
            "ui_mode={}",
            p.s("ui_mode")
        )));
    }
    if p["invoice_creation"].b("enabled") {
        return Err(ApiError::not_imitated("invoice_creation[enabled]"));
    }
    let mode = p.opt("mode").unwrap_or("payment").to_owned();
    if !p.has("success_url") {
        return Err(
            ApiError::param("success_url", "Missing required param: success_url.")
                .code("parameter_missing"),
        );
    }
    if p.has("customer") && p.has("customer_email") {
        return Err(ApiError::param(
            "customer_email",
            "You may only specify one of these parameters: customer, customer_email.",
        ));
    }
    let customer = p
        .opt("customer")
        .map(|id| cx.find("customer", id, "customer"))
        .transpose()?;
    if let Some(customer) = &customer {
        cx.enter_doc(customer);
    }
    let mut rows = Vec::new();
    for (n, given) in p.list("line_items").iter().enumerate() {
        rows.push(line_item(cx, given, &format!("line_items[{n}]"), &mode)?);
    }
    if mode != "setup" && rows.is_empty() {
        return Err(
            ApiError::param("line_items", "Missing required param: line_items.")
                .code("parameter_missing"),
        );
    }
    let currency = rows.first().map_or_else(
        || p.opt("currency").unwrap_or("usd").to_lowercase(),
        |row| row.s("currency").to_owned(),
    );
    if rows.iter().any(|row| row.s("currency") != currency) {
        return Err(ApiError::param(
            "line_items",
            "All line items must have the same currency.",
        ));
    }
    let recurring = rows.iter().any(|row| {
        cx.state
            .get(row.s("price"))
            .is_some_and(|price| price.s("type") == "recurring")
    });
    if recurring != (mode == "subscription") {
        return Err(ApiError::param(
            "mode",
            if recurring {
                "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices."
            } else {
                "You must provide at least one recurring price in `subscription` mode when using prices."
            },
        ));
    }
    let expires = p.opt_i("expires_at").unwrap_or(cx.now + DAY);
    if expires < cx.now + HOUR / 2 || expires > cx.now + DAY {
        return Err(ApiError::param(
            "expires_at",
            "The expires_at timestamp must be between 30 minutes and 24 hours after creation.",
        ));
    }
    if p.b("allow_promotion_codes") && p.has("discounts") {
        return Err(ApiError::param(
            "discounts",
            "You may only specify one of these parameters: allow_promotion_codes, discounts.",
        ));
    }
    let mut session = cx.object(KIND, "cs_test", json!({
        "automatic_tax": {"enabled": false, "liability": null, "provider": null, "status": null}, "currency": if mode == "setup" && !p.has("currency") { Value::Null } else { json!(currency) },
        "customer": p["customer"], "customer_email": p["customer_email"], "custom_text": {"after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null},
        "expires_at": expires, "metadata": {}, "mode": mode, "payment_method_types": ["card"], "payment_status": if mode == "setup" { "no_payment_required" } else { "unpaid" },
        "status": "open", "success_url": p["success_url"], "cancel_url": p["cancel_url"], "client_reference_id": p["client_reference_id"], "ui_mode": "hosted_page", "locale": p["locale"],
        "allow_promotion_codes": p["allow_promotion_codes"], "phone_number_collection": {"enabled": p["phone_number_collection"].b("enabled")}, "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "billing_address_collection": p["billing_address_collection"], "customer_creation": if mode == "payment" { json!(p.opt("customer_creation").unwrap_or("if_required")) } else if mode == "subscription" && !p.has("customer") { json!("always") } else { Value::Null },
        "payment_method_collection": if mode == "subscription" { json!(p.opt("payment_method_collection").unwrap_or("always")) } else { Value::Null }, "tax_id_collection": {"enabled": p["tax_id_collection"].b("enabled"), "required": p["tax_id_collection"].opt("required").unwrap_or("never")},
        "total_details": if mode == "setup" { Value::Null } else { json!({"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}) },
        "customer_details": {"address": null, "business_name": null, "individual_name": null, "email": p["customer_email"], "name": null, "phone": null, "tax_exempt": "none", "tax_ids": null},
        "discounts": p.list("discounts").iter().map(|given| json!({"coupon": given["coupon"], "promotion_code": given["promotion_code"]})).collect::<Vec<_>>(),
        "_lines": rows, "_given": {"discounts": p["discounts"], "subscription_data": p["subscription_data"], "payment_intent_data": p["payment_intent_data"], "setup_intent_data": p["setup_intent_data"]}, "_due": expires,
    }));
    if let Some(customer) = &customer {
        session["customer_details"].put("email", customer["email"].clone());
        session["customer_details"].put("name", customer["name"].clone());
        session.put("_clock", customer["_clock"].clone());
    }
    session.put(
        "url",
        format!("{}/pages/checkout/{}", cx.base, session.s("id")),
    );
    merge_metadata(&mut session, &p["metadata"]);
    price(cx, &mut session)?;
    Ok(cx.put(session))
}

fn line_item(cx: &mut Cx<'_>, given: &Value, param: &str, mode: &str) -> Result {
    if given["adjustable_quantity"].b("enabled") {
        return Err(ApiError::not_imitated(&format!(
            "{param}[adjustable_quantity]"
        )));
    }
    let price = prices::resolve(
        cx,
        given,
        param,
        if mode == "payment" { Some(false) } else { None },
    )?;
    let quantity = given.opt_i("quantity").unwrap_or(1);
    if !(1..=999_999).contains(&quantity) {
        return Err(ApiError::param(
            &format!("{param}[quantity]"),
            "Quantity must be between 1 and 999999.",
        )
        .code("parameter_invalid_integer"));
    }
    let rates = super::tax::rates(cx, &given["tax_rates"], &format!("{param}[tax_rates]"))?;
    let name = cx
        .state
        .get(price.s("product"))
        .map_or(Value::Null, |product| product["name"].clone());
    let amount = price.i("unit_amount").saturating_mul(quantity);
    let metadata = if given["metadata"].is_object() {
        given["metadata"].clone()
    } else {
        json!({})
    };
    Ok(cx.object("item", "li", json!({"amount_discount": 0, "amount_subtotal": amount, "amount_tax": 0, "amount_total": amount, "currency": price["currency"], "description": name, "price": price["id"], "quantity": quantity, "metadata": metadata, "_rates": rates})))
}

/// The days of trial a session gives, if any.
fn trial_days(session: &Value, now: i64) -> Option<i64> {
    let data = &session["_given"]["subscription_data"];
    data.opt_i("trial_period_days")
        .or_else(|| data.opt_i("trial_end").map(|end| (end - now) / DAY))
}

/// Recomputes a session's sums by drafting the invoice it would make and taking everything back.
pub(crate) fn price(cx: &mut Cx<'_>, session: &mut Value) -> Result<()> {
    if session.s("mode") == "setup" {
        return Ok(());
    }
    let mark = cx.state.mark();
    let customer = session.opt("customer").unwrap_or("cus_none").to_owned();
    let discounts = coupons::redeem(
        cx,
        session["_given"].list("discounts"),
        &customer,
        ("checkout_session", session.s("id")),
    );
    let trial = trial_days(session, cx.now).is_some();
    let mut rows = Vec::new();
    for item in session.list("_lines").to_vec() {
        let recurring = cx
            .state
            .get(item.s("price"))
            .is_some_and(|price| price.s("type") == "recurring");
        let mut line = lines::of_item(
            cx,
            &json!({"default_tax_rates": session["_given"]["subscription_data"]["default_tax_rates"]}),
            &json!({"price": item["price"], "quantity": item["quantity"], "tax_rates": item["_rates"], "metadata": {}, "discounts": []}),
            cx.now,
            cx.now,
            trial && recurring,
        );
        line.put("_session_item", item["id"].clone());
        rows.push(line);
    }
    let currency = session.s("currency").to_owned();
    let quote = discounts.map(|discounts| {
        draft::build(
            cx,
            draft::Draft {
                customer: &customer,
                sub: None,
                reason: "manual",
                currency: &currency,
                lines: rows,
                period: (cx.now, cx.now),
                discounts,
            },
        )
    });
    cx.state.rollback_to(mark);
    let quote = quote?;
    let sum = |value: &Value, key: &str, only: Option<&str>| -> i64 {
        value
            .list(key)
            .iter()
            .filter(|one| only.is_none_or(|only| one.s("tax_behavior") == only))
            .map(|one| one.i("amount"))
            .sum()
    };
    let quoted = quote.list("lines").to_vec();
    for (item, line) in list_mut(session, "_lines").iter_mut().zip(&quoted) {
        let discount = sum(line, "discount_amounts", None);
        item.put("amount_subtotal", line["amount"].clone());
        item.put("amount_discount", discount);
        item.put("amount_tax", sum(line, "taxes", None));
        item.put(
            "amount_total",
            line.i("amount") - discount + sum(line, "taxes", Some("exclusive")),
        );
    }
    session.put("amount_subtotal", quote["subtotal"].clone());
    session.put("amount_total", quote["total"].clone());
    session.put("total_details", json!({"amount_discount": sum(&quote, "total_discount_amounts", None), "amount_shipping": 0, "amount_tax": sum(&quote, "total_taxes", None)}));
    Ok(())
}

/// GET /v1/checkout/sessions/{id}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(KIND, a.id(), "id")
}

/// POST /v1/checkout/sessions/{id}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut session = cx.take(KIND, a.id(), "id")?;
    if let Some(field) =
        a.p.as_object()
            .into_iter()
            .flat_map(crate::core::json::Map::keys)
            .find(|key| !matches!(key.as_str(), "metadata" | "expand"))
    {
        return Err(ApiError::not_imitated(field));
    }
    merge_metadata(&mut session, &a.p["metadata"]);
    Ok(cx.put(session))
}

/// GET /v1/checkout/sessions
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    let email = a.p["customer_details"].opt("email").map(str::to_owned);
    let found = cx
        .state
        .all(KIND)
        .rev()
        .filter(|value| {
            list::matches(
                value,
                &a.p,
                &["customer", "payment_intent", "subscription", "status"],
            )
        })
        .filter(|value| {
            email
                .as_deref()
                .is_none_or(|email| value["customer_details"].s("email") == email)
        })
        .cloned()
        .collect();
    list::page(&a.p, found, "/v1/checkout/sessions")
}

/// `GET /v1/checkout/sessions/{id}/line_items`
pub(crate) fn line_items(cx: &mut Cx<'_>, a: &Args) -> Result {
    let session = cx.find(KIND, a.id(), "id")?;
    let rows = session.list("_lines").to_vec();
    list::page(
        &a.p,
        rows,
        &format!("/v1/checkout/sessions/{}/line_items", a.id()),
    )
}

/// POST /v1/checkout/sessions/{id}/expire
pub(crate) fn expire(cx: &mut Cx<'_>, a: &Args) -> Result {
    expire_session(cx, a.id())
}

/// Closes an open session.
pub(crate) fn expire_session(cx: &mut Cx<'_>, id: &str) -> Result {
    let mut session = cx.take(KIND, id, "id")?;
    if session.s("status") != "open" {
        return Err(ApiError::invalid(
            "Only Checkout Sessions with a status in [\"open\"] can be expired.",
        ));
    }
    session.put("status", "expired");
    session.put("url", Value::Null);
    session.cut("_due");
    Ok(cx.create(session, "checkout.session.expired"))
}
