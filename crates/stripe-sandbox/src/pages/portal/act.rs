//! What a customer does in the portal.

use super::view::{REASONS, allowed, live, own_sub, payer};
use crate::core::calendar::Interval;
use crate::core::{ApiError, Cx, Read, Result, Value, json};
use crate::engine::{
    Args, customers, payment_methods, portal, schedules, setup_intents, subscriptions,
};
use crate::pages::parts::{self, Form, field};

/// One action. Returns where to go.
#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
pub(super) fn perform(cx: &mut Cx<'_>, token: &str, form: &Form) -> Result<String> {
    let (session, config) = portal::by_token(cx, token)?;
    let customer = session.s("customer").to_owned();
    let features = config["features"].clone();
    let here = format!("{}/pages/portal/{token}", cx.base);
    let need = |feature: &str| {
        if features[feature].b("enabled") {
            Ok(())
        } else {
            Err(ApiError::invalid("This is not possible here."))
        }
    };
    let done = match field(form, "do") {
        "switch" => {
            need("subscription_update")?;
            let sub = own_sub(cx, &customer, field(form, "sub"))?;
            let price = allowed(cx, &config, &sub, field(form, "price"))?;
            if portal::waits(cx, &config, &sub, &price) {
                portal::switch_later(cx, &sub, price.s("id"))?;
                return Ok(after(&session, &here, "subscription_update", "later"));
            }
            let mut change = portal::switch(&config, &sub, field(form, "price"));
            // The price that was shown is the price that is charged.
            if let Ok(at) = field(form, "at").parse::<i64>()
                && !change.has("trial_end")
                && at >= subscriptions::period(&sub).0
                && at <= cx.now
            {
                change.put("proration_date", at);
            }
            subscriptions::update::change(cx, sub.s("id"), &change)?;
            let after = cx.find("subscription", sub.s("id"), "id")?;
            if after.has("pending_update") {
                "pending"
            } else {
                "switch"
            }
        }
        "cancel" => {
            need("subscription_cancel")?;
            let sub = own_sub(cx, &customer, field(form, "sub"))?;
            let feedback = Some(field(form, "feedback"))
                .filter(|given| REASONS.iter().any(|(name, _)| name == given));
            if features["subscription_cancel"].s("mode") == "immediately" {
                let prorate = features["subscription_cancel"].s("proration_behavior") != "none";
                subscriptions::cancel::cancel(
                    cx,
                    &Args {
                        ids: vec![sub.s("id").to_owned()],
                        p: json!({"prorate": prorate, "cancellation_details": {"feedback": feedback}}),
                    },
                )?;
            } else {
                subscriptions::update::change(
                    cx,
                    sub.s("id"),
                    &json!({"cancel_at_period_end": true, "cancellation_details": {"feedback": feedback}}),
                )?;
            }
            "cancel"
        }
        "keep" => {
            need("subscription_update")?;
            let sub = own_sub(cx, &customer, field(form, "sub"))?;
            let ids = vec![sub.s("schedule").to_owned()];
            schedules::release(cx, &Args { ids, p: json!({}) })?;
            "keep"
        }
        "retain" => {
            let sub = own_sub(cx, &customer, field(form, "sub"))?;
            let offer = &session["flow"]["subscription_cancel"]["retention"]["coupon_offer"];
            if !offer.has("coupon") {
                return Err(ApiError::invalid("Nothing is offered here."));
            }
            let discount = json!({"discounts": [{"coupon": offer["coupon"]}]});
            subscriptions::update::change(cx, sub.s("id"), &discount)?;
            "retain"
        }
        "pause" => {
            need("subscription_pause")?;
            let sub = own_sub(cx, &customer, field(form, "sub"))?;
            let ids = vec![sub.s("id").to_owned()];
            let until = pause_end(
                cx,
                &features["subscription_pause"]["duration"],
                field(form, "length"),
            )?;
            let p = json!({"type": "subscription", "_resumes_at": until});
            subscriptions::pause::pause(cx, &Args { ids, p })?;
            "pause"
        }
        "unpause" => {
            need("subscription_pause")?;
            let sub = own_sub(cx, &customer, field(form, "sub"))?;
            let ids = vec![sub.s("id").to_owned()];
            subscriptions::pause::resume(cx, &Args { ids, p: json!({}) })?;
            "unpause"
        }
        "resume" => {
            need("subscription_cancel")?;
            let sub = own_sub(cx, &customer, field(form, "sub"))?;
            subscriptions::update::change(
                cx,
                sub.s("id"),
                &json!({"cancel_at_period_end": false}),
            )?;
            "resume"
        }
        "add_card" => {
            need("payment_method_update")?;
            return add_card(cx, &customer, &here, form);
        }
        "default_card" => {
            need("payment_method_update")?;
            default_card(cx, &customer, field(form, "method"))?;
            "default"
        }
        "remove_card" => {
            need("payment_method_update")?;
            let method = cx.find("payment_method", field(form, "method"), "method")?;
            if method.s("customer") != customer {
                return Err(ApiError::missing(
                    "payment_method",
                    method.s("id"),
                    "method",
                ));
            }
            payment_methods::detach_from(cx, method.s("id"))?;
            "removed"
        }
        "details" => {
            need("customer_update")?;
            let address = json!({"line1": field(form, "line1"), "postal_code": field(form, "postal_code"), "city": field(form, "city"), "country": field(form, "country")});
            customers::update(
                cx,
                &Args {
                    ids: vec![customer],
                    p: json!({"name": field(form, "name"), "email": field(form, "email"), "phone": field(form, "phone"), "address": address}),
                },
            )?;
            "details"
        }
        _ => return Err(ApiError::invalid("Nothing was asked for.")),
    };
    let flow = match done {
        "switch" => "subscription_update",
        "cancel" => "subscription_cancel",
        "pause" => "subscription_pause",
        "details" => "customer_update",
        _ => "",
    };
    Ok(after(&session, &here, flow, done))
}

/// Where to go after an action: what the session's flow asked for when this was its purpose, else the portal.
fn after(session: &Value, here: &str, flow: &str, done: &str) -> String {
    let wanted = &session["flow"];
    let completion = &wanted["after_completion"];
    match completion.s("type") {
        "redirect" if !flow.is_empty() && wanted.s("type").starts_with(flow) => {
            completion["redirect"].s("return_url").to_owned()
        }
        "hosted_confirmation" if !flow.is_empty() && wanted.s("type").starts_with(flow) => {
            format!("{here}?view=confirmed&done={done}")
        }
        _ => format!("{here}?done={done}"),
    }
}

/// When a pause of the chosen length ends; one without end is nothing.
fn pause_end(cx: &Cx<'_>, duration: &Value, chosen: &str) -> Result<Option<i64>> {
    if duration.s("type") != "interval_options" {
        return Ok(None);
    }
    let option = chosen
        .parse::<usize>()
        .ok()
        .and_then(|at| duration.list("interval_options").get(at))
        .ok_or_else(|| ApiError::invalid("Please choose how long."))?;
    let count = option.opt_i("interval_count").unwrap_or(1);
    Ok(Some(
        Interval::new(option.s("interval"), count).nth(cx.now, 1),
    ))
}

/// Makes a card the one that renewals ask, on the customer and on the subscriptions that name another.
fn default_card(cx: &mut Cx<'_>, customer: &str, method: &str) -> Result<()> {
    customers::set_default(cx, customer, method)?;
    for mut sub in live(cx, customer) {
        if sub.has("default_payment_method") {
            sub.put("default_payment_method", method);
            subscriptions::save(cx, sub);
        }
    }
    Ok(())
}

fn add_card(cx: &mut Cx<'_>, customer: &str, here: &str, form: &Form) -> Result<String> {
    let (card, month, year) = parts::card(form, cx.now)?;
    let method = payment_methods::build(cx, card, month, year, &Value::Null);
    let method = cx.put(method).s("id").to_owned();
    let intent = setup_intents::create(
        cx,
        &Args {
            ids: Vec::new(),
            p: json!({"customer": customer}),
        },
    )?;
    let mut intent = cx.take("setup_intent", intent.s("id"), "id")?;
    intent.put("payment_method", method.as_str());
    intent.put("_return_url", format!("{here}?done=card"));
    let id = cx.put(intent).s("id").to_owned();
    let after = setup_intents::finish(cx, &id, &method, false)?;
    if after.s("status") == "requires_action" {
        return Ok(format!("{}/pages/authenticate/{id}", cx.base));
    }
    let holder = cx.find("customer", customer, "id")?;
    if payer(cx, &holder).is_none() {
        default_card(cx, customer, &method)?;
    }
    Ok(format!("{here}?done=card"))
}
