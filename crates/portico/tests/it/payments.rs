//! What is sold: a member pays at the provider's page, and everybody concerned sees it at once.
//! The provider is the sandbox that a server on this machine runs; its pages are used by their
//! forms, its web hooks come as they come.

mod shop;

use self::shop::{DECLINED, GOOD, Shop};
use crate::{
    app::{TestApp, eventually},
    realtime::Socket,
};
use insta::assert_json_snapshot;
use serde_json::{Value, json};

#[tokio::test]
async fn what_a_member_pays_is_seen_at_once_by_both_sides() {
    let shop = Shop::open().await;
    let (ada, bob) = (shop.app.member("ada").await, shop.app.member("bob").await);
    let tables = ["billing.payments"];
    let mut hers = Socket::listening(&shop.app, &ada, &tables).await;
    let mut theirs = Socket::listening(&shop.app, &shop.staff, &tables).await;
    let mut his = Socket::listening(
        &shop.app,
        &bob,
        &["billing.payments", "billing.memberships"],
    )
    .await;
    shop.subscribe(&ada, "rower").await;
    for socket in [&mut hers, &mut theirs] {
        let told = socket.until(|change| change["type"] == "INSERT").await;
        assert_eq!(told["record"]["amount"], 2400, "{told}");
        assert_eq!(told["record"]["user_id"], json!(ada.id()), "{told}");
    }
    // What the other member hears of is their own.
    shop.subscribe(&bob, "friend").await;
    let first = his.change().await;
    assert_eq!(first["record"]["user_id"], json!(bob.id()), "{first}");

    assert_json_snapshot!(
        "a_member_paid",
        without_addresses(ada.get("/me/payments").await.steady())
    );
    assert_json_snapshot!(
        "what_staff_see_of_it",
        without_addresses(
            shop.staff
                .get(&format!("/payments?user={}", ada.id()))
                .await
                .steady()
        )
    );
    assert_json_snapshot!(
        "what_is_offered_to_a_subscriber",
        ada.get("/me/offers").await.steady()
    );
    let holders = shop.staff.get("/tiers").await.status(200).body;
    assert_eq!(
        (
            &holders["items"][0]["holders"],
            &holders["items"][1]["holders"]
        ),
        (&json!(1), &json!(1))
    );
    assert_eq!(shop.all().await.len(), 2);
    let paid = shop
        .staff
        .get("/payments?status=failed")
        .await
        .status(200)
        .body;
    assert_eq!(paid["items"], json!([]));
}

/// Numbers and addresses of invoices are the sandbox's own.
fn without_addresses(mut answer: Value) -> Value {
    for item in answer["body"]["items"].as_array_mut().unwrap() {
        for field in ["invoice_number", "invoice_url"] {
            assert!(item[field].is_string(), "{item}");
            item[field] = json!("[its]");
        }
    }
    answer
}

#[tokio::test]
async fn who_has_a_subscription_buys_no_second_and_a_second_page_ends_the_first() {
    let shop = Shop::open().await;
    let ada = shop.app.member("ada").await;
    let first = shop.checkout(&ada, "friend").await;
    let second = shop.checkout(&ada, "rower").await;
    shop.pay(&ada, &first, GOOD).await;
    shop.pay(&ada, &second, GOOD).await;
    shop.until_held(&ada, Some("rower")).await;
    shop.until_paid(&ada, "paid").await;
    assert_eq!(shop.all().await.len(), 1, "paid twice");
    let price = shop.price(&ada, "friend").await;
    let refused = ada.post("/me/checkout", json!({"price": price})).await;
    assert_eq!(refused.status(409).body["code"], "subscribed_already");
}

#[tokio::test]
async fn who_has_just_paid_buys_no_second_although_nobody_has_heard_of_it_yet() {
    let shop = Shop::open().await;
    let ada = shop.app.member("ada").await;
    shop.control(&[("mode", "drop")]).await;
    let page = shop.checkout(&ada, "rower").await;
    shop.pay(&ada, &page, GOOD).await;
    let price = shop.price(&ada, "friend").await;
    let refused = ada.post("/me/checkout", json!({"price": price})).await;
    assert_eq!(refused.status(409).body["code"], "subscribed_already");
}

#[tokio::test]
async fn a_declined_card_is_told_and_opens_nothing() {
    let shop = Shop::open().await;
    let ada = shop.app.member("ada").await;
    let page = shop.checkout(&ada, "rower").await;
    assert_eq!(shop.pay(&ada, &page, DECLINED).await, 402);
    eventually("the failed payment", async || {
        shop.app.drain().await;
        shop.all().await.iter().any(|one| one["status"] == "failed") || shop.all().await.is_empty()
    })
    .await;
    let held = ada.get("/me/membership").await.status(200).body;
    assert_eq!(held["membership"], Value::Null);
    // The same page takes another card.
    shop.pay(&ada, &page, GOOD).await;
    shop.until_held(&ada, Some("rower")).await;
}

#[tokio::test]
async fn a_subscription_that_ends_takes_its_tier_along_but_none_that_staff_gave() {
    let shop = Shop::open().await;
    let (ada, bob) = (shop.app.member("ada").await, shop.app.member("bob").await);
    for member in [&ada, &bob] {
        shop.subscribe(member, "rower").await;
        let portal = member
            .post("/me/billing-portal", json!({}))
            .await
            .status(201);
        let page = shop.path(&portal.body["url"]);
        let sub: String = shop
            .app
            .value(&format!(
                "select id from billing.subscriptions where user_id = '{}'",
                member.id()
            ))
            .await;
        let end = member
            .form(&page, &[("do", "cancel"), ("sub", &sub)])
            .send()
            .await
            .unwrap();
        assert!(end.status().is_success(), "{}", end.status());
        eventually("the end is known", async || {
            shop.app.drain().await;
            let held = member.get("/me/membership").await.status(200).body;
            !held["membership"]["until"].is_null()
        })
        .await;
    }
    let offers = ada.get("/me/offers").await.status(200).body;
    assert_eq!(
        offers["subscription"]["ends_at"],
        offers["subscription"]["period_ends_at"]
    );
    // Staff give one of them a tier for good in between.
    let path = format!("/users/{}/membership", bob.id());
    shop.staff
        .put(&path, json!({"tier": "friend"}))
        .await
        .status(200);
    shop.control(&[("do", "renewal")]).await;
    shop.until_held(&ada, None).await;
    shop.until_held(&bob, Some("friend")).await;
    let offers = ada.get("/me/offers").await.status(200).body;
    assert_eq!(offers["subscription"], Value::Null);
    // And she can come back.
    shop.subscribe(&ada, "friend").await;
}

#[tokio::test]
async fn staff_see_what_somebody_pays_and_can_end_it() {
    let shop = Shop::open().await;
    let ada = shop.app.member("ada").await;
    let of_hers = |what: &str| format!("/users/{}/{what}", ada.id());
    let none = shop.staff.delete(&of_hers("subscription")).await;
    none.status(404);
    shop.subscribe(&ada, "rower").await;
    let held = shop
        .staff
        .get(&of_hers("membership"))
        .await
        .status(200)
        .body;
    assert_eq!(held["subscription"]["amount"], 2400);
    assert_eq!(held["subscription"]["ends_at"], Value::Null);
    shop.staff
        .delete(&of_hers("subscription"))
        .await
        .status(204);
    // It is known when the answer is there.
    let held = shop
        .staff
        .get(&of_hers("membership"))
        .await
        .status(200)
        .body;
    let ends = &held["subscription"]["ends_at"];
    assert!(ends.is_string());
    assert_eq!(&held["membership"]["until"], ends);
    // Twice is once.
    shop.staff
        .delete(&of_hers("subscription"))
        .await
        .status(204);
    let mine = ada.get("/me/membership").await.status(200).body;
    assert_eq!(mine.get("subscription"), None);
}

#[tokio::test]
async fn who_leaves_pays_no_more_and_the_books_stay() {
    let shop = Shop::open().await;
    let ada = shop.app.member("ada").await;
    shop.subscribe(&ada, "rower").await;
    let user = ada.id();
    shop.app
        .app
        .billing
        .forget(&mut shop.app.app.db.begin().await.unwrap(), user.into())
        .await
        .unwrap();
    // What was not committed did not happen.
    shop.until_held(&ada, Some("rower")).await;
    let mut tx = shop.app.app.db.begin().await.unwrap();
    shop.app
        .app
        .billing
        .forget(&mut tx, user.into())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    shop.app.drain().await;
    let customers: i64 = shop
        .app
        .value("select count(*) from billing.customers")
        .await;
    assert_eq!(customers, 0);
    let status = "select body->>'status' from stripe_sandbox.objects where kind = 'subscription'";
    let status: String = shop.app.value(status).await;
    assert_eq!(status, "canceled");
    assert_eq!(shop.all().await.len(), 1);
}

#[tokio::test]
async fn web_hooks_that_come_twice_never_and_in_any_order_come_to_the_same() {
    let shop = Shop::open().await;
    let ada = shop.app.member("ada").await;
    for mode in ["shuffle", "duplicate"] {
        shop.control(&[("mode", mode)]).await;
    }
    shop.subscribe(&ada, "rower").await;
    assert_eq!(shop.all().await.len(), 1);
    // None comes, and what is missing is fetched.
    shop.control(&[("mode", "drop")]).await;
    let bob = shop.app.member("bob").await;
    let page = shop.checkout(&bob, "friend").await;
    shop.pay(&bob, &page, GOOD).await;
    shop.app.drain().await;
    let held = bob.get("/me/membership").await.status(200).body;
    assert_eq!(held["membership"], Value::Null, "a web hook came");
    shop.app.run(billing::jobs::CatchUp {}).await;
    shop.until_held(&bob, Some("friend")).await;
    shop.until_paid(&bob, "paid").await;
    let before = shop.all().await;
    shop.app.run(billing::jobs::CatchUp {}).await;
    assert_eq!(shop.all().await, before);
    let sent: i64 = shop
        .app
        .value("select count(*) from kernel.events where name = 'billing.payment_received'")
        .await;
    assert_eq!(sent, 2);
}

#[tokio::test]
async fn a_web_hook_that_never_came_is_found_behind_later_ones() {
    let shop = Shop::open().await;
    let (ada, bob) = (shop.app.member("ada").await, shop.app.member("bob").await);
    shop.app.run(billing::jobs::CatchUp {}).await;
    shop.control(&[("mode", "drop")]).await;
    let page = shop.checkout(&bob, "friend").await;
    shop.pay(&bob, &page, GOOD).await;
    shop.control(&[("mode", "drop")]).await;
    shop.control(&[("do", "day")]).await;
    shop.subscribe(&ada, "rower").await;
    shop.app.run(billing::jobs::CatchUp {}).await;
    shop.until_held(&bob, Some("friend")).await;
}

#[tokio::test]
async fn nobody_but_the_provider_says_what_was_paid() {
    let shop = Shop::open().await;
    let stranger = shop.app.visitor();
    let event = json!({"id": "evt_1", "type": "invoice.paid", "created": 1, "livemode": false,
        "data": {"object": {"id": "in_1"}}})
    .to_string();
    for (header, code) in [
        (None, "signature_missing"),
        (Some("t=1,v1=00"), "signature_invalid"),
        (Some("nonsense"), "signature_invalid"),
    ] {
        let mut request = stranger
            .raw("POST", "/api/v1/stripe/webhooks")
            .body(event.clone());
        if let Some(header) = header {
            request = request.header("stripe-signature", header);
        }
        let answer = crate::person::Answer::of(request).await.status(400);
        assert_eq!(answer.body["code"], code);
    }
    let kept: i64 = shop
        .app
        .value("select count(*) from billing.provider_events")
        .await;
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn a_price_is_replaced_and_never_changed() {
    let shop = Shop::open().await;
    let (ada, bob) = (shop.app.member("ada").await, shop.app.member("bob").await);
    shop.subscribe(&ada, "rower").await;
    let old = shop.price(&bob, "rower").await;
    let tiers = shop.staff.get("/tiers").await.status(200).body;
    let path = format!(
        "/tiers/{}/prices/month",
        tiers["items"][1]["id"].as_str().unwrap()
    );
    let dearer = json!({"currency": "eur", "amount": 3000});
    let new = shop.staff.put(&path, dearer.clone()).await.status(200).body;
    assert_ne!(new["id"], old);
    // The same again is the same.
    assert_eq!(shop.staff.put(&path, dearer).await.status(200).body, new);
    let refused = bob
        .post("/me/checkout", json!({"price": old}))
        .await
        .status(422);
    assert_eq!(refused.body["errors"][0]["field"], "price");
    shop.subscribe(&bob, "rower").await;
    let paid: Vec<_> = shop
        .all()
        .await
        .iter()
        .map(|one| one["amount"].clone())
        .collect();
    assert_eq!(paid, [json!(3000), json!(2400)]);
    // She goes on paying what she paid.
    let hers = ada.get("/me/offers").await.status(200).body;
    assert_eq!(hers["subscription"]["amount"], 2400);
    for (body, field) in [
        (json!({"currency": "euro", "amount": 3000}), "currency"),
        (json!({"currency": "eur", "amount": 1}), "amount"),
        (json!({"currency": "eur", "amount": -3000}), "amount"),
    ] {
        let refused = shop.staff.put(&path, body).await.status(422);
        assert_eq!(refused.body["errors"][0]["field"], field);
    }
    shop.staff.delete(&path).await.status(204);
    shop.staff.delete(&path).await.status(404);
    let unknown = format!("/tiers/{}/prices/month", uuid::Uuid::nil());
    let price = json!({"currency": "eur", "amount": 900});
    shop.staff.put(&unknown, price).await.status(404);
}

#[tokio::test]
async fn a_sandbox_that_was_emptied_is_told_everything_again() {
    let shop = Shop::open().await;
    let ada = shop.app.member("ada").await;
    shop.checkout(&ada, "rower").await;
    shop.control(&[("do", "reset")]).await;
    // Its web hooks are registered again at a start; until then what is missing is fetched.
    let page = shop.checkout(&ada, "rower").await;
    shop.pay(&ada, &page, GOOD).await;
    shop.app.run(billing::jobs::CatchUp {}).await;
    shop.until_held(&ada, Some("rower")).await;
}

#[tokio::test]
async fn nothing_is_sold_where_payments_are_off_and_a_public_server_takes_no_test_cards() {
    let app = TestApp::with(|config| config.billing.payments = billing::Payments::Off).await;
    let ada = app.member("ada").await;
    let offers = ada.get("/me/offers").await.status(200).body;
    assert_eq!(
        offers,
        json!({"on_sale": false, "items": [], "subscription": null})
    );
    let price = json!({"price": uuid::Uuid::nil()});
    let refused = ada.post("/me/checkout", price).await.status(409);
    assert_eq!(refused.body["code"], "payments_off");
    let refused = ada.post("/me/billing-portal", json!({})).await.status(409);
    assert_eq!(refused.body["code"], "payments_off");
    ada.raw("GET", "/_sandbox/pages/control")
        .send()
        .await
        .unwrap();
    // Behind a proxy on this machine, others come by the public address.
    let public = TestApp::with(|config| {
        config.public_url = Some("https://club.example.org/".parse().unwrap());
    })
    .await;
    assert!(public.app.till.is_none());
}
