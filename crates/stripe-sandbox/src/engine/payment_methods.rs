//! Cards. Numbers are looked up in the table of test cards and forgotten at once.

use super::{Args, copy, list};
use crate::core::cards::{self, Behaviour, Card};
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json};

const KIND: &str = "payment_method";

/// POST /`v1/payment_methods`
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    if a.p.opt("type").is_some_and(|kind| kind != "card") {
        return Err(ApiError::not_imitated(&format!("type={}", a.p.s("type"))));
    }
    if a.p.has("payment_method") || a.p.has("customer") {
        return Err(ApiError::not_imitated("payment_method (cloning)"));
    }
    let given = &a.p["card"];
    let card = match (given.opt("number"), given.opt("token")) {
        (Some(number), _) => cards::by_number(number)?,
        (None, Some(token)) => cards::by_token(token)
            .ok_or_else(|| ApiError::missing("token", token, "card[token]"))?,
        _ => {
            return Err(
                ApiError::param("card[number]", "Missing required param: card[number].")
                    .code("parameter_missing"),
            );
        }
    };
    let month = given.opt_i("exp_month").unwrap_or(12);
    let year = given.opt_i("exp_year").unwrap_or(2034);
    let year = if (0..100).contains(&year) {
        2000 + year
    } else {
        year
    };
    check_expiry(cx.now, month, year)?;
    let mut method = build(cx, card, month, year, &a.p["billing_details"]);
    copy(&mut method, &a.p, &["allow_redisplay"]);
    merge_metadata(&mut method, &a.p["metadata"]);
    Ok(cx.put(method))
}

/// Refuses a month that is over.
pub(crate) fn check_expiry(now: i64, month: i64, year: i64) -> Result<()> {
    if !(1..=12).contains(&month) {
        return Err(ApiError::card(
            "invalid_expiry_month",
            None,
            "Your card's expiration month is invalid.",
        )
        .with("param", "exp_month"));
    }
    let today =
        time::OffsetDateTime::from_unix_timestamp(now).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let current = i64::from(today.year()) * 12 + i64::from(u8::from(today.month()));
    if year * 12 + month < current || year > i64::from(today.year()) + 50 {
        return Err(ApiError::card(
            "invalid_expiry_year",
            None,
            "Your card's expiration year is invalid.",
        )
        .with("param", "exp_year"));
    }
    Ok(())
}

/// A payment method for a card of the table, not yet stored.
pub(crate) fn build(cx: &mut Cx<'_>, card: &Card, month: i64, year: i64, billing: &Value) -> Value {
    let details = json!({
        "address": super::customers::address(&if billing["address"].is_object() { billing["address"].clone() } else { json!({}) }),
        "email": crate::core::json::emptied(&billing["email"]), "name": crate::core::json::emptied(&billing["name"]),
        "phone": crate::core::json::emptied(&billing["phone"]), "tax_id": null,
    });
    cx.object(KIND, "pm", json!({
        "type": "card", "allow_redisplay": "unspecified", "billing_details": details, "metadata": {}, "card": card.details(month, year), "_card": card.name,
    }))
}

/// What this payment method's card does.
pub(crate) fn behaviour(method: &Value) -> Behaviour {
    cards::by_name(method.s("_card")).map_or(Behaviour::Succeed, |card| card.behaviour)
}

/// A stored payment method, or a fresh one for `pm_card_*` and `tok_*`.
pub(crate) fn resolve(cx: &mut Cx<'_>, id: &str, param: &str) -> Result {
    if let Some(card) = cards::by_token(id) {
        let method = build(cx, card, 12, 2034, &Value::Null);
        return Ok(cx.put(method));
    }
    cx.take(KIND, id, param)
}

/// Attaches a method to a customer; the declining cards are refused here, as by a bank's check.
pub(crate) fn attach_to(cx: &mut Cx<'_>, id: &str, customer: &str) -> Result {
    let holder = cx.find("customer", customer, "customer")?;
    cx.enter_doc(&holder);
    let mut method = resolve(cx, id, "payment_method")?;
    match method.opt("customer") {
        Some(owner) if owner == customer => return Ok(method),
        Some(_) => {
            return Err(ApiError::invalid(
                "The payment method you provided has already been attached to a customer.",
            )
            .code("payment_method_unexpected_state"));
        }
        None if method.b("_detached") => {
            return Err(ApiError::invalid(
                "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be used again.",
            ));
        }
        None => {}
    }
    if let Behaviour::Decline(code, decline) = behaviour(&method) {
        return Err(ApiError::card(
            code,
            decline,
            cards::decline_message(code, decline),
        ));
    }
    method.put("customer", customer);
    Ok(cx.create(method, "payment_method.attached"))
}

/// Detaches a method and takes it out of every place that named it.
pub(crate) fn detach_from(cx: &mut Cx<'_>, id: &str) -> Result {
    let mut method = cx.take(KIND, id, "id")?;
    let Some(customer) = method.opt("customer").map(str::to_owned) else {
        return Err(ApiError::invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
        ));
    };
    method.put("customer", Value::Null);
    method.put("_detached", true);
    let stored = cx.create(method, "payment_method.detached");
    let mut holder = cx.take("customer", &customer, "customer")?;
    if holder["invoice_settings"].s("default_payment_method") == id {
        holder["invoice_settings"].put("default_payment_method", Value::Null);
        cx.save(holder, "customer.updated");
    }
    let users: Vec<Value> = cx
        .state
        .owned(&customer, "subscription")
        .filter(|sub| sub.s("default_payment_method") == id)
        .cloned()
        .collect();
    for mut sub in users {
        sub.put("default_payment_method", Value::Null);
        cx.save(sub, "customer.subscription.updated");
    }
    Ok(stored.clone())
}

/// POST /`v1/payment_methods/{id}/attach`
pub(crate) fn attach(cx: &mut Cx<'_>, a: &Args) -> Result {
    let customer = a.p.opt("customer").ok_or_else(|| {
        ApiError::param("customer", "Missing required param: customer.").code("parameter_missing")
    })?;
    attach_to(cx, a.id(), customer)
}

/// POST /`v1/payment_methods/{id}/detach`
pub(crate) fn detach(cx: &mut Cx<'_>, a: &Args) -> Result {
    let found = cx.find(KIND, a.id(), "id")?;
    if let Some(customer) = found.opt("customer") {
        let customer = cx.find("customer", customer, "customer")?;
        cx.enter_doc(&customer);
    }
    detach_from(cx, a.id())
}

/// GET /`v1/payment_methods/{id`}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    resolve(cx, a.id(), "id")
}

/// POST /`v1/payment_methods/{id`}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut method = cx.take(KIND, a.id(), "id")?;
    copy(&mut method, &a.p, &["allow_redisplay"]);
    for field in ["email", "name", "phone"] {
        if a.p["billing_details"].has(field) {
            method["billing_details"].put(
                field,
                crate::core::json::emptied(&a.p["billing_details"][field]),
            );
        }
    }
    if a.p["billing_details"].has("address") {
        method["billing_details"].put(
            "address",
            super::customers::address(&a.p["billing_details"]["address"]),
        );
    }
    for field in ["exp_month", "exp_year"] {
        if a.p["card"].has(field) {
            method["card"].put(field, a.p["card"][field].clone());
        }
    }
    check_expiry(
        cx.now,
        method["card"].i("exp_month"),
        method["card"].i("exp_year"),
    )?;
    merge_metadata(&mut method, &a.p["metadata"]);
    Ok(cx.save(method, "payment_method.updated"))
}

/// GET /`v1/payment_methods`
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    list::plain(cx, &a.p, KIND, &["customer", "type"], "/v1/payment_methods")
}
