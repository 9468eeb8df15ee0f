//! Proration, pending updates, previews.

use super::{Api, START};
use crate::core::calendar::DAY;
use crate::core::{Read, Value};

async fn upgraded(behaviour: &str, card: &str) -> (Api, Value, Value, String) {
    let api = Api::new();
    let (silver, gold) = (
        api.price("Silver", 1000, "").await,
        api.price("Gold", 3000, "").await,
    );
    let clock = api.clock().await;
    let customer = api.customer("pm_card_visa", &clock).await;
    let sub = api.subscribe(&customer, &silver, "").await;
    // Half of February is left.
    api.advance(&clock, START + 14 * DAY).await;
    if card != "pm_card_visa" {
        let other = api
            .post(
                &format!("/v1/payment_methods/{card}/attach"),
                &format!("customer={customer}"),
            )
            .await;
        api.post(
            &format!("/v1/customers/{customer}"),
            &format!("invoice_settings[default_payment_method]={}", other.s("id")),
        )
        .await;
    }
    let item = sub.list("items")[0].s("id").to_owned();
    let form = format!(
        "items[0][id]={item}&items[0][price]={gold}&proration_behavior=always_invoice&payment_behavior={behaviour}"
    );
    let path = format!("/v1/subscriptions/{}", sub.s("id"));
    let preview = api.post("/v1/invoices/create_preview", &format!("subscription={}&subscription_details[items][0][id]={item}&subscription_details[items][0][price]={gold}&subscription_details[proration_behavior]=always_invoice", sub.s("id"))).await;
    let got = api.call("POST", &path, &form, &[]).await;
    let after = api.get(&path, "expand[]=latest_invoice.lines").await;
    assert_eq!(
        got.status,
        if behaviour == "error_if_incomplete" && card != "pm_card_visa" {
            402
        } else {
            200
        },
        "{}",
        got.text
    );
    (api, preview, after, clock)
}

#[tokio::test]
async fn an_upgrade_bills_both_lines_by_the_second() {
    let (_, preview, after, _) = upgraded("pending_if_incomplete", "pm_card_visa").await;
    let invoice = &after["latest_invoice"];
    let amounts: Vec<i64> = invoice
        .list("lines")
        .iter()
        .map(|line| line.i("amount"))
        .collect();
    assert_eq!(amounts, [-500, 1500], "14 of 28 days are left");
    assert!(
        invoice
            .list("lines")
            .iter()
            .all(|line| line["parent"]["subscription_item_details"].b("proration"))
    );
    assert_eq!(
        (
            invoice.s("status"),
            invoice.i("amount_paid"),
            invoice.s("billing_reason")
        ),
        ("paid", 1000, "subscription_update")
    );
    assert_eq!(preview.i("amount_due"), 1000, "the preview said so");
    assert!(preview.s("id").starts_with("upcoming_in"));
    assert!(after["pending_update"].is_null());
}

#[tokio::test]
async fn a_failed_upgrade_grants_nothing_until_it_is_paid() {
    let (api, _, after, clock) =
        upgraded("pending_if_incomplete", "pm_card_chargeCustomerFail").await;
    assert_eq!(
        after.list("items")[0]["price"].i("unit_amount"),
        1000,
        "the old plan stays"
    );
    assert_eq!(
        (
            after.s("status"),
            after["pending_update"].list("subscription_items")[0]["price"].i("unit_amount")
        ),
        ("active", 3000)
    );
    let invoice = after["latest_invoice"].s("id").to_owned();
    api.post(
        &format!("/v1/invoices/{invoice}/pay"),
        "payment_method=pm_card_visa",
    )
    .await;
    let path = format!("/v1/subscriptions/{}", after.s("id"));
    let now = api.get(&path, "").await;
    assert_eq!(
        (
            now.list("items")[0]["price"].i("unit_amount"),
            now["pending_update"].is_null()
        ),
        (3000, true)
    );
    assert!(
        api.events()
            .await
            .contains(&"customer.subscription.pending_update_applied".to_owned())
    );
    // The next one fails too, and is forgotten after 23 hours.
    let item = now.list("items")[0].s("id").to_owned();
    let silver = after.list("items")[0]["price"].s("id").to_owned();
    api.post(&path, &format!("items[0][id]={item}&items[0][price]={silver}&items[0][quantity]=9&proration_behavior=always_invoice&payment_behavior=pending_if_incomplete")).await;
    api.advance(&clock, START + 16 * DAY).await;
    let now = api.get(&path, "expand[]=latest_invoice").await;
    assert_eq!(
        (
            now["pending_update"].is_null(),
            now["latest_invoice"].s("status"),
            now.list("items")[0]["price"].i("unit_amount")
        ),
        (true, "void", 3000)
    );
}

#[tokio::test]
async fn an_upgrade_can_fail_as_a_whole_or_leave_a_debt() {
    let (api, _, after, _) = upgraded("error_if_incomplete", "pm_card_chargeCustomerFail").await;
    assert_eq!(
        (
            after.list("items")[0]["price"].i("unit_amount"),
            after.s("status")
        ),
        (1000, "active")
    );
    assert_eq!(api.get("/v1/invoices", "").await.list("data").len(), 1);
    let (_, _, after, _) = upgraded("allow_incomplete", "pm_card_chargeCustomerFail").await;
    assert_eq!(
        (
            after.list("items")[0]["price"].i("unit_amount"),
            after.s("status")
        ),
        (3000, "past_due")
    );
}

#[tokio::test]
async fn a_downgrade_waits_as_a_credit_on_the_next_invoice() {
    let api = Api::new();
    let (silver, gold) = (
        api.price("Silver", 1000, "").await,
        api.price("Gold", 3000, "").await,
    );
    let clock = api.clock().await;
    let customer = api.customer("pm_card_visa", &clock).await;
    let sub = api.subscribe(&customer, &gold, "").await;
    api.advance(&clock, START + 14 * DAY).await;
    let path = format!("/v1/subscriptions/{}", sub.s("id"));
    api.post(
        &path,
        &format!(
            "items[0][id]={}&items[0][price]={silver}",
            sub.list("items")[0].s("id")
        ),
    )
    .await;
    assert_eq!(
        api.get(
            "/v1/invoiceitems",
            &format!("customer={customer}&pending=true")
        )
        .await
        .list("data")
        .len(),
        2
    );
    let next = api
        .post(
            "/v1/invoices/create_preview",
            &format!("subscription={}", sub.s("id")),
        )
        .await;
    assert_eq!(next.i("total"), -1500 + 500 + 1000);
    api.advance(&clock, START + 29 * DAY).await;
    let now = api.get(&path, "expand[]=latest_invoice").await;
    assert_eq!(
        (
            now["latest_invoice"].s("status"),
            now["latest_invoice"].i("total"),
            now["latest_invoice"].list("lines").len()
        ),
        ("paid", 0, 3)
    );
}

#[tokio::test]
async fn a_new_interval_begins_a_new_period() {
    let api = Api::new();
    let month = api.price("Gold", 1000, "").await;
    let product = api
        .get(&format!("/v1/prices/{month}"), "")
        .await
        .s("product")
        .to_owned();
    let year = api
        .post(
            "/v1/prices",
            &format!("product={product}&currency=usd&unit_amount=10000&recurring[interval]=year"),
        )
        .await
        .s("id")
        .to_owned();
    let clock = api.clock().await;
    let customer = api.customer("pm_card_visa", &clock).await;
    let sub = api.subscribe(&customer, &month, "").await;
    api.advance(&clock, START + 14 * DAY).await;
    let now = api
        .post(
            &format!("/v1/subscriptions/{}", sub.s("id")),
            &format!(
                "items[0][id]={}&items[0][price]={year}&expand[]=latest_invoice",
                sub.list("items")[0].s("id")
            ),
        )
        .await;
    assert_eq!(
        (
            now.i("billing_cycle_anchor"),
            now.list("items")[0].i("current_period_start")
        ),
        (START + 14 * DAY, START + 14 * DAY)
    );
    assert_eq!(
        (
            now["latest_invoice"].i("total"),
            now["latest_invoice"].s("status")
        ),
        (10_000 - 500, "paid")
    );
}
