//! Setup intents: keeping a card for later, with authentication where the card asks for it.

use super::{Args, copy, list};
use crate::core::cards::{self, Behaviour};
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json};
use crate::engine::{payment_methods, subscriptions};

const KIND: &str = "setup_intent";

/// POST /`v1/setup_intents`
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    if let Some(customer) = a.p.opt("customer") {
        let customer = cx.find("customer", customer, "customer")?;
        cx.enter_doc(&customer);
    }
    let mut intent = cx.object(KIND, "seti", json!({
        "status": "requires_payment_method", "usage": a.p.opt("usage").unwrap_or("off_session"), "payment_method_types": ["card"], "metadata": {},
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": true}, "payment_method_options": {"card": {"mandate_options": null, "network": null, "request_three_d_secure": "automatic"}},
    }));
    let secret = cx.id(&format!("{}_secret", intent.s("id")));
    intent.put("client_secret", secret);
    set(cx, &mut intent, &a.p)?;
    let id = intent.s("id").to_owned();
    cx.create(intent, "setup_intent.created");
    if a.p.b("confirm") {
        confirm_with(cx, &id, &a.p)
    } else {
        cx.take(KIND, &id, "id")
    }
}

fn set(cx: &mut Cx<'_>, intent: &mut Value, p: &Value) -> Result<()> {
    copy(intent, p, &["customer", "description"]);
    merge_metadata(intent, &p["metadata"]);
    if let Some(method) = p.opt("payment_method") {
        let method = payment_methods::resolve(cx, method, "payment_method")?;
        intent.put("payment_method", method["id"].clone());
        if intent.s("status") == "requires_payment_method" {
            intent.put("status", "requires_confirmation");
        }
    }
    Ok(())
}

/// GET /`v1/setup_intents/{id`}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(KIND, a.id(), "id")
}

/// GET /`v1/setup_intents`
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    list::plain(
        cx,
        &a.p,
        KIND,
        &["customer", "payment_method"],
        "/v1/setup_intents",
    )
}

/// POST /`v1/setup_intents/{id`}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut intent = cx.take(KIND, a.id(), "id")?;
    set(cx, &mut intent, &a.p)?;
    Ok(cx.put(intent))
}

fn unexpected(intent: &Value, verb: &str) -> ApiError {
    ApiError::invalid(format!(
        "You cannot {verb} this SetupIntent because it has a status of {}.",
        intent.s("status")
    ))
    .code("setup_intent_unexpected_state")
}

/// POST /`v1/setup_intents/{id}/confirm`
pub(crate) fn confirm(cx: &mut Cx<'_>, a: &Args) -> Result {
    confirm_with(cx, a.id(), &a.p)
}

fn confirm_with(cx: &mut Cx<'_>, id: &str, p: &Value) -> Result {
    let mut intent = cx.take(KIND, id, "id")?;
    if matches!(intent.s("status"), "succeeded" | "canceled") {
        return Err(unexpected(&intent, "confirm"));
    }
    set(cx, &mut intent, p)?;
    if let Some(back) = p.opt("return_url") {
        intent.put("_return_url", back);
    }
    let Some(method) = intent.opt("payment_method").map(str::to_owned) else {
        return Err(ApiError::invalid(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
        )
        .code("setup_intent_unexpected_state"));
    };
    cx.put(intent);
    finish(cx, id, &method, false)
}

/// Keeps the card, asks for authentication, or refuses.
pub(crate) fn finish(cx: &mut Cx<'_>, id: &str, method: &str, authenticated: bool) -> Result {
    let mut intent = cx.take(KIND, id, "id")?;
    let mut method = cx.take("payment_method", method, "payment_method")?;
    match payment_methods::behaviour(&method) {
        Behaviour::Decline(code, decline) => {
            let error = ApiError::card(code, decline, cards::decline_message(code, decline));
            intent.put("status", "requires_payment_method");
            intent.put("payment_method", Value::Null);
            intent.put("last_setup_error", error.body.clone());
            let intent = cx.create(intent, "setup_intent.setup_failed");
            return Err(super::payment_intents::keep(error.with(
                "setup_intent",
                crate::core::render::present(cx.state, &intent),
            )));
        }
        Behaviour::AuthenticateAlways
        | Behaviour::AuthenticateOnce
        | Behaviour::AuthenticateThenInsufficient
        | Behaviour::AuthenticateThenDecline
            if !authenticated =>
        {
            let url = format!("{}/pages/authenticate/{id}", cx.base);
            intent.put("status", "requires_action");
            intent.put("next_action", if let Some(back) = intent.opt("_return_url") { json!({"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": back}}) } else { json!({"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}) });
            return Ok(cx.create(intent, "setup_intent.requires_action"));
        }
        _ => {}
    }
    if authenticated {
        method.put("_authenticated", true);
        cx.put(method.clone());
    }
    if let Some(customer) = intent.opt("customer") {
        payment_methods::attach_to(cx, method.s("id"), customer)?;
    }
    intent.put("status", "succeeded");
    intent.put("next_action", Value::Null);
    intent.put("last_setup_error", Value::Null);
    if let Some(sub) = intent.opt("_subscription") {
        subscriptions::create::set_up(cx, sub, method.s("id"))?;
    }
    Ok(cx.create(intent, "setup_intent.succeeded"))
}

/// The card holder's answer on the authentication page.
pub(crate) fn authenticate(cx: &mut Cx<'_>, id: &str, approve: bool) -> Result {
    let mut intent = cx.take(KIND, id, "id")?;
    if intent.s("status") != "requires_action" {
        return Err(unexpected(&intent, "authenticate"));
    }
    if approve {
        let method = intent.s("payment_method").to_owned();
        return finish(cx, id, &method, true);
    }
    let error = ApiError::card(
        "setup_intent_authentication_failure",
        None,
        "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
    );
    intent.put("status", "requires_payment_method");
    intent.put("next_action", Value::Null);
    intent.put("payment_method", Value::Null);
    intent.put("last_setup_error", error.body);
    Ok(cx.create(intent, "setup_intent.setup_failed"))
}

/// POST /`v1/setup_intents/{id}/cancel`
pub(crate) fn cancel(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut intent = cx.take(KIND, a.id(), "id")?;
    if matches!(intent.s("status"), "succeeded" | "canceled") {
        return Err(unexpected(&intent, "cancel"));
    }
    intent.put("status", "canceled");
    intent.put("next_action", Value::Null);
    intent.put(
        "cancellation_reason",
        a.p.opt("cancellation_reason").unwrap_or("abandoned"),
    );
    Ok(cx.create(intent, "setup_intent.canceled"))
}
