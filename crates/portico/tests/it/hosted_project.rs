//! A hosted project for tests: another Portico, spoken to over its Stack Auth face, and a
//! sender that signs webhooks as Svix does. Beside it, one that signs whatever it is told.

use crate::{
    app::TestApp,
    person::{Answer, Person},
};
use ::identity::stack_auth::StackAuth;
use aws_lc_rs::{
    hmac,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::{Json, Router, routing::get};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

const SECRET: [u8; 24] = *b"a secret of both, shared";

/// Another Portico that is the hosted project.
pub(crate) struct Project {
    pub(crate) app: TestApp,
    pub(crate) id: Uuid,
    base: String,
    key: std::sync::Mutex<String>,
}

impl Project {
    pub(crate) async fn start() -> Self {
        let app = TestApp::new().await;
        let keys = StackAuth::new(&app.app.identity).keys().await.unwrap();
        Self {
            id: keys.project_id,
            base: keys.base_url.clone(),
            key: std::sync::Mutex::new(keys.secret().to_owned()),
            app,
        }
    }

    /// What an operator types in.
    pub(crate) fn body(&self) -> Value {
        json!({"project_id": self.id, "api_url": self.base,
            "secret_server_key": *self.key.lock().unwrap(), "webhook_secrets": [whsec(&SECRET)],
            "sign_up": true, "link_verified_email": false, "roles": []})
    }

    /// Another key from now on.
    pub(crate) async fn rotate_key(&self) {
        let keys = StackAuth::new(&self.app.app.identity)
            .rotate_secret_key()
            .await
            .unwrap();
        keys.secret().clone_into(&mut self.key.lock().unwrap());
    }

    /// Asks as a server of the project.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        let method: Method = method.parse().unwrap();
        let mut request = Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .request(method, format!("{}/api/v1{path}", self.base))
            .header("x-stack-project-id", self.id.to_string())
            .header("x-stack-access-type", "server")
            .header("x-stack-secret-server-key", &*self.key.lock().unwrap());
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = Answer::of(request).await;
        assert!(
            (200..300).contains(&answer.code),
            "{path}: {:#}",
            answer.body
        );
        answer.body
    }

    /// Somebody there, with a proved address.
    pub(crate) async fn person(&self, name: &str) -> Uuid {
        let body = json!({"primary_email": format!("{name}@example.org"),
            "primary_email_verified": true, "primary_email_auth_enabled": true,
            "display_name": name});
        let made = self.ask("POST", "/users", body).await;
        made["id"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) async fn change(&self, person: Uuid, change: Value) {
        self.ask("PATCH", &format!("/users/{person}"), change).await;
    }

    pub(crate) async fn remove(&self, person: Uuid) {
        self.ask("DELETE", &format!("/users/{person}"), Value::Null)
            .await;
    }

    /// Signs somebody in there; the access token.
    pub(crate) async fn token(&self, person: Uuid) -> String {
        let made = self
            .ask("POST", "/auth/sessions", json!({"user_id": person}))
            .await;
        made["access_token"].as_str().unwrap().to_owned()
    }

    /// Signs somebody out there, everywhere.
    pub(crate) async fn sign_out(&self, person: Uuid) {
        let path = format!("/auth/sessions?user_id={person}");
        let list = self.ask("GET", &path, Value::Null).await;
        for session in list["items"].as_array().unwrap() {
            let id = session["id"].as_str().unwrap();
            let path = format!("/auth/sessions/{id}?user_id={person}");
            self.ask("DELETE", &path, Value::Null).await;
        }
    }
}

pub(crate) fn whsec(key: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(key))
}

/// A webhook on its way, signed as Svix documents it.
pub(crate) struct Webhook {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) key: Vec<u8>,
}

impl Webhook {
    pub(crate) fn new(kind: &str, data: &Value) -> Self {
        Self {
            id: format!("msg_{}", Uuid::now_v7().simple()),
            body: json!({"type": kind, "data": data}).to_string(),
            key: SECRET.to_vec(),
        }
    }

    /// Delivers it; it may be delivered again.
    pub(crate) async fn send(&self, to: &TestApp) -> Answer {
        self.send_at(to, to.clock.now()).await
    }

    pub(crate) async fn send_at(&self, to: &TestApp, at: OffsetDateTime) -> Answer {
        let at = at.unix_timestamp().to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        let code = hmac::sign(&key, format!("{}.{at}.{}", self.id, self.body).as_bytes());
        let request = Person::new(&to.url)
            .raw("POST", "/api/v1/hosted-stack/webhooks")
            .header("content-type", "application/json")
            .header("svix-id", &self.id)
            .header("svix-timestamp", at)
            .header("svix-signature", format!("v1,{}", STANDARD.encode(code)))
            .body(self.body.clone());
        Answer::of(request).await
    }
}

/// A project that signs whatever it is told.
pub(crate) struct Forger {
    pub(crate) id: Uuid,
    pub(crate) url: String,
    key: EncodingKey,
}

impl Forger {
    pub(crate) fn start(tasks: &kernel::tasks::Tasks) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let jwks = json!({"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
            "kid": "one", "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
            "y": URL_SAFE_NO_PAD.encode(&point[33..65])}]});
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let nobody = || async { Json(json!({"items": [], "is_paginated": false})) };
        let router = Router::new()
            .route(
                "/api/v1/projects/{id}/.well-known/jwks.json",
                get(move || async move { Json(jwks) }),
            )
            .route("/api/v1/users", get(nobody))
            .route("/api/v1/auth/sessions", get(nobody));
        tasks.spawn("forger", async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        Self {
            id: Uuid::new_v4(),
            url,
            key: EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()),
        }
    }

    /// A token like the project's own, but for these claims and this header.
    pub(crate) fn token(&self, now: OffsetDateTime, claims: &Value, header: &Header) -> String {
        let now = now.unix_timestamp();
        let mut all = json!({
            "sub": Uuid::new_v4(), "iss": format!("{}/api/v1/projects/{}", self.url, self.id),
            "aud": self.id, "iat": now, "exp": now + 600, "project_id": self.id,
            "branch_id": "main", "refresh_token_id": Uuid::new_v4(), "role": "authenticated",
            "name": null, "email": "ada@example.org", "email_verified": true,
            "selected_team_id": null, "signed_up_at": now, "is_anonymous": false,
            "is_restricted": false, "restricted_reason": null, "requires_totp_mfa": false,
        });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        match header.alg {
            Algorithm::ES256 => encode(header, &all, &self.key).unwrap(),
            // The public key as a shared secret, the oldest trick.
            _ => encode(header, &all, &EncodingKey::from_secret(b"one")).unwrap(),
        }
    }
}

/// The usual header, under this key's id.
pub(crate) fn header(kid: &str) -> Header {
    Header {
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::ES256)
    }
}
