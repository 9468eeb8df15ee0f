//! Rows 1 to 4.

use super::has;
use crate::core::Read;
use crate::tests::Api;

#[tokio::test]
async fn rows_1_to_4_account_products_features_prices() {
    let api = Api::new();
    let account = api.get("/v1/account", "").await;
    has(&account, "id country default_currency charges_enabled");
    let product = api.post("/v1/products", "id=gold&name=Gold&active=true&description=d&marketing_features[0][name]=Fast&tax_code=txcd_10103000&unit_label=seat&metadata[a]=b").await;
    has(
        &product,
        "id name active description default_price marketing_features tax_code unit_label created updated livemode",
    );
    let feature = api
        .post("/v1/entitlements/features", "name=Fast&lookup_key=fast")
        .await;
    let attached = api
        .post(
            "/v1/products/gold/features",
            &format!("entitlement_feature={}", feature.s("id")),
        )
        .await;
    has(&attached, "id entitlement_feature.lookup_key");
    assert_eq!(
        api.get("/v1/products/gold/features", "")
            .await
            .list("data")
            .len(),
        1
    );
    let one = format!("/v1/products/gold/features/{}", attached.s("id"));
    api.get(&one, "").await;
    assert_eq!(api.delete(&one).await["deleted"], true);
    let price = api.post("/v1/prices", "product=gold&currency=usd&unit_amount=1000&recurring[interval]=month&recurring[interval_count]=3&recurring[usage_type]=licensed&recurring[trial_period_days]=7&lookup_key=k&nickname=n&tax_behavior=exclusive&active=true&metadata[a]=b").await;
    has(
        &price,
        "type billing_scheme unit_amount unit_amount_decimal tiers_mode lookup_key recurring.trial_period_days",
    );
    api.post(
        "/v1/prices",
        "product_data[name]=Once&currency=usd&unit_amount=5&lookup_key=k&transfer_lookup_key=true",
    )
    .await;
    for query in [
        "lookup_keys[0]=k",
        "product=gold",
        "active=true",
        "type=recurring",
    ] {
        assert_eq!(
            api.get("/v1/prices", query).await.list("data").len(),
            if query == "active=true" { 2 } else { 1 },
            "{query}"
        );
    }
    let changed = api
        .post(
            &format!("/v1/prices/{}", price.s("id")),
            "active=false&nickname=m",
        )
        .await;
    api.get(&format!("/v1/prices/{}", changed.s("id")), "")
        .await;
    let updated = api
        .post(
            "/v1/products/gold",
            &format!("default_price={}&description=", price.s("id")),
        )
        .await;
    assert!(updated["description"].is_null());
    api.get("/v1/products", "active=true&ids[0]=gold").await;
    let free = api.post("/v1/products", "name=Free").await;
    assert_eq!(
        api.delete(&format!("/v1/products/{}", free.s("id"))).await["deleted"],
        true
    );
}
