//! Checkout sessions: what the hosted page shows and what its completion makes.

use super::{Args, list, prices};
use crate::core::calendar::{DAY, HOUR};
use crate::core::cards::{self, Behaviour};
use crate::core::json::list_mut;
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json};
use crate::engine::invoices::{draft, lines};
use crate::engine::payment_intents::{self, Outcome};
use crate::engine::{coupons, customers, payment_methods, setup_intents, subscriptions};

const KIND: &str = "checkout.session";

/// Parameters Stripe has here and the sandbox does not imitate.
const UNSUPPORTED: &[&str] = &["payment_method_data", "optional_items", "shipping_options", "redirect_on_completion", "return_url", "integration_identifier", "payment_method_configuration"];

/// POST /v1/checkout/sessions
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let p = &a.p;
    if let Some(field) = UNSUPPORTED.iter().find(|field| p.has(field)) {
        return Err(ApiError::not_imitated(field));
    }
    if p.opt("ui_mode").is_some_and(|mode| mode != "hosted_page") {
        return Err(ApiError::not_imitated(&format!("ui_mode={}", p.s("ui_mode"))));
    }
    if p["invoice_creation"].b("enabled") {
        return Err(ApiError::not_imitated("invoice_creation[enabled]"));
    }
    let mode = p.opt("mode").unwrap_or("payment").to_owned();
    if !p.has("success_url") {
        return Err(ApiError::param("success_url", "Missing required param: success_url.").code("parameter_missing"));
    }
    if p.has("customer") && p.has("customer_email") {
        return Err(ApiError::param("customer_email", "You may only specify one of these parameters: customer, customer_email."));
    }
    let customer = p.opt("customer").map(|id| cx.find("customer", id, "customer")).transpose()?;
    if let Some(customer) = &customer {
        cx.enter_doc(customer);
    }
    let mut rows = Vec::new();
    for (n, given) in p.list("line_items").iter().enumerate() {
        rows.push(line_item(cx, given, &format!("line_items[{n}]"), &mode)?);
    }
    if mode != "setup" && rows.is_empty() {
        return Err(ApiError::param("line_items", "Missing required param: line_items.").code("parameter_missing"));
    }
    let currency = rows.first().map_or_else(|| p.opt("currency").unwrap_or("usd").to_lowercase(), |row| row.s("currency").to_owned());
    if rows.iter().any(|row| row.s("currency") != currency) {
        return Err(ApiError::param("line_items", "All line items must have the same currency."));
    }
    let recurring = rows.iter().any(|row| cx.state.get(row.s("price")).is_some_and(|price| price.s("type") == "recurring"));
    if recurring != (mode == "subscription") {
        return Err(ApiError::param("mode", if recurring { "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices." } else { "You must provide at least one recurring price in `subscription` mode when using prices." }));
    }
    let expires = p.opt_i("expires_at").unwrap_or(cx.now + DAY);
    if expires < cx.now + HOUR / 2 || expires > cx.now + DAY {
        return Err(ApiError::param("expires_at", "The expires_at timestamp must be between 30 minutes and 24 hours after creation."));
    }
    if p.b("allow_promotion_codes") && p.has("discounts") {
        return Err(ApiError::param("discounts", "You may only specify one of these parameters: allow_promotion_codes, discounts."));
    }
    let mut session = cx.object(KIND, "cs_test", json!({
        "automatic_tax": {"enabled": false, "liability": null, "provider": null, "status": null}, "currency": if mode == "setup" && !p.has("currency") { Value::Null } else { json!(currency) },
        "customer": p["customer"], "customer_email": p["customer_email"], "custom_text": {"after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null},
        "expires_at": expires, "metadata": {}, "mode": mode, "payment_method_types": ["card"], "payment_status": if mode == "setup" { "no_payment_required" } else { "unpaid" },
        "status": "open", "success_url": p["success_url"], "cancel_url": p["cancel_url"], "client_reference_id": p["client_reference_id"], "ui_mode": "hosted_page", "locale": p["locale"],
        "allow_promotion_codes": p["allow_promotion_codes"], "phone_number_collection": {"enabled": p["phone_number_collection"].b("enabled")}, "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "billing_address_collection": p["billing_address_collection"], "customer_creation": if mode == "payment" { json!(p.opt("customer_creation").unwrap_or("if_required")) } else if mode == "subscription" && !p.has("customer") { json!("always") } else { Value::Null },
        "payment_method_collection": if mode == "subscription" { json!(p.opt("payment_method_collection").unwrap_or("always")) } else { Value::Null }, "tax_id_collection": {"enabled": p["tax_id_collection"].b("enabled"), "required": "never"},
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
    session.put("url", format!("{}/pages/checkout/{}", cx.base, session.s("id")));
    merge_metadata(&mut session, &p["metadata"]);
    price(cx, &mut session)?;
    Ok(Value::clone(&cx.put(session)))
}

fn line_item(cx: &mut Cx<'_>, given: &Value, param: &str, mode: &str) -> Result {
    if given["adjustable_quantity"].b("enabled") {
        return Err(ApiError::not_imitated(&format!("{param}[adjustable_quantity]")));
    }
    let price = prices::resolve(cx, given, param, if mode == "payment" { Some(false) } else { None })?;
    let quantity = given.opt_i("quantity").unwrap_or(1);
    if !(1..=999_999).contains(&quantity) {
        return Err(ApiError::param(&format!("{param}[quantity]"), "Quantity must be between 1 and 999999.").code("parameter_invalid_integer"));
    }
    let rates = super::tax::rates(cx, &given["tax_rates"], &format!("{param}[tax_rates]"))?;
    let name = cx.state.get(price.s("product")).map_or(Value::Null, |product| product["name"].clone());
    let amount = price.i("unit_amount").saturating_mul(quantity);
    let metadata = if given["metadata"].is_object() { given["metadata"].clone() } else { json!({}) };
    Ok(cx.object("item", "li", json!({"amount_discount": 0, "amount_subtotal": amount, "amount_tax": 0, "amount_total": amount, "currency": price["currency"], "description": name, "price": price["id"], "quantity": quantity, "metadata": metadata, "_rates": rates})))
}

/// The days of trial a session gives, if any.
fn trial_days(session: &Value, now: i64) -> Option<i64> {
    let data = &session["_given"]["subscription_data"];
    data.opt_i("trial_period_days").or_else(|| data.opt_i("trial_end").map(|end| (end - now) / DAY))
}

/// Recomputes a session's sums by drafting the invoice it would make and taking everything back.
pub(crate) fn price(cx: &mut Cx<'_>, session: &mut Value) -> Result<()> {
    if session.s("mode") == "setup" {
        return Ok(());
    }
    let mark = cx.state.mark();
    let customer = session.opt("customer").unwrap_or("cus_none").to_owned();
    let discounts = coupons::redeem(cx, session["_given"].list("discounts"), &customer, ("checkout_session", &session.s("id").to_owned()));
    let trial = trial_days(session, cx.now).is_some();
    let mut rows = Vec::new();
    for item in session.list("_lines").to_vec() {
        let recurring = cx.state.get(item.s("price")).is_some_and(|price| price.s("type") == "recurring");
        let mut line = lines::of_item(cx, &json!({"default_tax_rates": session["_given"]["subscription_data"]["default_tax_rates"]}), &json!({"price": item["price"], "quantity": item["quantity"], "tax_rates": item["_rates"], "metadata": {}, "discounts": []}), cx.now, cx.now, trial && recurring);
        line.put("_session_item", item["id"].clone());
        rows.push(line);
    }
    let currency = session.s("currency").to_owned();
    let quote = discounts.map(|discounts| draft::build(cx, draft::Draft { customer: &customer, sub: None, reason: "manual", currency: &currency, lines: rows, period: (cx.now, cx.now), discounts }));
    cx.state.rollback_to(mark);
    let quote = quote?;
    let sum = |value: &Value, key: &str, only: Option<&str>| -> i64 { value.list(key).iter().filter(|one| only.is_none_or(|only| one.s("tax_behavior") == only)).map(|one| one.i("amount")).sum() };
    let quoted = quote.list("lines").to_vec();
    for (item, line) in list_mut(session, "_lines").iter_mut().zip(&quoted) {
        let discount = sum(line, "discount_amounts", None);
        item.put("amount_subtotal", line["amount"].clone());
        item.put("amount_discount", discount);
        item.put("amount_tax", sum(line, "taxes", None));
        item.put("amount_total", line.i("amount") - discount + sum(line, "taxes", Some("exclusive")));
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
    if let Some(field) = a.p.as_object().into_iter().flat_map(serde_json::Map::keys).find(|key| !matches!(key.as_str(), "metadata" | "expand")) {
        return Err(ApiError::not_imitated(field));
    }
    merge_metadata(&mut session, &a.p["metadata"]);
    Ok(Value::clone(&cx.put(session)))
}

/// GET /v1/checkout/sessions
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    let email = a.p["customer_details"].opt("email").map(str::to_owned);
    let found = cx.state.all(KIND).rev().filter(|value| list::matches(value, &a.p, &["customer", "payment_intent", "subscription", "status"]))
        .filter(|value| email.as_deref().is_none_or(|email| value["customer_details"].s("email") == email)).cloned().collect();
    list::page(&a.p, found, "/v1/checkout/sessions")
}

/// `GET /v1/checkout/sessions/{id}/line_items`
pub(crate) fn line_items(cx: &mut Cx<'_>, a: &Args) -> Result {
    let session = cx.find(KIND, a.id(), "id")?;
    let rows = session.list("_lines").iter().cloned().map(std::sync::Arc::new).collect();
    list::page(&a.p, rows, &format!("/v1/checkout/sessions/{}/line_items", a.id()))
}

/// POST /v1/checkout/sessions/{id}/expire
pub(crate) fn expire(cx: &mut Cx<'_>, a: &Args) -> Result {
    expire_session(cx, a.id())
}

/// Closes an open session.
pub(crate) fn expire_session(cx: &mut Cx<'_>, id: &str) -> Result {
    let mut session = cx.take(KIND, id, "id")?;
    if session.s("status") != "open" {
        return Err(ApiError::invalid("Only Checkout Sessions with a status in [\"open\"] can be expired."));
    }
    session.put("status", "expired");
    session.put("url", Value::Null);
    session.cut("_due");
    Ok(Value::clone(&cx.create(session, "checkout.session.expired")))
}

/// Applies a promotion code the customer typed; an empty one takes it off.
pub(crate) fn promote(cx: &mut Cx<'_>, id: &str, code: &str) -> Result {
    let mut session = open(cx, id)?;
    if !session.b("allow_promotion_codes") {
        return Err(ApiError::param("promotion_code", "This session takes no promotion codes."));
    }
    if code.trim().is_empty() {
        session["_given"].put("discounts", Value::Null);
        session.put("discounts", json!([]));
    } else {
        let found = coupons::typed(cx, code, session.opt("customer"), session.i("amount_subtotal"))?;
        session["_given"].put("discounts", json!([{"promotion_code": found["id"]}]));
        session.put("discounts", json!([{"coupon": found["promotion"]["coupon"], "promotion_code": found["id"]}]));
    }
    price(cx, &mut session)?;
    Ok(Value::clone(&cx.put(session)))
}

fn open(cx: &mut Cx<'_>, id: &str) -> Result {
    let session = cx.take(KIND, id, "id")?;
    if let Some(customer) = session.opt("customer").and_then(|id| cx.state.of("customer", id)).cloned() {
        cx.enter_doc(&customer);
    }
    if session.s("status") == "open" { Ok(session) } else { Err(ApiError::invalid("This page is no longer open.")) }
}

/// Whether the page must ask for a card.
pub(crate) fn needs_card(session: &Value) -> bool {
    match session.s("mode") {
        "subscription" => session.i("amount_total") > 0 || session.s("payment_method_collection") == "always",
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
        let asks = matches!(card.behaviour, Behaviour::AuthenticateAlways | Behaviour::AuthenticateOnce | Behaviour::AuthenticateThenInsufficient | Behaviour::AuthenticateThenDecline);
        if asks && !authenticated {
            session.put("_ask", form.clone());
            return Ok(Value::clone(&cx.put(session)));
        }
        if let Behaviour::Decline(code, decline) = card.behaviour {
            return Err(ApiError::card(code, decline, cards::decline_message(code, decline)));
        }
    } else if needs_card(&session) {
        return Err(ApiError::param("card", "A card is needed."));
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
    session.put("customer", customer.clone().map_or(Value::Null, Value::from));
    session["customer_details"] = json!({"address": {"city": null, "country": form["country"], "line1": null, "line2": null, "postal_code": form["postal_code"], "state": null}, "business_name": null, "individual_name": null, "email": form["email"], "name": form["name"], "phone": null, "tax_exempt": "none", "tax_ids": []});
    match session.s("mode") {
        "subscription" => subscribe(cx, &mut session, customer.as_deref(), method.as_deref(), authenticated)?,
        "setup" => set_up(cx, &mut session, customer.as_deref(), method.as_deref())?,
        _ => pay(cx, &mut session, customer.as_deref(), method.as_deref(), authenticated)?,
    }
    session.put("status", "complete");
    session.put("url", Value::Null);
    session.cut("_due");
    Ok(Value::clone(&cx.create(session, "checkout.session.completed")))
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
    if session.s("mode") == "payment" && session.s("customer_creation") != "always" && !future {
        return Ok(None);
    }
    let made = customers::create(cx, &Args { ids: Vec::new(), p: json!({"email": form["email"], "name": form["name"]}) })?;
    Ok(Some(made.s("id").to_owned()))
}

fn subscribe(cx: &mut Cx<'_>, session: &mut Value, customer: Option<&str>, method: Option<&str>, authenticated: bool) -> Result<()> {
    let customer = customer.unwrap_or_default();
    if let Some(method) = method {
        payment_methods::attach_to(cx, method, customer)?;
    }
    let data = &session["_given"]["subscription_data"];
    let mut p = json!({"customer": customer, "discounts": session["_given"]["discounts"], "_strict": true, "off_session": false});
    for key in ["metadata", "trial_period_days", "trial_end", "trial_settings", "billing_mode", "description", "default_tax_rates", "billing_cycle_anchor", "proration_behavior", "invoice_settings"] {
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
        let recurring = cx.state.get(line.s("price")).is_some_and(|price| price.s("type") == "recurring");
        if recurring {
            items.push(json!({"price": line["price"], "quantity": line["quantity"], "tax_rates": line["_rates"]}));
        } else {
            once.push(json!({"customer": customer, "pricing": {"price": line["price"]}, "quantity": line["quantity"], "tax_rates": line["_rates"]}));
        }
    }
    p.put("items", items);
    for item in once {
        super::invoices::items::create(cx, &Args { ids: Vec::new(), p: item })?;
    }
    let sub = subscriptions::create::create(cx, &Args { ids: Vec::new(), p })?;
    let invoice = sub.opt("latest_invoice").map(|id| cx.find("invoice", id, "invoice")).transpose()?;
    if let Some(invoice) = &invoice
        && invoice.s("status") == "open"
    {
        let intent = invoice.s("_intent").to_owned();
        if !authenticated {
            return Err(ApiError::card("authentication_required", None, "Your card needs authentication."));
        }
        if let Outcome::Declined(error) = payment_intents::authenticate(cx, &intent, true)? {
            return Err(error);
        }
    }
    session.put("subscription", sub["id"].clone());
    session.put("invoice", invoice.map_or(Value::Null, |invoice| invoice["id"].clone()));
    session.put("payment_status", if session.i("amount_total") > 0 { "paid" } else { "no_payment_required" });
    Ok(())
}

fn set_up(cx: &mut Cx<'_>, session: &mut Value, customer: Option<&str>, method: Option<&str>) -> Result<()> {
    let intent = setup_intents::create(cx, &Args { ids: Vec::new(), p: json!({"customer": customer, "metadata": session["_given"]["setup_intent_data"]["metadata"]}) })?;
    setup_intents::finish(cx, intent.s("id"), method.unwrap_or_default(), true)?;
    let mut intent = cx.take("setup_intent", intent.s("id"), "id")?;
    intent.put("payment_method", method);
    cx.put(intent.clone());
    session.put("setup_intent", intent["id"].clone());
    Ok(())
}

fn pay(cx: &mut Cx<'_>, session: &mut Value, customer: Option<&str>, method: Option<&str>, authenticated: bool) -> Result<()> {
    let total = session.i("amount_total");
    if total == 0 {
        session.put("payment_status", "no_payment_required");
        return Ok(());
    }
    let data = &session["_given"]["payment_intent_data"];
    let currency = session.s("currency").to_owned();
    let mut intent = payment_intents::build(cx, total, &currency, json!({"customer": customer, "description": data["description"], "receipt_email": data["receipt_email"], "setup_future_usage": data["setup_future_usage"], "metadata": if data["metadata"].is_object() { data["metadata"].clone() } else { json!({}) }}));
    intent.put("_session", session["id"].clone());
    let id = intent.s("id").to_owned();
    cx.create(intent, "payment_intent.created");
    match payment_intents::attempt(cx, &id, method.unwrap_or_default(), authenticated)? {
        Outcome::Paid => {}
        Outcome::Declined(error) => return Err(error),
        Outcome::Action => return Err(ApiError::card("authentication_required", None, "Your card needs authentication.")),
    }
    session.put("payment_intent", id);
    session.put("payment_status", "paid");
    Ok(())
}
