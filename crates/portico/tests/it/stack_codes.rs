//! Codes that an app trades for tokens: sent to whole addresses only, and what a code has opened
//! ends when it comes a second time. The rest is driven by the SDK itself (`contracts/stack-auth`).

use crate::{
    person::{Answer, Person},
    providers::{Place, ada, place},
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use serde_json::{Value, json};
use std::collections::HashMap;

const BACK: &str = "http://localhost:3000/handler/oauth-callback";
const VERIFIER: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";

struct Trip<'a> {
    place: &'a Place,
    project: String,
    person: Person,
}

impl<'a> Trip<'a> {
    async fn of(place: &'a Place) -> Self {
        let project = place
            .app
            .value("select id::text from identity.stack_project")
            .await;
        Self {
            place,
            project,
            person: place.app.visitor(),
        }
    }

    async fn leave(&self, redirect_uri: &str) -> Answer {
        let challenge = BASE64.encode(digest(&SHA256, VERIFIER.as_bytes()));
        let query = [
            ("client_id", self.project.as_str()),
            ("client_secret", "__stack_public_client__"),
            ("redirect_uri", redirect_uri),
            ("scope", "legacy"),
            ("state", "s"),
            ("grant_type", "authorization_code"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("response_type", "code"),
            ("type", "authenticate"),
            ("stack_response_mode", "json"),
        ];
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        let path = format!("/stack/api/v1/auth/oauth/authorize/work?{query}");
        Answer::of(self.person.raw("GET", &path)).await
    }

    /// The code that the app's page is handed.
    async fn code(&self) -> String {
        let left = self.leave(BACK).await.status(200);
        let out: url::Url = left.body["location"].as_str().unwrap().parse().unwrap();
        let out: HashMap<String, String> = out.query_pairs().into_owned().collect();
        let mut claims = ada();
        claims["nonce"] = json!(out["nonce"]);
        self.place.issuer.says("theirs", claims);
        let path = format!(
            "/stack/api/v1/auth/oauth/callback/work?state={}&code=theirs",
            out["state"]
        );
        let back = self.person.once("GET", &path).await;
        let back: url::Url = back.header("location").parse().unwrap();
        assert!(back.as_str().starts_with(BACK), "{back}");
        let query: HashMap<String, String> = back.query_pairs().into_owned().collect();
        query["code"].clone()
    }

    async fn trade(&self, code: &str, verifier: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", verifier),
            ("client_id", self.project.as_str()),
            ("client_secret", "__stack_public_client__"),
        ];
        let path = "/stack/api/v1/auth/oauth/token";
        Answer::of(self.person.form(path, &form)).await
    }

    async fn stands(&self, tokens: &Value) -> u16 {
        let token = tokens["access_token"].as_str().unwrap();
        let request = self.person.raw("GET", "/api/v1/me").bearer_auth(token);
        Answer::of(request).await.code
    }
}

#[tokio::test]
async fn a_code_that_comes_twice_ends_what_it_has_opened() {
    let place = place("").await;
    let trip = Trip::of(&place).await;
    let code = trip.code().await;
    let tokens = trip.trade(&code, VERIFIER).await.status(200).body;
    assert_eq!(trip.stands(&tokens).await, 200);
    let again = trip.trade(&code, VERIFIER).await;
    assert_eq!(again.body["code"], "INVALID_AUTHORIZATION_CODE");
    assert_eq!(trip.stands(&tokens).await, 401);
    // It ends that one session, and the owner is told.
    let because: String = place
        .app
        .value("select ended_because from identity.sessions order by id desc limit 1")
        .await;
    assert_eq!(because, "code_reused");
    place.app.drain().await;
    let mails = place.app.mails("ada@example.org").await;
    let subject = mails[0]["subject"].as_str().unwrap();
    assert!(
        subject.contains("signed one of your devices out"),
        "{subject}"
    );
    // A third time finds nothing.
    trip.trade(&code, VERIFIER).await.status(400);
}

#[tokio::test]
async fn of_two_who_trade_a_code_at_once_none_keeps_a_session() {
    let place = place("").await;
    let trip = Trip::of(&place).await;
    for _ in 0..5 {
        let code = trip.code().await;
        let (one, other) = tokio::join!(trip.trade(&code, VERIFIER), trip.trade(&code, VERIFIER));
        for answer in [one, other] {
            if answer.code == 200 {
                assert_eq!(trip.stands(&answer.body).await, 401);
            }
        }
    }
    let open: i64 = place
        .app
        .value("select count(*) from identity.sessions where ended_at is null")
        .await;
    assert_eq!(open, 0);
}

#[tokio::test]
async fn a_wrong_answer_costs_the_code() {
    let place = place("").await;
    let trip = Trip::of(&place).await;
    let code = trip.code().await;
    trip.trade(&code, &"w".repeat(48)).await.status(400);
    trip.trade(&code, VERIFIER).await.status(400);
    let open: i64 = place
        .app
        .value("select count(*) from identity.sessions")
        .await;
    assert_eq!(open, 0);
}

#[tokio::test]
async fn a_code_is_sent_to_no_address_that_only_looks_like_a_known_one() {
    let place = place("").await;
    let trip = Trip::of(&place).await;
    trip.leave(&format!("{}/handler/oauth-callback", place.app.url))
        .await
        .status(200);
    for elsewhere in [
        "https://app.example.org/handler/oauth-callback",
        "https://localhost.evil.test/handler/oauth-callback",
        "javascript:alert(1)",
    ] {
        let refused = trip.leave(elsewhere).await.status(400);
        assert_eq!(refused.body["code"], "REDIRECT_URL_NOT_WHITELISTED");
    }
}
