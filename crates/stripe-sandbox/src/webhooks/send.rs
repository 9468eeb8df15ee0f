//! Sending what is due and writing down how it went.

use futures_util::future::join_all;
use rand::seq::SliceRandom;

use crate::core::state::WEBHOOKS;
use crate::core::{ApiError, Read, RequestInfo, Result, Value, json, render};
use crate::sandbox::Sandbox;

/// How many go out at once.
const BATCH: usize = 16;
/// Pauses after each failure, in seconds: a minute, five, thirty, two hours, then five hours until three days are over.
const PAUSES: [i64; 16] = [
    60, 300, 1800, 7200, 18_000, 18_000, 18_000, 18_000, 18_000, 18_000, 18_000, 18_000, 18_000,
    18_000, 18_000, 18_000,
];

/// Delivers for ever.
pub(crate) async fn deliver_forever(sandbox: &Sandbox) {
    loop {
        match deliver_due(sandbox).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                tracing::error!(error = error.message(), "web hooks could not be delivered");
            }
        }
        tokio::select! {
            () = sandbox.delivery_wanted().notified() => {}
            () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {}
        }
    }
}

struct Job {
    delivery: String,
    url: String,
    secrets: Vec<String>,
    body: String,
    twice: bool,
}

/// Sends a batch of what is due. Returns whether there was anything.
pub(crate) async fn deliver_due(sandbox: &Sandbox) -> Result<bool> {
    let now = sandbox.now();
    let mut jobs = sandbox
        .read(|state| {
            let settings = state.get("_settings").cloned();
            let mut due: Vec<&Value> = state.due(&WEBHOOKS, now).collect();
            if settings
                .as_ref()
                .is_some_and(|settings| settings.b("shuffle"))
            {
                due.shuffle(&mut rand::rng());
            }
            due.into_iter()
                .take(BATCH)
                .filter_map(|delivery| {
                    let endpoint = state.get(delivery.s("endpoint"))?;
                    let event = state.event(delivery.s("event"))?;
                    Some(Job {
                        delivery: delivery.s("id").to_owned(),
                        url: endpoint.s("url").to_owned(),
                        secrets: endpoint
                            .list("_secrets")
                            .iter()
                            .filter_map(Value::as_str)
                            .map(str::to_owned)
                            .collect(),
                        body: render::event(state, event).to_string(),
                        twice: delivery.b("twice")
                            || settings
                                .as_ref()
                                .is_some_and(|settings| settings.b("duplicate")),
                    })
                })
                .collect::<Vec<_>>()
        })
        .await?;
    if jobs.is_empty() {
        return Ok(false);
    }
    if let Some(dropped) = sandbox
        .read(|state| {
            state
                .get("_settings")
                .is_some_and(|settings| settings.b("drop"))
        })
        .await?
        .then(|| std::mem::take(&mut jobs))
    {
        for job in dropped {
            note(
                sandbox,
                &job.delivery,
                Err("dropped by a fault".into()),
                true,
            )
            .await?;
        }
        return Ok(true);
    }
    let sent = join_all(jobs.iter().map(|job| send(sandbox, job))).await;
    for (job, outcome) in jobs.iter().zip(sent) {
        note(sandbox, &job.delivery, outcome, false).await?;
    }
    Ok(true)
}

async fn send(sandbox: &Sandbox, job: &Job) -> std::result::Result<u16, String> {
    let secrets: Vec<&str> = job.secrets.iter().map(String::as_str).collect();
    let once = || async {
        let signature = super::sign::header(&secrets, &job.body, sandbox.real_now());
        let request = sandbox
            .http()
            .post(&job.url)
            .header("content-type", "application/json; charset=utf-8")
            .header(
                "user-agent",
                "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            )
            .header("stripe-signature", signature)
            .body(job.body.clone());
        match request.send().await {
            Ok(answer) => Ok(answer.status().as_u16()),
            Err(error) => Err(error.without_url().to_string()),
        }
    };
    let first = once().await;
    if job.twice { once().await } else { first }
}

async fn note(
    sandbox: &Sandbox,
    id: &str,
    outcome: std::result::Result<u16, String>,
    dropped: bool,
) -> Result<()> {
    sandbox
        .execute(RequestInfo::default(), |cx| {
            let Ok(mut delivery) = cx.take("_delivery", id, "id") else {
                return Ok(());
            };
            let ok = matches!(outcome, Ok(200..=299));
            let attempt = match &outcome {
                Ok(status) => json!({"at": cx.global, "status": status}),
                Err(error) => json!({"at": cx.global, "error": error}),
            };
            crate::core::json::list_mut(&mut delivery, "attempts").push(attempt);
            let tries = delivery.list("attempts").len();
            if ok {
                delivery.put("status", "delivered");
            } else if dropped {
                delivery.put("status", "dropped");
            } else if let Some(pause) = PAUSES.get(tries - 1) {
                delivery.put("next_at", cx.global + pause);
            } else {
                delivery.put("status", "failed");
            }
            cx.put(delivery);
            Ok(())
        })
        .await
}

/// Sends a delivery again, from the control page.
pub(crate) async fn again(sandbox: &Sandbox, id: &str) -> Result<()> {
    sandbox
        .execute(RequestInfo::default(), |cx| {
            let mut delivery = cx
                .state
                .of("_delivery", id)
                .cloned()
                .ok_or_else(|| ApiError::missing("delivery", id, "id"))?;
            delivery.put("status", "pending");
            delivery.put("next_at", cx.global);
            cx.put(delivery);
            Ok(())
        })
        .await?;
    sandbox.delivery_wanted().notify_one();
    Ok(())
}
