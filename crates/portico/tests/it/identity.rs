//! Registering, proving an address, minding a profile, the first owner.

use crate::app::{PASSWORD, TestApp, token_of};
use insta::assert_json_snapshot;
use serde_json::json;
use time::Duration;

#[tokio::test]
async fn all_faults_of_a_registration_come_at_once() {
    let app = TestApp::new().await;
    let body = json!({"email": "ada", "name": " ", "password": "short"});
    let answer = app.visitor().post("/accounts", body).await;
    assert_json_snapshot!(answer.steady());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let weak = json!({"email": "ada@example.org", "name": "Ada", "password": "password1234"});
    assert_json_snapshot!(
        "a_weak_password",
        app.visitor().post("/accounts", weak).await.steady()
    );
    assert_eq!(
        app.value::<i64>("select count(*) from identity.users")
            .await,
        0
    );
}

#[tokio::test]
async fn registering_writes_account_profile_event_and_job_together() {
    let app = TestApp::new().await;
    app.registered("ada").await;
    let written: serde_json::Value = app
        .value(
            "select json_build_object(
                'accounts', (select count(*) from identity.users),
                'profiles', (select count(*) from identity.profiles),
                'passwords', (select count(*) from identity.pending_registrations where password_hash like '$argon2id$%'),
                'roles', (select json_agg(role) from identity.user_roles),
                'events', (select json_agg(name) from kernel.events),
                'jobs', (select count(*) from graphile_worker._private_jobs))",
        )
        .await;
    assert_eq!(
        written,
        json!({"accounts": 1, "profiles": 1, "passwords": 1, "roles": ["member"],
            "events": ["identity.account_registered"], "jobs": 1})
    );
}

#[tokio::test]
async fn when_the_job_cannot_be_queued_nobody_is_registered() {
    let app = TestApp::new().await;
    app.sql("alter function graphile_worker.add_job rename to add_job_away")
        .await;
    let body = json!({"email": "ada@example.org", "name": "Ada", "password": PASSWORD});
    let answer = app.visitor().post("/accounts", body).await.status(500);
    assert_json_snapshot!(answer.steady());
    for table in ["identity.users", "identity.profiles", "kernel.events"] {
        let rows: i64 = app.value(&format!("select count(*) from {table}")).await;
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn an_address_that_has_an_account_gets_the_same_answer_and_its_owner_a_mail() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let body =
        |email: &str| json!({"email": email, "name": "Ada", "password": "another-good-pass-word"});
    let new = app
        .visitor()
        .post("/accounts", body("new@example.org"))
        .await;
    let known = app
        .visitor()
        .post("/accounts", body("ADA@example.org"))
        .await;
    assert_eq!((new.code, &new.body), (202, &known.body));
    assert_eq!(known.code, 202);
    let names = |answer: &crate::person::Answer| {
        let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(names(&new), names(&known));
    app.drain().await;
    let subjects: Vec<_> = app.mails(&ada.email()).await;
    let subjects: Vec<_> = subjects.iter().map(|mail| &mail["subject"]).collect();
    assert_json_snapshot!(subjects);
    // The password that the stranger chose opens nothing.
    let stranger = json!({"email": ada.email(), "password": "another-good-pass-word"});
    app.visitor().post("/sessions", stranger).await.status(403);
}

#[tokio::test]
async fn who_registers_again_before_proving_gets_a_fresh_link() {
    let app = TestApp::new().await;
    let ada = app.registered("ada").await;
    app.drain().await;
    let first = app.mailed_token(&ada.email()).await;
    app.registered("ada").await;
    app.drain().await;
    assert_eq!(app.mails(&ada.email()).await.len(), 2);
    let second = app.mailed_token(&ada.email()).await;
    assert_ne!(first, second);
    let token = |token: &str| json!({"token": token});
    ada.put("/accounts/verification", token(&second))
        .await
        .status(200);
    // Proved is proved: what else was asked for counts no more.
    ada.put("/accounts/verification", token(&first))
        .await
        .status(409);
}

#[tokio::test]
async fn a_verification_link_is_inspected_freely_and_used_once() {
    let app = TestApp::new().await;
    let ada = app.registered("ada").await;
    app.drain().await;
    let token = app.mailed_token(&ada.email()).await;
    let body = json!({"token": token, "display_name": "Countess", "time_zone": "Europe/Vienna",
        "locale": "de-AT"});
    for _ in 0..2 {
        let seen = ada
            .post("/accounts/verification", json!({"token": token}))
            .await;
        assert_json_snapshot!("what_a_link_stands_for", seen.steady());
    }
    let faulty =
        json!({"token": token, "display_name": "", "time_zone": "not here!", "locale": "\u{1}"});
    let refused = ada.put("/accounts/verification", faulty).await;
    assert_json_snapshot!("a_faulty_profile_does_not_use_the_link", refused.steady());
    let (one, two) = tokio::join!(
        ada.put("/accounts/verification", body.clone()),
        ada.put("/accounts/verification", body.clone()),
    );
    let mut codes = [one.code, two.code];
    codes.sort_unstable();
    assert_eq!(codes, [200, 409]);
    let stale = ada.put("/accounts/verification", body).await;
    assert_json_snapshot!("a_used_link", stale.steady());
    let inspected = ada
        .post("/accounts/verification", json!({"token": token}))
        .await;
    assert_eq!((inspected.code, inspected.body), (409, stale.body));
    ada.sign_in().await.status(201);
    assert_json_snapshot!("the_profile_from_the_link", ada.get("/me").await.steady());
}

#[tokio::test]
async fn a_verification_link_is_over_after_three_days() {
    let app = TestApp::new().await;
    let ada = app.registered("ada").await;
    app.drain().await;
    let token = json!({"token": app.mailed_token(&ada.email()).await});
    app.clock.advance(Duration::days(3) - Duration::seconds(1));
    ada.post("/accounts/verification", token.clone())
        .await
        .status(200);
    app.clock.advance(Duration::seconds(1));
    ada.post("/accounts/verification", token.clone())
        .await
        .status(409);
    ada.put("/accounts/verification", token).await.status(409);
}

#[tokio::test]
async fn a_profile_is_changed_field_by_field() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    ada.patch("/me", json!({"time_zone": "Asia/Tokyo"}))
        .await
        .status(200);
    let changed = ada
        .patch("/me", json!({"display_name": "  Countess of Lovelace "}))
        .await;
    assert_json_snapshot!(changed.steady());
    let faulty = json!({"display_name": "x".repeat(101), "locale": "de_AT", "time_zone": ""});
    for nowhere in ["Europe/Atlantis", "asia/tokyo", "../etc/passwd", ""] {
        let refused = ada.patch("/me", json!({"time_zone": nowhere})).await;
        let fault = &refused.status(422).body["errors"][0]["field"];
        assert_eq!(fault, "time_zone", "{nowhere}");
    }
    assert_json_snapshot!("a_faulty_profile", ada.patch("/me", faulty).await.steady());
    assert_eq!(ada.get("/me").await.body, changed.body);
}

#[tokio::test]
async fn a_set_up_link_makes_one_owner() {
    let app = TestApp::new().await;
    let link = async || app.app.identity.setup_link().await.unwrap();
    let body = |link: &str, name: &str| {
        json!({"token": token_of(link), "email": format!("{name}@example.org"), "name": name,
            "password": PASSWORD})
    };
    let first = link().await.unwrap();
    let second = link().await.unwrap();
    let visitor = app.visitor();
    let reprinted = visitor.post("/setup", body(&first, "eva")).await;
    assert_json_snapshot!("a_link_that_was_printed_again", reprinted.steady());
    let mut faulty = body(&second, "eva");
    faulty["email"] = json!("eva");
    visitor.post("/setup", faulty).await.status(422);
    let (eva, bob) = (app.visitor(), app.visitor());
    let (one, two) = tokio::join!(
        eva.post("/setup", body(&second, "eva")),
        bob.post("/setup", body(&second, "bob")),
    );
    let mut codes = [one.code, two.code];
    codes.sort_unstable();
    assert_eq!(codes, [201, 409]);
    let owner = if one.code == 201 { &eva } else { &bob };
    assert_eq!(
        owner.get("/me").await.status(200).body["roles"],
        json!(["owner"])
    );
    assert!(link().await.is_none());
    let system = visitor.get("/system").await;
    assert_eq!(system.body["setup_needed"], false);
    let acts = owner.get("/audit").await.status(200);
    assert_eq!(acts.body["items"][0]["action"], "owner.created");
}

#[tokio::test]
async fn a_set_up_link_is_over_after_a_week() {
    let app = TestApp::new().await;
    let link = app.app.identity.setup_link().await.unwrap().unwrap();
    app.clock.advance(Duration::days(7));
    let body = json!({"token": token_of(&link), "email": "eva@example.org", "name": "Eva",
        "password": PASSWORD});
    let late = app.visitor().post("/setup", body).await.status(409);
    assert_eq!(late.body["code"], "link_stale");
}

#[tokio::test]
async fn one_address_registers_twenty_times_in_a_row() {
    let app = TestApp::new().await;
    let body = |n: u32| json!({"email": format!("ada{n}@example.org"), "name": "Ada", "password": PASSWORD});
    for n in 0..20 {
        app.visitor().post("/accounts", body(n)).await.status(202);
    }
    let refused = app.visitor().post("/accounts", body(20)).await.status(429);
    assert_eq!(refused.header("retry-after"), "60");
    app.clock.advance(Duration::seconds(60));
    app.visitor().post("/accounts", body(20)).await.status(202);
}

#[tokio::test]
async fn a_stranger_who_registered_the_address_first_gains_nothing() {
    let app = TestApp::new().await;
    let (stranger, owner) = (app.visitor(), app.visitor().named("ada"));
    let registration = |name: &str, password: &str| json!({"email": owner.email(), "name": name, "password": password});
    let (theirs, own) = ("a password of the stranger", "a password of the owner");
    stranger
        .post("/accounts", registration("Eve", theirs))
        .await
        .status(202);
    app.drain().await;
    let strange_link = app.mailed_token(&owner.email()).await;
    owner
        .post("/accounts", registration("Ada", own))
        .await
        .status(202);
    app.drain().await;
    let own_link = app.mailed_token(&owner.email()).await;

    owner
        .put("/accounts/verification", json!({"token": own_link}))
        .await
        .status(200);
    let sign_in = |password: &str| json!({"email": owner.email(), "password": password});
    stranger
        .post("/sessions", sign_in(theirs))
        .await
        .status(403);
    owner.post("/sessions", sign_in(own)).await.status(201);
    assert_eq!(owner.get("/me").await.steady()["body"]["name"], "Ada");
    // The link of the stranger's registration is worth nothing any more.
    stranger
        .put("/accounts/verification", json!({"token": strange_link}))
        .await
        .status(409);
}
