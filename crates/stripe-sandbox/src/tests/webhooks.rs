//! Web hooks against a receiver that fails first: signatures, retries, faults, sending again.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use super::Api;
use crate::core::{Read, Value};
use crate::webhooks::{deliver_due, sign};

/// What came, and what to answer next.
#[derive(Clone, Default)]
struct Inbox {
    calls: Arc<Mutex<Vec<(String, String)>>>,
    answers: Arc<Mutex<Vec<u16>>>,
}

async fn receive(State(inbox): State<Inbox>, headers: HeaderMap, body: String) -> StatusCode {
    let signature = headers["stripe-signature"]
        .to_str()
        .expect("text")
        .to_owned();
    inbox.calls.lock().expect("a lock").push((signature, body));
    let answer = inbox.answers.lock().expect("a lock").pop().unwrap_or(200);
    StatusCode::from_u16(answer).expect("a status")
}

async fn deliver(api: &Api) {
    while deliver_due(&api.sandbox).await.expect("deliveries") {}
}

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
    let inbox = Inbox::default();
    let router = Router::new()
        .route("/", post(receive))
        .with_state(inbox.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::select! {
        served = async { axum::serve(listener, router).await } => panic!("the receiver ended: {served:?}"),
        () = story(inbox, url) => {}
    }
}
