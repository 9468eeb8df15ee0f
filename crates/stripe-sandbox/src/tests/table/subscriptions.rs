//! Rows 10 to 12.

use super::{has, subscribed};
use crate::core::Read;
use crate::core::calendar::DAY;
use crate::tests::{Api, START};

#[tokio::test]
async fn rows_10_to_12_subscriptions_items_schedules() {
    let api = Api::new();
    let (price, customer, first) = subscribed(&api).await;
    let other = api.price("Silver", 500, "").await;
    let rate = api
        .post(
            "/v1/tax_rates",
            "display_name=VAT&percentage=20&inclusive=true&country=DE",
        )
        .await;
    let card = api.get(&format!("/v1/customers/{customer}"), "").await["invoice_settings"]
        .s("default_payment_method")
        .to_owned();
    let sub = api.subscribe(&customer, &price, &format!("&items[0][quantity]=2&default_payment_method={card}&payment_behavior=allow_incomplete&proration_behavior=create_prorations&billing_cycle_anchor={}&billing_mode[type]=flexible&collection_method=charge_automatically&automatic_tax[enabled]=false&off_session=true&default_tax_rates[0]={}&metadata[a]=b", START + 5 * DAY, rate.s("id"))).await;
    has(
        &sub,
        "status items.id items.price items.quantity items.current_period_start items.current_period_end latest_invoice pending_update pending_setup_intent schedule start_date ended_at canceled_at billing_cycle_anchor billing_mode test_clock",
    );
    let path = format!("/v1/subscriptions/{}", sub.s("id"));
    let item = sub.list("items")[0].s("id").to_owned();
    let change = format!(
        "items[0][id]={item}&items[0][quantity]=3&items[1][price]={other}&proration_behavior=always_invoice&payment_behavior=pending_if_incomplete&proration_date={START}"
    );
    assert_eq!(api.post(&path, &change).await.list("items").len(), 2);
    api.post(
        &path,
        &format!("items[0][id]={item}&items[0][deleted]=true"),
    )
    .await;
    api.post(
        &path,
        "billing_cycle_anchor[type]=now&proration_behavior=none",
    )
    .await;
    for form in [
        "pause_collection[behavior]=void",
        "pause_collection=",
        "cancel_at_period_end=true&cancellation_details[comment]=c",
        "cancel_at_period_end=false",
        "cancel_at=min_period_end",
        "cancel_at=",
        "collection_method=send_invoice&days_until_due=7",
        "collection_method=charge_automatically",
    ] {
        api.post(&path, form).await;
    }
    assert_eq!(
        api.post(&format!("{path}/pause"), "type=subscription")
            .await
            .s("status"),
        "paused"
    );
    assert_eq!(
        api.post(&format!("{path}/resume"), "billing_cycle_anchor[type]=now")
            .await
            .s("status"),
        "active"
    );
    api.get(
        "/v1/subscriptions",
        &format!("customer={customer}&price={other}&status=all"),
    )
    .await;
    assert_eq!(
        api.call("DELETE", &path, "invoice_now=true&prorate=true", &[])
            .await
            .json()
            .s("status"),
        "canceled"
    );
    let trial = api
        .subscribe(
            &customer,
            &price,
            &format!(
                "&trial_end={}&trial_settings[end_behavior][missing_payment_method]=pause",
                START + 9 * DAY
            ),
        )
        .await;
    assert_eq!(trial.s("status"), "trialing");

    let of = first.s("id");
    let item = api
        .post(
            "/v1/subscription_items",
            &format!("subscription={of}&price={other}&quantity=1&proration_behavior=none"),
        )
        .await;
    has(&item, "id price quantity current_period_start");
    let path = format!("/v1/subscription_items/{}", item.s("id"));
    api.get(&path, "").await;
    api.post(
        &path,
        "quantity=2&proration_behavior=always_invoice&payment_behavior=error_if_incomplete",
    )
    .await;
    assert_eq!(
        api.get("/v1/subscription_items", &format!("subscription={of}"))
            .await
            .list("data")
            .len(),
        2
    );
    assert_eq!(
        api.call("DELETE", &path, "proration_behavior=none", &[])
            .await
            .json()["deleted"],
        true
    );

    let schedule = api
        .post(
            "/v1/subscription_schedules",
            &format!("from_subscription={of}"),
        )
        .await;
    has(
        &schedule,
        "status current_phase phases.items phases.start_date phases.end_date phases.proration_behavior",
    );
    let path = format!("/v1/subscription_schedules/{}", schedule.s("id"));
    let now = &schedule.list("phases")[0];
    let phases = format!(
        "end_behavior=cancel&phases[0][items][0][price]={price}&phases[0][start_date]={}&phases[0][end_date]={}&phases[1][items][0][price]={other}&phases[1][proration_behavior]=none",
        now.i("start_date"),
        now.i("end_date")
    );
    assert_eq!(api.post(&path, &phases).await.list("phases").len(), 2);
    api.get(&path, "").await;
    assert_eq!(
        api.post(&format!("{path}/release"), "").await.s("status"),
        "released"
    );
    let again = api
        .post(
            "/v1/subscription_schedules",
            &format!("from_subscription={of}"),
        )
        .await;
    assert_eq!(
        api.post(
            &format!("/v1/subscription_schedules/{}/cancel", again.s("id")),
            ""
        )
        .await
        .s("status"),
        "canceled"
    );
}
