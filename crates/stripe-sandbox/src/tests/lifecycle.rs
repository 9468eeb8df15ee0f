//! Subscriptions through time: renewals, trials, dunning, expiry, ends, schedules.

use super::{Api, START};
use crate::core::calendar::{DAY, HOUR, day};
use crate::core::{Read, Value, json};

fn end_of(sub: &Value) -> i64 {
    sub.list("items")[0].i("current_period_end")
}

#[tokio::test]
async fn a_year_of_renewals_keeps_the_month_end() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let clock = api.clock().await;
    let customer = api.customer("pm_card_visa", &clock).await;
    let sub = api.subscribe(&customer, &price, "").await;
    assert_eq!(sub.s("status"), "active");
    let path = format!("/v1/subscriptions/{}", sub.s("id"));
    let mut ends = Vec::new();
    for _ in 0..4 {
        let now = api.get(&path, "").await;
        ends.push(day(end_of(&now)));
        api.advance(&clock, end_of(&now) + 2 * HOUR).await;
    }
    assert_eq!(
        ends,
        ["28 Feb 2026", "31 Mar 2026", "30 Apr 2026", "31 May 2026"]
    );
    let invoices = api
        .get("/v1/invoices", &format!("subscription={}", sub.s("id")))
        .await;
    let statuses: Vec<(String, String)> = invoices
        .list("data")
        .iter()
        .map(|one| {
            (
                one.s("status").to_owned(),
                one.s("billing_reason").to_owned(),
            )
        })
        .collect();
    assert_eq!(statuses.len(), 5);
    assert!(
        statuses[..4]
            .iter()
            .all(|one| *one == ("paid".into(), "subscription_cycle".into()))
    );
    assert_eq!(statuses[4].1, "subscription_create");
    let numbers: Vec<&str> = invoices
        .list("data")
        .iter()
        .map(|one| one.s("number").rsplit('-').next().unwrap_or_default())
        .collect();
    assert_eq!(numbers, ["0005", "0004", "0003", "0002", "0001"]);
}

#[tokio::test]
async fn a_renewal_waits_an_hour_as_a_draft() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let clock = api.clock().await;
    let customer = api.customer("pm_card_visa", &clock).await;
    let sub = api.subscribe(&customer, &price, "").await;
    api.advance(&clock, end_of(&sub) + 60).await;
    let draft = api
        .get("/v1/invoices", &format!("customer={customer}&limit=1"))
        .await
        .list("data")[0]
        .clone();
    assert_eq!(
        (draft.s("status"), draft["number"].is_null()),
        ("draft", true)
    );
    assert_eq!(draft.i("automatically_finalizes_at"), end_of(&sub) + HOUR);
    api.advance(&clock, end_of(&sub) + HOUR).await;
    assert_eq!(
        api.get(&format!("/v1/invoices/{}", draft.s("id")), "")
            .await
            .s("status"),
        "paid"
    );
}

#[tokio::test]
async fn a_trial_reminds_ends_and_bills() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let clock = api.clock().await;
    let customer = api.customer("pm_card_visa", &clock).await;
    let sub = api
        .subscribe(
            &customer,
            &price,
            "&trial_period_days=14&expand[]=latest_invoice",
        )
        .await;
    assert_eq!(
        (
            sub.s("status"),
            sub["latest_invoice"].i("total"),
            sub["latest_invoice"].s("status")
        ),
        ("trialing", 0, "paid")
    );
    api.advance(&clock, START + 12 * DAY).await;
    assert!(
        api.events()
            .await
            .contains(&"customer.subscription.trial_will_end".to_owned())
    );
    api.advance(&clock, START + 15 * DAY).await;
    let now = api
        .get(
            &format!("/v1/subscriptions/{}", sub.s("id")),
            "expand[]=latest_invoice",
        )
        .await;
    assert_eq!(
        (
            now.s("status"),
            now["latest_invoice"].s("status"),
            now["latest_invoice"].i("amount_paid")
        ),
        ("active", "paid", 1000)
    );
}

#[tokio::test]
async fn a_trial_without_a_card_follows_its_settings() {
    for (setting, status) in [
        ("cancel", "canceled"),
        ("pause", "paused"),
        ("create_invoice", "past_due"),
    ] {
        let api = Api::new();
        let price = api.price("Gold", 1000, "").await;
        let clock = api.clock().await;
        let customer = api
            .post("/v1/customers", &format!("email=a@b.c&test_clock={clock}"))
            .await
            .s("id")
            .to_owned();
        let sub = api.subscribe(&customer, &price, &format!("&trial_period_days=7&trial_settings[end_behavior][missing_payment_method]={setting}")).await;
        api.advance(&clock, START + 8 * DAY).await;
        assert_eq!(
            api.get(&format!("/v1/subscriptions/{}", sub.s("id")), "")
                .await
                .s("status"),
            status,
            "{setting}"
        );
    }
}

#[tokio::test]
async fn dunning_ends_in_cancellation_or_recovers() {
    for recovers in [false, true] {
        let api = Api::new();
        let price = api.price("Gold", 1000, "").await;
        let clock = api.clock().await;
        let customer = api.customer("pm_card_visa", &clock).await;
        let sub = api.subscribe(&customer, &price, "").await;
        let path = format!("/v1/subscriptions/{}", sub.s("id"));
        let bad = api
            .post(
                "/v1/payment_methods/pm_card_chargeCustomerFail/attach",
                &format!("customer={customer}"),
            )
            .await;
        api.post(
            &format!("/v1/customers/{customer}"),
            &format!("invoice_settings[default_payment_method]={}", bad.s("id")),
        )
        .await;
        let end = end_of(&sub);
        api.advance(&clock, end + 2 * HOUR).await;
        let late = api
            .get(&path, "expand[]=latest_invoice&expand[]=customer")
            .await;
        assert_eq!(
            (late.s("status"), late["customer"].b("delinquent")),
            ("past_due", true)
        );
        assert_eq!(
            (
                late["latest_invoice"].i("attempt_count"),
                late["latest_invoice"].i("next_payment_attempt")
            ),
            (1, end + HOUR + 3 * DAY)
        );
        if recovers {
            let good = api
                .post(
                    "/v1/payment_methods/pm_card_visa/attach",
                    &format!("customer={customer}"),
                )
                .await;
            api.post(
                &format!("/v1/customers/{customer}"),
                &format!("invoice_settings[default_payment_method]={}", good.s("id")),
            )
            .await;
        }
        api.advance(&clock, end + 20 * DAY).await;
        let now = api.get(&path, "expand[]=latest_invoice").await;
        if recovers {
            assert_eq!(
                (
                    now.s("status"),
                    now["latest_invoice"].s("status"),
                    now["latest_invoice"].i("attempt_count")
                ),
                ("active", "paid", 2)
            );
        } else {
            assert_eq!(
                (
                    now.s("status"),
                    now["cancellation_details"].s("reason"),
                    now["latest_invoice"].i("attempt_count")
                ),
                ("canceled", "payment_failed", 4)
            );
        }
    }
}

#[tokio::test]
async fn a_first_payment_that_fails_expires_after_23_hours() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let clock = api.clock().await;
    let customer = api.customer("pm_card_chargeCustomerFail", &clock).await;
    let sub = api.subscribe(&customer, &price, "").await;
    assert_eq!(sub.s("status"), "incomplete");
    api.advance(&clock, START + 24 * HOUR).await;
    let now = api
        .get(
            &format!("/v1/subscriptions/{}", sub.s("id")),
            "expand[]=latest_invoice",
        )
        .await;
    assert_eq!(
        (now.s("status"), now["latest_invoice"].s("status")),
        ("incomplete_expired", "void")
    );
    let (status, error) = api
        .refused(
            "POST",
            "/v1/subscriptions",
            &format!(
                "customer={customer}&items[0][price]={price}&payment_behavior=error_if_incomplete"
            ),
        )
        .await;
    assert_eq!(
        (status, error.s("code"), error.s("decline_code")),
        (402, "card_declined", "generic_decline")
    );
    assert_eq!(
        api.get("/v1/subscriptions", "status=all")
            .await
            .list("data")
            .len(),
        1,
        "the refused one left nothing"
    );
}

#[tokio::test]
async fn default_incomplete_waits_for_confirmation_with_three_d_secure() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let customer = api.customer("pm_card_visa", "").await;
    let sub = api.subscribe(&customer, &price, "&payment_behavior=default_incomplete&expand[]=latest_invoice.confirmation_secret&expand[]=latest_invoice.payments").await;
    assert_eq!(sub.s("status"), "incomplete");
    let intent = sub["latest_invoice"].list("payments")[0]["payment"]
        .s("payment_intent")
        .to_owned();
    assert!(
        sub["latest_invoice"]["confirmation_secret"]
            .s("client_secret")
            .starts_with(&intent)
    );
    let asked = api
        .post(
            &format!("/v1/payment_intents/{intent}/confirm"),
            "payment_method=pm_card_authenticationRequired&return_url=https://example.com/back",
        )
        .await;
    assert_eq!(
        (asked.s("status"), asked["next_action"].s("type")),
        ("requires_action", "redirect_to_url")
    );
    let page = api
        .call(
            "POST",
            &format!("/pages/authenticate/{intent}"),
            "answer=approve",
            &[],
        )
        .await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(
        api.get(&format!("/v1/subscriptions/{}", sub.s("id")), "")
            .await
            .s("status"),
        "active"
    );
}

#[tokio::test]
async fn cancelling_at_the_period_end_can_be_taken_back() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let clock = api.clock().await;
    let customer = api.customer("pm_card_visa", &clock).await;
    let sub = api.subscribe(&customer, &price, "").await;
    let path = format!("/v1/subscriptions/{}", sub.s("id"));
    let asked = api.post(&path, "cancel_at_period_end=true").await;
    assert_eq!(
        (asked.b("cancel_at_period_end"), asked.i("cancel_at")),
        (true, end_of(&sub))
    );
    let back = api.post(&path, "cancel_at_period_end=false").await;
    assert!(back["cancel_at"].is_null() && back["canceled_at"].is_null());
    api.post(&path, "cancel_at_period_end=true").await;
    api.advance(&clock, end_of(&sub) + 10).await;
    let now = api.get(&path, "").await;
    assert_eq!(
        (now.s("status"), now.i("ended_at")),
        ("canceled", end_of(&sub))
    );
    assert_eq!(
        api.get("/v1/invoices", &format!("customer={customer}"))
            .await
            .list("data")
            .len(),
        1,
        "no renewal was billed"
    );
    assert_eq!(api.refused("DELETE", &path, "").await.0, 404);
}

#[tokio::test]
async fn a_schedule_changes_the_plan_at_its_phase() {
    let api = Api::new();
    let (gold, silver) = (
        api.price("Gold", 3000, "").await,
        api.price("Silver", 1000, "").await,
    );
    let clock = api.clock().await;
    let customer = api.customer("pm_card_visa", &clock).await;
    let sub = api.subscribe(&customer, &gold, "").await;
    let schedule = api
        .post(
            "/v1/subscription_schedules",
            &format!("from_subscription={}", sub.s("id")),
        )
        .await;
    let (start, end) = (
        schedule["current_phase"].i("start_date"),
        schedule["current_phase"].i("end_date"),
    );
    let path = format!("/v1/subscription_schedules/{}", schedule.s("id"));
    api.post(&path, &format!("phases[0][items][0][price]={gold}&phases[0][start_date]={start}&phases[0][end_date]={end}&phases[1][items][0][price]={silver}&phases[1][duration][interval]=month&phases[1][proration_behavior]=none")).await;
    api.advance(&clock, end + 2 * HOUR).await;
    let now = api
        .get(
            &format!("/v1/subscriptions/{}", sub.s("id")),
            "expand[]=latest_invoice",
        )
        .await;
    assert_eq!(now.list("items")[0]["price"].s("id"), silver);
    assert_eq!(
        now["latest_invoice"].i("amount_paid"),
        1000,
        "{}",
        now["latest_invoice"]
    );
    let next = end_of(&now);
    api.advance(&clock, next + 2 * HOUR).await;
    let done = api.get(&path, "").await;
    assert_eq!(
        (done.s("status"), done["released_subscription"] == now["id"]),
        ("released", true)
    );
}

#[tokio::test]
async fn one_step_or_many_end_the_same() {
    let mut ends = Vec::new();
    for steps in [1_i64, 7, 40] {
        let api = Api::new();
        let price = api.price("Gold", 1000, "").await;
        let clock = api.clock().await;
        let customer = api.customer("pm_card_chargeCustomerFail", &clock).await;
        api.subscribe(&customer, &price, "&trial_period_days=5")
            .await;
        for step in 1..=steps {
            api.advance(&clock, START + 40 * DAY * step / steps).await;
        }
        let subs = api.get("/v1/subscriptions", "status=all").await;
        let invoices = api.get("/v1/invoices", "").await;
        let events: Vec<String> = api
            .events()
            .await
            .into_iter()
            .filter(|kind| !kind.starts_with("test_helpers"))
            .collect();
        let keep = |one: &Value| {
            json!([
                one["status"],
                one["created"],
                one["amount_paid"],
                one["attempt_count"],
                one["ended_at"],
                one["number"]
            ])
        };
        ends.push((
            subs.list("data").iter().map(keep).collect::<Vec<_>>(),
            invoices.list("data").iter().map(keep).collect::<Vec<_>>(),
            events,
        ));
    }
    assert_eq!(ends[0], ends[1]);
    assert_eq!(ends[0], ends[2]);
}

#[tokio::test]
async fn a_clock_goes_two_intervals_at_most() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let clock = api.clock().await;
    let customer = api.customer("pm_card_visa", &clock).await;
    api.subscribe(&customer, &price, "").await;
    let path = format!("/v1/test_helpers/test_clocks/{clock}/advance");
    let (_, error) = api
        .refused("POST", &path, &format!("frozen_time={}", START + 70 * DAY))
        .await;
    assert_eq!(error.s("code"), "test_clock_advance_too_far");
    assert_eq!(
        api.refused("POST", &path, &format!("frozen_time={START}"))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn the_wall_clock_renews_too() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let customer = api.customer("pm_card_visa", "").await;
    let sub = api.subscribe(&customer, &price, "").await;
    api.pass(65 * DAY).await;
    assert_eq!(
        api.get(
            "/v1/invoices",
            &format!("subscription={}&status=paid", sub.s("id"))
        )
        .await
        .list("data")
        .len(),
        3
    );
}
