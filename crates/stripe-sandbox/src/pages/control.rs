//! The control page: time, faults, web hooks, and a reset. For whoever runs the sandbox, not for customers.

use axum::Form as Posted;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::parts::{self, Form, field, page, wrong};
use crate::core::calendar::{DAY, HOUR, add_months};
use crate::core::{
    ApiError, Cx, Read, RequestInfo, Result, State as Memory, Value, calendar, json, money,
};
use crate::engine::{Args, subscriptions, test_clocks};
use crate::sandbox::Sandbox;

const FAULTS: [&str; 7] = [
    "429",
    "500",
    "timeout-after-commit",
    "slow",
    "drop-webhooks",
    "duplicate-webhooks",
    "reorder-webhooks",
];
const MODES: [&str; 3] = ["shuffle", "duplicate", "drop"];
/// How many rounds of due things one click waits for; what is left goes on in the background.
const ROUNDS: usize = 400;

fn renewals(state: &Memory) -> Option<i64> {
    state
        .all("subscription")
        .filter(|sub| !subscriptions::ended(sub) && !sub.has("_clock"))
        .filter_map(|sub| sub.opt_i("_due").map(|_| subscriptions::period(sub).1))
        .filter(|end| *end > 0)
        .min()
}

fn view(state: &Memory, now: i64, offset: i64) -> Value {
    let name = |id: &str| {
        state.get(id).map_or_else(String::new, |found| {
            found
                .opt("email")
                .or(found.opt("name"))
                .unwrap_or(id)
                .to_owned()
        })
    };
    let subs: Vec<Value> = state.all("subscription").rev().take(20).map(|sub| {
        let plan: Vec<String> = sub.list("items").iter().filter_map(|item| state.get(item.s("price"))).filter_map(|price| state.get(price.s("product"))).map(|product| product.s("name").to_owned()).collect();
        let until = sub.opt_i("ended_at").or(sub.opt_i("cancel_at")).unwrap_or(subscriptions::period(sub).1);
        json!({"id": sub["id"], "customer": name(sub.s("customer")), "plan": plan.join(" + "), "status": sub["status"], "until": calendar::day(until)})
    }).collect();
    let clocks: Vec<Value> = state.all("test_helpers.test_clock").rev().take(8).map(|clock| json!({"id": clock["id"], "name": clock.opt("name").unwrap_or(clock.s("id")), "status": clock["status"], "at": calendar::minute(clock.i("frozen_time"))})).collect();
    let sessions: Vec<Value> = state.all("checkout.session").rev().filter(|session| session.s("status") == "open").take(8).map(|session| json!({"id": format!("{}…", session.s("id").get(..20).unwrap_or_default()), "url": session["url"], "amount": session.opt_i("amount_total").map(|amount| money::show(amount, session.s("currency")))})).collect();
    let deliveries: Vec<Value> = state.all("_delivery").rev().take(25).map(|delivery| {
        let last = delivery.list("attempts").last();
        let answer = last.map_or_else(String::new, |attempt| attempt.opt_i("status").map_or_else(|| attempt.s("error").to_owned(), |status| status.to_string()));
        json!({"id": delivery["id"], "event": delivery["event"], "type": delivery["type"], "status": delivery["status"], "answer": answer, "tries": delivery.list("attempts").len()})
    }).collect();
    let endpoints: Vec<Value> = state
        .all("webhook_endpoint")
        .map(|endpoint| json!({"url": endpoint["url"], "status": endpoint["status"]}))
        .collect();
    let settings = state
        .get("_settings")
        .map_or_else(|| json!({"after_retries": "cancel"}), Value::clone);
    let modes: Vec<Value> = MODES
        .iter()
        .map(|mode| json!([mode, settings.b(mode)]))
        .collect();
    let ahead = match (offset / DAY, offset / HOUR % 24) {
        _ if offset == 0 => Value::Null,
        (0, hours) => json!(format!("{hours} hours")),
        (days, _) => json!(format!("{days} days")),
    };
    json!({"now": calendar::minute(now), "ahead": ahead, "next_renewal": renewals(state).map(calendar::day), "clocks": clocks, "settings": settings, "faults": FAULTS, "modes": modes, "subs": subs, "sessions": sessions, "endpoints": endpoints, "deliveries": deliveries})
}

async fn shown(sandbox: &Sandbox, said: Option<&str>) -> Response {
    let now = sandbox.now();
    let offset = now - sandbox.real_now();
    let context = match (
        sandbox.read(|state| view(state, now, offset)).await,
        sandbox.snapshot().await,
    ) {
        (Ok(mut context), Ok(counts)) => {
            context.put("objects", counts["objects"].clone());
            context.put("events", counts["events"].clone());
            context.put("said", said);
            context
        }
        (Err(error), _) | (_, Err(error)) => return wrong(sandbox, &error),
    };
    page(sandbox, StatusCode::OK, "control.html", context)
}

/// Leads to the page.
pub(super) async fn lead(State(sandbox): State<Sandbox>) -> Response {
    parts::go(&format!("{}/pages/control", sandbox.config().public_url))
}

/// Shows the page.
pub(super) async fn show(State(sandbox): State<Sandbox>) -> Response {
    shown(&sandbox, None).await
}

/// Does what was asked for.
pub(super) async fn act(
    State(sandbox): State<Sandbox>,
    headers: HeaderMap,
    Posted(form): Posted<Form>,
) -> Response {
    if let Err(error) = parts::own(&headers) {
        return wrong(&sandbox, &error);
    }
    let done = match field(&form, "do") {
        "reset" => sandbox
            .reset()
            .await
            .map(|()| "Everything was forgotten.".to_owned()),
        "resend" => crate::webhooks::again(&sandbox, field(&form, "delivery"))
            .await
            .map(|()| "It is sent again.".to_owned()),
        _ => {
            sandbox
                .execute(RequestInfo::default(), |cx| perform(cx, &form))
                .await
        }
    };
    let said = match done {
        Ok(said) => said,
        Err(error) => return wrong(&sandbox, &error),
    };
    for _ in 0..ROUNDS {
        match sandbox.pump().await {
            Ok(true) => tokio::task::yield_now().await,
            Ok(false) => break,
            Err(error) => return wrong(&sandbox, &error),
        }
    }
    shown(&sandbox, Some(&said)).await
}

fn perform(cx: &mut Cx<'_>, form: &Form) -> Result<String> {
    let mut settings = cx.settings();
    let now = cx.global;
    let ahead =
        |settings: &mut Value, to: i64| settings.put("offset", settings.i("offset") + to - now);
    let mut said = "Done.".to_owned();
    match field(form, "do") {
        "hour" => ahead(&mut settings, now + HOUR),
        "day" => ahead(&mut settings, now + DAY),
        "month" => ahead(&mut settings, add_months(now, 1)),
        // An hour and a minute more, so that the renewal's draft is final and paid.
        "renewal" => {
            let next = renewals(cx.state).ok_or_else(|| ApiError::invalid("Nothing renews."))?;
            ahead(&mut settings, next.max(now) + HOUR + 60);
            said = format!("It is {} now.", calendar::minute(next.max(now) + HOUR + 60));
        }
        "clock_day" | "clock_month" => {
            let clock = cx.find("test_helpers.test_clock", field(form, "clock"), "clock")?;
            let from = clock.i("frozen_time");
            let to = if field(form, "do") == "clock_day" {
                from + DAY
            } else {
                add_months(from, 1)
            };
            test_clocks::advance(
                cx,
                &Args {
                    ids: vec![clock.s("id").to_owned()],
                    p: json!({"frozen_time": to}),
                },
            )?;
            return Ok(format!("The clock goes to {}.", calendar::minute(to)));
        }
        "decline" => settings.put("decline_next", "generic_decline"),
        "decline_funds" => settings.put("decline_next", "insufficient_funds"),
        "decline_off" => settings.put("decline_next", Value::Null),
        "after" if matches!(field(form, "after"), "cancel" | "unpaid" | "past_due") => {
            settings.put("after_retries", field(form, "after"));
        }
        _ => {
            let (fault, mode) = (form.get("fault"), field(form, "mode"));
            if let Some(fault) = fault {
                settings.put(
                    "fault",
                    if FAULTS.contains(&fault.as_str()) {
                        json!(fault)
                    } else {
                        Value::Null
                    },
                );
                said = if fault.is_empty() {
                    "Taken back.".into()
                } else {
                    format!("The next API call meets: {fault}.")
                };
            } else if MODES.contains(&mode) {
                settings.put(mode, !settings.b(mode));
            } else {
                return Err(ApiError::invalid("Nothing was asked for."));
            }
        }
    }
    cx.put(settings);
    Ok(said)
}
