//! Choosing, changing and resetting passwords.

use crate::{
    app::{PASSWORD, TestApp, token_of},
    person::{Answer, Person},
    stack_sessions::{LAPTOP, Sdk},
};
use aws_lc_rs::digest;
use serde_json::{Value, json};
use time::Duration;

const OTHER: &str = "another lantern by the jetty";
const THIRD: &str = "a third gull above the harbour";

/// The subjects of the mails to somebody, the latest first.
pub(crate) async fn subjects(app: &TestApp, person: &Person) -> Vec<String> {
    app.drain().await;
    let mails = app.mails(&person.email()).await;
    let subject = |mail: &Value| mail["subject"].as_str().unwrap().to_owned();
    mails.iter().map(subject).collect()
}

/// The token behind a page's `#` in the latest mail that has one.
pub(crate) async fn token_for(app: &TestApp, email: &str, page: &str) -> Option<String> {
    app.drain().await;
    let mails = app.mails(email).await;
    let link = mails.iter().find_map(|mail| {
        let mut words = mail["text"].as_str().unwrap().split_whitespace();
        words.find(|word| word.contains(&format!("{page}#")))
    })?;
    Some(token_of(link).to_owned())
}

async fn sign_in(app: &TestApp, person: &Person, password: &str) -> u16 {
    let body = json!({"email": person.email(), "password": password});
    app.visitor().post("/sessions", body).await.code
}

fn change(current: &str, new: &str) -> Value {
    json!({"current_password": current, "password": new})
}

#[tokio::test]
async fn a_changed_password_signs_every_other_device_out_and_is_told() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let phone = ada.elsewhere();
    phone.sign_in().await.status(201);
    let wrong = ada.put("/me/password", change("not this one", OTHER)).await;
    assert_eq!(
        wrong.status(422).body["errors"][0]["field"],
        "current_password"
    );
    ada.put("/me/password", change(PASSWORD, OTHER))
        .await
        .status(204);
    phone.get("/me").await.status(401);
    ada.get("/me").await.status(200);
    assert_eq!(sign_in(&app, &ada, PASSWORD).await, 403);
    assert_eq!(sign_in(&app, &ada, OTHER).await, 201);
    let told = subjects(&app, &ada).await;
    assert!(
        told.contains(&"Your password for Portico was changed".to_owned()),
        "{told:?}"
    );
    let noted: i64 = app
        .value("select count(*) from identity.security_events where kind = 'password_changed'")
        .await;
    assert_eq!(noted, 1);
}

#[tokio::test]
async fn without_the_present_password_a_recent_proof_is_asked_for() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    app.clock.advance(Duration::minutes(15));
    let refused = ada.put("/me/password", json!({"password": OTHER})).await;
    assert_eq!(refused.status(403).body["code"], "confirmation_required");
    let ways = ada.get("/me/confirmation").await.status(200);
    assert_eq!(ways.body["methods"], json!(["password"]));
    let wrong = json!({"method": "password", "secret": "not this one"});
    let wrong = ada.post("/me/confirmation", wrong).await.status(403);
    assert_eq!(wrong.body["code"], "password_wrong");
    let right = json!({"method": "password", "secret": PASSWORD});
    ada.post("/me/confirmation", right).await.status(204);
    ada.put("/me/password", json!({"password": OTHER}))
        .await
        .status(204);
    // Another session of hers has proved nothing.
    let phone = ada.elsewhere();
    let body = json!({"email": ada.email(), "password": OTHER});
    phone.post("/sessions", body).await.status(201);
    app.clock.advance(Duration::minutes(15));
    phone
        .put("/me/password", json!({"password": THIRD}))
        .await
        .status(403);
}

#[tokio::test]
async fn none_of_the_last_three_passwords_is_taken_again() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let fourth = "a fourth heron on the breakwater";
    for (current, new) in [(PASSWORD, OTHER), (OTHER, THIRD)] {
        app.clock.advance(Duration::seconds(1));
        ada.put("/me/password", change(current, new))
            .await
            .status(204);
    }
    for old in [PASSWORD, OTHER, THIRD] {
        let refused = ada
            .put("/me/password", change(THIRD, old))
            .await
            .status(422);
        assert_eq!(refused.body["errors"][0]["code"], "used_before", "{old}");
    }
    app.clock.advance(Duration::seconds(1));
    ada.put("/me/password", change(THIRD, fourth))
        .await
        .status(204);
    app.clock.advance(Duration::seconds(1));
    ada.put("/me/password", change(fourth, PASSWORD))
        .await
        .status(204);
    let kept: i64 = app
        .value("select count(*) from identity.password_history")
        .await;
    assert_eq!(kept, 2);
}

#[tokio::test]
async fn a_password_is_remembered_wherever_it_was_changed() {
    let app = TestApp::new().await;
    app.member("ada").await;
    let sdk = Sdk::of(&app, LAPTOP).await;
    let body = json!({"email": "ada@example.org", "password": PASSWORD});
    let tokens = sdk
        .call("POST", "/auth/password/sign-in", &json!({}), &body)
        .await
        .status(200)
        .body;
    app.clock.advance(Duration::seconds(1));
    let body = json!({"old_password": PASSWORD, "new_password": OTHER});
    sdk.call("POST", "/auth/password/update", &tokens, &body)
        .await
        .status(200);
    let ada = app.visitor().named("ada");
    let body = json!({"email": "ada@example.org", "password": OTHER});
    ada.post("/sessions", body).await.status(201);
    let refused = ada
        .put("/me/password", change(OTHER, PASSWORD))
        .await
        .status(422);
    assert_eq!(refused.body["errors"][0]["code"], "used_before");
}

#[tokio::test]
async fn a_password_that_has_leaked_is_refused_wherever_it_is_chosen() {
    let file = std::env::temp_dir().join(format!("portico-leaked-{}", uuid::Uuid::now_v7()));
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, OTHER.as_bytes());
    let line = format!("{}:3\n", hex::encode_upper(hash.as_ref()));
    std::fs::write(&file, line).unwrap();
    let list = file.clone();
    let app = TestApp::with(move |config| config.identity.password_blocklist = Some(list)).await;
    std::fs::remove_file(&file).unwrap();
    let ada = app.member("ada").await;
    let code = |answer: Answer| answer.status(422).body["errors"][0]["code"].clone();
    let changed = ada.put("/me/password", change(PASSWORD, OTHER)).await;
    assert_eq!(code(changed), "breached");
    let body = json!({"email": "bob@example.org", "name": "Bob", "password": OTHER});
    assert_eq!(
        code(app.visitor().post("/accounts", body).await),
        "breached"
    );
    let body = json!({"password": OTHER});
    let estimate = app.visitor().post("/password-estimates", body).await;
    let estimate = estimate.status(200).body;
    assert_eq!(
        (estimate["accepted"].clone(), estimate["score"].clone()),
        (json!(false), json!(0))
    );
}

#[tokio::test]
async fn the_operator_says_how_long_and_strong_a_password_is() {
    let app = TestApp::with(|config| {
        config.identity.password_shortest = 15;
        config.identity.password_longest = 64;
        config.identity.password_score = 4;
    })
    .await;
    let estimate = async |password: &str| {
        let body = json!({"password": password, "hints": ["ada@example.org"]});
        app.visitor()
            .post("/password-estimates", body)
            .await
            .status(200)
            .body
    };
    let short = estimate("Tr0ub4dor&3xyz").await;
    assert_eq!(short["shortest"], 15);
    assert!(short["message"].as_str().unwrap().contains("at least 15"));
    let long = estimate(&"four quiet arches ".repeat(4)).await;
    assert!(long["message"].as_str().unwrap().contains("at most 64"));
    assert_eq!(estimate("ada@example.org").await["accepted"], false);
    assert_eq!(
        estimate("four quiet arches by the sea").await,
        json!({"score": 4, "accepted": true, "message": null, "shortest": 15})
    );
}

#[tokio::test]
async fn a_mailed_link_sets_a_new_password_once_and_signs_everybody_out() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let visitor = app.visitor();
    visitor
        .post("/password-resets", json!({"email": "ADA@example.org"}))
        .await
        .status(202);
    let token = token_for(&app, &ada.email(), "/reset").await.unwrap();
    let looked = visitor
        .post("/password-resets/link", json!({"token": token}))
        .await;
    assert_eq!(looked.status(200).body, json!({"email": "ada@example.org"}));
    // A password that is refused leaves the link as it is.
    let weak = json!({"token": token, "password": "password1234"});
    visitor.put("/password-resets/link", weak).await.status(422);
    let body = json!({"token": token, "password": OTHER});
    let (one, two) = tokio::join!(
        visitor.put("/password-resets/link", body.clone()),
        visitor.put("/password-resets/link", body.clone()),
    );
    let mut codes = [one.code, two.code];
    codes.sort_unstable();
    assert_eq!(codes, [204, 409]);
    assert!(
        one.set_cookies()
            .iter()
            .all(|cookie| cookie.contains("Max-Age=0"))
    );
    ada.get("/me").await.status(401);
    assert_eq!(sign_in(&app, &ada, PASSWORD).await, 403);
    assert_eq!(sign_in(&app, &ada, OTHER).await, 201);
    assert!(
        subjects(&app, &ada)
            .await
            .contains(&"Your password for Portico was changed".to_owned())
    );
}

#[tokio::test]
async fn a_reset_link_is_over_after_ten_minutes_and_when_another_is_sent() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let ask = async || {
        let body = json!({"email": ada.email()});
        app.visitor()
            .post("/password-resets", body)
            .await
            .status(202);
        token_for(&app, &ada.email(), "/reset").await.unwrap()
    };
    let inspect = async |token: &str| {
        let body = json!({"token": token});
        app.visitor().post("/password-resets/link", body).await.code
    };
    let first = ask().await;
    let second = ask().await;
    assert_ne!(first, second);
    assert_eq!(inspect(&first).await, 409);
    assert_eq!(inspect(&second).await, 200);
    app.clock.advance(Duration::minutes(10));
    assert_eq!(inspect(&second).await, 409);
    let late = json!({"token": second, "password": OTHER});
    app.visitor()
        .put("/password-resets/link", late)
        .await
        .status(409);
    ada.get("/me").await.status(200);
}

/// What an answer may depend on is counted, not timed: a stranger's address leads through the
/// same hashes and the same statements as a member's.
#[tokio::test]
async fn known_and_unknown_addresses_lead_through_the_same_work() {
    let app = TestApp::new().await;
    app.member("ada").await;
    let counted = async |path: &str, body: Value| {
        let before = statements(&app).await;
        let hashes = app.app.identity.password_hashes();
        let answer = app.visitor().post(path, body).await;
        let cookies: Vec<String> = answer
            .set_cookies()
            .iter()
            .map(|cookie| cookie.split('=').next().unwrap().to_owned())
            .collect();
        let hashes = app.app.identity.password_hashes() - hashes;
        let rows = statements(&app).await - before;
        (answer.code, answer.body, cookies, rows, hashes)
    };
    for path in ["/password-resets", "/sign-in-mails"] {
        let known = counted(path, json!({"email": "ada@example.org"})).await;
        let unknown = counted(path, json!({"email": "eve@example.org"})).await;
        assert_eq!(known, unknown, "{path}");
    }
    let attempt = |email: &str| json!({"email": email, "password": "not the right one"});
    let known = counted("/sessions", attempt("ada@example.org")).await;
    let unknown = counted("/sessions", attempt("eve@example.org")).await;
    assert_eq!(known, unknown);
    assert_eq!(known.4, 1);
    // The job, which nobody waits for, is what tells them apart.
    app.drain().await;
    assert!(app.mails("eve@example.org").await.is_empty());
}

/// Rows that were written so far, by table: what a request did, whoever it was for.
async fn statements(app: &TestApp) -> i64 {
    app.value(
        "select (select count(*) from identity.mail_requests)
            + (select count(*) from identity.security_events)
            + (select count(*) from kernel.events)
            + (select count(*) from graphile_worker._private_jobs)",
    )
    .await
}

#[tokio::test]
async fn a_password_hashed_at_another_cost_is_hashed_anew_at_the_next_sign_in() {
    let app = TestApp::with(|config| config.identity.argon2_passes = 1).await;
    let ada = app.member("ada").await;
    let hash = async || {
        app.value::<String>("select hash from identity.passwords")
            .await
    };
    let before = hash().await;
    assert!(before.contains("t=1"), "{before}");
    ada.sign_in().await.status(201);
    assert_eq!(hash().await, before);
    let public = app.app.config.public_url();
    let dearer = app
        .node(|config| {
            config.public_url = Some(public);
            config.identity.argon2_passes = 2;
        })
        .await;
    ada.at(&dearer.url).sign_in().await.status(201);
    let after = hash().await;
    assert!(after.contains("t=2"), "{after}");
    ada.sign_in().await.status(201);
}

#[tokio::test]
async fn guesses_from_many_networks_stop_but_not_for_a_browser_that_is_known() {
    let app = TestApp::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        // One of them is what she signed in with to begin with.
        config.identity.account_burst = 6;
    })
    .await;
    let ada = app.member("ada").await;
    let attempt = async |person: &Person, password: &str, from: &str| {
        let body = json!({"email": ada.email(), "password": password});
        let request = person.raw("POST", "/api/v1/sessions");
        Answer::of(request.header("x-forwarded-for", from).json(&body)).await
    };
    for n in 0..5 {
        let from = format!("203.0.113.{n}");
        attempt(&app.visitor(), "not the right one", &from)
            .await
            .status(403);
    }
    attempt(&app.visitor(), PASSWORD, "203.0.113.77")
        .await
        .status(429);
    attempt(&ada, PASSWORD, "198.51.100.7").await.status(201);
    let noted: i64 = app
        .value("select count(*) from identity.security_events where kind = 'locked_out'")
        .await;
    assert_eq!(noted, 1);
}

#[tokio::test]
async fn fields_that_nobody_asked_for_are_refused() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    for (method, path, body) in [
        (
            "POST",
            "/accounts",
            json!({"email": "e@example.org", "name": "E", "password": PASSWORD, "roles": ["owner"]}),
        ),
        (
            "PATCH",
            "/me",
            json!({"display_name": "Ada", "status": "active"}),
        ),
        (
            "PUT",
            "/me/password",
            json!({"current_password": PASSWORD, "password": OTHER, "user_id": ada.id()}),
        ),
        (
            "POST",
            "/sessions",
            json!({"email": ada.email(), "password": PASSWORD, "method": "passkey"}),
        ),
        (
            "POST",
            "/me/confirmation",
            json!({"method": "password", "secret": PASSWORD, "session": ada.id()}),
        ),
    ] {
        let answer = ada.send(method, path, body).await;
        assert_eq!(answer.code, 422, "{method} {path}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_session_planted_in_a_browser_is_not_the_one_that_a_sign_in_opens() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.member("ada").await, app.member("eve").await);
    let planted = eve.cookies();
    let victim = app.visitor();
    let request = victim.raw("POST", "/api/v1/sessions");
    let body = json!({"email": ada.email(), "password": PASSWORD});
    let entered = Answer::of(request.header("cookie", &planted).json(&body)).await;
    let cookies = entered.status(201).set_cookies().join("\n");
    for pair in planted
        .split("; ")
        .filter(|pair| !pair.contains("registration"))
    {
        let (_, value) = pair.split_once('=').unwrap();
        let fresh = cookies.lines().all(|line| {
            let (name, rest) = line.split_once('=').unwrap();
            name == "portico_device" || !rest.starts_with(value)
        });
        assert!(fresh, "{pair}");
    }
    // What was planted is over: who planted it sees nothing, and comes in as themselves.
    eve.get("/me").await.status(401);
    eve.sign_in().await.status(201);
    assert_eq!(
        eve.get("/me").await.status(200).body["email"],
        "eve@example.org"
    );
}

#[tokio::test]
async fn an_address_cannot_carry_a_header_into_a_mail() {
    let app = TestApp::new().await;
    for email in [
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org\n",
        "Ada <ada@example.org>",
        "ada@example.org, eve@example.org",
    ] {
        for path in ["/password-resets", "/sign-in-mails"] {
            let answer = app.visitor().post(path, json!({"email": email})).await;
            assert_eq!(
                answer.status(422).body["errors"][0]["code"],
                "invalid_email"
            );
        }
    }
    app.drain().await;
    let written: i64 = app.value("select count(*) from kernel.mails").await;
    assert_eq!(written, 0);
}
