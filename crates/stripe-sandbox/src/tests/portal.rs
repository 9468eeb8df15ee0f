//! What a portal's configuration and flows allow besides the plain plan change, and setups without a payment.

use super::{Api, START};
use crate::core::calendar::DAY;
use crate::core::{Read, Value};

/// A subscription to Gold, the cheaper Silver, and a way to open the portal with a flow.
struct Shop {
    api: Api,
    customer: String,
    sub: Value,
    silver: String,
    config: String,
}

impl Shop {
    async fn open(features: &str) -> Self {
        let api = Api::new();
        let gold = api.price("Gold", 3000, "").await;
        let silver = api.price("Silver", 1000, "").await;
        let product = api.get(&format!("/v1/prices/{silver}"), "").await;
        let customer = api.customer("pm_card_visa", "").await;
        let sub = api.subscribe(&customer, &gold, "").await;
        let form = format!(
            "features[subscription_update][enabled]=true&features[subscription_update][products][0][product]={}&features[subscription_update][products][0][prices][0]={silver}&features[subscription_cancel][enabled]=true{features}",
            product.s("product")
        );
        let config = api.post("/v1/billing_portal/configurations", &form).await;
        let config = config.s("id").to_owned();
        Self {
            api,
            customer,
            sub,
            silver,
            config,
        }
    }

    async fn portal(&self, flow: &str) -> String {
        let form = format!(
            "customer={}&configuration={}&return_url=https://example.com/back{flow}",
            self.customer, self.config
        );
        let made = self.api.post("/v1/billing_portal/sessions", &form).await;
        made.s("url")
            .trim_start_matches("http://sandbox.test")
            .to_owned()
    }

    /// Acts, and returns where the portal leads.
    async fn act(&self, path: &str, form: &str) -> String {
        let form = format!("{form}&sub={}", self.sub.s("id"));
        let got = self.api.call("POST", path, &form, &[]).await;
        assert_eq!(got.status, 303, "{}", got.text);
        got.headers["location"].to_str().expect("text").to_owned()
    }

    async fn now(&self) -> Value {
        let path = format!("/v1/subscriptions/{}", self.sub.s("id"));
        self.api.get(&path, "").await
    }

    fn price(sub: &Value) -> String {
        sub.list("items")[0]["price"].s("id").to_owned()
    }
}

#[tokio::test]
async fn a_downgrade_waits_for_the_end_and_can_be_taken_back() {
    let shop = Shop::open("&features[subscription_update][schedule_at_period_end][conditions][0][type]=decreasing_item_amount").await;
    let path = shop.portal("").await;
    let id = shop.sub.s("id");
    let confirm = format!("view=confirm&sub={id}&price={}", shop.silver);
    let page = shop.api.call("GET", &path, &confirm, &[]).await;
    assert!(
        page.text.contains("The new one begins then"),
        "{}",
        page.text
    );
    let switch = format!("do=switch&price={}", shop.silver);
    shop.act(&path, &switch).await;
    assert_ne!(Shop::price(&shop.now().await), shop.silver);
    let page = shop.api.call("GET", &path, "", &[]).await;
    assert!(page.text.contains("Changes to Silver on"), "{}", page.text);
    shop.act(&path, "do=keep").await;
    assert!(!shop.now().await.has("schedule"));
    shop.act(&path, &switch).await;
    shop.api.pass(30 * DAY).await;
    let after = shop.now().await;
    assert_eq!(Shop::price(&after), shop.silver);
    let invoice = shop
        .api
        .get(&format!("/v1/invoices/{}", after.s("latest_invoice")), "")
        .await;
    assert_eq!(invoice.i("total"), 1000, "and no credit for the rest");
}

#[tokio::test]
async fn a_pause_ends_when_it_was_said() {
    let shop = Shop::open("&features[subscription_pause][enabled]=true&features[subscription_pause][duration][type]=interval_options&features[subscription_pause][duration][interval_options][0][interval]=week&features[subscription_pause][duration][interval_options][0][interval_count]=2").await;
    let flow = format!(
        "&flow_data[type]=subscription_pause&flow_data[subscription_pause][subscription]={}&flow_data[after_completion][type]=redirect&flow_data[after_completion][redirect][return_url]=https://example.com/paused",
        shop.sub.s("id")
    );
    let path = shop.portal(&flow).await;
    let page = shop.api.call("GET", &path, "", &[]).await;
    assert!(page.text.contains("2 weeks"), "{}", page.text);
    assert_eq!(
        shop.act(&path, "do=pause&length=0").await,
        "https://example.com/paused"
    );
    assert_eq!(shop.now().await.s("status"), "paused");
    shop.api.pass(14 * DAY - 60).await;
    assert_eq!(shop.now().await.s("status"), "paused");
    shop.api.pass(120).await;
    assert_eq!(shop.now().await.s("status"), "active");
    shop.act(&path, "do=pause&length=0").await;
    shop.act(&path, "do=unpause").await;
    assert_eq!(shop.now().await.s("status"), "active");
}

#[tokio::test]
async fn an_offer_keeps_a_customer_and_a_flow_ends_where_it_should() {
    let shop = Shop::open("").await;
    let coupon = shop
        .api
        .post("/v1/coupons", "percent_off=50&duration=forever")
        .await;
    let flow = format!(
        "&flow_data[type]=subscription_cancel&flow_data[subscription_cancel][subscription]={}&flow_data[subscription_cancel][retention][type]=coupon_offer&flow_data[subscription_cancel][retention][coupon_offer][coupon]={}&flow_data[after_completion][type]=hosted_confirmation&flow_data[after_completion][hosted_confirmation][custom_message]=Farewell",
        shop.sub.s("id"),
        coupon.s("id")
    );
    let path = shop.portal(&flow).await;
    let page = shop.api.call("GET", &path, "", &[]).await;
    assert!(
        page.text.contains("Stay, and pay 50 % less."),
        "{}",
        page.text
    );
    shop.act(&path, "do=retain").await;
    assert_eq!(shop.now().await.list("discounts").len(), 1);
    let end = shop.act(&path, "do=cancel").await;
    let end = end.trim_start_matches("http://sandbox.test");
    assert!(
        shop.api
            .call("GET", end, "", &[])
            .await
            .text
            .contains("Farewell")
    );
    assert!(shop.now().await.b("cancel_at_period_end"));
}

#[tokio::test]
async fn checkout_asks_for_a_tax_id_when_it_should() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let form = format!(
        "mode=subscription&line_items[0][price]={price}&line_items[0][quantity]=1&success_url=https://example.com/ok&tax_id_collection[enabled]=true&tax_id_collection[required]=if_supported"
    );
    let session = api.post("/v1/checkout/sessions", &form).await;
    let page = session.s("url").trim_start_matches("http://sandbox.test");
    let card =
        "do=pay&email=a@example.com&name=A&country=DE&number=4242424242424242&expiry=12/34&cvc=123";
    let refused = api.call("POST", page, card, &[]).await;
    assert!(
        refused.status == 402 && refused.text.contains("tax ID"),
        "{}",
        refused.text
    );
    let paid = api
        .call("POST", page, &format!("{card}&tax_id=DE123456789"), &[])
        .await;
    assert_eq!(paid.status, 303, "{}", paid.text);
    let done = api
        .get(&format!("/v1/checkout/sessions/{}", session.s("id")), "")
        .await;
    assert_eq!(
        done["customer_details"].list("tax_ids")[0].s("value"),
        "DE123456789"
    );
    let ids = api
        .get(&format!("/v1/customers/{}/tax_ids", done.s("customer")), "")
        .await;
    assert_eq!(ids.list("data")[0].s("type"), "eu_vat");
}

#[tokio::test]
async fn a_trial_without_a_card_leaves_a_setup_intent() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let customer = api.post("/v1/customers", "email=a@example.com").await;
    let trial =
        "&trial_period_days=7&payment_behavior=default_incomplete&expand[]=pending_setup_intent";
    let sub = api.subscribe(customer.s("id"), &price, trial).await;
    let intent = sub["pending_setup_intent"].s("id");
    assert_eq!(
        sub["pending_setup_intent"].s("status"),
        "requires_payment_method"
    );
    let path = format!("/v1/setup_intents/{intent}/confirm");
    api.post(&path, "payment_method=pm_card_visa").await;
    let sub = api
        .get(&format!("/v1/subscriptions/{}", sub.s("id")), "")
        .await;
    assert!(sub["pending_setup_intent"].is_null() && sub.has("default_payment_method"));
    api.pass(8 * DAY).await;
    let sub = api
        .get(
            &format!("/v1/subscriptions/{}", sub.s("id")),
            "expand[]=latest_invoice",
        )
        .await;
    assert_eq!(
        (sub.s("status"), sub["latest_invoice"].i("amount_paid")),
        ("active", 1000)
    );
}

#[tokio::test]
async fn time_that_a_pause_gave_back_is_charged_again() {
    let api = Api::new();
    let price = api.price("Gold", 3000, "").await;
    let clock = api.clock().await;
    let customer = api.customer("pm_card_visa", &clock).await;
    let sub = api.subscribe(&customer, &price, "").await;
    api.advance(&clock, START + 7 * DAY).await;
    let path = format!("/v1/subscriptions/{}", sub.s("id"));
    api.post(&format!("{path}/pause"), "type=subscription&bill_for[unused_time_from][type]=now&invoicing_behavior=pending_invoice_item").await;
    api.advance(&clock, START + 14 * DAY).await;
    let resumed = api
        .post(
            &format!("{path}/resume"),
            "billing_cycle_anchor[type]=unchanged",
        )
        .await;
    assert_eq!(resumed.s("status"), "active");
    let items = api
        .get("/v1/invoiceitems", &format!("customer={customer}"))
        .await;
    let amounts: Vec<i64> = items
        .list("data")
        .iter()
        .map(|item| item.i("amount"))
        .collect();
    // 28 days from 31 January to 28 February: 21 of them were given back, 14 are charged.
    assert_eq!(amounts, [1500, -2250]);
}
