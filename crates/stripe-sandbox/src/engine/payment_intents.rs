//! Payment intents: the state machine of one payment, and the only place where money "moves".

use super::{Args, copy, list};
use crate::core::cards::{self, Behaviour};
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json, money};
use crate::engine::{charges, invoices, payment_methods};

const KIND: &str = "payment_intent";

/// How an attempt to pay went.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// The money is there.
    Paid,
    /// The card holder has to authenticate first.
    Action,
    /// The card was refused; the error a client sees.
    Declined(ApiError),
}

/// Makes an intent. `fields` override the defaults.
pub(crate) fn build(cx: &mut Cx<'_>, amount: i64, currency: &str, fields: Value) -> Value {
    let mut intent = cx.object(KIND, "pi", json!({
        "amount": amount, "currency": currency, "amount_capturable": 0, "amount_received": 0, "capture_method": "automatic_async", "confirmation_method": "automatic",
        "amount_details": {"tip": {}}, "payment_method_types": ["card"], "payment_method_options": {"card": {"installments": null, "mandate_options": null, "network": null, "request_three_d_secure": "automatic"}},
        "status": "requires_payment_method",
    }));
    let secret = cx.id(&format!("{}_secret", intent.s("id")));
    intent.put("client_secret", secret);
    if let Value::Object(fields) = fields {
        for (key, value) in fields.into_members() {
            intent.put(&key, value);
        }
    }
    intent
}

/// What the next charge of this card would do.
fn verdict(cx: &mut Cx<'_>, method: &Value, authenticated: bool) -> (Behaviour, bool) {
    let mut settings = cx.settings();
    if let Some(code) = settings.opt("decline_next").map(str::to_owned) {
        settings.put("decline_next", Value::Null);
        cx.put(settings);
        let decline = if code == "insufficient_funds" {
            "insufficient_funds"
        } else {
            "generic_decline"
        };
        return (Behaviour::Decline("card_declined", Some(decline)), false);
    }
    let known = authenticated || method.b("_authenticated");
    match payment_methods::behaviour(method) {
        Behaviour::AuthenticateAlways if authenticated => (Behaviour::Succeed, false),
        Behaviour::AuthenticateOnce if known => (Behaviour::Succeed, false),
        Behaviour::AuthenticateThenInsufficient if authenticated => (
            Behaviour::Decline("card_declined", Some("insufficient_funds")),
            false,
        ),
        Behaviour::AuthenticateThenDecline if authenticated => (
            Behaviour::Decline("card_declined", Some("generic_decline")),
            false,
        ),
        Behaviour::DeclineCharge => (
            Behaviour::Decline("card_declined", Some("generic_decline")),
            false,
        ),
        other => {
            let asks = matches!(
                other,
                Behaviour::AuthenticateAlways
                    | Behaviour::AuthenticateOnce
                    | Behaviour::AuthenticateThenInsufficient
                    | Behaviour::AuthenticateThenDecline
            );
            (other, asks)
        }
    }
}

/// Tries to take the money.
pub(crate) fn attempt(
    cx: &mut Cx<'_>,
    intent: &str,
    method: &str,
    authenticated: bool,
) -> Result<Outcome> {
    let mut intent = cx.take(KIND, intent, "payment_intent")?;
    let mut method = cx.take("payment_method", method, "payment_method")?;
    intent.put("payment_method", method["id"].clone());
    let (behaviour, asks) = verdict(cx, &method, authenticated);
    if asks {
        let url = format!("{}/pages/authenticate/{}", cx.base, intent.s("id"));
        intent.put("status", "requires_action");
        intent.put("last_payment_error", Value::Null);
        intent.put("next_action", if let Some(back) = intent.opt("_return_url") { json!({"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": back}}) } else { json!({"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}) });
        cx.create(intent, "payment_intent.requires_action");
        return Ok(Outcome::Action);
    }
    intent.put("next_action", Value::Null);
    if let Behaviour::Decline(code, decline) = behaviour {
        let message = cards::decline_message(code, decline);
        let charge = charges::record(cx, &intent, &method, Some((code, decline, message)));
        let mut error = ApiError::card(code, decline, message).with("charge", charge["id"].clone());
        let mut last = error.body.clone();
        last.put(
            "payment_method",
            crate::core::render::present(cx.state, &method),
        );
        last.put(
            "doc_url",
            format!(
                "https://docs.stripe.com/error-codes/{}",
                code.replace('_', "-")
            ),
        );
        intent.put("last_payment_error", last);
        intent.put("latest_charge", charge["id"].clone());
        intent.put("payment_method", Value::Null);
        intent.put("status", "requires_payment_method");
        let intent = cx.create(intent, "payment_intent.payment_failed");
        error = error.with(
            "payment_intent",
            crate::core::render::present(cx.state, &intent),
        );
        return Ok(Outcome::Declined(error));
    }
    if authenticated && !method.b("_authenticated") {
        method.put("_authenticated", true);
        cx.put(method.clone());
    }
    let charge = charges::record(cx, &intent, &method, None);
    intent.put("latest_charge", charge["id"].clone());
    intent.put("last_payment_error", Value::Null);
    intent.put("status", "succeeded");
    intent.put("amount_received", intent.i("amount"));
    let intent = cx.create(intent, "payment_intent.succeeded");
    if intent.opt("setup_future_usage").is_some()
        && let Some(customer) = intent.opt("customer")
        && !method.has("customer")
    {
        payment_methods::attach_to(cx, method.s("id"), customer)?;
    }
    if behaviour == Behaviour::Dispute {
        charges::dispute(cx, charge.s("id"))?;
    }
    Ok(Outcome::Paid)
}

/// Tells the invoice behind an intent, if there is one, how the attempt went.
fn tell_invoice(cx: &mut Cx<'_>, intent: &str, outcome: &Outcome) -> Result<()> {
    let invoice = cx
        .state
        .get(intent)
        .and_then(|intent| intent.opt("_invoice").map(str::to_owned));
    match invoice {
        Some(invoice) => invoices::pay::settle(cx, &invoice, outcome),
        None => Ok(()),
    }
}

/// POST /`v1/payment_intents`
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let currency = a.p.s("currency").to_lowercase();
    let amount = a.p.i("amount");
    if !money::known(&currency) {
        return Err(ApiError::param(
            "currency",
            format!("Invalid currency: {currency}."),
        ));
    }
    if amount < money::minimum(&currency) {
        return Err(ApiError::param(
            "amount",
            format!(
                "Amount must be at least {}",
                money::show(money::minimum(&currency), &currency)
            ),
        )
        .code("amount_too_small"));
    }
    if amount > 99_999_999 {
        return Err(
            ApiError::param("amount", "Amount must be no more than 99999999 minor units")
                .code("amount_too_large"),
        );
    }
    if a.p.s("capture_method") == "manual" {
        return Err(ApiError::not_imitated("capture_method=manual"));
    }
    if let Some(customer) = a.p.opt("customer") {
        let customer = cx.find("customer", customer, "customer")?;
        cx.enter_doc(&customer);
    }
    let mut intent = build(cx, amount, &currency, json!({}));
    if a.p["automatic_payment_methods"].b("enabled") || !a.p.has("automatic_payment_methods") {
        intent.put("automatic_payment_methods", json!({"allow_redirects": a.p["automatic_payment_methods"].opt("allow_redirects").unwrap_or("always"), "enabled": true}));
    }
    set(cx, &mut intent, &a.p)?;
    let id = intent.s("id").to_owned();
    cx.create(intent, "payment_intent.created");
    if a.p.b("confirm") {
        confirm_with(cx, &id, &a.p)
    } else {
        cx.take(KIND, &id, "id")
    }
}

fn set(cx: &mut Cx<'_>, intent: &mut Value, p: &Value) -> Result<()> {
    copy(
        intent,
        p,
        &[
            "customer",
            "description",
            "receipt_email",
            "setup_future_usage",
            "statement_descriptor",
            "statement_descriptor_suffix",
            "excluded_payment_method_types",
        ],
    );
    merge_metadata(intent, &p["metadata"]);
    if let Some(method) = p.opt("payment_method") {
        let method = payment_methods::resolve(cx, method, "payment_method")?;
        if let Some(owner) = method.opt("customer")
            && intent.opt("customer") != Some(owner)
        {
            return Err(ApiError::param(
                "payment_method",
                "The provided PaymentMethod belongs to another Customer.",
            )
            .code("payment_intent_invalid_parameter"));
        }
        intent.put("payment_method", method["id"].clone());
        if intent.s("status") == "requires_payment_method" {
            intent.put("status", "requires_confirmation");
        }
    }
    Ok(())
}

/// GET /`v1/payment_intents/{id`}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(KIND, a.id(), "id")
}

/// GET /`v1/payment_intents`
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    list::plain(cx, &a.p, KIND, &["customer"], "/v1/payment_intents")
}

/// POST /`v1/payment_intents/{id`}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut intent = cx.take(KIND, a.id(), "id")?;
    if matches!(intent.s("status"), "succeeded" | "canceled")
        && (a.p.has("amount") || a.p.has("payment_method"))
    {
        return Err(unexpected(&intent, "update"));
    }
    if let Some(amount) = a.p.opt_i("amount") {
        if intent.has("_invoice") {
            return Err(ApiError::param(
                "amount",
                "The amount of a payment intent that belongs to an invoice cannot be changed.",
            ));
        }
        intent.put("amount", amount);
    }
    set(cx, &mut intent, &a.p)?;
    Ok(cx.put(intent))
}

/// POST /`v1/payment_intents/{id}/confirm`
pub(crate) fn confirm(cx: &mut Cx<'_>, a: &Args) -> Result {
    confirm_with(cx, a.id(), &a.p)
}

fn unexpected(intent: &Value, verb: &str) -> ApiError {
    ApiError::invalid(format!(
        "You cannot {verb} this PaymentIntent because it has a status of {}.",
        intent.s("status")
    ))
    .code("payment_intent_unexpected_state")
}

fn confirm_with(cx: &mut Cx<'_>, id: &str, p: &Value) -> Result {
    let mut intent = cx.take(KIND, id, "id")?;
    if let Some(customer) = intent.opt("customer") {
        let customer = cx.find("customer", customer, "customer")?;
        cx.enter_doc(&customer);
    }
    if matches!(intent.s("status"), "succeeded" | "canceled" | "processing") {
        return Err(unexpected(&intent, "confirm"));
    }
    set(cx, &mut intent, p)?;
    if let Some(back) = p.opt("return_url") {
        intent.put("_return_url", back);
    }
    let Some(method) = intent.opt("payment_method").map(str::to_owned) else {
        return Err(ApiError::invalid("You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.").code("payment_intent_unexpected_state"));
    };
    cx.put(intent);
    let outcome = attempt(cx, id, &method, false)?;
    if outcome == Outcome::Action && p["off_session"].as_bool() == Some(true) {
        let mut intent = cx.take(KIND, id, "id")?;
        let error = ApiError::card(
            "authentication_required",
            Some("authentication_required"),
            cards::decline_message("authentication_required", None),
        );
        intent.put("status", "requires_payment_method");
        intent.put("next_action", Value::Null);
        intent.put("last_payment_error", error.body.clone());
        let intent = cx.create(intent, "payment_intent.payment_failed");
        return Err(keep(error.with(
            "payment_intent",
            crate::core::render::present(cx.state, &intent),
        )));
    }
    tell_invoice(cx, id, &outcome)?;
    match outcome {
        Outcome::Declined(error) => Err(keep(error)),
        _ => cx.take(KIND, id, "id"),
    }
}

/// Marks an error whose traces stay: a refused card is a fact, not a mistake of the request.
pub(crate) fn keep(error: ApiError) -> ApiError {
    error.with("_keep", true)
}

/// The card holder's answer on the authentication page.
pub(crate) fn authenticate(cx: &mut Cx<'_>, id: &str, approve: bool) -> Result<Outcome> {
    let mut intent = cx.take(KIND, id, "id")?;
    if let Some(customer) = intent.opt("customer") {
        let customer = cx.find("customer", customer, "customer")?;
        cx.enter_doc(&customer);
    }
    if intent.s("status") != "requires_action" {
        return Err(unexpected(&intent, "authenticate"));
    }
    let method = intent.s("payment_method").to_owned();
    let outcome = if approve {
        attempt(cx, id, &method, true)?
    } else {
        let error = ApiError::card(
            "payment_intent_authentication_failure",
            None,
            "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
        );
        intent.put("status", "requires_payment_method");
        intent.put("next_action", Value::Null);
        intent.put("payment_method", Value::Null);
        intent.put("last_payment_error", error.body.clone());
        cx.create(intent, "payment_intent.payment_failed");
        Outcome::Declined(error)
    };
    tell_invoice(cx, id, &outcome)?;
    Ok(outcome)
}

/// Cancels an intent that is not paid.
pub(crate) fn cancel_intent(cx: &mut Cx<'_>, id: &str, reason: &str) -> Result {
    let mut intent = cx.take(KIND, id, "id")?;
    if matches!(intent.s("status"), "succeeded" | "canceled") {
        return Err(unexpected(&intent, "cancel"));
    }
    intent.put("status", "canceled");
    intent.put("canceled_at", cx.now);
    intent.put("cancellation_reason", reason);
    intent.put("next_action", Value::Null);
    Ok(cx.create(intent, "payment_intent.canceled"))
}

/// POST /`v1/payment_intents/{id}/cancel`
pub(crate) fn cancel(cx: &mut Cx<'_>, a: &Args) -> Result {
    let intent = cx.find(KIND, a.id(), "id")?;
    if intent.has("_invoice") {
        return Err(ApiError::invalid("You cannot cancel this PaymentIntent because it was created by an invoice. Void the invoice instead.").code("payment_intent_unexpected_state"));
    }
    let intent = cancel_intent(cx, a.id(), "requested_by_customer")?;
    let Some(reason) = a.p.opt("cancellation_reason") else {
        return Ok(intent);
    };
    let mut intent = intent;
    intent.put("cancellation_reason", reason);
    Ok(cx.put(intent))
}
