//! The hosted Checkout page.

use axum::Form as Posted;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::parts::{self, COUNTRIES, Form, field, go, page, wrong};
use crate::core::{ApiError, Cx, Read, RequestInfo, Result, Value, json, money};
use crate::engine::checkout;
use crate::engine::invoices::lines;
use crate::sandbox::Sandbox;

/// Everything the page shows.
#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
fn view(cx: &mut Cx<'_>, id: &str) -> Result {
    let session = cx.take("checkout.session", id, "id")?;
    cx.enter_doc(&session);
    let currency = session.s("currency").to_owned();
    let show = |amount: i64| money::show(amount, &currency);
    let data = session["_given"]["subscription_data"].clone();
    let trial = data.opt_i("trial_period_days");
    let mut rows = Vec::new();
    let mut recurring = (0_i64, String::new());
    for line in session.list("_lines") {
        let price = cx.find("price", line.s("price"), "price")?;
        let repeats = price.s("type") == "recurring";
        let every = if repeats {
            format!("Billed every {}", lines::every(&price))
        } else {
            "Once".to_owned()
        };
        let detail = if line.i("quantity") > 1 {
            format!(
                "{} × {} · {every}",
                line.i("quantity"),
                show(price.i("unit_amount"))
            )
        } else {
            every
        };
        if repeats {
            recurring.0 += price.i("unit_amount") * line.i("quantity");
            recurring.1 = lines::every(&price);
        }
        rows.push(json!({"name": line["description"], "detail": detail, "amount": show(line.i("amount_subtotal"))}));
    }
    let first = rows
        .first()
        .map_or(String::new(), |row| row.s("name").to_owned());
    let plus = session
        .list("_lines")
        .iter()
        .any(|line| exclusive(cx, line.list("_rates")))
        || exclusive(cx, data.list("default_tax_rates"));
    let plus = if plus { " plus tax" } else { "" };
    let (title, action, terms, after) = match session.s("mode") {
        "subscription" => {
            let after = trial.map_or_else(
                || format!("then {}{plus} every {}", show(recurring.0), recurring.1),
                |days| {
                    format!(
                        "{days} days free, then {}{plus} every {}",
                        show(recurring.0),
                        recurring.1
                    )
                },
            );
            (
                format!("Subscribe to {first}"),
                if trial.is_some() {
                    "Start the trial".to_owned()
                } else {
                    "Subscribe".to_owned()
                },
                "By subscribing you allow Sandbox to charge the card for this and later payments. You can cancel at any time.",
                after,
            )
        }
        "setup" => (
            String::new(),
            "Save the card".to_owned(),
            "The card may be charged later.",
            String::new(),
        ),
        _ => (
            format!("Pay for {first}"),
            format!("Pay {}", show(session.i("amount_total"))),
            "The card is charged once.",
            String::new(),
        ),
    };
    let promo = session
        .list("discounts")
        .first()
        .and_then(|one| one.opt("promotion_code"))
        .and_then(|id| cx.state.get(id))
        .map(|code| code["code"].clone());
    let sum = |key: &str| session["total_details"].i(key);
    let needs_card = checkout::needs_card(&session);
    Ok(json!({
        "session": crate::core::render::present(cx.state, &session), "title": title, "total": show(session.i("amount_total")), "subtotal": show(session.i("amount_subtotal")), "after": after, "lines": rows, "promo": promo,
        "discount": (sum("amount_discount") > 0).then(|| show(-sum("amount_discount"))), "tax": (sum("amount_tax") > 0).then(|| show(sum("amount_tax"))),
        "action": action, "terms": terms, "needs_card": needs_card, "cards": parts::buttons(), "countries": COUNTRIES,
        "fixed_email": session.has("customer") && session["customer_details"].has("email"), "email": session["customer_details"]["email"],
    }))
}

/// Whether one of the tax rates comes on top of a price.
pub(super) fn exclusive(cx: &Cx<'_>, rates: &[Value]) -> bool {
    rates
        .iter()
        .filter_map(|rate| cx.state.get(rate.as_str()?))
        .any(|rate| !rate.b("inclusive"))
}

async fn shown(sandbox: &Sandbox, id: &str, form: &Form, error: Option<&ApiError>) -> Response {
    match sandbox
        .execute(RequestInfo::default(), |cx| view(cx, id))
        .await
    {
        Ok(mut context) => {
            let mut typed = parts::typed(form);
            if typed.s("email").is_empty() || context.b("fixed_email") {
                typed.put("email", context["email"].clone());
            }
            if typed.s("country").is_empty() {
                typed.put("country", "DE");
            }
            context.put("typed", typed);
            context.put(
                "error",
                error.map_or(Value::Null, |error| {
                    let next = if error.status == 402 {
                        " Nothing was charged. Please try another card."
                    } else {
                        ""
                    };
                    json!(format!("{}{next}", error.message()))
                }),
            );
            page(
                sandbox,
                if error.is_some() {
                    StatusCode::PAYMENT_REQUIRED
                } else {
                    StatusCode::OK
                },
                "checkout.html",
                context,
            )
        }
        Err(error) => wrong(sandbox, &error),
    }
}

/// Shows the page.
pub(super) async fn show(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    shown(&sandbox, &id, &Form::new(), None).await
}

/// Pays, applies a code, or fills in a test card.
pub(super) async fn act(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Posted(form): Posted<Form>,
) -> Response {
    if let Err(error) = parts::own(&headers) {
        return wrong(&sandbox, &error);
    }
    if form.contains_key("fill") {
        return shown(&sandbox, &id, &form, None).await;
    }
    let done = match field(&form, "do") {
        "promo" => {
            sandbox
                .execute(RequestInfo::default(), |cx| {
                    checkout::promote(cx, &id, field(&form, "code")).map(|_| String::new())
                })
                .await
        }
        "unpromo" => {
            sandbox
                .execute(RequestInfo::default(), |cx| {
                    checkout::promote(cx, &id, "").map(|_| String::new())
                })
                .await
        }
        _ => {
            sandbox
                .execute(RequestInfo::default(), |cx| pay(cx, &id, &form))
                .await
        }
    };
    match done {
        Ok(url) if url.is_empty() => go(&format!(
            "{}/pages/checkout/{id}",
            sandbox.config().public_url
        )),
        Ok(url) => go(&url),
        Err(error) => shown(&sandbox, &id, &form, Some(&error)).await,
    }
}

/// Where to go after a submission: the shop, or the bank's page.
fn next(cx: &Cx<'_>, session: &Value) -> String {
    if session.s("status") == "complete" {
        session
            .s("success_url")
            .replace("{CHECKOUT_SESSION_ID}", session.s("id"))
    } else {
        format!(
            "{}/pages/checkout/{}/authenticate",
            cx.base,
            session.s("id")
        )
    }
}

fn pay(cx: &mut Cx<'_>, id: &str, form: &Form) -> Result<String> {
    let session = cx.take("checkout.session", id, "id")?;
    cx.enter_doc(&session);
    let email = field(form, "email");
    if !email.contains('@') {
        return Err(ApiError::param("email", "Please give your email address."));
    }
    let mut given = json!({"email": email, "name": field(form, "name"), "country": field(form, "country"), "postal_code": field(form, "postal_code")});
    if session["tax_id_collection"].b("enabled") && !field(form, "tax_id").is_empty() {
        given.put("tax_id", field(form, "tax_id"));
    }
    if checkout::needs_card(&session) {
        let (card, month, year) = parts::card(form, cx.now)?;
        given.put("card", card.name);
        given.put("exp_month", month);
        given.put("exp_year", year);
    }
    let session = checkout::submit(cx, id, &given, false)?;
    Ok(next(cx, &session))
}

/// The bank's question during Checkout.
pub(super) async fn ask(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    let found = sandbox
        .execute(RequestInfo::default(), |cx| {
            cx.take("checkout.session", &id, "id")
        })
        .await;
    match found {
        Ok(session) if session.s("status") == "open" && session.has("_ask") => {
            let last4 = crate::core::cards::by_name(session["_ask"].s("card"))
                .map(crate::core::cards::Card::last4);
            let amount = session
                .opt_i("amount_total")
                .filter(|amount| *amount > 0)
                .map(|amount| money::show(amount, session.s("currency")));
            page(
                &sandbox,
                StatusCode::OK,
                "authenticate.html",
                json!({"amount": amount, "last4": last4}),
            )
        }
        Ok(_) => go(&format!(
            "{}/pages/checkout/{id}",
            sandbox.config().public_url
        )),
        Err(error) => wrong(&sandbox, &error),
    }
}

/// The card holder's answer.
pub(super) async fn answer(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Posted(form): Posted<Form>,
) -> Response {
    if let Err(error) = parts::own(&headers) {
        return wrong(&sandbox, &error);
    }
    let approve = field(&form, "answer") == "approve";
    let done = sandbox.execute(RequestInfo::default(), |cx| {
        let session = cx.take("checkout.session", &id, "id")?;
        let given = session["_ask"].clone();
        if given.is_null() {
            return Err(ApiError::invalid("Nothing waits for an answer."));
        }
        if !approve {
            return Err(ApiError::card("payment_intent_authentication_failure", None, "We are unable to authenticate your payment method. Please choose a different payment method and try again."));
        }
        let session = checkout::submit(cx, &id, &given, true)?;
        Ok(next(cx, &session))
    }).await;
    match done {
        Ok(url) => go(&url),
        Err(error) => {
            // The card has to be given again, as with a real bank's refusal; what else was typed stays.
            let ask = sandbox
                .read(|state| {
                    state
                        .get(&id)
                        .map(|session| session["_ask"].clone())
                        .unwrap_or_default()
                })
                .await
                .unwrap_or_default();
            let again: Form = ["email", "name", "country", "postal_code", "tax_id"]
                .iter()
                .map(|key| ((*key).to_owned(), ask.s(key).to_owned()))
                .collect();
            shown(&sandbox, &id, &again, Some(&error)).await
        }
    }
}
