//! What must hold whatever is bought: lines sum to totals, money in equals money out and owed, one payment an invoice.

use proptest::prelude::*;

use super::{Api, START};
use crate::core::calendar::DAY;
use crate::core::{Read, Value, json, money};

fn check(invoice: &Value) {
    let lines: i64 = invoice
        .list("lines")
        .iter()
        .map(|line| line.i("amount"))
        .sum();
    let off: i64 = invoice
        .list("total_discount_amounts")
        .iter()
        .map(|one| one.i("amount"))
        .sum();
    let on_top: i64 = invoice
        .list("total_taxes")
        .iter()
        .filter(|tax| tax.s("tax_behavior") == "exclusive")
        .map(|tax| tax.i("amount"))
        .sum();
    assert_eq!(lines, invoice.i("subtotal"));
    assert_eq!(lines - off + on_top, invoice.i("total"));
    assert!(invoice.i("amount_due") >= 0);
    assert_eq!(
        invoice.i("amount_due") - invoice.i("amount_paid"),
        invoice.i("amount_remaining")
    );
    let line_tax: i64 = invoice
        .list("lines")
        .iter()
        .flat_map(|line| line.list("taxes"))
        .map(|tax| tax.i("amount"))
        .sum();
    let tax: i64 = invoice
        .list("total_taxes")
        .iter()
        .map(|tax| tax.i("amount"))
        .sum();
    assert_eq!(line_tax, tax);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn money_adds_up(amount in 50_i64..90_000, other in 50_i64..90_000, quantity in 1_i64..9, percent in 1_u32..100, rate in 0_u32..30, day in 1_i64..27, inclusive: bool, balance in -500_i64..500) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let api = Api::new();
            let (one, two) = (api.price("One", amount, "").await, api.price("Two", other, "").await);
            let clock = api.clock().await;
            let customer = api.customer("pm_card_visa", &clock).await;
            api.post(&format!("/v1/customers/{customer}"), &format!("balance={balance}")).await;
            let coupon = api.post("/v1/coupons", &format!("percent_off={percent}&duration=forever")).await;
            let tax = api.post("/v1/tax_rates", &format!("display_name=VAT&percentage={rate}.5&inclusive={inclusive}")).await;
            let sub = api.subscribe(&customer, &one, &format!("&items[0][quantity]={quantity}&discounts[0][coupon]={}&default_tax_rates[0]={}", coupon.s("id"), tax.s("id"))).await;
            api.advance(&clock, START + day * DAY).await;
            let change = format!("items[0][id]={}&items[0][price]={two}&items[0][quantity]=1&proration_behavior=always_invoice", sub.list("items")[0].s("id"));
            let preview = api.post("/v1/invoices/create_preview", &change.replace("items[0]", "subscription_details[items][0]").replace("proration_behavior", "subscription_details[proration_behavior]").replacen("subscription_details", &format!("subscription={}&subscription_details", sub.s("id")), 1)).await;
            let key = [("idempotency-key", "change")];
            let first = api.call("POST", &format!("/v1/subscriptions/{}", sub.s("id")), &change, &key).await;
            let events = api.events().await.len();
            let again = api.call("POST", &format!("/v1/subscriptions/{}", sub.s("id")), &change, &key).await;
            assert_eq!((first.status, &first.text), (200, &again.text));
            assert_eq!(events, api.events().await.len(), "a replay changes nothing");
            api.advance(&clock, START + 50 * DAY).await;
            let invoices = api.get("/v1/invoices", "expand[]=data.payments&limit=100").await;
            let billed = invoices.list("data").iter().find(|invoice| invoice.s("billing_reason") == "subscription_update");
            if let Some(billed) = billed {
                assert_eq!((preview.i("total"), preview.i("amount_due")), (billed.i("total"), billed.i("amount_due")), "the preview told the truth");
            }
            let mut paid = 0;
            for invoice in invoices.list("data") {
                check(invoice);
                assert!(invoice.list("payments").len() <= 1);
                paid += invoice.i("amount_paid");
            }
            let charges = api.get("/v1/charges", "limit=100").await;
            let received: i64 = charges.list("data").iter().filter(|charge| charge.b("paid")).map(|charge| charge.i("amount") - charge.i("amount_refunded")).sum();
            assert_eq!(paid, received, "paid is what was charged");
        });
    }

    #[test]
    fn proration_never_gives_more_than_the_whole(amount in 0_i64..10_000_000, part in 0_i64..3_000_000, whole in 1_i64..3_000_000) {
        let part = part.min(whole);
        let got = money::ratio(amount, part, whole);
        prop_assert!((0..=amount).contains(&got));
        prop_assert_eq!(money::ratio(-amount, part, whole), -got);
        let rest = money::ratio(amount, whole - part, whole);
        prop_assert!((got + rest - amount).abs() <= 1);
    }
}

/// What a client can see at the end of a life, without ids.
async fn life(cuts: &[i64], card: &str, trial: i64, quantity: i64, coupon: bool) -> Value {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let clock = api.clock().await;
    let customer = api.customer(card, &clock).await;
    let mut extra = vec![format!("&items[0][quantity]={quantity}")];
    if trial > 0 {
        extra.push(format!("&trial_period_days={trial}"));
    }
    if coupon {
        let made = api
            .post(
                "/v1/coupons",
                "percent_off=25&duration=repeating&duration_in_months=1",
            )
            .await;
        extra.push(format!("&discounts[0][coupon]={}", made.s("id")));
    }
    api.subscribe(&customer, &price, &extra.concat()).await;
    for cut in cuts {
        api.advance(&clock, START + cut).await;
    }
    let keep = |one: &Value| {
        json!([
            one["status"],
            one["created"],
            one["total"],
            one["amount_paid"],
            one["amount_remaining"],
            one["attempt_count"],
            one["ended_at"],
            one["number"],
            one["next_payment_attempt"]
        ])
    };
    let all = async |path: &str| -> Vec<Value> {
        let found = api.get(path, "status=all&limit=100").await;
        found.list("data").iter().map(keep).collect()
    };
    let invoices: Vec<Value> = api
        .get("/v1/invoices", "limit=100")
        .await
        .list("data")
        .iter()
        .map(keep)
        .collect();
    json!({"subs": all("/v1/subscriptions").await, "invoices": invoices, "events": api.events().await})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Advancing a clock in one step or in many ends the same, to the second.
    #[test]
    fn steps_do_not_matter(cuts in proptest::collection::btree_set(3_600_i64..59 * DAY, 0..7), declined: bool, trial in 0_i64..10, quantity in 1_i64..5, coupon: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let end = 59 * DAY;
            let card = if declined && trial > 0 { "pm_card_chargeCustomerFail" } else { "pm_card_visa" };
            // A clock may go two intervals of the shortest subscription at a time, so the one step stays below that.
            let whole = life(&[end], card, trial, quantity, coupon).await;
            let cuts: Vec<i64> = cuts.into_iter().chain([end]).collect();
            assert_eq!(whole, life(&cuts, card, trial, quantity, coupon).await);
        });
    }

    /// A payment is what was taken less what was given back, whatever is refunded and credited, and an invoice has one.
    #[test]
    fn paid_is_taken_less_given_back(amount in 200_i64..90_000, refunds in proptest::collection::vec((1_i64..40_000, 0..3_u8), 0..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let api = Api::new();
            let price = api.price("Gold", amount, "").await;
            let customer = api.customer("pm_card_visa", "").await;
            let sub = api.subscribe(&customer, &price, "").await;
            let invoice = sub.s("latest_invoice").to_owned();
            let payments = api.get("/v1/invoice_payments", &format!("invoice={invoice}")).await;
            assert_eq!(payments.list("data").len(), 1, "one payment an invoice");
            let intent = payments.list("data")[0]["payment"].s("payment_intent").to_owned();
            let (mut given, mut owed) = (0, 0);
            for (part, way) in refunds {
                let (path, form) = match way {
                    0 => ("/v1/refunds", format!("payment_intent={intent}&amount={part}")),
                    1 => ("/v1/credit_notes", format!("invoice={invoice}&amount={part}&refund_amount={part}")),
                    _ => ("/v1/credit_notes", format!("invoice={invoice}&amount={part}&credit_amount={part}")),
                };
                if api.call("POST", path, &form, &[]).await.status == 200 {
                    if way == 2 { owed += part } else { given += part }
                }
            }
            let charge = api.get("/v1/charges", &format!("payment_intent={intent}")).await.list("data")[0].clone();
            assert!(given <= amount);
            assert_eq!((charge.i("amount"), charge.i("amount_refunded"), charge.b("refunded")), (amount, given, given == amount));
            let holder = api.get(&format!("/v1/customers/{customer}"), "").await;
            assert_eq!(holder.i("balance"), -owed);
            let after = api.get(&format!("/v1/invoices/{invoice}"), "").await;
            assert_eq!((after.s("status"), after.i("amount_paid")), ("paid", amount));
            let all = api.get("/v1/refunds", "limit=100").await;
            assert_eq!(all.list("data").iter().map(|one| one.i("amount")).sum::<i64>(), given);
        });
    }
}
