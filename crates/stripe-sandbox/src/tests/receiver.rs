//! Somebody who receives web hooks, and answers as he was told.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use super::Api;
use crate::webhooks::deliver_due;

/// What came, and what to answer next.
#[derive(Clone, Default)]
pub(super) struct Inbox {
    pub(super) calls: Arc<Mutex<Vec<(String, String)>>>,
    pub(super) answers: Arc<Mutex<Vec<u16>>>,
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

/// Sends all that is due.
pub(super) async fn deliver(api: &Api) {
    while deliver_due(&api.sandbox).await.expect("deliveries") {}
}

/// Runs a story with a receiver on an address of its own.
pub(super) async fn with_receiver<F: Future<Output = ()>>(story: impl FnOnce(Inbox, String) -> F) {
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
