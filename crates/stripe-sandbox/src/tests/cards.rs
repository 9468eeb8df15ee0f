//! Cards that are refused, disputed, or cannot be paid back.

use super::Api;
use crate::core::Read;
use crate::core::calendar::HOUR;

#[tokio::test]
async fn declined_cards_say_why() {
    let api = Api::new();
    let customer = api
        .post("/v1/customers", "email=a@b.c")
        .await
        .s("id")
        .to_owned();
    for (card, code, decline) in [
        ("chargeDeclined", "card_declined", "generic_decline"),
        (
            "chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
        ),
        ("chargeDeclinedExpiredCard", "expired_card", ""),
        ("chargeDeclinedIncorrectCvc", "incorrect_cvc", ""),
    ] {
        let (status, error) = api
            .refused(
                "POST",
                &format!("/v1/payment_methods/pm_card_{card}/attach"),
                &format!("customer={customer}"),
            )
            .await;
        assert_eq!(
            (
                status,
                error.s("type"),
                error.s("code"),
                error.s("decline_code")
            ),
            (402, "card_error", code, decline)
        );
        let (_, error) = api
            .refused(
                "POST",
                "/v1/payment_intents",
                &format!("amount=1000&currency=usd&confirm=true&payment_method=pm_card_{card}"),
            )
            .await;
        assert_eq!(
            (error.s("code"), error["payment_intent"].s("status")),
            (code, "requires_payment_method")
        );
    }
    assert!(
        api.get("/v1/payment_intents", "").await.list("data").len() == 4,
        "a refused card leaves its intent"
    );
}

#[tokio::test]
async fn a_refund_can_fail_later_and_a_charge_be_disputed() {
    let api = Api::new();
    let intent = api
        .post(
            "/v1/payment_intents",
            "amount=1000&currency=usd&confirm=true&payment_method=pm_card_refundFail",
        )
        .await;
    let refund = api
        .post("/v1/refunds", &format!("payment_intent={}", intent.s("id")))
        .await;
    assert_eq!(refund.s("status"), "succeeded");
    api.pass(2 * HOUR).await;
    assert_eq!(
        api.get(&format!("/v1/refunds/{}", refund.s("id")), "")
            .await
            .s("status"),
        "failed"
    );
    api.post(
        "/v1/payment_intents",
        "amount=1000&currency=usd&confirm=true&payment_method=pm_card_createDispute",
    )
    .await;
    assert!(
        api.events()
            .await
            .contains(&"charge.dispute.created".to_owned())
    );
}
