//! The pages, by their forms: Checkout with and without 3-D Secure, portal, invoice, control.

use super::Api;
use crate::core::{Read, Value};

async fn session(api: &Api, extra: &str) -> (String, String) {
    let price = api.price("Gold", 1000, "").await;
    let made = api.post("/v1/checkout/sessions", &format!("mode=subscription&line_items[0][price]={price}&line_items[0][quantity]=1&success_url=https://example.com/ok?s={{CHECKOUT_SESSION_ID}}&cancel_url=https://example.com/no{extra}")).await;
    (
        made.s("id").to_owned(),
        format!("/pages/checkout/{}", made.s("id")),
    )
}

fn card(number: &str) -> String {
    format!(
        "do=pay&email=ada@example.com&name=Ada&country=DE&postal_code=10115&number={number}&expiry=12+/+34&cvc=123"
    )
}

fn location(got: &super::Got) -> String {
    assert_eq!(got.status, 303, "{}", got.text);
    got.headers["location"].to_str().expect("text").to_owned()
}

#[tokio::test]
async fn checkout_makes_a_subscription() {
    let api = Api::new();
    let (id, path) = session(
        &api,
        "&subscription_data[metadata][tier]=gold&client_reference_id=u1",
    )
    .await;
    let page = api.call("GET", &path, "", &[]).await;
    assert!(
        page.status == 200 && page.text.contains("$10.00") && page.text.contains("no money moves"),
        "{}",
        page.text
    );
    let refused = api
        .call("POST", &path, &card("4000000000000002"), &[])
        .await;
    assert!(refused.status == 402 && refused.text.contains("Your card was declined"));
    let real = api
        .call("POST", &path, &card("4539578763621486"), &[])
        .await;
    assert!(real.text.contains("Do not enter real cards") && !real.text.contains("4539"));
    assert_eq!(
        location(
            &api.call("POST", &path, &card("4242424242424242"), &[])
                .await
        ),
        format!("https://example.com/ok?s={id}")
    );
    let done = api
        .get(
            &format!("/v1/checkout/sessions/{id}"),
            "expand[]=subscription&expand[]=invoice&expand[]=line_items",
        )
        .await;
    assert_eq!(
        (
            done.s("status"),
            done.s("payment_status"),
            done["subscription"].s("status"),
            done["invoice"].i("amount_paid")
        ),
        ("complete", "paid", "active", 1000)
    );
    assert_eq!(
        (
            done["subscription"]["metadata"].s("tier"),
            done["customer_details"].s("email"),
            done.list("line_items").len()
        ),
        ("gold", "ada@example.com", 1)
    );
    assert!(
        api.call("GET", &path, "", &[])
            .await
            .text
            .contains("This is paid")
    );
    assert!(
        api.events()
            .await
            .contains(&"checkout.session.completed".to_owned())
    );
}

#[tokio::test]
async fn checkout_asks_the_bank() {
    let api = Api::new();
    let (id, path) = session(&api, "").await;
    for number in ["4000002760003184", "4000000000003220"] {
        let ask = location(&api.call("POST", &path, &card(number), &[]).await);
        assert!(ask.ends_with("/authenticate"));
        let failed = api
            .call("POST", &format!("{path}/authenticate"), "answer=fail", &[])
            .await;
        assert!(failed.status == 402 && failed.text.contains("unable to authenticate"));
    }
    location(
        &api.call("POST", &path, &card("4000008400001629"), &[])
            .await,
    );
    assert!(
        api.call(
            "POST",
            &format!("{path}/authenticate"),
            "answer=approve",
            &[]
        )
        .await
        .text
        .contains("declined")
    );
    assert!(
        api.get("/v1/subscriptions", "status=all")
            .await
            .list("data")
            .is_empty(),
        "nothing is left of what failed"
    );
    location(
        &api.call("POST", &path, &card("4000002760003184"), &[])
            .await,
    );
    location(
        &api.call(
            "POST",
            &format!("{path}/authenticate"),
            "answer=approve",
            &[],
        )
        .await,
    );
    assert_eq!(
        api.get(&format!("/v1/checkout/sessions/{id}"), "")
            .await
            .s("status"),
        "complete"
    );
}

#[tokio::test]
async fn checkout_takes_codes_trials_and_expires() {
    let api = Api::new();
    let coupon = api
        .post("/v1/coupons", "percent_off=20&duration=once")
        .await
        .s("id")
        .to_owned();
    api.post(
        "/v1/promotion_codes",
        &format!("promotion[type]=coupon&promotion[coupon]={coupon}&code=SPRING"),
    )
    .await;
    let (id, path) = session(&api, "&allow_promotion_codes=true").await;
    assert!(
        api.call("POST", &path, "do=promo&code=WINTER", &[])
            .await
            .text
            .contains("This code is invalid")
    );
    location(&api.call("POST", &path, "do=promo&code=spring", &[]).await);
    assert!(api.call("GET", &path, "", &[]).await.text.contains("$8.00"));
    location(
        &api.call("POST", &path, &card("4242424242424242"), &[])
            .await,
    );
    assert_eq!(
        api.get(&format!("/v1/checkout/sessions/{id}"), "expand[]=invoice")
            .await["invoice"]
            .i("amount_paid"),
        800
    );
    let (id, path) = session(
        &api,
        "&subscription_data[trial_period_days]=7&payment_method_collection=if_required",
    )
    .await;
    location(
        &api.call("POST", &path, "do=pay&email=b@example.com", &[])
            .await,
    );
    let done = api
        .get(
            &format!("/v1/checkout/sessions/{id}"),
            "expand[]=subscription",
        )
        .await;
    assert_eq!(
        (done["subscription"].s("status"), done.s("payment_status")),
        ("trialing", "no_payment_required")
    );
    let (id, path) = session(&api, "").await;
    api.pass(90_000).await;
    assert_eq!(
        api.get(&format!("/v1/checkout/sessions/{id}"), "")
            .await
            .s("status"),
        "expired"
    );
    assert!(
        api.call("GET", &path, "", &[])
            .await
            .text
            .contains("expired")
    );
}

#[tokio::test]
async fn checkout_pays_once_and_saves_cards() {
    let api = Api::new();
    let got = api.post("/v1/checkout/sessions", "mode=payment&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=500&line_items[0][price_data][product_data][name]=Mug&success_url=https://example.com/ok").await;
    let path = format!("/pages/checkout/{}", got.s("id"));
    location(
        &api.call("POST", &path, &card("4242424242424242"), &[])
            .await,
    );
    let done = api
        .get(
            &format!("/v1/checkout/sessions/{}", got.s("id")),
            "expand[]=payment_intent",
        )
        .await;
    assert_eq!(
        (
            done["payment_intent"].s("status"),
            done["payment_intent"].i("amount_received")
        ),
        ("succeeded", 500)
    );
    let customer = api
        .post("/v1/customers", "email=a@b.c")
        .await
        .s("id")
        .to_owned();
    let got = api
        .post(
            "/v1/checkout/sessions",
            &format!(
                "mode=setup&currency=eur&customer={customer}&success_url=https://example.com/ok"
            ),
        )
        .await;
    let path = format!("/pages/checkout/{}", got.s("id"));
    location(
        &api.call("POST", &path, &card("4242424242424242"), &[])
            .await,
    );
    assert_eq!(
        api.get(&format!("/v1/customers/{customer}/payment_methods"), "")
            .await
            .list("data")
            .len(),
        1
    );
}

async fn portal(api: &Api, proration: &str) -> (Value, String, String) {
    let (silver, gold) = (
        api.price("Silver", 1000, "").await,
        api.price("Gold", 3000, "").await,
    );
    let product = api
        .get(&format!("/v1/prices/{gold}"), "")
        .await
        .s("product")
        .to_owned();
    let customer = api.customer("pm_card_visa", "").await;
    let sub = api.subscribe(&customer, &silver, "").await;
    let config = api.post("/v1/billing_portal/configurations", &format!("features[subscription_update][enabled]=true&features[subscription_update][products][0][product]={product}&features[subscription_update][products][0][prices][0]={gold}&features[subscription_update][proration_behavior]={proration}&features[subscription_cancel][enabled]=true&features[payment_method_update][enabled]=true&features[customer_update][enabled]=true&features[invoice_history][enabled]=true")).await;
    let made = api
        .post(
            "/v1/billing_portal/sessions",
            &format!(
                "customer={customer}&configuration={}&return_url=https://example.com/back",
                config.s("id")
            ),
        )
        .await;
    (
        sub,
        gold,
        made.s("url")
            .trim_start_matches("http://sandbox.test")
            .to_owned(),
    )
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
async fn the_portal_changes_plans_cards_and_details() {
    let api = Api::new();
    let (sub, gold, path) = portal(&api, "always_invoice").await;
    let id = sub.s("id");
    assert!(
        api.call("GET", &path, "", &[])
            .await
            .text
            .contains("Silver")
    );
    let confirm = api
        .call(
            "GET",
            &path,
            &format!("view=confirm&sub={id}&price={gold}"),
            &[],
        )
        .await;
    assert!(confirm.text.contains("$20.00"), "{}", confirm.text);
    location(
        &api.call(
            "POST",
            &path,
            &format!("do=switch&sub={id}&price={gold}"),
            &[],
        )
        .await,
    );
    assert_eq!(
        api.get(&format!("/v1/subscriptions/{id}"), "")
            .await
            .list("items")[0]["price"]
            .s("id"),
        gold
    );
    location(
        &api.call(
            "POST",
            &path,
            &format!("do=cancel&sub={id}&feedback=unused"),
            &[],
        )
        .await,
    );
    let now = api.get(&format!("/v1/subscriptions/{id}"), "").await;
    assert_eq!(
        (
            now.b("cancel_at_period_end"),
            now["cancellation_details"].s("feedback")
        ),
        (true, "unused")
    );
    location(
        &api.call("POST", &path, &format!("do=resume&sub={id}"), &[])
            .await,
    );
    let back = location(
        &api.call(
            "POST",
            &path,
            "do=add_card&number=4000002500003155&expiry=1234&cvc=123",
            &[],
        )
        .await,
    );
    assert!(back.contains("/pages/authenticate/seti_"));
    location(
        &api.call(
            "POST",
            back.trim_start_matches("http://sandbox.test"),
            "answer=approve",
            &[],
        )
        .await,
    );
    let methods = api
        .get(
            &format!("/v1/customers/{}/payment_methods", sub.s("customer")),
            "",
        )
        .await;
    let fresh = methods.list("data")[0].s("id").to_owned();
    location(
        &api.call(
            "POST",
            &path,
            &format!("do=default_card&method={fresh}"),
            &[],
        )
        .await,
    );
    location(
        &api.call(
            "POST",
            &path,
            &format!("do=remove_card&method={}", methods.list("data")[1].s("id")),
            &[],
        )
        .await,
    );
    location(
        &api.call(
            "POST",
            &path,
            "do=details&name=Ada+L&email=ada@l.example&country=GB",
            &[],
        )
        .await,
    );
    let customer = api
        .get(&format!("/v1/customers/{}", sub.s("customer")), "")
        .await;
    assert_eq!(
        (
            customer.s("name"),
            customer["address"].s("country"),
            customer["invoice_settings"].s("default_payment_method")
        ),
        ("Ada L", "GB", fresh.as_str())
    );
    assert_eq!(
        api.call(
            "POST",
            &path,
            &format!("do=cancel&sub={id}"),
            &[("origin", "https://evil.example"), ("host", "sandbox.test")]
        )
        .await
        .status,
        400
    );
    assert_eq!(
        api.call("GET", "/pages/portal/t_nobody", "", &[])
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn an_invoice_is_shown_printed_and_paid() {
    let api = Api::new();
    let customer = api.customer("pm_card_chargeCustomerFail", "").await;
    let price = api.price("Gold", 1000, "").await;
    let sub = api.subscribe(&customer, &price, "").await;
    let path = format!("/pages/invoice/{}", sub.s("latest_invoice"));
    assert!(
        api.call("GET", &path, "", &[])
            .await
            .text
            .contains("Pay this invoice")
    );
    let pdf = api.call("GET", &format!("{path}/pdf"), "", &[]).await;
    assert!(pdf.text.starts_with("%PDF-1.4") && pdf.text.contains("%%EOF"));
    assert_eq!(
        api.call("POST", &path, &card("4000000000009995"), &[])
            .await
            .status,
        402
    );
    let ask = location(
        &api.call("POST", &path, &card("4000002760003184"), &[])
            .await,
    );
    location(
        &api.call(
            "POST",
            ask.trim_start_matches("http://sandbox.test"),
            "answer=approve",
            &[],
        )
        .await,
    );
    assert!(
        api.call("GET", &path, "", &[])
            .await
            .text
            .contains("Paid on")
    );
    assert_eq!(
        api.get(&format!("/v1/subscriptions/{}", sub.s("id")), "")
            .await
            .s("status"),
        "active"
    );
}
