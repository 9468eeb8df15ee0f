//! Who is here, one address in several spellings, and locks that somebody else turns.

use crate::{
    app::{PASSWORD, TestApp},
    passwords::token_for,
    person::{Answer, Person},
};
use serde_json::{Value, json};
use time::Duration;

/// An answer without what is new each time: status, headers but for their values that are
/// random, the body, and how many passwords were hashed for it.
async fn seen(
    app: &TestApp,
    method: &str,
    path: &str,
    body: &Value,
) -> (u16, Vec<String>, Value, u64) {
    let before = app.app.identity.password_hashes();
    let answer = app.visitor().send(method, path, body.clone()).await;
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .map(|(name, value)| match name.as_str() {
            "x-request-id" | "date" => name.to_string(),
            "set-cookie" => {
                let line = value.to_str().unwrap();
                let (cookie, rest) = line.split_once('=').unwrap();
                let (value, attributes) = rest.split_once(';').unwrap();
                format!("{name}: {cookie}=({}){attributes}", value.len())
            }
            _ => format!("{name}: {}", value.to_str().unwrap()),
        })
        .collect();
    headers.sort();
    let hashes = app.app.identity.password_hashes() - before;
    (answer.code, headers, answer.body, hashes)
}

#[tokio::test]
async fn no_door_tells_whether_an_address_has_an_account() {
    let app = TestApp::new().await;
    app.member("known").await;
    app.registered("unproved").await;
    let closed = app.member("closed").await;
    app.sql(&format!(
        "update identity.users set status = 'suspended' where id = '{}'",
        closed.id()
    ))
    .await;
    let wrong = "a quite wrong password";
    let doors = |email: &str| {
        vec![
            (
                "POST",
                "/sessions",
                json!({"email": email, "password": wrong}),
            ),
            ("POST", "/password-resets", json!({"email": email})),
            ("POST", "/sign-in-mails", json!({"email": email})),
            (
                "POST",
                "/accounts",
                json!({"email": email, "password": "three-grey-herons-wade", "name": "Ada"}),
            ),
        ]
    };
    let nobody = doors("nobody@example.org");
    for name in ["known", "unproved", "closed"] {
        for ((method, path, body), (_, _, other)) in doors(&format!("{name}@example.org"))
            .into_iter()
            .zip(&nobody)
        {
            let theirs = seen(&app, method, path, &body).await;
            let nobodys = seen(&app, method, path, other).await;
            assert_eq!(theirs, nobodys, "{name} {path}");
        }
    }
    // One hash for a sign-in and one for a registration, whoever is meant.
    for (path, hashes) in [(0, 1), (1, 0), (2, 0), (3, 1)] {
        let (method, path, body) = &nobody[path];
        assert_eq!(seen(&app, method, path, body).await.3, hashes, "{path}");
    }
}

#[tokio::test]
async fn a_code_is_wrong_in_the_same_words_whoever_it_was_mailed_to() {
    let app = TestApp::new().await;
    app.member("known").await;
    let mut answers = Vec::new();
    for email in ["known@example.org", "nobody@example.org"] {
        let browser = app.visitor();
        browser
            .post("/sign-in-mails", json!({"email": email}))
            .await
            .status(202);
        app.drain().await;
        for _ in 0..6 {
            let answer = browser
                .post("/sessions/code", json!({"code": "000000"}))
                .await;
            answers.push((
                email,
                answer.code,
                answer.body["code"].clone(),
                answer.body["detail"].clone(),
            ));
        }
    }
    let (known, nobody) = answers.split_at(6);
    for (one, other) in known.iter().zip(nobody) {
        assert_eq!((one.1, &one.2, &one.3), (other.1, &other.2, &other.3));
    }
}

#[tokio::test]
async fn several_spellings_of_one_address_are_one_account() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    // Capitals, and letters that only look wider: one address after NFKC.
    let spellings = [
        "ADA@example.org",
        "Ada@Example.ORG",
        " ada@example.org ",
        "\u{ff41}da@example.org",
    ];
    for email in spellings {
        let body = json!({"email": email, "password": "three-grey-herons-wade", "name": "Not Ada"});
        let answer = app.visitor().post("/accounts", body).await;
        assert!(matches!(answer.code, 202 | 422), "{email}: {}", answer.code);
        let body = json!({"email": email, "password": PASSWORD});
        let entered = app.visitor().post("/sessions", body).await;
        if entered.code == 201 {
            assert_eq!(entered.body["user"]["id"], json!(ada.id()), "{email}");
        }
    }
    app.drain().await;
    let accounts: i64 = app.value("select count(*) from identity.users").await;
    assert_eq!(accounts, 1);
    let waiting: i64 = app
        .value("select count(*) from identity.pending_registrations")
        .await;
    assert_eq!(waiting, 0);
    // What went out went to the address as its owner wrote it.
    let others: i64 = app
        .value("select count(*) from kernel.mails where recipient <> 'ada@example.org'")
        .await;
    assert_eq!(others, 0);
}

#[tokio::test]
async fn whoever_guesses_without_end_keeps_nobody_out() {
    let app = TestApp::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.identity.account_burst = 6;
    })
    .await;
    let ada = app.member("ada").await;
    let attempt = async |person: &Person, password: &str, from: &str| {
        let body = json!({"email": ada.email(), "password": password});
        let request = person.raw("POST", "/api/v1/sessions");
        Answer::of(request.header("x-forwarded-for", from).json(&body)).await
    };
    // Somebody with many networks, for a day.
    for hour in 0..24 {
        for n in 0..8 {
            attempt(
                &app.visitor(),
                "not the right one",
                &format!("203.0.113.{n}"),
            )
            .await;
        }
        app.clock.advance(Duration::hours(1));
        // The next storm begins before she comes.
        for n in 0..8 {
            attempt(
                &app.visitor(),
                "not the right one",
                &format!("198.51.{hour}.{n}"),
            )
            .await;
        }
        // From her own browser she comes in while it lasts.
        attempt(&ada, PASSWORD, "192.0.2.7").await.status(201);
    }
    // From one that nobody knows she is kept waiting, but her mail lets her in.
    attempt(&app.visitor(), PASSWORD, "192.0.2.8")
        .await
        .status(429);
    let browser = app.visitor();
    browser
        .post("/sign-in-mails", json!({"email": ada.email()}))
        .await
        .status(202);
    let link = token_for(&app, &ada.email(), "/sign-in/link")
        .await
        .unwrap();
    browser
        .put("/sessions/link", json!({"token": link}))
        .await
        .status(201);
    // And when the guessing ends, so does the wait, by itself: at most six times half a minute.
    app.clock.advance(Duration::minutes(3));
    attempt(&app.visitor(), PASSWORD, "192.0.2.9")
        .await
        .status(201);
}
