//! The sandbox through its own HTTP surface, on a clock that the test holds.

mod billing;
mod cards;
mod control;
mod faults;
mod lifecycle;
mod money;
mod pages;
mod portal;
mod properties;
mod protocol;
mod receiver;
mod shapes;
mod storage;
mod table;
mod webhooks;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{Request, Response};
use tower::ServiceExt;

use crate::core::{Read, Value};
use crate::{Config, Sandbox, Storage};

/// 2026-01-31 10:00:00 UTC: a month's end.
pub(super) const START: i64 = 1_769_853_600;

/// A sandbox with a held clock.
pub(super) struct Api {
    pub(super) sandbox: Sandbox,
    clock: Arc<AtomicI64>,
}

/// An answer.
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: axum::http::HeaderMap,
    pub(super) text: String,
}

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Api {
    /// In memory; on PostgreSQL when the whole suite is run for it (`tests/storage.rs`).
    pub(super) fn new() -> Self {
        Self::on(storage::chosen())
    }

    pub(super) fn on(storage: Storage) -> Self {
        let clock = Arc::new(AtomicI64::new(START));
        let own = clock.clone();
        let mut config = Config::new("http://sandbox.test");
        config.storage = storage;
        config.record = storage::env("STRIPE_SANDBOX_TEST_RECORD").map(Into::into);
        config.seed = Some([7; 32]);
        config.time = Arc::new(move || own.load(Ordering::Relaxed));
        Self {
            sandbox: Sandbox::new(config),
            clock,
        }
    }

    /// Moves the wall clock and does everything that is due.
    pub(super) async fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
        self.settle().await;
    }

    /// Does everything that is due.
    pub(super) async fn settle(&self) {
        while self.sandbox.pump().await.expect("time passes") {}
    }

    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        form: &str,
        headers: &[(&str, &str)],
    ) -> Got {
        let (uri, body) = if method == "GET" && !form.is_empty() {
            (format!("{path}?{form}"), String::new())
        } else {
            (path.to_owned(), form.to_owned())
        };
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header("authorization", "Bearer sk_test_123")
            .header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response: Response<Body> = self
            .sandbox
            .router()
            .oneshot(request.body(Body::from(body)).expect("a request"))
            .await
            .expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX)
            .await
            .unwrap_or_default();
        let got = Got {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        };
        if got.status == 200 && path.starts_with("/v1/") {
            shapes::check(&got.json(), &format!("{method} {path}"));
        }
        got
    }

    pub(super) async fn post(&self, path: &str, form: &str) -> Value {
        let got = self.call("POST", path, form, &[]).await;
        assert_eq!(got.status, 200, "POST {path} {form}: {}", got.text);
        got.json()
    }

    pub(super) async fn get(&self, path: &str, query: &str) -> Value {
        let got = self.call("GET", path, query, &[]).await;
        assert_eq!(got.status, 200, "GET {path} {query}: {}", got.text);
        got.json()
    }

    pub(super) async fn delete(&self, path: &str) -> Value {
        let got = self.call("DELETE", path, "", &[]).await;
        assert_eq!(got.status, 200, "DELETE {path}: {}", got.text);
        got.json()
    }

    /// The error of a call that must fail.
    pub(super) async fn refused(&self, method: &str, path: &str, form: &str) -> (u16, Value) {
        let got = self.call(method, path, form, &[]).await;
        assert!(
            got.status >= 400,
            "{method} {path} {form} should fail: {}",
            got.text
        );
        (got.status, got.json()["error"].clone())
    }

    /// A product's monthly price.
    pub(super) async fn price(&self, name: &str, amount: i64, extra: &str) -> String {
        let product = self.post("/v1/products", &format!("name={name}")).await;
        self.post(
            "/v1/prices",
            &format!(
                "product={}&currency=usd&unit_amount={amount}&recurring[interval]=month{extra}",
                product.s("id")
            ),
        )
        .await
        .s("id")
        .to_owned()
    }

    /// A customer with a card, on a test clock when one is named.
    pub(super) async fn customer(&self, card: &str, clock: &str) -> String {
        let clock = if clock.is_empty() {
            String::new()
        } else {
            format!("&test_clock={clock}")
        };
        let customer = self
            .post(
                "/v1/customers",
                &format!("email=ada@example.com&name=Ada{clock}"),
            )
            .await
            .s("id")
            .to_owned();
        let card = self
            .post(
                &format!("/v1/payment_methods/{card}/attach"),
                &format!("customer={customer}"),
            )
            .await
            .s("id")
            .to_owned();
        self.post(
            &format!("/v1/customers/{customer}"),
            &format!("invoice_settings[default_payment_method]={card}"),
        )
        .await;
        customer
    }

    pub(super) async fn clock(&self) -> String {
        self.post(
            "/v1/test_helpers/test_clocks",
            &format!("frozen_time={START}"),
        )
        .await
        .s("id")
        .to_owned()
    }

    pub(super) async fn advance(&self, clock: &str, to: i64) {
        let answer = self
            .post(
                &format!("/v1/test_helpers/test_clocks/{clock}/advance"),
                &format!("frozen_time={to}"),
            )
            .await;
        assert_eq!(answer.s("status"), "advancing");
        self.settle().await;
        assert_eq!(
            self.get(&format!("/v1/test_helpers/test_clocks/{clock}"), "")
                .await
                .s("status"),
            "ready"
        );
    }

    pub(super) async fn subscribe(&self, customer: &str, price: &str, extra: &str) -> Value {
        self.post(
            "/v1/subscriptions",
            &format!("customer={customer}&items[0][price]={price}{extra}"),
        )
        .await
    }

    /// The types of all events, oldest first; those of the clocks themselves left out.
    pub(super) async fn events(&self) -> Vec<String> {
        let kinds = self
            .sandbox
            .read(|state| {
                state
                    .events()
                    .map(|event| event.kind.to_string())
                    .collect::<Vec<_>>()
            })
            .await;
        kinds
            .expect("a state")
            .into_iter()
            .filter(|kind| !kind.starts_with("test_helpers"))
            .collect()
    }
}
