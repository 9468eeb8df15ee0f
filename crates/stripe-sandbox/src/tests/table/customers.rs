//! Rows 5 to 7.

use super::has;
use crate::core::Read;
use crate::tests::Api;

#[tokio::test]
async fn rows_5_to_7_customers_cards_setup() {
    let api = Api::new();
    let clock = api.clock().await;
    let customer = api.post("/v1/customers", &format!("email=a@example.com&name=A&address[country]=DE&address[line1]=x&phone=1&tax_exempt=none&balance=-100&test_clock={clock}&metadata[a]=b")).await;
    has(
        &customer,
        "currency delinquent discount invoice_prefix next_invoice_sequence invoice_settings.default_payment_method test_clock balance",
    );
    let id = customer.s("id");
    let card = api.post("/v1/payment_methods", "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2034&card[cvc]=123&billing_details[name]=A").await;
    has(
        &card,
        "card.brand card.last4 card.exp_month card.exp_year card.fingerprint card.funding card.country card.checks billing_details",
    );
    let method = card.s("id");
    api.post(
        &format!("/v1/payment_methods/{method}/attach"),
        &format!("customer={id}"),
    )
    .await;
    api.post(
        &format!("/v1/customers/{id}"),
        &format!("invoice_settings[default_payment_method]={method}"),
    )
    .await;
    let own = format!("/v1/customers/{id}/payment_methods");
    assert_eq!(api.get(&own, "type=card").await.list("data").len(), 1);
    let by = format!("customer={id}&type=card");
    let found = api.get("/v1/payment_methods", &by).await;
    assert_eq!(found.list("data").len(), 1);
    api.get(&format!("/v1/customers/{id}/payment_methods/{method}"), "")
        .await;
    api.get(&format!("/v1/payment_methods/{method}"), "").await;
    let detached = api
        .post(&format!("/v1/payment_methods/{method}/detach"), "")
        .await;
    assert!(detached["customer"].is_null());
    let intent = api
        .post(
            "/v1/setup_intents",
            &format!("customer={id}&usage=off_session&allowed_payment_method_types[0]=card"),
        )
        .await;
    has(&intent, "status next_action client_secret payment_method");
    let done = api
        .post(
            &format!("/v1/setup_intents/{}/confirm", intent.s("id")),
            "payment_method=pm_card_visa",
        )
        .await;
    assert_eq!(done.s("status"), "succeeded");
    let other = api.post("/v1/setup_intents", "").await;
    assert_eq!(
        api.post(&format!("/v1/setup_intents/{}/cancel", other.s("id")), "")
            .await
            .s("status"),
        "canceled"
    );
    api.get(&format!("/v1/setup_intents/{}", other.s("id")), "")
        .await;
    assert_eq!(api.get("/v1/setup_intents", "").await.list("data").len(), 2);
    api.get("/v1/customers", "email=a@example.com").await;
    let tax = api
        .post(
            &format!("/v1/customers/{id}/tax_ids"),
            "type=eu_vat&value=DE123456789",
        )
        .await;
    api.get(&format!("/v1/customers/{id}/tax_ids"), "").await;
    api.delete(&format!("/v1/customers/{id}/tax_ids/{}", tax.s("id")))
        .await;
    assert_eq!(
        api.delete(&format!("/v1/customers/{id}")).await["deleted"],
        true
    );
    assert_eq!(
        api.get(&format!("/v1/customers/{id}"), "").await["deleted"],
        true
    );
}
