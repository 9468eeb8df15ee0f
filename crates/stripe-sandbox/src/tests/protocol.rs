//! The protocol: keys, forms, strictness, idempotency, lists, expansion, errors.

use super::Api;
use crate::core::{Read, json};

#[tokio::test]
async fn keys_are_checked_and_live_ones_refused() {
    let api = Api::new();
    let live = api
        .call(
            "GET",
            "/v1/account",
            "",
            &[("authorization", "Bearer sk_live_1")],
        )
        .await;
    assert_eq!(
        live.status, 200,
        "the first header counts, and it is the test's own"
    );
    for (header, code) in [
        ("Bearer sk_live_abc", "livemode_mismatch"),
        ("Bearer nonsense", "api_key_invalid"),
        ("Basic c2tfbGl2ZV9hOg==", "livemode_mismatch"),
    ] {
        let request = axum::http::Request::builder()
            .uri("/v1/account")
            .header("authorization", header)
            .body(axum::body::Body::empty())
            .expect("a request");
        let answer = tower::ServiceExt::oneshot(api.sandbox.router(), request)
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 401);
        let body = axum::body::to_bytes(answer.into_body(), 10_000)
            .await
            .expect("a body");
        let error: crate::core::Value = serde_json::from_slice(&body).expect("json");
        assert_eq!(error["error"].s("code"), code);
    }
    // "sk_test_1:" in base64, as curl -u sends it.
    let request = axum::http::Request::builder()
        .uri("/v1/account")
        .header("authorization", "Basic c2tfdGVzdF8xOg==")
        .body(axum::body::Body::empty())
        .expect("a request");
    assert_eq!(
        tower::ServiceExt::oneshot(api.sandbox.router(), request)
            .await
            .expect("an answer")
            .status(),
        200
    );
}

#[tokio::test]
async fn parameters_are_strict() {
    let api = Api::new();
    let (status, error) = api.refused("POST", "/v1/customers", "emial=a@b.c").await;
    assert_eq!(
        (status, error.s("code"), error.s("param")),
        (400, "parameter_unknown", "emial")
    );
    let (_, error) = api
        .refused("POST", "/v1/subscriptions", "customer=c&items[0][prise]=x")
        .await;
    assert_eq!(error.s("param"), "items[0][prise]");
    let (_, error) = api.refused("POST", "/v1/prices", "unit_amount=5").await;
    assert_eq!(
        (error.s("code"), error.s("param")),
        ("parameter_missing", "currency")
    );
    let (_, error) = api
        .refused("POST", "/v1/prices", "currency=usd&unit_amount=five")
        .await;
    assert_eq!(error.s("code"), "parameter_invalid_integer");
    let (_, error) = api
        .refused(
            "POST",
            "/v1/subscriptions",
            "customer=c&items[0][price]=x&payment_behavior=hope",
        )
        .await;
    assert_eq!(error.s("param"), "payment_behavior");
    let (_, error) = api
        .refused(
            "POST",
            "/v1/subscriptions",
            "customer=c&automatic_tax[enabled]=true",
        )
        .await;
    assert_eq!(error.s("code"), "sandbox_unsupported");
    let (_, error) = api
        .refused(
            "POST",
            "/v1/checkout/sessions",
            "payment_method_types[0]=card",
        )
        .await;
    assert_eq!(error.s("code"), "parameter_unknown", "removed in endive");
    assert_eq!(api.refused("GET", "/v1/terminal/readers", "").await.0, 404);
}

#[tokio::test]
async fn what_is_not_imitated_is_said_and_not_ignored() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let customer = api.customer("pm_card_visa", "").await;
    let sub = format!("customer={customer}&items[0][price]={price}");
    let session =
        format!("mode=subscription&line_items[0][price]={price}&success_url=https://example.com");
    for (path, form) in [
        ("/v1/subscriptions", format!("{sub}&automatic_tax[enabled]=true")),
        ("/v1/checkout/sessions", format!("{session}&automatic_tax[enabled]=true")),
        ("/v1/checkout/sessions", format!("{session}&ui_mode=embedded_page")),
        ("/v1/payment_methods", "type=sepa_debit".to_owned()),
        ("/v1/payment_intents", "amount=100&currency=usd&capture_method=manual".to_owned()),
        ("/v1/prices", "currency=usd&product_data[name]=x&recurring[interval]=month&recurring[usage_type]=metered&unit_amount=1".to_owned()),
    ] {
        let (status, error) = api.refused("POST", path, &form).await;
        assert_eq!((status, error.s("code")), (400, "sandbox_unsupported"), "{path} {form}: {error}");
    }
}

#[tokio::test]
async fn an_unknown_version_is_refused() {
    let api = Api::new();
    assert_eq!(
        api.call(
            "GET",
            "/v1/account",
            "",
            &[("stripe-version", "2020-08-27")]
        )
        .await
        .status,
        400
    );
    let got = api
        .call(
            "GET",
            "/v1/account",
            "",
            &[("stripe-version", "2026-10-28.endive")],
        )
        .await;
    assert_eq!(
        (
            got.status,
            got.headers["stripe-version"].to_str().expect("text")
        ),
        (200, "2026-10-28.endive")
    );
    assert!(got.headers.contains_key("request-id"));
}

#[tokio::test]
async fn an_idempotency_key_gives_the_same_answer_again() {
    let api = Api::new();
    let key = [("idempotency-key", "k1")];
    let first = api.call("POST", "/v1/customers", "name=Ada", &key).await;
    let second = api.call("POST", "/v1/customers", "name=Ada", &key).await;
    assert_eq!(first.text, second.text);
    assert_eq!(second.headers["idempotent-replayed"], "true");
    assert_eq!(api.get("/v1/customers", "").await.list("data").len(), 1);
    let other = api.call("POST", "/v1/customers", "name=Bob", &key).await;
    assert_eq!(
        (other.status, other.json()["error"].s("type").to_owned()),
        (400, "idempotency_error".into())
    );
    // What failed validation is not kept.
    let key = [("idempotency-key", "k2")];
    assert_eq!(
        api.call("POST", "/v1/customers", "nmae=Ada", &key)
            .await
            .status,
        400
    );
    assert_eq!(
        api.call("POST", "/v1/customers", "name=Ada", &key)
            .await
            .status,
        200
    );
    api.pass(90_000).await;
    assert_eq!(
        api.call("POST", "/v1/customers", "name=Carol", &key)
            .await
            .status,
        200,
        "a key is free after a day"
    );
}

#[tokio::test]
async fn a_running_request_holds_its_key() {
    let api = Api::new();
    let held = api.sandbox.claim_key("k").expect("free");
    let got = api
        .call(
            "POST",
            "/v1/customers",
            "name=Ada",
            &[("idempotency-key", "k")],
        )
        .await;
    assert_eq!(
        (got.status, got.json()["error"].s("code").to_owned()),
        (409, "idempotency_key_in_use".into())
    );
    drop(held);
    assert_eq!(
        api.call(
            "POST",
            "/v1/customers",
            "name=Ada",
            &[("idempotency-key", "k")]
        )
        .await
        .status,
        200
    );
}

#[tokio::test]
async fn faults_happen_when_asked_for() {
    let api = Api::new();
    let fault = |name: &'static str| [("sandbox-fault", name)];
    let got = api
        .call("POST", "/v1/customers", "name=Ada", &fault("429"))
        .await;
    assert_eq!(
        (
            got.status,
            got.headers["stripe-should-retry"].to_str().expect("text")
        ),
        (429, "true")
    );
    assert_eq!(
        api.call("POST", "/v1/customers", "name=Ada", &fault("500"))
            .await
            .status,
        500
    );
    assert!(api.get("/v1/customers", "").await.list("data").is_empty());
    let lost = api
        .call(
            "POST",
            "/v1/customers",
            "name=Ada",
            &fault("timeout-after-commit"),
        )
        .await;
    assert!(lost.text.is_empty(), "the answer broke off");
    assert_eq!(
        api.get("/v1/customers", "").await.list("data").len(),
        1,
        "and the command was done"
    );
}

#[tokio::test]
async fn lists_have_cursors() {
    let api = Api::new();
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.insert(
            0,
            api.post("/v1/customers", &format!("name=c{n}"))
                .await
                .s("id")
                .to_owned(),
        );
    }
    let names = |list: &crate::core::Value| {
        list.list("data")
            .iter()
            .map(|one| one.s("id").to_owned())
            .collect::<Vec<_>>()
    };
    let first = api.get("/v1/customers", "limit=2").await;
    assert_eq!(
        (names(&first), first.b("has_more"), first.s("url")),
        (ids[..2].to_vec(), true, "/v1/customers")
    );
    let next = api
        .get(
            "/v1/customers",
            &format!("limit=3&starting_after={}", ids[1]),
        )
        .await;
    assert_eq!(
        (names(&next), next.b("has_more")),
        (ids[2..].to_vec(), false)
    );
    let back = api
        .get(
            "/v1/customers",
            &format!("limit=2&ending_before={}", ids[3]),
        )
        .await;
    assert_eq!(
        (names(&back), back.b("has_more")),
        (ids[1..3].to_vec(), true)
    );
    assert_eq!(
        api.refused("GET", "/v1/customers", "limit=101").await.0,
        400
    );
    assert_eq!(
        api.refused("GET", "/v1/customers", "starting_after=cus_no")
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn metadata_merges_and_unsets() {
    let api = Api::new();
    let id = api
        .post("/v1/customers", "metadata[a]=1&metadata[b]=2")
        .await
        .s("id")
        .to_owned();
    let path = format!("/v1/customers/{id}");
    assert_eq!(
        api.post(&path, "metadata[b]=&metadata[c]=3").await["metadata"],
        json!({"a": "1", "c": "3"})
    );
    assert_eq!(api.post(&path, "metadata=").await["metadata"], json!({}));
    assert_eq!(api.post(&path, "email=a@b.c").await.s("email"), "a@b.c");
    assert!(api.post(&path, "name=").await["name"].is_null());
    assert_eq!(
        api.delete(&path).await,
        json!({"id": id, "object": "customer", "deleted": true})
    );
    assert_eq!(
        api.get(&path, "").await,
        json!({"id": id, "object": "customer", "deleted": true})
    );
    assert_eq!(api.refused("POST", &path, "name=x").await.0, 404);
}

#[tokio::test]
async fn expansion_goes_deep_and_into_lists() {
    let api = Api::new();
    let price = api.price("Gold", 1000, "").await;
    let customer = api.customer("pm_card_visa", "").await;
    let sub = api.subscribe(&customer, &price, "&expand[]=latest_invoice.payments.data.payment.payment_intent&expand[]=items.data.price.product&expand[]=customer").await;
    assert_eq!(
        sub["latest_invoice"].list("payments")[0]["payment"]["payment_intent"].s("status"),
        "succeeded"
    );
    assert_eq!(sub.list("items")[0]["price"]["product"].s("name"), "Gold");
    assert_eq!(sub["customer"].s("email"), "ada@example.com");
    let list = api
        .get("/v1/subscriptions", "expand[]=data.latest_invoice")
        .await;
    assert_eq!(list.list("data")[0]["latest_invoice"].s("status"), "paid");
    assert_eq!(
        api.refused("GET", "/v1/subscriptions", "expand[]=data.nonsense")
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn real_looking_cards_are_refused_and_forgotten() {
    let api = Api::new();
    let (status, error) = api.refused("POST", "/v1/payment_methods", "type=card&card[number]=4539578763621486&card[exp_month]=1&card[exp_year]=2030&card[cvc]=123").await;
    assert_eq!((status, error.s("code")), (402, "card_declined"));
    assert!(!error.to_string().contains("4539"));
    let card = api.post("/v1/payment_methods", "type=card&card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=2030&card[cvc]=123").await;
    assert_eq!(
        (card["card"].s("last4"), card["card"].s("brand")),
        ("4242", "visa")
    );
    assert!(!card.to_string().contains("42424242"));
}

mod fuzz {
    use proptest::prelude::*;

    use super::super::Api;
    use crate::engine::routes::ROUTES;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        /// No request bytes make an operation panic or answer outside the protocol.
        #[test]
        fn no_request_panics(at in 0..ROUTES.len(), body in "[a-z_]{0,12}(\\[[a-z0-9]{0,3}\\]){0,3}=[ -~]{0,12}(&[a-z_]{0,12}=[ -~]{0,9}){0,4}", id in "[a-zA-Z0-9_]{1,12}") {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let got = runtime.block_on(async {
                let api = Api::new();
                let (method, pattern, _) = ROUTES[at];
                let form: String = body.chars().filter(|c| *c != '#' && *c != ' ' && *c != '"' && *c != '<' && *c != '>' && *c != '`' && *c != '{' && *c != '}' && *c != '|' && *c != '\\' && *c != '^').collect();
                api.call(method, &pattern.replace("{id}", &id), &form, &[]).await
            });
            prop_assert!(matches!(got.status, 200 | 400 | 402 | 404), "{} {}", got.status, got.text);
        }
    }
}
