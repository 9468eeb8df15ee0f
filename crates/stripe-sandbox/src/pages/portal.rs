//! The billing portal, for one customer behind an address that cannot be guessed.

use axum::Form as Posted;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::parts::{self, COUNTRIES, Form, field, go, page, wrong};
use crate::core::{ApiError, Cx, Read, RequestInfo, Result, Value, calendar, json, money};
use crate::engine::invoices::{lines, preview};
use crate::engine::{Args, customers, payment_methods, portal, setup_intents, subscriptions};
use crate::sandbox::Sandbox;

const REASONS: &[(&str, &str)] = &[
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
    let next = match (sub.s("status"), sub.opt_i("cancel_at")) {
        (_, Some(moment)) => format!("Ends on {}.", calendar::day(moment)),
        ("trialing", None) => format!("The trial ends on {}.", calendar::day(end)),
        ("past_due", None) => "The last payment failed. It is tried again in the next days.".into(),
        ("paused", None) => "Paused.".into(),
        _ => format!("Renews on {}.", calendar::day(end)),
    };
    let features = &config["features"];
    let waiting = sub["_pending"].opt("invoice");
    let ending = sub.has("cancel_at");
    json!({
        "id": sub["id"], "name": names.join(" + "), "price": format!("{} every {every}", money::show(total, sub.s("currency"))), "status": sub["status"], "status_text": sub.s("status").replace('_', " "), "next": next,
        "can_change": features["subscription_update"].b("enabled") && !ending && waiting.is_none() && matches!(sub.s("status"), "active" | "trialing"),
        "can_cancel": features["subscription_cancel"].b("enabled"), "can_resume": features["subscription_cancel"].b("enabled") && ending,
        "pending": waiting.map(|_| "The change waits for its payment. Until then the old plan stays."), "pending_url": waiting.map(|id| format!("{}/pages/invoice/{id}", cx.base)),
    })
}

fn live(cx: &Cx<'_>, customer: &str) -> Vec<Value> {
    cx.state
        .owned(customer, "subscription")
        .rev()
        .filter(|sub| !subscriptions::ended(sub))
        .map(|sub| Value::clone(sub))
        .collect()
}

/// The customer's own subscription of that id.
fn own_sub(cx: &Cx<'_>, customer: &str, id: &str) -> Result {
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
fn view(cx: &mut Cx<'_>, token: &str, query: &Form) -> Result {
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
    let methods: Vec<Value> = cx.state.owned(&id, "payment_method").rev().map(|method| json!({"id": method["id"], "brand": super::invoice::brand(method), "last4": method["card"]["last4"], "expires": format!("{:02}/{}", method["card"].i("exp_month"), method["card"].i("exp_year")), "default": method.s("id") == default})).collect();
    let invoices: Vec<Value> = cx.state.owned(&id, "invoice").rev().filter(|invoice| invoice.has("number")).take(24).map(|invoice| json!({"date": calendar::day(invoice.i("created")), "number": invoice["number"], "status": invoice["status"], "amount": money::show(invoice.i("total"), invoice.s("currency")), "url": invoice["hosted_invoice_url"]})).collect();
    let mut context = json!({
        "view": which, "here": format!("{}/pages/portal/{token}", cx.base), "return_url": session["return_url"], "subs": shown, "methods": methods, "invoices": invoices, "customer": crate::core::render::present(cx.state, &customer), "features": config["features"],
        "countries": COUNTRIES, "cards": parts::buttons(),
        "said": match field(query, "done") { "switch" => Some("Your plan was changed."), "pending" => Some("Your bank has to confirm the payment. The plan changes when it is paid."), "cancel" => Some("Your plan will end."), "resume" => Some("Your plan goes on."), "card" => Some("The card was added."), "default" => Some("This card is used from now on."), "removed" => Some("The card was removed."), "details" => Some("Your details were saved."), _ => None },
    });
    if matches!(which.as_str(), "plan" | "confirm" | "cancel") {
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
            "cancel" => {
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
    let (invoice, later) = preview::cost_of(cx, sub.s("id"), &portal::switch(config, sub, price))?;
    let currency = sub.s("currency");
    let after = format!(
        "Afterwards {} every {}.",
        money::show(later, currency),
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
    let rows: Vec<Value> = invoice.list("lines").iter().map(|line| json!({"name": line["description"], "amount": money::show(line.i("amount"), currency)})).collect();
    Ok(
        json!({"lines": rows, "label": "Due today", "due": money::show(invoice.i("amount_due"), currency), "after": after}),
    )
}

fn allowed(cx: &Cx<'_>, config: &Value, sub: &Value, price: &str) -> Result {
    portal::choices(cx, config, sub)
        .into_iter()
        .find(|choice| choice.s("id") == price)
        .ok_or_else(|| ApiError::missing("price", price, "price"))
}

async fn shown(
    sandbox: &Sandbox,
    token: &str,
    query: &Form,
    form: &Form,
    error: Option<&ApiError>,
) -> Response {
    match sandbox
        .execute(RequestInfo::default(), |cx| view(cx, token, query))
        .await
    {
        Ok(mut context) => {
            context.put("typed", parts::typed(form));
            context.put(
                "error",
                error.map_or(Value::Null, |error| json!(error.message())),
            );
            page(
                sandbox,
                if error.is_some() {
                    StatusCode::BAD_REQUEST
                } else {
                    StatusCode::OK
                },
                "portal.html",
                context,
            )
        }
        Err(error) => wrong(&error),
    }
}

/// Shows the portal.
pub(super) async fn show(
    State(sandbox): State<Sandbox>,
    Path(token): Path<String>,
    Query(query): Query<Form>,
) -> Response {
    shown(&sandbox, &token, &query, &Form::new(), None).await
}

/// Does what the customer asked for.
pub(super) async fn act(
    State(sandbox): State<Sandbox>,
    Path(token): Path<String>,
    Query(query): Query<Form>,
    headers: HeaderMap,
    Posted(form): Posted<Form>,
) -> Response {
    if let Err(error) = parts::own(&headers) {
        return wrong(&error);
    }
    let again: Form = if field(&form, "view").is_empty() {
        query
    } else {
        Form::from([("view".to_owned(), field(&form, "view").to_owned())])
    };
    if form.contains_key("fill") {
        return shown(&sandbox, &token, &again, &form, None).await;
    }
    match sandbox
        .execute(RequestInfo::default(), |cx| perform(cx, &token, &form))
        .await
    {
        Ok(url) => go(&url),
        Err(error) => shown(&sandbox, &token, &again, &form, Some(&error)).await,
    }
}

/// One action. Returns where to go.
#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
fn perform(cx: &mut Cx<'_>, token: &str, form: &Form) -> Result<String> {
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
            allowed(cx, &config, &sub, field(form, "price"))?;
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
    Ok(format!("{here}?done={done}"))
}

/// The card that the next renewal asks.
fn payer(cx: &Cx<'_>, customer: &Value) -> Option<String> {
    let own = live(cx, customer.s("id"))
        .iter()
        .find_map(|sub| sub.opt("default_payment_method").map(str::to_owned));
    own.or_else(|| {
        customer["invoice_settings"]
            .opt("default_payment_method")
            .map(str::to_owned)
    })
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
