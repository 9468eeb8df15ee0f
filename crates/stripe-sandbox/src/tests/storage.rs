//! The same journey on both stores, and a restart in the middle of it.

use sqlx::PgPool;

use super::{Api, START};
use crate::Storage;
use crate::core::calendar::DAY;
use crate::core::{Read, Value, json};

/// A journey that touches most kinds of objects. Returns what a client can see at its end.
async fn journey(first: &Api, second: &Api) -> Value {
    let price = first.price("Gold", 1000, "&lookup_key=gold").await;
    let clock = first.clock().await;
    let customer = first.customer("pm_card_visa", &clock).await;
    let sub = first.subscribe(&customer, &price, "").await;
    second.advance(&clock, START + 29 * DAY).await;
    second
        .post(
            &format!("/v1/subscriptions/{}", sub.s("id")),
            "cancel_at_period_end=true",
        )
        .await;
    second.advance(&clock, START + 60 * DAY).await;
    let gone = second.post("/v1/customers", "name=gone").await;
    second
        .delete(&format!("/v1/customers/{}", gone.s("id")))
        .await;
    let sub = second
        .get(
            &format!("/v1/subscriptions/{}", sub.s("id")),
            "expand[]=latest_invoice",
        )
        .await;
    let found = second.get("/v1/prices", "lookup_keys[0]=gold").await;
    json!({"sub": sub, "invoices": second.get("/v1/invoices", "").await, "events": second.events().await, "prices": found})
}

/// A database of one's own on the server the environment names, or nothing when it names none.
async fn database() -> Option<PgPool> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's own switch, and this crate stands alone"
    )]
    let url = std::env::var("STRIPE_SANDBOX_TEST_DATABASE").ok()?;
    Some(
        PgPool::connect(&url)
            .await
            .expect("the database that STRIPE_SANDBOX_TEST_DATABASE names"),
    )
}

#[tokio::test]
async fn both_stores_tell_the_same_story() {
    let memory = Api::new();
    let expected = journey(&memory, &memory).await;
    assert_eq!(expected["sub"].s("status"), "canceled");
    let Some(pool) = database().await else { return };
    let first = Api::on(Storage::Postgres(pool.clone()));
    first.sandbox.reset().await.expect("a clean start");
    let found = journey(&first, &first).await;
    assert_eq!(expected, found);
    let (rows,): (i64,) = sqlx::query_as("select count(*) from stripe_sandbox.objects")
        .fetch_one(&pool)
        .await
        .expect("a count");
    assert!(rows > 50);
    // A second sandbox may not use the same database; after the first is gone it finds everything.
    let second = Api::on(Storage::Postgres(pool.clone()));
    assert_eq!(second.call("GET", "/v1/account", "", &[]).await.status, 500);
    first.sandbox.release().await;
    let invoices = second.get("/v1/invoices", "").await;
    assert_eq!(invoices, expected["invoices"]);
    second.sandbox.release().await;
}
