//! Creating a subscription: trial, anchor, first invoice, first payment.

use super::{KIND, bill, items};
use crate::core::calendar::DAY;
use crate::core::json::list_mut;
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json};
use crate::engine::invoices::{draft, pay};
use crate::engine::payment_intents::{Outcome, keep};
use crate::engine::{Args, copy, coupons, setup_intents, tax};

/// Two years, the furthest a trial may end.
const TWO_YEARS: i64 = 730 * DAY;

/// POST /v1/subscriptions
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let p = &a.p;
    let customer = p
        .opt("customer")
        .ok_or_else(|| {
            ApiError::param("customer", "Missing required param: customer.")
                .code("parameter_missing")
        })?
        .to_owned();
    let holder = cx.find("customer", &customer, "customer")?;
    cx.enter_doc(&holder);
    if p.list("items").is_empty() {
        return Err(
            ApiError::param("items", "Missing required param: items.").code("parameter_missing")
        );
    }
    let mut sub = cx.object(KIND, "sub", json!({
        "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null}, "billing_mode": {"type": "flexible", "flexible": {"proration_discounts": "included"}, "updated_at": null},
        "cancellation_details": {"comment": null, "feedback": null, "reason": null}, "collection_method": "charge_automatically", "customer": customer, "default_tax_rates": [], "discounts": [],
        "invoice_settings": {"account_tax_ids": null, "custom_fields": null, "description": null, "footer": null, "issuer": {"type": "self"}}, "items": [], "metadata": {},
        "payment_settings": {"payment_method_options": null, "payment_method_types": null, "save_default_payment_method": "off"}, "start_date": cx.now, "status": "active",
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
    }));
    sub.put("test_clock", holder["test_clock"].clone());
    sub.put("_clock", holder["_clock"].clone());
    let id = sub.s("id").to_owned();
    for (n, given) in p.list("items").iter().enumerate() {
        let item = items::build(cx, &id, &customer, given, &format!("items[{n}]"))?;
        list_mut(&mut sub, "items").push(item);
    }
    items::check(cx, &sub)?;
    let currency = sub
        .list("items")
        .first()
        .and_then(|item| cx.state.get(item.s("price")))
        .map(|price| price.s("currency").to_owned())
        .unwrap_or_default();
    if p.opt("currency")
        .is_some_and(|given| given.to_lowercase() != currency)
        || holder.opt("currency").is_some_and(|own| own != currency)
    {
        return Err(ApiError::param(
            "items",
            "You cannot combine currencies on a single customer. This customer has an active subscription, discount, or invoice in another currency.",
        ));
    }
    sub.put("currency", currency.as_str());
    settings(cx, &mut sub, p)?;
    let discounts = coupons::redeem(cx, p.list("discounts"), &customer, ("subscription", &id))?;
    sub.put("discounts", discounts);
    let part = schedule(cx, &mut sub, p)?;
    first_invoice(cx, sub, p, part)?;
    cx.take(KIND, &id, "id")
}

/// The settings that creation and update share.
pub(crate) fn settings(cx: &mut Cx<'_>, sub: &mut Value, p: &Value) -> Result<()> {
    copy(
        sub,
        p,
        &["collection_method", "days_until_due", "description"],
    );
    if sub.s("collection_method") == "send_invoice" && !sub.has("days_until_due") {
        return Err(ApiError::param(
            "days_until_due",
            "You must pass days_until_due when collection_method is send_invoice.",
        )
        .code("parameter_missing"));
    }
    if sub.s("collection_method") == "charge_automatically" && p.has("days_until_due") {
        return Err(ApiError::param(
            "days_until_due",
            "days_until_due is only allowed when collection_method is send_invoice.",
        ));
    }
    if let Some(method) = p.opt("default_payment_method") {
        let found = cx.find("payment_method", method, "default_payment_method")?;
        if found.s("customer") != sub.s("customer") {
            return Err(ApiError::param("default_payment_method", "The customer does not have a payment method with this ID. The payment method must be attached to the customer first.").code("resource_missing"));
        }
        sub.put("default_payment_method", method);
    } else if p["default_payment_method"].as_str() == Some("") {
        sub.put("default_payment_method", Value::Null);
    }
    if p.has("default_source") && p.opt("default_source").is_some() {
        return Err(ApiError::not_imitated("default_source"));
    }
    if p.has("default_tax_rates") {
        sub.put(
            "default_tax_rates",
            tax::rates(cx, &p["default_tax_rates"], "default_tax_rates")?,
        );
    }
    if p["trial_settings"].is_object() {
        let missing = p["trial_settings"]["end_behavior"]
            .opt("missing_payment_method")
            .unwrap_or("create_invoice")
            .to_owned();
        sub["trial_settings"]["end_behavior"].put("missing_payment_method", missing);
    }
    if let Some(save) = p["payment_settings"].opt("save_default_payment_method") {
        sub["payment_settings"].put("save_default_payment_method", save);
    }
    if p["payment_settings"]
        .list("payment_method_types")
        .iter()
        .any(|kind| kind.as_str() != Some("card"))
    {
        return Err(ApiError::not_imitated(
            "payment_settings[payment_method_types]",
        ));
    }
    if p["payment_settings"].has("payment_method_types") {
        let kinds = crate::core::json::emptied(&p["payment_settings"]["payment_method_types"]);
        sub["payment_settings"].put("payment_method_types", kinds);
    }
    if let Some(mode) = p["billing_mode"].opt("type") {
        sub.put("billing_mode", if mode == "classic" { json!({"type": "classic", "flexible": null, "updated_at": null}) } else { json!({"type": "flexible", "flexible": {"proration_discounts": p["billing_mode"]["flexible"].opt("proration_discounts").unwrap_or("included")}, "updated_at": null}) });
    }
    for field in ["description", "footer"] {
        if p["invoice_settings"].has(field) {
            sub["invoice_settings"].put(
                field,
                crate::core::json::emptied(&p["invoice_settings"][field]),
            );
        }
    }
    if let Some(details) = p["cancellation_details"].as_object() {
        for (key, value) in details {
            sub["cancellation_details"].put(key, crate::core::json::emptied(value));
        }
    }
    merge_metadata(sub, &p["metadata"]);
    Ok(())
}

/// Lays trial, anchor, first period and end. Returns the share of the first period, when an anchor cuts it short.
#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
fn schedule(cx: &mut Cx<'_>, sub: &mut Value, p: &Value) -> Result<Option<(i64, i64)>> {
    let interval = super::interval(cx, sub);
    let now = cx.now;
    let from_plan = p
        .b("trial_from_plan")
        .then(|| {
            sub.list("items")
                .iter()
                .filter_map(|item| cx.state.get(item.s("price")))
                .filter_map(|price| price["recurring"].opt_i("trial_period_days"))
                .max()
        })
        .flatten();
    if p.has("trial_end") && p.has("trial_period_days") {
        return Err(ApiError::param(
            "trial_end",
            "You can only pass one of trial_end and trial_period_days.",
        ));
    }
    let trial_end = match (
        p.opt_i("trial_end"),
        p.opt_i("trial_period_days").or(from_plan),
    ) {
        (Some(moment), _) => Some(moment),
        (None, Some(days)) if (1..=730).contains(&days) => Some(now + days * DAY),
        (None, Some(0) | None) => None,
        (None, Some(_)) => {
            return Err(ApiError::param(
                "trial_period_days",
                "A trial may be at most 730 days.",
            ));
        }
    };
    let mut part = None;
    if let Some(end) = trial_end {
        if end <= now || end > now + TWO_YEARS {
            return Err(ApiError::param(
                "trial_end",
                "The trial end must be in the future and at most two years ahead.",
            ));
        }
        sub.put("status", "trialing");
        sub.put("trial_start", now);
        sub.put("trial_end", end);
        sub.put("billing_cycle_anchor", end);
        super::set_period(sub, now, end);
    } else {
        let anchor = p.opt_i("billing_cycle_anchor").unwrap_or(now);
        if anchor < now || anchor > interval.nth(now, 1) {
            return Err(ApiError::param(
                "billing_cycle_anchor",
                "billing_cycle_anchor must lie between now and the end of the first full period.",
            ));
        }
        sub.put("billing_cycle_anchor", anchor);
        let end = items::first_end(interval, anchor, now);
        super::set_period(sub, now, end);
        if anchor > now {
            part = Some(if p.s("proration_behavior") == "none" {
                (0, 1)
            } else {
                (end - now, end - interval.nth(anchor, -1))
            });
        }
    }
    let period_end = super::period(sub).1;
    match &p["cancel_at"] {
        Value::Int(_) if p.i("cancel_at") > now => sub.put("cancel_at", p.i("cancel_at")),
        Value::Int(_) => {
            return Err(ApiError::param(
                "cancel_at",
                "cancel_at must be in the future.",
            ));
        }
        Value::String(_) => sub.put("cancel_at", period_end),
        _ => {}
    }
    if p.b("cancel_at_period_end") {
        sub.put("cancel_at_period_end", true);
        sub.put("cancel_at", period_end);
        sub.put("canceled_at", now);
    }
    Ok(part)
}

/// Nothing is due now: when no card is there, a setup intent asks for the one that later payments need.
fn pending_setup(cx: &mut Cx<'_>, sub: &mut Value) -> Result<()> {
    let probe = json!({"customer": sub["customer"], "default_payment_method": sub["default_payment_method"]});
    if pay::method_for(cx, &probe).is_some() {
        return Ok(());
    }
    let wanted = Args {
        ids: Vec::new(),
        p: json!({"customer": sub["customer"]}),
    };
    let mut intent = setup_intents::create(cx, &wanted)?;
    sub.put("pending_setup_intent", intent["id"].clone());
    intent.put("_subscription", sub["id"].clone());
    cx.put(intent);
    Ok(())
}

/// The card that a pending setup intent was about is there.
pub(crate) fn set_up(cx: &mut Cx<'_>, id: &str, method: &str) -> Result<()> {
    let mut sub = cx.take(KIND, id, "id")?;
    sub.put("pending_setup_intent", Value::Null);
    if !sub.has("default_payment_method") {
        sub.put("default_payment_method", method);
    }
    super::save(cx, sub);
    Ok(())
}

fn first_invoice(
    cx: &mut Cx<'_>,
    mut sub: Value,
    p: &Value,
    part: Option<(i64, i64)>,
) -> Result<()> {
    let id = sub.s("id").to_owned();
    let customer = sub.s("customer").to_owned();
    let trialing = sub.s("status") == "trialing";
    let automatic = sub.s("collection_method") == "charge_automatically";
    let behaviour = p
        .opt("payment_behavior")
        .unwrap_or("allow_incomplete")
        .to_owned();
    if behaviour == "pending_if_incomplete" {
        return Err(ApiError::param(
            "payment_behavior",
            "pending_if_incomplete is only allowed when updating a subscription.",
        ));
    }
    let free = trialing || super::cost(cx, &sub) == 0 || part.is_some_and(|(left, _)| left == 0);
    let (_, pending) = draft::pending_lines(cx, &customer, Some(&id), sub.s("currency"));
    let needs_money = automatic && (!free || !pending.is_empty());
    if needs_money && behaviour != "default_incomplete" && !p.has("_method") {
        let probe =
            json!({"customer": customer, "default_payment_method": sub["default_payment_method"]});
        if pay::method_for(cx, &probe).is_none() {
            return Err(pay::no_card());
        }
    }
    if needs_money && !trialing {
        sub.put("status", "incomplete");
    }
    if automatic && !needs_money && !p.has("_method") {
        pending_setup(cx, &mut sub)?;
    }
    super::arm(&mut sub);
    cx.create(sub, "customer.subscription.created");
    let bill = bill::Bill {
        reason: "subscription_create",
        period: part.is_none_or(|(left, _)| left != 0),
        free: trialing,
        part: part.filter(|(left, _)| *left != 0),
    };
    let outcome = bill::now(cx, &id, bill, behaviour == "default_incomplete")?;
    match (outcome, behaviour.as_str()) {
        (Some((_, Outcome::Declined(error))), "error_if_incomplete") => Err(error),
        (Some((_, Outcome::Action)), "error_if_incomplete") => Err(ApiError::card(
            "subscription_payment_intent_requires_action",
            None,
            "Payment for this subscription requires additional user action before it can be completed successfully. Please refer to the documentation on handling 3-D Secure.",
        )),
        (Some((_, Outcome::Declined(error))), _) if p.b("_strict") => Err(keep(error)),
        _ => {
            super::super::entitlements::refresh(cx, &customer);
            Ok(())
        }
    }
}
