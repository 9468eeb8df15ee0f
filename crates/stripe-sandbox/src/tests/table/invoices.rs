//! Rows 13 to 15.

use super::{has, subscribed};
use crate::core::Read;
use crate::tests::{Api, START};

#[tokio::test]
async fn rows_13_to_15_invoices_items_payments() {
    let api = Api::new();
    let (price, customer, sub) = subscribed(&api).await;
    let invoice = api
        .get(
            &format!("/v1/invoices/{}", sub.s("latest_invoice")),
            "expand[]=payments&expand[]=confirmation_secret",
        )
        .await;
    has(
        &invoice,
        "number status billing_reason total subtotal amount_due amount_paid amount_remaining lines parent.subscription_details payments confirmation_secret hosted_invoice_url invoice_pdf period_start period_end attempt_count next_payment_attempt status_transitions.paid_at total_discount_amounts total_taxes customer_email customer_name starting_balance ending_balance",
    );
    api.get(
        &format!("/v1/invoices/{}/lines", invoice.s("id")),
        "limit=5",
    )
    .await;
    let item = sub.list("items")[0].s("id");
    let preview = api.post("/v1/invoices/create_preview", &format!("subscription={}&subscription_details[items][0][id]={item}&subscription_details[items][0][quantity]=2&subscription_details[proration_behavior]=always_invoice&subscription_details[proration_date]={START}", sub.s("id"))).await;
    assert!(preview.i("amount_due") > 0);

    let waiting = api
        .post(
            "/v1/invoiceitems",
            &format!("customer={customer}&amount=700&currency=usd&description=Extra&quantity=1"),
        )
        .await;
    has(&waiting, "proration parent period pricing");
    api.get(&format!("/v1/invoiceitems/{}", waiting.s("id")), "")
        .await;
    api.get(
        "/v1/invoiceitems",
        &format!("customer={customer}&pending=true"),
    )
    .await;
    let once = api
        .post(
            "/v1/prices",
            "product_data[name]=Cup&currency=usd&unit_amount=300",
        )
        .await;
    let gone = api
        .post(
            "/v1/invoiceitems",
            &format!(
                "customer={customer}&pricing[price]={}&quantity=2",
                once.s("id")
            ),
        )
        .await;
    assert_eq!(gone.i("amount"), 600);
    api.delete(&format!("/v1/invoiceitems/{}", gone.s("id")))
        .await;
    let product = api
        .get(&format!("/v1/prices/{price}"), "")
        .await
        .s("product")
        .to_owned();
    let manual = |extra: &str| {
        format!(
            "customer={customer}&auto_advance=false&pending_invoice_items_behavior=include{extra}"
        )
    };
    let draft = api
        .post(
            "/v1/invoices",
            &manual("&collection_method=charge_automatically"),
        )
        .await;
    api.post("/v1/invoiceitems", &format!("customer={customer}&invoice={}&price_data[currency]=usd&price_data[product]={product}&price_data[unit_amount]=100", draft.s("id"))).await;
    let path = format!("/v1/invoices/{}", draft.s("id"));
    api.post(&path, "description=d&metadata[a]=b").await;
    assert_eq!(
        api.post(&format!("{path}/finalize"), "").await.s("status"),
        "open"
    );
    assert_eq!(
        api.post(&format!("{path}/pay"), "payment_method=pm_card_visa")
            .await
            .i("amount_paid"),
        800
    );
    for (verb, status) in [
        ("void", "void"),
        ("mark_uncollectible", "uncollectible"),
        ("pay?paid_out_of_band=true", "paid"),
    ] {
        api.post(
            "/v1/invoiceitems",
            &format!("customer={customer}&amount=900&currency=usd"),
        )
        .await;
        let made = api
            .post(
                "/v1/invoices",
                &manual("&collection_method=send_invoice&days_until_due=3"),
            )
            .await;
        let path = format!("/v1/invoices/{}", made.s("id"));
        assert_eq!(
            api.post(&format!("{path}/send"), "").await.s("status"),
            "open"
        );
        let (verb, form) = verb.split_once('?').unwrap_or((verb, ""));
        assert_eq!(
            api.post(&format!("{path}/{verb}"), form).await.s("status"),
            status
        );
    }
    let bare = api
        .post("/v1/invoices", &format!("customer={customer}"))
        .await;
    assert_eq!(
        api.delete(&format!("/v1/invoices/{}", bare.s("id"))).await["deleted"],
        true
    );
    api.get(
        "/v1/invoices",
        &format!("customer={customer}&status=paid&collection_method=send_invoice"),
    )
    .await;

    let payments = api
        .get(
            "/v1/invoice_payments",
            &format!("invoice={}", invoice.s("id")),
        )
        .await;
    has(
        &payments,
        "status amount_paid is_default payment.payment_intent",
    );
    let payment = &payments.list("data")[0];
    api.get(&format!("/v1/invoice_payments/{}", payment.s("id")), "")
        .await;
    let by_intent = api
        .get(
            "/v1/invoice_payments",
            &format!(
                "payment[type]=payment_intent&payment[payment_intent]={}",
                payment["payment"].s("payment_intent")
            ),
        )
        .await;
    assert_eq!(by_intent.list("data").len(), 1);
}
