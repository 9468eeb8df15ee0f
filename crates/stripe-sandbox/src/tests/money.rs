//! Discounts, taxes, balances, refunds, credit notes, entitlements, prices, declines.

use super::{Api, START};
use crate::core::Read;
use crate::core::calendar::DAY;

#[tokio::test]
async fn discounts_end_when_they_should() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    for (coupon, expected) in [
        ("percent_off=25&duration=once", [750, 1000, 1000]),
        (
            "amount_off=300&currency=usd&duration=repeating&duration_in_months=2",
            [700, 700, 1000],
        ),
        ("percent_off=12.5&duration=forever", [875, 875, 875]),
    ] {
        let coupon = api.post("/v1/coupons", coupon).await.s("id").to_owned();
        let clock = api.clock().await;
        let customer = api.customer("pm_card_visa", &clock).await;
        let sub = api
            .subscribe(
                &customer,
                &price,
                &format!("&discounts[0][coupon]={coupon}"),
            )
            .await;
        api.advance(&clock, START + 32 * DAY).await;
        api.advance(&clock, START + 62 * DAY).await;
        let mut totals: Vec<i64> = api
            .get("/v1/invoices", &format!("subscription={}", sub.s("id")))
            .await
            .list("data")
            .iter()
            .map(|one| one.i("total"))
            .collect();
        totals.reverse();
        assert_eq!(totals, expected, "{coupon}");
    }
}

#[tokio::test]
async fn a_promotion_code_is_used_up() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let coupon = api
        .post("/v1/coupons", "percent_off=10&duration=once")
        .await
        .s("id")
        .to_owned();
    let code = api
        .post(
            "/v1/promotion_codes",
            &format!(
                "promotion[type]=coupon&promotion[coupon]={coupon}&code=HELLO&max_redemptions=1"
            ),
        )
        .await;
    let customer = api.customer("pm_card_visa", "").await;
    let form = format!(
        "customer={customer}&items[0][price]={price}&discounts[0][promotion_code]={}",
        code.s("id")
    );
    api.post("/v1/subscriptions", &form).await;
    let now = api
        .get(&format!("/v1/promotion_codes/{}", code.s("id")), "")
        .await;
    assert_eq!((now.b("active"), now.i("times_redeemed")), (false, 1));
    assert_eq!(api.refused("POST", "/v1/subscriptions", &form).await.0, 400);
}

#[tokio::test]
async fn taxes_lie_inside_or_on_top() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let on_top = api
        .post(
            "/v1/tax_rates",
            "display_name=VAT&percentage=20&inclusive=false",
        )
        .await
        .s("id")
        .to_owned();
    let inside = api
        .post(
            "/v1/tax_rates",
            "display_name=VAT&percentage=25&inclusive=true",
        )
        .await
        .s("id")
        .to_owned();
    for (rate, total, tax) in [(&on_top, 1200, 200), (&inside, 1000, 200)] {
        let customer = api.customer("pm_card_visa", "").await;
        let sub = api
            .subscribe(
                &customer,
                &price,
                &format!("&default_tax_rates[0]={rate}&expand[]=latest_invoice"),
            )
            .await;
        let invoice = &sub["latest_invoice"];
        assert_eq!(
            (
                invoice.i("total"),
                invoice.list("total_taxes")[0].i("amount")
            ),
            (total, tax)
        );
        assert_eq!(invoice.i("total_excluding_tax"), total - tax);
    }
}

#[tokio::test]
async fn balances_and_small_amounts_wait() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let customer = api.customer("pm_card_visa", "").await;
    api.post(&format!("/v1/customers/{customer}"), "balance=-970")
        .await;
    let sub = api
        .subscribe(&customer, &price, "&expand[]=latest_invoice")
        .await;
    let invoice = &sub["latest_invoice"];
    // 30 cents are too little for a card: they wait on the balance.
    assert_eq!(
        (
            invoice.i("starting_balance"),
            invoice.i("amount_due"),
            invoice.i("ending_balance"),
            invoice.s("status")
        ),
        (-970, 0, 30, "paid")
    );
    assert_eq!(
        api.get(&format!("/v1/customers/{customer}"), "")
            .await
            .i("balance"),
        30
    );
}

#[tokio::test]
async fn three_decimal_currencies_prorate_to_the_third() {
    let api = Api::new();
    let product = api.post("/v1/products", "name=Gold").await;
    let price = api
        .post(
            "/v1/prices",
            &format!(
                "product={}&currency=kwd&unit_amount=10005&recurring[interval]=month",
                product.s("id")
            ),
        )
        .await;
    let clock = api.clock().await;
    let customer = api.customer("pm_card_visa", &clock).await;
    let sub = api.subscribe(&customer, price.s("id"), "").await;
    // Half of the 28 days from 31 January to 28 February are left.
    api.advance(&clock, START + 14 * DAY).await;
    let item = sub.list("items")[0].s("id");
    let path = format!("/v1/subscriptions/{}", sub.s("id"));
    let changed = api.post(&path, &format!("items[0][id]={item}&items[0][quantity]=2&proration_behavior=always_invoice&expand[]=latest_invoice")).await;
    let lines = changed["latest_invoice"].list("lines");
    let amounts: Vec<i64> = lines.iter().map(|line| line.i("amount")).collect();
    assert_eq!(amounts, [-5003, 10005], "half a fils goes away from zero");
    assert_eq!(changed["latest_invoice"].i("amount_paid"), 5002);
}

#[tokio::test]
async fn zero_decimal_currencies_are_whole() {
    let api = Api::new();
    let product = api
        .post("/v1/products", "name=Yen")
        .await
        .s("id")
        .to_owned();
    let price = api
        .post(
            "/v1/prices",
            &format!("product={product}&currency=jpy&unit_amount=980&recurring[interval]=month"),
        )
        .await
        .s("id")
        .to_owned();
    let customer = api.customer("pm_card_visa", "").await;
    let sub = api
        .subscribe(&customer, &price, "&expand[]=latest_invoice")
        .await;
    assert_eq!(
        (sub["latest_invoice"].i("amount_paid"), sub.s("currency")),
        (980, "jpy")
    );
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
async fn refunds_and_credit_notes_add_up() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let customer = api.customer("pm_card_visa", "").await;
    let sub = api
        .subscribe(&customer, &price, "&expand[]=latest_invoice.payments")
        .await;
    let invoice = sub["latest_invoice"].s("id").to_owned();
    let intent = sub["latest_invoice"].list("payments")[0]["payment"]
        .s("payment_intent")
        .to_owned();
    api.post(
        "/v1/refunds",
        &format!("payment_intent={intent}&amount=300&reason=requested_by_customer"),
    )
    .await;
    let (_, error) = api
        .refused(
            "POST",
            "/v1/refunds",
            &format!("payment_intent={intent}&amount=800"),
        )
        .await;
    assert!(
        error
            .s("message")
            .contains("greater than unrefunded amount")
    );
    let note = api
        .post(
            "/v1/credit_notes",
            &format!("invoice={invoice}&amount=200&refund_amount=200"),
        )
        .await;
    assert_eq!(
        (note.s("type"), note.i("total"), note.list("refunds").len()),
        ("post_payment", 200, 1)
    );
    let note = api
        .post(
            "/v1/credit_notes",
            &format!("invoice={invoice}&amount=100&credit_amount=100"),
        )
        .await;
    assert!(note.s("number").ends_with("-CN-02"));
    assert_eq!(
        api.get(&format!("/v1/customers/{customer}"), "")
            .await
            .i("balance"),
        -100
    );
    assert_eq!(
        api.get(&format!("/v1/invoices/{invoice}"), "")
            .await
            .i("post_payment_credit_notes_amount"),
        300
    );
    let charge = api
        .get(
            "/v1/charges",
            &format!("payment_intent={intent}&expand[]=data.refunds"),
        )
        .await
        .list("data")[0]
        .clone();
    assert_eq!(
        (
            charge.i("amount_refunded"),
            charge.b("refunded"),
            charge.list("refunds").len()
        ),
        (500, false, 2)
    );
    assert_eq!(
        api.refused(
            "POST",
            "/v1/credit_notes",
            &format!("invoice={invoice}&amount=900&refund_amount=900")
        )
        .await
        .0,
        400
    );
}

#[tokio::test]
async fn an_open_invoice_is_lowered_by_a_credit_note() {
    let api = Api::new();
    let customer = api.customer("pm_card_chargeCustomerFail", "").await;
    api.post(
        "/v1/invoiceitems",
        &format!("customer={customer}&amount=1000&currency=usd&description=Work"),
    )
    .await;
    let invoice = api
        .post(
            "/v1/invoices",
            &format!("customer={customer}&pending_invoice_items_behavior=include"),
        )
        .await
        .s("id")
        .to_owned();
    api.post(&format!("/v1/invoices/{invoice}/finalize"), "")
        .await;
    assert_eq!(
        api.refused("POST", &format!("/v1/invoices/{invoice}/pay"), "")
            .await
            .0,
        402
    );
    api.post("/v1/credit_notes", &format!("invoice={invoice}&amount=400"))
        .await;
    let paid = api
        .post(
            &format!("/v1/invoices/{invoice}/pay"),
            "payment_method=pm_card_visa",
        )
        .await;
    assert_eq!(
        (
            paid.i("amount_paid"),
            paid.s("status"),
            paid.i("pre_payment_credit_notes_amount")
        ),
        (600, "paid", 400)
    );
}

#[tokio::test]
async fn manual_invoices_can_be_voided_deleted_and_paid_elsewhere() {
    let api = Api::new();
    let customer = api.customer("pm_card_visa", "").await;
    let make = || async {
        let invoice = api
            .post("/v1/invoices", &format!("customer={customer}"))
            .await
            .s("id")
            .to_owned();
        api.post(
            "/v1/invoiceitems",
            &format!("customer={customer}&invoice={invoice}&amount=700&currency=usd"),
        )
        .await;
        invoice
    };
    let first = make().await;
    assert_eq!(
        api.delete(&format!("/v1/invoices/{first}")).await["deleted"],
        true
    );
    let second = make().await;
    api.post(&format!("/v1/invoices/{second}/finalize"), "")
        .await;
    assert_eq!(
        api.post(&format!("/v1/invoices/{second}/void"), "")
            .await
            .s("status"),
        "void"
    );
    let third = make().await;
    let paid = api
        .post(
            &format!("/v1/invoices/{third}/pay"),
            "paid_out_of_band=true",
        )
        .await;
    assert_eq!((paid.s("status"), paid.i("amount_remaining")), ("paid", 0));
    assert!(api.get("/v1/charges", "").await.list("data").is_empty());
    let lines = api.get(&format!("/v1/invoices/{third}/lines"), "").await;
    assert_eq!(lines.list("data")[0].i("amount"), 700);
}

#[tokio::test]
async fn entitlements_follow_the_plan() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let product = api
        .get(&format!("/v1/prices/{price}"), "")
        .await
        .s("product")
        .to_owned();
    let feature = api
        .post("/v1/entitlements/features", "name=Search&lookup_key=search")
        .await
        .s("id")
        .to_owned();
    api.post(
        &format!("/v1/products/{product}/features"),
        &format!("entitlement_feature={feature}"),
    )
    .await;
    let customer = api.customer("pm_card_visa", "").await;
    let sub = api.subscribe(&customer, &price, "").await;
    let held = api
        .get(
            "/v1/entitlements/active_entitlements",
            &format!("customer={customer}"),
        )
        .await;
    assert_eq!(held.list("data")[0].s("lookup_key"), "search");
    api.delete(&format!("/v1/subscriptions/{}", sub.s("id")))
        .await;
    assert!(
        api.get(
            "/v1/entitlements/active_entitlements",
            &format!("customer={customer}")
        )
        .await
        .list("data")
        .is_empty()
    );
    assert_eq!(
        api.events()
            .await
            .iter()
            .filter(|kind| kind.contains("entitlement"))
            .count(),
        2
    );
}

#[tokio::test]
async fn lookup_keys_move_and_prices_do_not_change() {
    let api = Api::new();
    let old = api.price("Gold", 1000, "&lookup_key=gold").await;
    let product = api
        .get(&format!("/v1/prices/{old}"), "")
        .await
        .s("product")
        .to_owned();
    let form = format!(
        "product={product}&currency=usd&unit_amount=1200&recurring[interval]=month&lookup_key=gold"
    );
    assert_eq!(api.refused("POST", "/v1/prices", &form).await.0, 400);
    let new = api
        .post("/v1/prices", &format!("{form}&transfer_lookup_key=true"))
        .await;
    let found = api.get("/v1/prices", "lookup_keys[0]=gold").await;
    assert_eq!(
        (found.list("data").len(), found.list("data")[0].s("id")),
        (1, new.s("id"))
    );
    assert_eq!(
        api.refused("POST", &format!("/v1/prices/{old}"), "unit_amount=5")
            .await
            .1
            .s("code"),
        "parameter_unknown"
    );
    assert_eq!(
        api.refused("DELETE", &format!("/v1/products/{product}"), "")
            .await
            .0,
        400
    );
}
