//! The control page, by its forms.

use super::Api;
use crate::core::Read;

#[tokio::test]
async fn the_control_page_moves_time_and_breaks_things() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let customer = api.customer("pm_card_visa", "").await;
    let sub = api.subscribe(&customer, &price, "").await;
    let act = async |form: &str| api.call("POST", "/pages/control", form, &[]).await;
    assert_eq!(act("do=decline").await.status, 200);
    assert!(act("do=renewal").await.text.contains("past_due"));
    assert!(act("do=month").await.status == 200);
    assert_eq!(
        api.get(&format!("/v1/subscriptions/{}", sub.s("id")), "")
            .await
            .s("status"),
        "active",
        "the retry went through"
    );
    act("fault=429").await;
    assert_eq!(api.call("GET", "/v1/account", "", &[]).await.status, 429);
    assert_eq!(api.call("GET", "/v1/account", "", &[]).await.status, 200);
    assert!(act("do=reset").await.text.contains("forgotten"));
    assert!(api.get("/v1/customers", "").await.list("data").is_empty());
}
