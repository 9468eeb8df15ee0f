//! What the sandbox costs: requests for each second of processor time, and a year of 1,000 monthly subscriptions.
//!
//! `cargo run --release -p stripe-sandbox --example bench`. In memory, through the whole router, without a network. Prints
//! numbers and asserts nothing about them.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use stripe_sandbox::{Config, Sandbox};
use tower::ServiceExt;

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// One call through the router.
async fn call(router: &axum::Router, method: &str, path: &str, form: &str) -> Outcome<Value> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", "Bearer sk_test_bench")
        .body(Body::from(form.to_owned()))?;
    let answer = router.clone().oneshot(request).await?;
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await?;
    let value: Value = serde_json::from_slice(&bytes)?;
    if value["error"].is_object() {
        return Err(value.to_string().into());
    }
    Ok(value)
}

/// Processor time of this process, in ticks of 10 ms, as Linux counts it.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<u64> = stat
        .rsplit(") ")
        .next()
        .unwrap_or_default()
        .split(' ')
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    let ticks = fields.get(11).unwrap_or(&0) + fields.get(12).unwrap_or(&0);
    Duration::from_millis(ticks * 10)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn report(what: &str, count: u32, began: Duration) {
    let spent = processor().saturating_sub(began).as_secs_f64().max(0.01);
    println!(
        "{what:<34} {:>9.0} / processor second",
        f64::from(count) / spent
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let sandbox = Sandbox::new(Config::new("http://sandbox.test"));
    let router = sandbox.router();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let work = sandbox.run(async {
        let _ = stopped.await;
    });
    let bench = async {
        let done = measure(&router).await;
        let _ = stop.send(());
        done
    };
    tokio::join!(work, bench).1
}

#[expect(
    clippy::too_many_lines,
    reason = "four measurements, one after the other"
)]
async fn measure(router: &axum::Router) -> Outcome<()> {
    let product = call(router, "POST", "/v1/products", "name=Gold").await?;
    let form = format!(
        "product={}&currency=usd&unit_amount=1000&recurring[interval]=month",
        text(&product, "id")
    );
    let price = call(router, "POST", "/v1/prices", &form).await?;
    let start = stripe_sandbox::time::system();
    let clock = call(
        router,
        "POST",
        "/v1/test_helpers/test_clocks",
        &format!("frozen_time={start}"),
    )
    .await?;
    let clock = text(&clock, "id");

    let mut customers = Vec::new();
    let began = processor();
    for n in 0..5_000 {
        let clock = if n < 1_000 {
            format!("&test_clock={clock}")
        } else {
            String::new()
        };
        let form =
            format!("email=c{n}@example.com&name=Customer{clock}&payment_method=pm_card_visa");
        customers.push(call(router, "POST", "/v1/customers", &form).await?);
    }
    report("create customer with a card", 5_000, began);

    let mut cards = Vec::new();
    for customer in &customers[..1_000] {
        let path = format!("/v1/customers/{}/payment_methods", text(customer, "id"));
        cards.push(call(router, "GET", &path, "").await?["data"][0]["id"].clone());
    }
    let mut subscriptions = Vec::new();
    let began = processor();
    for (customer, card) in customers.iter().zip(&cards) {
        let form = format!(
            "customer={}&items[0][price]={}&default_payment_method={}",
            text(customer, "id"),
            text(&price, "id"),
            card.as_str().unwrap_or_default()
        );
        subscriptions.push(call(router, "POST", "/v1/subscriptions", &form).await?);
    }
    report("create subscription, first paid", 1_000, began);

    let began = processor();
    for n in 0..10_000 {
        let path = format!(
            "/v1/subscriptions/{}?expand[]=latest_invoice.payments&expand[]=customer",
            text(&subscriptions[n % 1_000], "id")
        );
        call(router, "GET", &path, "").await?;
    }
    report("retrieve subscription, expanded", 10_000, began);

    let wall = Instant::now();
    let began = processor();
    let mut now = start;
    while now < start + 366 * 86_400 {
        now = (now + 58 * 86_400).min(start + 366 * 86_400);
        let path = format!("/v1/test_helpers/test_clocks/{clock}/advance");
        call(router, "POST", &path, &format!("frozen_time={now}")).await?;
        loop {
            tokio::task::yield_now().await;
            let found = call(
                router,
                "GET",
                &format!("/v1/test_helpers/test_clocks/{clock}"),
                "",
            )
            .await?;
            if text(&found, "status") == "ready" {
                break;
            }
        }
    }
    let invoices = call(router, "GET", "/v1/invoices?status=paid&limit=1", "").await?;
    println!(
        "a year of 1,000 subscriptions      {:>9.2} s, {:.2} s of them processor time (last invoice {})",
        wall.elapsed().as_secs_f64(),
        processor().saturating_sub(began).as_secs_f64(),
        text(&invoices["data"][0], "number")
    );
    Ok(())
}
