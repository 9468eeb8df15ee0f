//! The same tests on both stores, and a restart in the middle of a journey.

use std::cell::Cell;
use std::hash::{Hash, Hasher};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Executor, PgConnection, PgPool};

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

/// A switch of the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's own switch, and this crate stands alone"
)]
pub(super) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The server the environment names, if it names one.
fn server() -> Option<String> {
    env("STRIPE_SANDBOX_TEST_DATABASE").or_else(|| env("DATABASE_URL"))
}

const ON_POSTGRES: &str = "STRIPE_SANDBOX_TEST_ON_POSTGRES";

/// The storage this run of the suite is about.
pub(super) fn chosen() -> Storage {
    match (env(ON_POSTGRES), server()) {
        (Some(_), Some(url)) => Storage::Postgres(fresh(&url)),
        _ => Storage::Memory,
    }
}

thread_local! {
    /// How many databases this test has asked for: counted for each, or others' would decide which names come again.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// A database of one's own, made anew. It is named after the test, so that a run leaves no more behind than the last one.
fn fresh(url: &str) -> PgPool {
    let thread = std::thread::current();
    let mut hasher = std::hash::DefaultHasher::new();
    let count = COUNT.replace(COUNT.get() + 1) % 4;
    (thread.name(), count).hash(&mut hasher);
    let name = format!("stripe_sandbox_test_{:x}", hasher.finish());
    let options: PgConnectOptions = url.parse().expect("an address of a database");
    let (own, server) = (options.clone().database(&name), options);
    let made = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut db = PgConnection::connect_with(&server).await?;
            let gone = format!("drop database if exists {name} with (force)");
            db.execute(sqlx::AssertSqlSafe(gone)).await?;
            db.execute(sqlx::AssertSqlSafe(format!("create database {name}")))
                .await
        })
    });
    made.join().expect("no panic").expect("a fresh database");
    PgPoolOptions::new()
        .max_connections(3)
        .connect_lazy_with(own)
}

#[tokio::test]
async fn both_stores_tell_the_same_story() {
    let memory = Api::on(Storage::Memory);
    let expected = journey(&memory, &memory).await;
    assert_eq!(expected["sub"].s("status"), "canceled");
    let Some(url) = server() else { return };
    let pool = fresh(&url);
    let first = Api::on(Storage::Postgres(pool.clone()));
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

/// Runs every other test once more in a process of its own, this time on PostgreSQL.
#[test]
fn every_test_holds_on_postgresql_too() {
    if server().is_none() || env(ON_POSTGRES).is_some() {
        return;
    }
    let own = std::env::current_exe().expect("this test's program");
    let run = std::process::Command::new(own)
        .args(["tests::", "--skip", "properties::", "--skip", "fuzz::"])
        .args(["--skip", "storage::", "--test-threads", "4"])
        .env(ON_POSTGRES, "1")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}");
    assert!(said.contains(" 0 failed"), "{said}");
}
