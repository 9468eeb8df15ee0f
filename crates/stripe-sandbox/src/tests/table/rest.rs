//! Rows 20 to 25.

use super::has;
use crate::core::Read;
use crate::core::calendar::DAY;
use crate::tests::{Api, START};

#[tokio::test]
async fn rows_20_to_25_coupons_taxes_entitlements_events_clocks() {
    let api = Api::new();
    let product = api.post("/v1/products", "name=Gold").await;
    let off = api.post("/v1/coupons", &format!("amount_off=100&currency=usd&duration=repeating&duration_in_months=3&max_redemptions=5&redeem_by={}&applies_to[products][0]={}&name=n", START + DAY, product.s("id"))).await;
    has(&off, "valid times_redeemed");
    let path = format!("/v1/coupons/{}", off.s("id"));
    has(
        &api.get(&path, "expand[]=applies_to").await,
        "applies_to.products",
    );
    api.post(&path, "name=m").await;
    api.get("/v1/coupons", "").await;
    let code = api.post("/v1/promotion_codes", &format!("promotion[type]=coupon&promotion[coupon]={}&code=SAVE&active=true&expires_at={}&restrictions[minimum_amount]=100&restrictions[minimum_amount_currency]=usd&restrictions[first_time_transaction]=true&max_redemptions=2", off.s("id"), START + DAY / 2)).await;
    has(
        &code,
        "active code promotion.coupon times_redeemed restrictions.minimum_amount",
    );
    let one = format!("/v1/promotion_codes/{}", code.s("id"));
    api.get(&one, "").await;
    api.get("/v1/promotion_codes", "code=SAVE").await;
    api.post(&one, "active=false").await;
    assert_eq!(api.delete(&path).await["deleted"], true);

    let rate = api
        .post(
            "/v1/tax_rates",
            "display_name=VAT&percentage=7.7&inclusive=false&country=CH",
        )
        .await;
    let path = format!("/v1/tax_rates/{}", rate.s("id"));
    api.get(&path, "").await;
    api.post(&path, "active=false").await;
    api.get("/v1/tax_rates", "active=false").await;

    let feature = api
        .post("/v1/entitlements/features", "name=Fast&lookup_key=fast")
        .await;
    let path = format!("/v1/entitlements/features/{}", feature.s("id"));
    api.get(&path, "").await;
    api.post(&path, "name=Faster").await;
    api.get("/v1/entitlements/features", "lookup_key=fast")
        .await;
    api.post(
        &format!("/v1/products/{}/features", product.s("id")),
        &format!("entitlement_feature={}", feature.s("id")),
    )
    .await;
    let price = api
        .post(
            "/v1/prices",
            &format!(
                "product={}&currency=usd&unit_amount=500&recurring[interval]=month",
                product.s("id")
            ),
        )
        .await;
    let customer = api.customer("pm_card_visa", "").await;
    api.subscribe(&customer, price.s("id"), "").await;
    let active = api
        .get(
            "/v1/entitlements/active_entitlements",
            &format!("customer={customer}"),
        )
        .await;
    has(&active, "feature lookup_key");
    api.get(
        &format!(
            "/v1/entitlements/active_entitlements/{}",
            active.list("data")[0].s("id")
        ),
        "",
    )
    .await;
    api.post(&path, "active=false").await;

    let events = api
        .get(
            "/v1/events",
            &format!("types[0]=customer.created&created[gte]={START}"),
        )
        .await;
    has(&events, "data.object request pending_webhooks api_version");
    api.get(
        &format!("/v1/events/{}", events.list("data")[0].s("id")),
        "",
    )
    .await;
    let updated = api.get("/v1/events", "type=customer.updated").await;
    has(&updated, "data.previous_attributes");

    let endpoint = api.post("/v1/webhook_endpoints", "url=https://example.com/hook&enabled_events[0]=*&api_version=2026-10-28.endive&description=d").await;
    assert!(endpoint.has("secret"));
    let path = format!("/v1/webhook_endpoints/{}", endpoint.s("id"));
    assert!(!api.get(&path, "").await.has("secret"), "shown once");
    assert_eq!(
        api.post(&path, "disabled=true").await.s("status"),
        "disabled"
    );
    api.get("/v1/webhook_endpoints", "").await;
    api.delete(&path).await;

    let clock = api
        .post(
            "/v1/test_helpers/test_clocks",
            &format!("frozen_time={START}&name=n"),
        )
        .await;
    has(&clock, "status frozen_time name");
    api.advance(clock.s("id"), START + DAY).await;
    api.get("/v1/test_helpers/test_clocks", "").await;
    api.delete(&format!("/v1/test_helpers/test_clocks/{}", clock.s("id")))
        .await;
}
