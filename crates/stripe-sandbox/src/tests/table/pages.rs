//! Rows 8 and 9.

use super::{has, subscribed};
use crate::core::Read;
use crate::core::calendar::DAY;
use crate::tests::{Api, START};

#[tokio::test]
async fn rows_8_and_9_checkout_and_portal() {
    let api = Api::new();
    let (price, customer, _) = subscribed(&api).await;
    let session = api.post("/v1/checkout/sessions", &format!("mode=subscription&customer={customer}&client_reference_id=r&line_items[0][price]={price}&line_items[0][quantity]=2&success_url=https://example.com/ok&cancel_url=https://example.com/no&subscription_data[metadata][a]=b&subscription_data[trial_period_days]=7&subscription_data[trial_settings][end_behavior][missing_payment_method]=cancel&subscription_data[billing_mode][type]=flexible&allow_promotion_codes=true&automatic_tax[enabled]=false&tax_id_collection[enabled]=true&payment_method_collection=if_required&expires_at={}&ui_mode=hosted_page&locale=en&metadata[a]=b", START + DAY / 2)).await;
    has(
        &session,
        "url status payment_status amount_subtotal amount_total subscription invoice customer_details total_details.amount_discount",
    );
    let id = session.s("id");
    api.get(&format!("/v1/checkout/sessions/{id}/line_items"), "")
        .await;
    api.post(&format!("/v1/checkout/sessions/{id}"), "metadata[c]=d")
        .await;
    assert_eq!(
        api.post(&format!("/v1/checkout/sessions/{id}/expire"), "")
            .await
            .s("status"),
        "expired"
    );
    let coupon = api
        .post("/v1/coupons", "percent_off=10&duration=once")
        .await;
    for form in [
        "mode=setup&currency=usd".to_owned(),
        format!(
            "mode=payment&line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=500&line_items[0][price_data][product_data][name]=Cup&line_items[0][quantity]=1&discounts[0][coupon]={}",
            coupon.s("id")
        ),
    ] {
        api.post(
            "/v1/checkout/sessions",
            &format!("{form}&success_url=https://example.com/ok"),
        )
        .await;
    }
    assert_eq!(
        api.get("/v1/checkout/sessions", "status=open")
            .await
            .list("data")
            .len(),
        2
    );
    let product = api
        .get(&format!("/v1/prices/{price}"), "")
        .await
        .s("product")
        .to_owned();
    let features = format!(
        "features[customer_update][enabled]=true&features[customer_update][allowed_updates][0]=email&features[invoice_history][enabled]=true&features[payment_method_update][enabled]=true&features[subscription_cancel][enabled]=true&features[subscription_cancel][mode]=at_period_end&features[subscription_pause][enabled]=true&features[subscription_update][enabled]=true&features[subscription_update][default_allowed_updates][0]=price&features[subscription_update][products][0][product]={product}&features[subscription_update][products][0][prices][0]={price}&features[subscription_update][schedule_at_period_end][conditions][0][type]=decreasing_item_amount&business_profile[headline]=Hi&default_return_url=https://example.com"
    );
    let config = api
        .post("/v1/billing_portal/configurations", &features)
        .await;
    let path = format!("/v1/billing_portal/configurations/{}", config.s("id"));
    api.get(&path, "").await;
    api.post(&path, "business_profile[headline]=Ho&active=true")
        .await;
    api.get("/v1/billing_portal/configurations", "active=true")
        .await;
    let sub = api.get("/v1/subscriptions", "").await.list("data")[0]
        .s("id")
        .to_owned();
    for flow in [
        "payment_method_update",
        "customer_update",
        "subscription_cancel",
        "subscription_pause",
        "subscription_update",
    ] {
        let of = if flow.starts_with("sub") {
            format!("&flow_data[{flow}][subscription]={sub}")
        } else {
            String::new()
        };
        let made = api.post("/v1/billing_portal/sessions", &format!("customer={customer}&return_url=https://example.com&configuration={}&flow_data[type]={flow}{of}", config.s("id"))).await;
        let page = made
            .s("url")
            .trim_start_matches("http://sandbox.test")
            .to_owned();
        assert_eq!(api.call("GET", &page, "", &[]).await.status, 200, "{flow}");
    }
}
