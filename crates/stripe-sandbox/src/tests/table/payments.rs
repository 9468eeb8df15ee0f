//! Rows 16 to 19.

use super::{has, subscribed};
use crate::core::Read;
use crate::tests::Api;

#[tokio::test]
async fn rows_16_to_19_payments_charges_refunds_credit_notes() {
    let api = Api::new();
    let (_, customer, sub) = subscribed(&api).await;
    let intent = api.post("/v1/payment_intents", &format!("amount=1000&currency=usd&customer={customer}&payment_method=pm_card_visa&confirm=true&off_session=true")).await;
    has(
        &intent,
        "status next_action last_payment_error latest_charge",
    );
    let waiting = api
        .post("/v1/payment_intents", "amount=1000&currency=usd")
        .await;
    let path = format!("/v1/payment_intents/{}", waiting.s("id"));
    assert_eq!(
        api.post(
            &format!("{path}/confirm"),
            "payment_method=pm_card_threeDSecure2Required&return_url=https://example.com"
        )
        .await
        .s("status"),
        "requires_action"
    );
    assert_eq!(
        api.post(&format!("{path}/cancel"), "").await.s("status"),
        "canceled"
    );
    api.get(&path, "").await;
    api.get("/v1/payment_intents", &format!("customer={customer}"))
        .await;
    let charge = api
        .get(&format!("/v1/charges/{}", intent.s("latest_charge")), "")
        .await;
    has(
        &charge,
        "outcome receipt_url refunded amount_refunded payment_method_details.card.last4",
    );
    let receipt = charge
        .s("receipt_url")
        .trim_start_matches("http://sandbox.test")
        .to_owned();
    let page = api.call("GET", &receipt, "", &[]).await;
    assert!(
        page.status == 200 && page.text.contains("$10.00"),
        "{}",
        page.text
    );
    api.get("/v1/charges", &format!("customer={customer}"))
        .await;
    let refund = api
        .post(
            "/v1/refunds",
            &format!(
                "charge={}&amount=300&reason=requested_by_customer",
                charge.s("id")
            ),
        )
        .await;
    has(&refund, "status balance_transaction");
    api.post(&format!("/v1/refunds/{}", refund.s("id")), "metadata[a]=b")
        .await;
    api.get(&format!("/v1/refunds/{}", refund.s("id")), "")
        .await;
    api.post("/v1/refunds", &format!("payment_intent={}", intent.s("id")))
        .await;
    assert_eq!(
        api.get("/v1/refunds", &format!("charge={}", charge.s("id")))
            .await
            .list("data")
            .len(),
        2
    );

    let invoice = api
        .get(&format!("/v1/invoices/{}", sub.s("latest_invoice")), "")
        .await;
    let line = invoice.list("lines")[0].s("id").to_owned();
    let lines = format!(
        "invoice={}&lines[0][type]=invoice_line_item&lines[0][invoice_line_item]={line}&lines[0][amount]=400&reason=order_change&refund_amount=100&credit_amount=200&out_of_band_amount=100",
        invoice.s("id")
    );
    for path in ["/v1/credit_notes/preview", "/v1/credit_notes/preview/lines"] {
        api.get(path, &lines).await;
    }
    let note = api.post("/v1/credit_notes", &lines).await;
    has(&note, "number status total pdf");
    assert_eq!(note.i("total"), 400);
    let pdf = note
        .s("pdf")
        .trim_start_matches("http://sandbox.test")
        .to_owned();
    assert!(
        api.call("GET", &pdf, "", &[])
            .await
            .text
            .starts_with("%PDF")
    );
    api.get(&format!("/v1/credit_notes/{}/lines", note.s("id")), "")
        .await;
    api.get("/v1/credit_notes", &format!("invoice={}", invoice.s("id")))
        .await;
    api.post(
        "/v1/invoiceitems",
        &format!("customer={customer}&amount=900&currency=usd"),
    )
    .await;
    let open = api
        .post(
            "/v1/invoices",
            &format!("customer={customer}&pending_invoice_items_behavior=include"),
        )
        .await;
    api.post(&format!("/v1/invoices/{}/finalize", open.s("id")), "")
        .await;
    let lowered = api
        .post(
            "/v1/credit_notes",
            &format!("invoice={}&amount=100", open.s("id")),
        )
        .await;
    assert_eq!(
        api.post(&format!("/v1/credit_notes/{}/void", lowered.s("id")), "")
            .await
            .s("status"),
        "void"
    );
}
