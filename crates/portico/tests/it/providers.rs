//! Signing in at a provider's: who is let in, and what is not believed.

use crate::{
    app::TestApp,
    person::{Answer, Person},
    provider::Issuer,
};
use insta::assert_json_snapshot;
use kernel::tasks::Tasks;
use serde_json::{Value, json};
use std::collections::HashMap;
use time::Duration;

pub(crate) struct Place {
    pub(crate) app: TestApp,
    pub(crate) issuer: Issuer,
    tasks: Tasks,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

pub(crate) async fn place(more: &str) -> Place {
    let tasks = Tasks::new();
    let issuer = Issuer::start(&tasks);
    let section = format!(
        "[work]\ntitle = 'Work'\nissuer = '{}'\nclient_id = 'portico'\nclient_secret = 's'\n{more}",
        issuer.url
    );
    let app = TestApp::with(|config| {
        config.identity.providers = toml::from_str(&section).unwrap();
    })
    .await;
    Place { app, issuer, tasks }
}

/// What a browser was sent off with.
struct Trip {
    state: String,
    nonce: String,
}

fn trip(answer: &Answer) -> Trip {
    let url: url::Url = answer.body["url"].as_str().unwrap().parse().unwrap();
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(query["code_challenge_method"], "S256");
    assert_eq!(query["response_type"], "code");
    Trip {
        state: query["state"].clone(),
        nonce: query["nonce"].clone(),
    }
}

async fn depart(person: &Person, next: Option<&str>) -> Trip {
    let path = "/providers/work/departures";
    trip(&person.post(path, json!({ "next": next })).await.status(201))
}

impl Place {
    /// The browser comes back; where it is led.
    async fn back(&self, person: &Person, state: &str, code: &str) -> String {
        let path = format!("/api/v1/providers/work/callback?state={state}&code={code}");
        let answer = person.once("GET", &path).await;
        assert_eq!(answer.code, 303, "{:#}", answer.body);
        answer.header("location").to_owned()
    }

    /// A whole trip, on which the provider says this.
    async fn trip(&self, person: &Person, claims: Value) -> String {
        let trip = depart(person, Some("/updates")).await;
        let mut claims = claims;
        if claims.get("nonce").is_none() {
            claims["nonce"] = json!(trip.nonce);
        }
        self.issuer.says("code", claims);
        self.back(person, &trip.state, "code").await
    }
}

pub(crate) fn ada() -> Value {
    json!({"sub": "ada-at-work", "email": "ada@example.org", "email_verified": true, "name": "Ada"})
}

fn problem(code: &str) -> String {
    format!("/sign-in?problem={code}&provider=work&next=%2Fupdates")
}

#[tokio::test]
async fn whoever_the_provider_has_proved_joins_and_comes_again() {
    let place = place("").await;
    let visitor = place.app.visitor();
    assert_eq!(place.trip(&visitor, ada()).await, "/updates");
    let me = visitor.get("/me").await.status(200);
    assert_json_snapshot!("joined_at_a_provider", me.steady());
    assert_eq!(place.issuer.was_sent("code_verifier").unwrap().len(), 43);

    // The address there may change; the subject is who it is.
    let mut moved = ada();
    moved["email"] = json!("ada.w@example.org");
    let elsewhere = place.app.visitor();
    assert_eq!(place.trip(&elsewhere, moved).await, "/updates");
    let again = elsewhere.get("/me").await.status(200);
    assert_eq!(again.body["id"], me.body["id"]);
    let linked = elsewhere.get("/me/providers").await;
    assert_json_snapshot!("linked_to_a_provider", linked.steady());
}

#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_asked_and_for_a_while() {
    let place = place("").await;
    let stale = "/sign-in?problem=provider_flow_stale&provider=work";
    let (visitor, other) = (place.app.visitor(), place.app.visitor());
    let away = depart(&visitor, None).await;
    place.issuer.says("code", ada());
    assert_eq!(place.back(&visitor, "guess", "code").await, stale);
    // Somebody else's browser, even one that is on a trip itself: and the answer is used up.
    depart(&other, None).await;
    assert_eq!(place.back(&other, &away.state, "code").await, stale);
    assert_eq!(place.back(&visitor, &away.state, "code").await, stale);
    let path = "/api/v1/providers/work/callback";
    assert_eq!(visitor.once("GET", path).await.header("location"), stale);

    let late = depart(&visitor, None).await;
    place.app.clock.advance(Duration::minutes(16));
    assert_eq!(place.back(&visitor, &late.state, "code").await, stale);

    // Two tabs at once are nobody's mistake.
    let (one, two) = (depart(&visitor, None).await, depart(&visitor, None).await);
    for away in [one, two] {
        let mut claims = ada();
        claims["nonce"] = json!(away.nonce);
        place.issuer.says("code", claims);
        assert_eq!(place.back(&visitor, &away.state, "code").await, "/home");
    }
    let denied = depart(&visitor, None).await;
    let path = format!("{path}?state={}&error=access_denied", denied.state);
    let answer = visitor.once("GET", &path).await;
    assert_eq!(
        answer.header("location"),
        "/sign-in?problem=provider_denied&provider=work"
    );
}

#[tokio::test]
async fn what_a_provider_says_wrongly_is_not_believed() {
    let place = place("").await;
    let visitor = place.app.visitor();
    for (claim, value) in [
        ("nonce", json!("another")),
        ("aud", json!("somebody-else")),
        ("aud", json!(["portico", "somebody-else"])),
        ("iss", json!("https://evil.example")),
        ("exp", json!(-60)),
    ] {
        let mut claims = ada();
        claims[claim] = value;
        let led = place.trip(&visitor, claims.clone()).await;
        assert_eq!(led, problem("provider_refused"), "{claims}");
    }
    let away = depart(&visitor, Some("/updates")).await;
    let led = place.back(&visitor, &away.state, "unknown-code").await;
    assert_eq!(led, problem("provider_refused"));
    visitor.get("/me").await.status(401);
    let people: i64 = place.app.value("select count(*) from identity.users").await;
    assert_eq!(people, 0);
}

#[tokio::test]
async fn an_unproved_address_opens_nothing() {
    let place = place("link_verified_email = true").await;
    let visitor = place.app.visitor();
    for unproved in [json!(false), Value::Null] {
        let mut claims = ada();
        claims["email_verified"] = unproved;
        let led = place.trip(&visitor, claims).await;
        assert_eq!(led, problem("provider_email_unverified"));
    }
    let mut nameless = ada();
    nameless.as_object_mut().unwrap().remove("email");
    let led = place.trip(&visitor, nameless).await;
    assert_eq!(led, problem("provider_email_unverified"));
    visitor.get("/me").await.status(401);
}

#[tokio::test]
async fn an_account_that_is_there_is_not_taken_over_by_its_address() {
    let place = place("").await;
    let owner = place.app.member("ada").await;
    let visitor = place.app.visitor();
    let led = place.trip(&visitor, ada()).await;
    assert_eq!(led, problem("provider_account_exists"));
    visitor.get("/me").await.status(401);
    let linked = owner.get("/me/providers").await;
    assert_eq!(linked.body["items"], json!([]));
}

#[tokio::test]
async fn where_the_operator_allows_it_two_proved_addresses_are_one_account() {
    let place = place("link_verified_email = true").await;
    let owner = place.app.member("ada").await;
    let visitor = place.app.visitor();
    assert_eq!(place.trip(&visitor, ada()).await, "/updates");
    let me = visitor.get("/me").await.status(200);
    assert_eq!(me.body["id"], owner.id().to_string());
}

#[tokio::test]
async fn a_registration_that_nobody_proved_leaves_nothing_behind() {
    let place = place("").await;
    // Somebody registers Ada's address and waits for her to come.
    let thief = place.app.registered("ada").await;
    let visitor = place.app.visitor();
    assert_eq!(place.trip(&visitor, ada()).await, "/updates");
    visitor.get("/me").await.status(200);
    thief.sign_in().await.status(403);
    let left: i64 = place
        .app
        .value("select count(*) from identity.pending_registrations")
        .await;
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_place_may_be_closed_to_newcomers() {
    let place = place("sign_up = false").await;
    let led = place.trip(&place.app.visitor(), ada()).await;
    assert_eq!(led, problem("provider_sign_up_closed"));
}

#[tokio::test]
async fn a_second_factor_is_asked_for_after_a_provider_too() {
    let place = place("").await;
    let visitor = place.app.visitor();
    place.trip(&visitor, ada()).await;
    place
        .app
        .sql(
            "insert into identity.totp (user_id, secret_sealed, confirmed_at) \
             select id, 'sealed', now() from identity.users",
        )
        .await;
    let elsewhere = place.app.visitor();
    let led = place.trip(&elsewhere, ada()).await;
    assert_eq!(led, "/sign-in?second=totp&next=%2Fupdates");
    elsewhere.get("/me").await.status(401);
    assert!(elsewhere.cookie("portico_challenge").is_some());
}

#[tokio::test]
async fn a_suspended_account_stays_outside() {
    let place = place("").await;
    place.trip(&place.app.visitor(), ada()).await;
    place
        .app
        .sql("update identity.users set status = 'suspended'")
        .await;
    let visitor = place.app.visitor();
    let led = place.trip(&visitor, ada()).await;
    assert_eq!(led, problem("account_suspended"));
    visitor.get("/me").await.status(401);
}

async fn link(place: &Place, person: &Person, claims: Value) -> String {
    let answer = person
        .post("/me/providers/work/departures", json!({}))
        .await;
    let away = trip(&answer.status(201));
    let mut claims = claims;
    claims["nonce"] = json!(away.nonce);
    place.issuer.says("code", claims);
    place.back(person, &away.state, "code").await
}

#[tokio::test]
async fn an_account_is_linked_by_its_owner_with_a_fresh_proof_and_unlinked_again() {
    let place = place("").await;
    let (bob, eve) = (place.app.member("bob").await, place.app.member("eve").await);
    // Another address there is no matter: Bob is signed in.
    let mut claims = ada();
    claims["email_verified"] = json!(false);
    assert_eq!(
        link(&place, &bob, claims.clone()).await,
        "/security?linked=work"
    );
    let visitor = place.app.visitor();
    assert_eq!(place.trip(&visitor, claims.clone()).await, "/updates");
    let me = visitor.get("/me").await.status(200);
    assert_eq!(me.body["id"], bob.id().to_string());

    let led = link(&place, &eve, claims.clone()).await;
    assert_eq!(
        led,
        "/security?problem=provider_linked_elsewhere&provider=work"
    );
    let mut second = ada();
    second["sub"] = json!("another-at-work");
    let led = link(&place, &bob, second).await;
    assert_eq!(
        led,
        "/security?problem=provider_linked_already&provider=work"
    );

    // Asked by Bob, brought back by somebody else who took the browser over.
    let away = trip(
        &bob.post("/me/providers/work/departures", json!({}))
            .await
            .status(201),
    );
    bob.delete("/sessions/current").await.status(204);
    let led = place.back(&bob, &away.state, "code").await;
    assert_eq!(led, "/security?problem=provider_refused&provider=work");

    bob.sign_in().await.status(201);
    place.app.clock.advance(Duration::minutes(16));
    for answer in [
        bob.post("/me/providers/work/departures", json!({})).await,
        bob.delete("/me/providers/work").await,
    ] {
        assert_eq!(answer.status(403).body["code"], "confirmation_required");
    }
    bob.sign_in().await.status(201);
    bob.delete("/me/providers/work").await.status(204);
    bob.delete("/me/providers/work").await.status(404);
    let led = place.trip(&place.app.visitor(), claims).await;
    assert_eq!(led, problem("provider_email_unverified"));
}

#[tokio::test]
async fn the_last_way_in_is_not_taken_away() {
    let place = place("").await;
    let ada_there = place.app.visitor();
    place.trip(&ada_there, ada()).await;
    let refused = ada_there.delete("/me/providers/work").await.status(409);
    assert_eq!(refused.body["code"], "last_way_in");
    assert_eq!(place.trip(&place.app.visitor(), ada()).await, "/updates");
}

#[tokio::test]
async fn a_trip_ends_on_a_page_of_ours_and_nowhere_else() {
    let place = place("").await;
    for next in [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
    ] {
        let visitor = place.app.visitor();
        let away = depart(&visitor, Some(next)).await;
        let mut claims = ada();
        claims["nonce"] = json!(away.nonce);
        place.issuer.says("code", claims);
        assert_eq!(place.back(&visitor, &away.state, "code").await, "/home");
    }
    let unknown = place.app.visitor();
    let path = "/providers/nobody/departures";
    unknown.post(path, json!({})).await.status(404);
    let led = unknown
        .once("GET", "/api/v1/providers/nobody/callback?code=x")
        .await;
    assert_eq!(
        led.header("location"),
        "/sign-in?problem=provider_unknown&provider=nobody"
    );
}
