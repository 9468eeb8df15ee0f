//! Passkeys over HTTP, with a device in software: what is taken, and what is not.

use crate::{
    app::TestApp,
    authenticator::Authenticator,
    person::{Answer, Person},
};
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use time::Duration;

/// Passkeys need an address with a name.
async fn place() -> (TestApp, String) {
    let app = TestApp::with(|config| {
        let url = format!("http://localhost:{}/", config.listen.port());
        config.public_url = Some(url.parse().unwrap());
    })
    .await;
    let public = app.app.config.public_url();
    let origin = public.origin().ascii_serialization();
    (app, origin)
}

async fn asked(person: &Person, path: &str) -> (Value, Value) {
    let answer = person.post(path, json!({})).await.status(201);
    (
        answer.body["ceremony"].clone(),
        answer.body["options"].clone(),
    )
}

/// Adds the device's key to a person's account.
async fn add(person: &Person, device: &mut Authenticator, name: &str) -> Answer {
    let (ceremony, options) = asked(person, "/me/passkeys/challenge").await;
    let body = json!({"ceremony": ceremony, "credential": device.create(&options), "name": name});
    person.post("/me/passkeys", body).await
}

async fn sign_in(person: &Person, device: &mut Authenticator) -> Answer {
    let (ceremony, options) = asked(person, "/passkeys/challenge").await;
    let body = json!({"ceremony": ceremony, "credential": device.get(&options)});
    person.post("/sessions/passkey", body).await
}

fn refused(answer: &Answer, code: u16, said: &str) {
    assert_eq!(
        (answer.code, answer.body["code"].as_str()),
        (code, Some(said)),
        "{:#}",
        answer.body
    );
}

#[tokio::test]
async fn a_passkey_is_added_named_used_without_saying_who_and_removed() {
    let (app, origin) = place().await;
    let ada = app.member("ada").await;
    let mut laptop = Authenticator::at(&origin);
    laptop.shared = true;
    let added = add(&ada, &mut laptop, "Laptop").await.status(201);
    let mut key = Authenticator::at(&origin);
    add(&ada, &mut key, "Key ring").await.status(201);
    let path = format!("/me/passkeys/{}", added.body["id"].as_str().unwrap());
    ada.patch(&path, json!({"name": "Old laptop"}))
        .await
        .status(200);

    let visitor = app.visitor();
    let entered = sign_in(&visitor, &mut laptop).await.status(201);
    assert_eq!(entered.body["user"]["email"], ada.email());
    visitor.get("/me").await.status(200);
    assert_json_snapshot!(
        "passkeys_of_somebody",
        ada.get("/me/passkeys").await.steady()
    );

    ada.delete(&path).await.status(204);
    refused(
        &sign_in(&app.visitor(), &mut laptop).await,
        403,
        "passkey_unknown",
    );
    sign_in(&app.visitor(), &mut key).await.status(201);
    let kinds: Vec<String> = sqlx::query_scalar(
        "select kind from identity.security_events where kind like 'passkey%' order by id",
    )
    .fetch_all(app.app.db.pool())
    .await
    .unwrap();
    assert_eq!(kinds, ["passkey_added", "passkey_added", "passkey_removed"]);
}

#[tokio::test]
async fn a_sign_in_that_waits_is_answered_by_a_passkey_of_its_own_account() {
    let (app, origin) = place().await;
    let (ada, eve) = (app.member("ada").await, app.member("eve").await);
    crate::second_factor::enrol(&app, &ada).await;
    let (mut hers, mut other) = (Authenticator::at(&origin), Authenticator::at(&origin));
    let ask = "/sessions/second-factor/challenge";
    let waiting = ada.elsewhere();
    waiting.sign_in().await.status(202);
    refused(&waiting.post(ask, json!({})).await, 409, "no_passkey");
    add(&ada, &mut hers, "Laptop").await.status(201);
    add(&eve, &mut other, "Laptop").await.status(201);

    let visitor = ada.elsewhere();
    refused(&visitor.post(ask, json!({})).await, 409, "challenge_over");
    let entered = visitor.sign_in().await.status(202);
    assert_eq!(
        entered.body["factors"],
        json!(["totp", "passkey", "recovery_code"])
    );
    let answer = async |device: &mut Authenticator, remember: bool| {
        let (ceremony, options) = asked(&visitor, ask).await;
        assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
        let credential = device.get(&options);
        let body = json!({"ceremony": ceremony, "credential": credential, "remember": remember});
        visitor.post("/sessions/second-factor/passkey", body).await
    };
    // Somebody else's key opens neither account.
    refused(&answer(&mut other, false).await, 403, "passkey_foreign");
    visitor.get("/me").await.status(401);
    answer(&mut hers, true).await.status(201);
    assert_eq!(visitor.get("/me").await.body["email"], ada.email());
    refused(&visitor.post(ask, json!({})).await, 409, "challenge_over");
    let how: Value = app
        .value("select data from identity.security_events where kind = 'signed_in' order by id desc limit 1")
        .await;
    assert_eq!(how["method"], "password");
    assert_eq!(how["second_factor"], "passkey");
    // The browser stands in for it from now on.
    visitor.delete("/sessions/current").await.status(204);
    visitor.sign_in().await.status(201);
}

#[tokio::test]
async fn an_answer_counts_once_and_only_for_its_own_question() {
    let (app, origin) = place().await;
    let ada = app.member("ada").await;
    let mut device = Authenticator::at(&origin);
    add(&ada, &mut device, "Laptop").await.status(201);

    let visitor = app.visitor();
    let (ceremony, options) = asked(&visitor, "/passkeys/challenge").await;
    let (other, _) = asked(&visitor, "/passkeys/challenge").await;
    let credential = device.get(&options);
    let wrong = json!({"ceremony": other, "credential": credential});
    refused(
        &visitor.post("/sessions/passkey", wrong).await,
        403,
        "passkey_refused",
    );
    let body = json!({"ceremony": ceremony, "credential": credential});
    visitor
        .post("/sessions/passkey", body.clone())
        .await
        .status(201);
    refused(
        &app.visitor().post("/sessions/passkey", body).await,
        409,
        "ceremony_stale",
    );

    let (ceremony, options) = asked(&visitor, "/passkeys/challenge").await;
    let body = json!({"ceremony": ceremony, "credential": device.get(&options)});
    app.clock.advance(Duration::minutes(7));
    refused(
        &app.visitor().post("/sessions/passkey", body).await,
        409,
        "ceremony_stale",
    );
    refused(
        &app.visitor()
            .post(
                "/sessions/passkey",
                json!({"ceremony": "x", "credential": {}}),
            )
            .await,
        409,
        "ceremony_stale",
    );
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_written_down() {
    let (app, origin) = place().await;
    let ada = app.member("ada").await;
    let mut device = Authenticator::at(&origin);
    add(&ada, &mut device, "Laptop").await.status(201);
    let visitor = app.visitor();

    device.origin = "https://evil.example".into();
    refused(
        &sign_in(&visitor, &mut device).await,
        403,
        "passkey_refused",
    );
    device.origin = origin.clone();
    device.verified = false;
    refused(
        &sign_in(&visitor, &mut device).await,
        403,
        "passkey_refused",
    );
    device.verified = true;

    // A key that nobody added, under the name of one that somebody did.
    let mut forged = Authenticator::at(&origin);
    forged.id.clone_from(&device.id);
    forged.user.clone_from(&device.user);
    refused(
        &sign_in(&visitor, &mut forged).await,
        403,
        "passkey_refused",
    );
    // A good key that says it is somebody else's.
    let owner = device.user.clone();
    device.user = "AAAAAAAAAAAAAAAAAAAAAA".into();
    refused(
        &sign_in(&visitor, &mut device).await,
        403,
        "passkey_foreign",
    );
    device.user = owner;
    let (ceremony, _) = asked(&visitor, "/passkeys/challenge").await;
    let body = json!({"ceremony": ceremony, "credential": {"id": 1}});
    let unreadable = visitor.post("/sessions/passkey", body).await;
    refused(&unreadable, 422, "invalid_input");
    assert_eq!(unreadable.body["errors"][0]["field"], "credential");

    // Two of one key: whoever comes with the lower counter is the copy, or its victim.
    let mut copy = device.copy();
    sign_in(&app.visitor(), &mut device).await.status(201);
    refused(&sign_in(&visitor, &mut copy).await, 403, "passkey_copied");

    let reasons: Vec<Option<String>> = sqlx::query_scalar(
        "select data->>'reason' from identity.security_events \
         where kind = 'sign_in_failed' order by id",
    )
    .fetch_all(app.app.db.pool())
    .await
    .unwrap();
    let reasons: Vec<&str> = reasons.iter().map(|one| one.as_deref().unwrap()).collect();
    assert_eq!(
        reasons,
        [
            "passkey_refused",
            "passkey_refused",
            "passkey_refused",
            "passkey_foreign",
            "unreadable",
            "passkey_copied"
        ]
    );
}

#[tokio::test]
async fn nobody_touches_the_passkeys_of_others() {
    let (app, origin) = place().await;
    let (ada, eve) = (app.member("ada").await, app.member("eve").await);
    let mut device = Authenticator::at(&origin);
    let added = add(&ada, &mut device, "Laptop").await.status(201);
    let path = format!("/me/passkeys/{}", added.body["id"].as_str().unwrap());
    eve.patch(&path, json!({"name": "Mine"})).await.status(404);
    eve.delete(&path).await.status(404);
    assert_eq!(eve.get("/me/passkeys").await.body["items"], json!([]));

    // Ada's question, answered from Eve's account.
    let (ceremony, options) = asked(&ada, "/me/passkeys/challenge").await;
    let mut planted = Authenticator::at(&origin);
    let body = json!({"ceremony": ceremony, "credential": planted.create(&options), "name": "X"});
    refused(
        &eve.post("/me/passkeys", body).await,
        403,
        "passkey_refused",
    );
    // A key that is on an account is not taken to another.
    refused(
        &add(&eve, &mut device, "Mine now").await,
        409,
        "passkey_taken",
    );
    // The question of somebody signed in is for their own keys.
    let mut hers = Authenticator::at(&origin);
    add(&eve, &mut hers, "Phone").await.status(201);
    let (ceremony, options) = asked(&ada, "/passkeys/challenge").await;
    let body = json!({"ceremony": ceremony, "credential": hers.get(&options)});
    refused(
        &app.visitor().post("/sessions/passkey", body).await,
        403,
        "passkey_foreign",
    );
}

#[tokio::test]
async fn adding_and_removing_ask_for_a_fresh_proof_and_leave_a_way_in() {
    let (app, origin) = place().await;
    let ada = app.member("ada").await;
    let mut device = Authenticator::at(&origin);
    let added = add(&ada, &mut device, "Laptop").await.status(201);
    let path = format!("/me/passkeys/{}", added.body["id"].as_str().unwrap());
    app.clock.advance(Duration::minutes(16));
    for answer in [
        ada.post("/me/passkeys/challenge", json!({})).await,
        ada.delete(&path).await,
    ] {
        refused(&answer, 403, "confirmation_required");
    }
    let ada = app.visitor().named("ada");
    sign_in(&ada, &mut device).await.status(201);
    app.sql("delete from identity.passwords").await;
    refused(&ada.delete(&path).await, 409, "last_way_in");
    sign_in(&app.visitor(), &mut device).await.status(201);
}

#[tokio::test]
async fn staff_find_who_has_a_passkey_among_those_with_a_second_factor() {
    let (app, origin) = place().await;
    let owner = app.owner("eva").await;
    let ada = app.member("ada").await;
    let mut device = Authenticator::at(&origin);
    add(&ada, &mut device, "Laptop").await.status(201);
    let found = async |query: &str| -> Vec<Value> {
        let list = owner.get(&format!("/users?{query}")).await.status(200);
        let items = list.body["items"].as_array().unwrap();
        let row = |item: &Value| json!([item["name"], item["second_factor"]]);
        items.iter().map(row).collect()
    };
    let (with, without) = (json!(["ada", true]), json!(["eva", false]));
    assert_eq!(found("second_factor=true").await, [with]);
    assert_eq!(
        found("second_factor=true&role=member&sort=name")
            .await
            .len(),
        1
    );
    assert_eq!(found("second_factor=false").await, [without]);
    let path = format!("/users/{}", ada.id());
    assert_eq!(owner.get(&path).await.body["second_factor"], true);
    // One that works at an app's host only is no answer here, and no second factor either.
    app.sql("update identity.passkeys set place = 'app.example.org'")
        .await;
    assert!(found("second_factor=true").await.is_empty());
    assert_eq!(found("second_factor=false").await.len(), 2);
}

#[tokio::test]
async fn a_suspended_account_is_not_opened_by_its_passkey() {
    let (app, origin) = place().await;
    let ada = app.member("ada").await;
    let mut device = Authenticator::at(&origin);
    add(&ada, &mut device, "Laptop").await.status(201);
    app.sql("update identity.users set status = 'suspended'")
        .await;
    refused(
        &sign_in(&app.visitor(), &mut device).await,
        403,
        "account_suspended",
    );
}

#[tokio::test]
async fn at_an_address_without_a_name_passkeys_are_not_offered() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    assert_eq!(app.visitor().get("/ways-in").await.body["passkeys"], false);
    assert_eq!(ada.get("/me/passkeys").await.body["available"], false);
    for path in ["/passkeys/challenge", "/me/passkeys/challenge"] {
        refused(
            &ada.post(path, json!({})).await,
            409,
            "passkeys_unavailable",
        );
    }
}
