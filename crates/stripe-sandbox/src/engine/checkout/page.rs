//! What the hosted page does to a session: codes, submission, completion.

use super::{KIND, price};
use crate::core::cards::{self, Behaviour};
use crate::core::{ApiError, Cx, Read, Result, Value, json};
use crate::engine::payment_intents::{self, Outcome};
use crate::engine::{Args, coupons, customers, payment_methods, setup_intents, subscriptions, tax};

/// Applies a promotion code the customer typed; an empty one takes it off.
pub(crate) fn promote(cx: &mut Cx<'_>, id: &str, code: &str) -> Result {
    let mut session = open(cx, id)?;
    if !session.b("allow_promotion_codes") {
        return Err(ApiError::param(
            "promotion_code",
            "This session takes no promotion codes.",
        ));
    }
    if code.trim().is_empty() {
        session["_given"].put("discounts", Value::Null);
        session.put("discounts", json!([]));
    } else {
        let found = coupons::typed(
            cx,
            code,
            session.opt("customer"),
            session.i("amount_subtotal"),
        )?;
        session["_given"].put("discounts", json!([{"promotion_code": found["id"]}]));
        session.put(
            "discounts",
            json!([{"coupon": found["promotion"]["coupon"], "promotion_code": found["id"]}]),
        );
    }
    price(cx, &mut session)?;
    Ok(cx.put(session))
}

fn open(cx: &mut Cx<'_>, id: &str) -> Result {
    let session = cx.take(KIND, id, "id")?;
    if let Some(customer) = session
        .opt("customer")
        .and_then(|id| cx.state.of("customer", id))
        .cloned()
    {
        cx.enter_doc(&customer);
    }
    if session.s("status") == "open" {
        Ok(session)
    } else {
        Err(ApiError::invalid("This page is no longer open."))
    }
}

/// Whether the page must ask for a card.
pub(crate) fn needs_card(session: &Value) -> bool {
    match session.s("mode") {
        "subscription" => {
            session.i("amount_total") > 0 || session.s("payment_method_collection") == "always"
        }
        "setup" => true,
        _ => session.i("amount_total") > 0,
    }
}

/// What the customer sent from the page: `email`, `name`, `card` (a name of the table), `exp_month`, `exp_year`.
/// Returns the session, completed or with `_ask` set when the card wants authentication first.
pub(crate) fn submit(cx: &mut Cx<'_>, id: &str, form: &Value, authenticated: bool) -> Result {
    let mut session = open(cx, id)?;
    let card = form.opt("card").and_then(cards::by_name);
    if let Some(card) = card {
        let asks = matches!(
            card.behaviour,
            Behaviour::AuthenticateAlways
                | Behaviour::AuthenticateOnce
                | Behaviour::AuthenticateThenInsufficient
                | Behaviour::AuthenticateThenDecline
        );
        if asks && !authenticated {
            session.put("_ask", form.clone());
            return Ok(cx.put(session));
        }
        if let Behaviour::Decline(code, decline) = card.behaviour {
            return Err(ApiError::card(
                code,
                decline,
                cards::decline_message(code, decline),
            ));
        }
    } else if needs_card(&session) {
        return Err(ApiError::param("card", "A card is needed."));
    }
    if session["tax_id_collection"].s("required") == "if_supported" && !form.has("tax_id") {
        return Err(ApiError::param("tax_id", "Please give your tax ID."));
    }
    session.cut("_ask");
    let customer = ensure_customer(cx, &session, form)?;
    let method = card.map(|card| {
        let billing = json!({"email": form["email"], "name": form["name"], "address": {"country": form["country"], "postal_code": form["postal_code"]}});
        let mut method = payment_methods::build(cx, card, form.opt_i("exp_month").unwrap_or(12), form.opt_i("exp_year").unwrap_or(2034), &billing);
        if authenticated {
            method.put("_authenticated", true);
        }
        cx.put(method).s("id").to_owned()
    });
    session.put("customer", customer.as_ref());
    let mut tax_ids = Vec::new();
    if let (Some(value), Some(customer)) = (form.opt("tax_id"), &customer) {
        let kind = tax::kind_of(form.s("country"));
        tax_ids.push(json!({"type": kind, "value": value}));
        tax::build_id(cx, customer, &tax_ids[0]);
    }
    session["customer_details"] = json!({"address": {"city": null, "country": form["country"], "line1": null, "line2": null, "postal_code": form["postal_code"], "state": null}, "business_name": null, "individual_name": null, "email": form["email"], "name": form["name"], "phone": null, "tax_exempt": "none", "tax_ids": tax_ids});
    match session.s("mode") {
        "subscription" => subscribe(
            cx,
            &mut session,
            customer.as_deref(),
            method.as_deref(),
            authenticated,
        )?,
        "setup" => set_up(cx, &mut session, customer.as_deref(), method.as_deref())?,
        _ => pay(
            cx,
            &mut session,
            customer.as_deref(),
            method.as_deref(),
            authenticated,
        )?,
    }
    session.put("status", "complete");
    session.put("url", Value::Null);
    session.cut("_due");
    Ok(cx.create(session, "checkout.session.completed"))
}

fn ensure_customer(cx: &mut Cx<'_>, session: &Value, form: &Value) -> Result<Option<String>> {
    if let Some(id) = session.opt("customer") {
        let mut customer = cx.take("customer", id, "customer")?;
        for key in ["email", "name"] {
            if !customer.has(key) && form.has(key) {
                customer.put(key, form[key].clone());
            }
        }
        cx.save(customer, "customer.updated");
        return Ok(Some(id.to_owned()));
    }
    let future = session["_given"]["payment_intent_data"].has("setup_future_usage");
    let guest = session.s("customer_creation") != "always" && !future && !form.has("tax_id");
    if session.s("mode") == "payment" && guest {
        return Ok(None);
    }
    let made = customers::create(
        cx,
        &Args {
            ids: Vec::new(),
            p: json!({"email": form["email"], "name": form["name"]}),
        },
    )?;
    Ok(Some(made.s("id").to_owned()))
}

#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
fn subscribe(
    cx: &mut Cx<'_>,
    session: &mut Value,
    customer: Option<&str>,
    method: Option<&str>,
    authenticated: bool,
) -> Result<()> {
    let customer = customer.unwrap_or_default();
    if let Some(method) = method {
        payment_methods::attach_to(cx, method, customer)?;
    }
    let data = &session["_given"]["subscription_data"];
    let mut p = json!({"customer": customer, "discounts": session["_given"]["discounts"], "_strict": true, "off_session": false});
    for key in [
        "metadata",
        "trial_period_days",
        "trial_end",
        "trial_settings",
        "billing_mode",
        "description",
        "default_tax_rates",
        "billing_cycle_anchor",
        "proration_behavior",
        "invoice_settings",
    ] {
        if data.has(key) {
            p.put(key, data[key].clone());
        }
    }
    if let Some(method) = method {
        p.put("default_payment_method", method);
    } else {
        p.put("_method", "none");
    }
    let (mut items, mut once) = (Vec::new(), Vec::new());
    for line in session.list("_lines") {
        let recurring = cx
            .state
            .get(line.s("price"))
            .is_some_and(|price| price.s("type") == "recurring");
        if recurring {
            items.push(json!({"price": line["price"], "quantity": line["quantity"], "tax_rates": line["_rates"]}));
        } else {
            once.push(json!({"customer": customer, "pricing": {"price": line["price"]}, "quantity": line["quantity"], "tax_rates": line["_rates"]}));
        }
    }
    p.put("items", items);
    for item in once {
        crate::engine::invoices::items::create(
            cx,
            &Args {
                ids: Vec::new(),
                p: item,
            },
        )?;
    }
    let sub = subscriptions::create::create(cx, &Args { ids: Vec::new(), p })?;
    let invoice = sub
        .opt("latest_invoice")
        .map(|id| cx.find("invoice", id, "invoice"))
        .transpose()?;
    if let Some(invoice) = &invoice
        && invoice.s("status") == "open"
    {
        let intent = invoice.s("_intent").to_owned();
        if !authenticated {
            return Err(ApiError::card(
                "authentication_required",
                None,
                "Your card needs authentication.",
            ));
        }
        if let Outcome::Declined(error) = payment_intents::authenticate(cx, &intent, true)? {
            return Err(error);
        }
    }
    session.put("subscription", sub["id"].clone());
    session.put(
        "invoice",
        invoice.map_or(Value::Null, |invoice| invoice["id"].clone()),
    );
    session.put(
        "payment_status",
        if session.i("amount_total") > 0 {
            "paid"
        } else {
            "no_payment_required"
        },
    );
    Ok(())
}

fn set_up(
    cx: &mut Cx<'_>,
    session: &mut Value,
    customer: Option<&str>,
    method: Option<&str>,
) -> Result<()> {
    let intent = setup_intents::create(
        cx,
        &Args {
            ids: Vec::new(),
            p: json!({"customer": customer, "metadata": session["_given"]["setup_intent_data"]["metadata"]}),
        },
    )?;
    setup_intents::finish(cx, intent.s("id"), method.unwrap_or_default(), true)?;
    let mut intent = cx.take("setup_intent", intent.s("id"), "id")?;
    intent.put("payment_method", method);
    cx.put(intent.clone());
    session.put("setup_intent", intent["id"].clone());
    Ok(())
}

fn pay(
    cx: &mut Cx<'_>,
    session: &mut Value,
    customer: Option<&str>,
    method: Option<&str>,
    authenticated: bool,
) -> Result<()> {
    let total = session.i("amount_total");
    if total == 0 {
        session.put("payment_status", "no_payment_required");
        return Ok(());
    }
    let data = &session["_given"]["payment_intent_data"];
    let currency = session.s("currency").to_owned();
    let mut intent = payment_intents::build(
        cx,
        total,
        &currency,
        json!({"customer": customer, "description": data["description"], "receipt_email": data["receipt_email"], "setup_future_usage": data["setup_future_usage"], "metadata": if data["metadata"].is_object() { data["metadata"].clone() } else { json!({}) }}),
    );
    intent.put("_session", session["id"].clone());
    let id = intent.s("id").to_owned();
    cx.create(intent, "payment_intent.created");
    match payment_intents::attempt(cx, &id, method.unwrap_or_default(), authenticated)? {
        Outcome::Paid => {}
        Outcome::Declined(error) => return Err(error),
        Outcome::Action => {
            return Err(ApiError::card(
                "authentication_required",
                None,
                "Your card needs authentication.",
            ));
        }
    }
    session.put("payment_intent", id);
    session.put("payment_status", "paid");
    Ok(())
}
