//! Web hooks against a receiver that fails first: signatures, retries, faults, sending again.

use super::Api;
use super::receiver::{Inbox, deliver, with_receiver};
use crate::core::{Read, Value};
use crate::webhooks::sign;

async fn story(inbox: Inbox, url: String) {
    let api = Api::new();
    let endpoint = api
        .post(
            "/v1/webhook_endpoints",
            &format!("url={url}&enabled_events[0]=customer.created"),
        )
        .await;
    let secret = endpoint.s("secret").to_owned();
    let count = || inbox.calls.lock().expect("a lock").len();

    // The first answer is 500: it comes again after a minute of the sandbox's clock, and not before.
    inbox.answers.lock().expect("a lock").push(500);
    api.post("/v1/customers", "name=Ada").await;
    deliver(&api).await;
    assert_eq!(count(), 1);
    api.pass(59).await;
    deliver(&api).await;
    assert_eq!(count(), 1);
    let event = api.get("/v1/events", "type=customer.created").await;
    assert_eq!(event.list("data")[0].i("pending_webhooks"), 1);
    api.pass(1).await;
    deliver(&api).await;
    assert_eq!(count(), 2);
    let event = api.get("/v1/events", "type=customer.created").await;
    assert_eq!(event.list("data")[0].i("pending_webhooks"), 0);

    // Each is signed with the secret that was shown once, at the real time.
    let (signature, body) = inbox.calls.lock().expect("a lock")[1].clone();
    let at: i64 = signature[2..]
        .split(',')
        .next()
        .expect("a time")
        .parse()
        .expect("a number");
    assert_eq!(signature, sign::header(&[&secret], &body, at));
    let sent: Value = serde_json::from_str(&body).expect("json");
    assert_eq!(sent["data"]["object"].s("name"), "Ada");

    // Faults of one call: not sent at all, or twice. Types that were not asked for never come.
    let fault = |name: &'static str| [("sandbox-fault", name)];
    api.call("POST", "/v1/customers", "name=Bob", &fault("drop-webhooks"))
        .await;
    api.post("/v1/products", "name=Gold").await;
    deliver(&api).await;
    assert_eq!(count(), 2);
    api.call(
        "POST",
        "/v1/customers",
        "name=Cyd",
        &fault("duplicate-webhooks"),
    )
    .await;
    deliver(&api).await;
    assert_eq!(count(), 4);

    // What was dropped can be sent again.
    let dropped = api.sandbox.read(|state| {
        let mut all = state
            .all("_delivery")
            .filter(|one| one.s("status") == "dropped");
        all.next().map(|one| one.s("id").to_owned())
    });
    let dropped = dropped.await.expect("a state").expect("a dropped delivery");
    crate::webhooks::again(&api.sandbox, &dropped)
        .await
        .expect("sent again");
    deliver(&api).await;
    assert_eq!(count(), 5);
}

#[tokio::test]
async fn they_are_signed_retried_dropped_doubled_and_sent_again() {
    with_receiver(story).await;
}
