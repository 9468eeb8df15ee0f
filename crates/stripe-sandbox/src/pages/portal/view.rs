//! What the portal shows.

use crate::core::{ApiError, Cx, Read, Result, Value, calendar, json, money};
use crate::engine::invoices::{lines, preview};
use crate::engine::{portal, subscriptions};
use crate::pages::checkout::exclusive;
use crate::pages::parts::{self, COUNTRIES, Form, field};

pub(super) const REASONS: &[(&str, &str)] = &[
    ("too_expensive", "It is too expensive"),
    ("missing_features", "I need more features"),
    ("switched_service", "I found an alternative"),
    ("unused", "I no longer need it"),
    (
        "customer_service",
        "Customer service was less than expected",
    ),
    ("too_complex", "It is too complex"),
    ("low_quality", "The quality was less than expected"),
    ("other", "Another reason"),
];

/// A price, for people.
fn price_text(price: &Value, quantity: i64) -> String {
    let amount = money::show(price.i("unit_amount") * quantity, price.s("currency"));
    format!("{amount} every {}", lines::every(price))
}

fn product_name(cx: &Cx<'_>, price: &Value) -> String {
    cx.state
        .get(price.s("product"))
        .map_or_else(String::new, |product| product.s("name").to_owned())
}

/// A subscription, for people.
fn sub_view(cx: &Cx<'_>, config: &Value, sub: &Value) -> Value {
    let (mut names, mut total, mut every) = (Vec::new(), 0, String::new());
    for item in sub.list("items") {
        if let Some(price) = cx.state.get(item.s("price")) {
            let quantity = item.opt_i("quantity").unwrap_or(1);
            names.push(if quantity == 1 {
                product_name(cx, price)
            } else {
                format!("{quantity} × {}", product_name(cx, price))
            });
            total += price.i("unit_amount") * quantity;
            every = lines::every(price);
        }
    }
    let end = subscriptions::period(sub).1;
    let later = planned(cx, sub);
    let plus = plus_tax(cx, sub);
    let next = match (sub.s("status"), sub.opt_i("cancel_at")) {
        (_, Some(moment)) => format!("Ends on {}.", calendar::day(moment)),
        ("trialing", None) => format!("The trial ends on {}.", calendar::day(end)),
        ("past_due", None) => "The last payment failed. It is tried again in the next days.".into(),
        ("paused", None) => sub.opt_i("_resumes_at").map_or_else(
            || "Paused. Nothing is charged until you resume it.".to_owned(),
            |moment| format!("Paused until {}.", calendar::day(moment)),
        ),
        _ if later.is_some() => format!(
            "Changes to {} on {}.",
            later.as_deref().unwrap_or_default(),
            calendar::day(end)
        ),
        _ => format!("Renews on {}.", calendar::day(end)),
    };
    let features = &config["features"];
    let waiting = sub["_pending"].opt("invoice");
    let ending = sub.has("cancel_at");
    json!({
        "id": sub["id"], "name": names.join(" + "), "price": format!("{}{plus} every {every}", money::show(total, sub.s("currency"))), "status": sub["status"], "status_text": sub.s("status").replace('_', " "), "next": next,
        "can_change": features["subscription_update"].b("enabled") && !ending && waiting.is_none() && later.is_none() && matches!(sub.s("status"), "active" | "trialing"),
        "can_keep": features["subscription_update"].b("enabled") && later.is_some(), "can_pause": features["subscription_pause"].b("enabled") && !ending && matches!(sub.s("status"), "active" | "trialing"),
        "can_unpause": features["subscription_pause"].b("enabled") && sub.s("status") == "paused", "can_cancel": features["subscription_cancel"].b("enabled"), "can_resume": features["subscription_cancel"].b("enabled") && ending,
        "pending": waiting.map(|_| "The change waits for its payment. Until then the old plan stays."), "pending_url": waiting.map(|id| format!("{}/pages/invoice/{id}", cx.base)),
    })
}

/// What is said behind a price that tax comes on top of.
fn plus_tax(cx: &Cx<'_>, sub: &Value) -> &'static str {
    let items = sub.list("items").iter();
    let taxed = items
        .clone()
        .any(|item| exclusive(cx, item.list("tax_rates")));
    if taxed || exclusive(cx, sub.list("default_tax_rates")) {
        " plus tax"
    } else {
        ""
    }
}

/// The plan a schedule changes to at the period's end.
fn planned(cx: &Cx<'_>, sub: &Value) -> Option<String> {
    let schedule = cx.state.get(sub.opt("schedule")?)?;
    let end = schedule["current_phase"].opt_i("end_date")?;
    let phase = schedule
        .list("phases")
        .iter()
        .find(|phase| phase.opt_i("start_date") == Some(end))?;
    let price = cx.state.get(phase.list("items").first()?.s("price"))?;
    Some(product_name(cx, price))
}

pub(super) fn live(cx: &Cx<'_>, customer: &str) -> Vec<Value> {
    cx.state
        .owned(customer, "subscription")
        .rev()
        .filter(|sub| !subscriptions::ended(sub))
        .cloned()
        .collect()
}

/// The customer's own subscription of that id.
pub(super) fn own_sub(cx: &Cx<'_>, customer: &str, id: &str) -> Result {
    live(cx, customer)
        .into_iter()
        .find(|sub| sub.s("id") == id)
        .ok_or_else(|| ApiError::missing("subscription", id, "id"))
}

/// Everything the page shows.
#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
pub(super) fn view(cx: &mut Cx<'_>, token: &str, query: &Form) -> Result {
    let (session, config) = portal::by_token(cx, token)?;
    let id = session.s("customer").to_owned();
    let customer = cx.find("customer", &id, "customer")?;
    let flow = session["flow"].s("type");
    let (mut which, mut sub_id, mut price) = (
        field(query, "view").to_owned(),
        field(query, "sub").to_owned(),
        field(query, "price").to_owned(),
    );
    if which.is_empty() && !flow.is_empty() && field(query, "done").is_empty() {
        which = match flow {
            "payment_method_update" => "card",
            "subscription_cancel" => "cancel",
            "subscription_update" => "plan",
            "subscription_update_confirm" => "confirm",
            "subscription_pause" => "pause",
            "customer_update" => "details",
            _ => "",
        }
        .into();
        session["flow"][flow]
            .s("subscription")
            .clone_into(&mut sub_id);
        price = session["flow"][flow]
            .list("items")
            .first()
            .map_or(String::new(), |item| item.s("price").to_owned());
    }
    let shown: Vec<Value> = live(cx, &id)
        .iter()
        .map(|sub| sub_view(cx, &config, sub))
        .collect();
    let default = payer(cx, &customer).unwrap_or_default();
    let methods: Vec<Value> = cx.state.owned(&id, "payment_method").rev().map(|method| json!({"id": method["id"], "brand": crate::pages::invoice::brand(method), "last4": method["card"]["last4"], "expires": format!("{:02}/{}", method["card"].i("exp_month"), method["card"].i("exp_year")), "default": method.s("id") == default})).collect();
    let invoices: Vec<Value> = cx.state.owned(&id, "invoice").rev().filter(|invoice| invoice.has("number")).take(24).map(|invoice| json!({"date": calendar::day(invoice.i("created")), "number": invoice["number"], "status": invoice["status"], "amount": money::show(invoice.i("total"), invoice.s("currency")), "url": invoice["hosted_invoice_url"]})).collect();
    let mut context = json!({
        "view": which, "here": format!("{}/pages/portal/{token}", cx.base), "return_url": session["return_url"], "subs": shown, "methods": methods, "invoices": invoices, "customer": crate::core::render::present(cx.state, &customer), "features": config["features"],
        "countries": COUNTRIES, "cards": parts::buttons(),
        "said": match field(query, "done") { "switch" => Some("Your plan was changed."), "pending" => Some("Your bank has to confirm the payment. The plan changes when it is paid."), "cancel" => Some("Your plan will end."), "resume" | "unpause" => Some("Your plan goes on."), "card" => Some("The card was added."), "default" => Some("This card is used from now on."), "removed" => Some("The card was removed."), "details" => Some("Your details were saved."), "later" => Some("Your plan changes at the end of the period."), "keep" => Some("You keep your plan."), "retain" => Some("Thank you for staying. The discount is yours."), "pause" => Some("Your plan is paused."), _ => None },
    });
    if which == "confirmed" {
        let own = &session["flow"]["after_completion"]["hosted_confirmation"];
        context.put("message", own.opt("custom_message"));
    }
    if matches!(which.as_str(), "plan" | "confirm" | "cancel" | "pause") {
        let sub = own_sub(cx, &id, &sub_id)?;
        context.put("sub", sub_view(cx, &config, &sub));
        let current = sub
            .list("items")
            .first()
            .map_or("", |item| item.s("price"))
            .to_owned();
        match which.as_str() {
            "plan" => {
                let choices: Vec<Value> = portal::choices(cx, &config, &sub).iter().map(|price| json!({"id": price["id"], "name": product_name(cx, price), "detail": price_text(price, 1), "current": price.s("id") == current})).collect();
                context.put("choices", choices);
            }
            "pause" => {
                let duration = &config["features"]["subscription_pause"]["duration"];
                let lengths: Vec<String> = duration
                    .list("interval_options")
                    .iter()
                    .map(|option| match option.opt_i("interval_count").unwrap_or(1) {
                        1 => format!("1 {}", option.s("interval")),
                        count => format!("{count} {}s", option.s("interval")),
                    })
                    .collect();
                context.put("lengths", lengths);
            }
            "cancel" => {
                let offer = &session["flow"]["subscription_cancel"]["retention"]["coupon_offer"];
                if let Some(coupon) = cx.state.get(offer.s("coupon")) {
                    let worth = coupon["percent_off"].as_f64().map_or_else(
                        || money::show(coupon.i("amount_off"), coupon.s("currency")),
                        |percent| format!("{percent} %"),
                    );
                    context.put("offer", format!("Stay, and pay {worth} less."));
                }
                let cancel = &config["features"]["subscription_cancel"];
                let text = if cancel.s("mode") == "immediately" {
                    "It ends at once.".to_owned()
                } else {
                    format!(
                        "You keep it until {}. After that nothing more is charged.",
                        calendar::day(subscriptions::period(&sub).1)
                    )
                };
                context.put("cancel_text", text);
                if cancel["cancellation_reason"].b("enabled") {
                    let wanted: Vec<Value> = REASONS
                        .iter()
                        .filter(|(name, _)| {
                            cancel["cancellation_reason"]
                                .list("options")
                                .iter()
                                .any(|option| option == name)
                        })
                        .map(|(name, text)| json!([name, text]))
                        .collect();
                    context.put("reasons", wanted);
                }
            }
            _ => {
                let now = cx.now;
                let shown = confirm(cx, &config, &sub, &price)?;
                context.put("preview", shown);
                context.put("price", price);
                context.put("at", now);
            }
        }
    }
    Ok(context)
}

/// What a change costs.
fn confirm(cx: &mut Cx<'_>, config: &Value, sub: &Value, price: &str) -> Result {
    let found = allowed(cx, config, sub, price)?;
    if portal::waits(cx, config, sub, &found) {
        let end = calendar::day(subscriptions::period(sub).1);
        return Ok(
            json!({"lines": [{"name": product_name(cx, &found), "amount": price_text(&found, 1)}], "label": "Due today", "due": money::show(0, sub.s("currency")), "after": format!("You keep the current plan until {end}. The new one begins then.")}),
        );
    }
    let (invoice, later) = preview::cost_of(cx, sub.s("id"), &portal::switch(config, sub, price))?;
    let currency = sub.s("currency");
    let after = format!(
        "Afterwards {}{} every {}.",
        money::show(later, currency),
        plus_tax(cx, sub),
        lines::every(&found)
    );
    if invoice.is_null() {
        let behavior = config["features"]["subscription_update"].s("proration_behavior");
        let rest = if behavior == "create_prorations" {
            " The difference for the time that is left is put on the next invoice."
        } else {
            ""
        };
        return Ok(
            json!({"lines": [{"name": product_name(cx, &found), "amount": price_text(&found, 1)}], "label": "Due today", "due": money::show(0, currency), "after": format!("{after}{rest}")}),
        );
    }
    // Between the lines and what is due: discounts, tax and the balance, where there are any.
    let between = crate::pages::invoice::sums(&invoice);
    let between: Vec<_> = between
        .into_iter()
        .filter(|(name, _)| !matches!(name.as_str(), "Subtotal" | "Total"))
        .collect();
    let rows: Vec<Value> = invoice.list("lines").iter().map(|line| json!({"name": line["description"], "amount": money::show(line.i("amount"), currency)})).collect();
    Ok(
        json!({"lines": rows, "between": between, "label": "Due today", "due": money::show(invoice.i("amount_due"), currency), "after": after}),
    )
}

pub(super) fn allowed(cx: &Cx<'_>, config: &Value, sub: &Value, price: &str) -> Result {
    portal::choices(cx, config, sub)
        .into_iter()
        .find(|choice| choice.s("id") == price)
        .ok_or_else(|| ApiError::missing("price", price, "price"))
}

/// The card that the next renewal asks.
pub(super) fn payer(cx: &Cx<'_>, customer: &Value) -> Option<String> {
    let own = live(cx, customer.s("id"))
        .iter()
        .find_map(|sub| sub.opt("default_payment_method").map(str::to_owned));
    own.or_else(|| {
        customer["invoice_settings"]
            .opt("default_payment_method")
            .map(str::to_owned)
    })
}
