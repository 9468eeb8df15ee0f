//! A small OpenID Connect provider that says whatever a test wants it to say.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::{
    Form, Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::TcpListener,
    sync::{Arc, Mutex},
};
use time::OffsetDateTime;

/// What it says next: claims over the usual ones, by code.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

struct Inner {
    key: EncodingKey,
    public: Value,
    said: Mutex<HashMap<String, Value>>,
    /// What the last exchange sent.
    sent: Mutex<HashMap<String, String>>,
}

impl Issuer {
    pub(crate) fn start(tasks: &kernel::tasks::Tasks) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let public = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "1",
            "x": BASE64.encode(&point[1..33]), "y": BASE64.encode(&point[33..65])});
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Self {
            url,
            inner: Arc::new(Inner {
                key: EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()),
                public,
                said: Mutex::default(),
                sent: Mutex::default(),
            }),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .with_state(issuer.clone());
        tasks.spawn("issuer", async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        issuer
    }

    /// What the token for this code says.
    pub(crate) fn says(&self, code: &str, claims: Value) {
        self.inner
            .said
            .lock()
            .unwrap()
            .insert(code.to_owned(), claims);
    }

    pub(crate) fn was_sent(&self, field: &str) -> Option<String> {
        self.inner.sent.lock().unwrap().get(field).cloned()
    }
}

async fn discovery(State(issuer): State<Issuer>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", issuer.url);
    Json(json!({
        "issuer": issuer.url,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn jwks(State(issuer): State<Issuer>) -> Json<Value> {
    Json(json!({ "keys": [issuer.inner.public] }))
}

async fn token(
    State(issuer): State<Issuer>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let said = issuer.inner.said.lock().unwrap().remove(&form["code"]);
    *issuer.inner.sent.lock().unwrap() = form;
    let Some(said) = said else {
        let body = json!({"error": "invalid_grant"});
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the library reads the machine's clock"
    )]
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let mut claims = json!({"iss": issuer.url, "aud": "portico", "iat": now, "exp": now + 300});
    for (name, value) in said.as_object().unwrap() {
        claims[name] = match value.as_i64() {
            // Times are said from now on.
            Some(seconds) if name == "exp" => json!(now + seconds),
            _ => value.clone(),
        };
    }
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("1".into());
    let token = encode(&header, &claims, &issuer.inner.key).unwrap();
    Json(json!({"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": token}))
        .into_response()
}
