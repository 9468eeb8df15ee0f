//! Signing in by mail, by a code or a link; and the mails about devices.

use crate::{
    app::{PASSWORD, TestApp},
    passwords::{subjects, token_for},
    person::{Answer, Person},
    second_factor::enrol,
};
use serde_json::json;
use time::Duration;

/// The six digits in the latest mail to an address.
async fn code_for(app: &TestApp, email: &str) -> String {
    app.drain().await;
    let mails = app.mails(email).await;
    let mut subjects = mails.iter().map(|mail| mail["subject"].as_str().unwrap());
    let subject = subjects.find(|subject| {
        subject.contains("is your code") || subject.contains("confirms that it is you")
    });
    let subject = subject.unwrap_or_default();
    let code = subject.split(' ').next().unwrap().to_owned();
    assert!(
        code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()),
        "{subject}"
    );
    code
}

async fn ask(browser: &Person, email: &str) {
    browser
        .post("/sign-in-mails", json!({"email": email}))
        .await
        .status(202);
}

async fn by_code(browser: &Person, code: &str) -> Answer {
    browser.post("/sessions/code", json!({"code": code})).await
}

#[tokio::test]
async fn a_code_signs_in_the_browser_that_asked_for_it_once() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let (browser, other) = (ada.elsewhere(), ada.elsewhere());
    ask(&browser, &ada.email()).await;
    let code = code_for(&app, &ada.email()).await;
    // Read over a shoulder, it is worth nothing elsewhere.
    by_code(&other, &code).await.status(409);
    ask(&other, "nobody@example.org").await;
    by_code(&other, &code).await.status(403);
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    by_code(&browser, &spaced).await.status(201);
    browser.get("/me").await.status(200);
    by_code(&browser, &code).await.status(409);
    // The link of the same mail is used up with it.
    let token = token_for(&app, &ada.email(), "/sign-in/link")
        .await
        .unwrap();
    other
        .put("/sessions/link", json!({"token": token}))
        .await
        .status(409);
    let method: String = app
        .value("select method from identity.sessions order by created_at desc, id desc limit 1")
        .await;
    assert_eq!(method, "email_code");
    let stored: i64 = app
        .value(&format!(
            "select count(*) from identity.mail_requests where code = '{code}'::bytea"
        ))
        .await;
    assert_eq!(stored, 0);
}

#[tokio::test]
async fn a_code_is_tried_five_times_and_works_for_ten_minutes() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let browser = ada.elsewhere();
    ask(&browser, &ada.email()).await;
    let code = code_for(&app, &ada.email()).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        by_code(&browser, wrong).await.status(403);
    }
    assert_eq!(
        by_code(&browser, &code).await.status(409).body["code"],
        "code_over"
    );
    ask(&browser, &ada.email()).await;
    let code = code_for(&app, &ada.email()).await;
    app.clock.advance(Duration::minutes(10));
    by_code(&browser, &code).await.status(409);
    let failed: i64 = app
        .value("select count(*) from identity.security_events where kind = 'sign_in_failed'")
        .await;
    assert_eq!(failed, 5);
}

#[tokio::test]
async fn the_link_leads_where_somebody_was_going_and_never_elsewhere() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let going = "/updates?kind=news&q=a b";
    let body = json!({"email": ada.email(), "next": going});
    app.visitor().post("/sign-in-mails", body).await.status(202);
    app.drain().await;
    let mail = app.mails(&ada.email()).await[0]["text"].to_string();
    let link = "/sign-in/link?next=%2Fupdates%3Fkind%3Dnews%26q%3Da+b#";
    assert!(mail.contains(link), "{mail}");
    for elsewhere in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "home",
    ] {
        let body = json!({"email": ada.email(), "next": elsewhere});
        let refused = app.visitor().post("/sign-in-mails", body).await.status(422);
        let fault = &refused.body["errors"][0];
        assert_eq!(
            (&fault["field"], &fault["code"]),
            (&json!("next"), &json!("elsewhere")),
            "{elsewhere}"
        );
    }
}

#[tokio::test]
async fn an_address_without_an_account_is_answered_the_same_and_gets_no_mail() {
    let app = TestApp::new().await;
    let browser = app.visitor();
    ask(&browser, "nobody@example.org").await;
    app.drain().await;
    assert!(app.mails("nobody@example.org").await.is_empty());
    for _ in 0..5 {
        by_code(&browser, "123456").await.status(403);
    }
    by_code(&browser, "123456").await.status(409);
}

#[tokio::test]
async fn mails_to_one_address_are_bounded() {
    let app = TestApp::new().await;
    for _ in 0..4 {
        ask(&app.visitor(), "ada@example.org").await;
    }
    let body = json!({"email": "ada@example.org"});
    let refused = app.visitor().post("/sign-in-mails", body.clone()).await;
    assert_eq!(refused.status(429).header("retry-after"), "300");
    app.clock.advance(Duration::minutes(5));
    app.visitor().post("/sign-in-mails", body).await.status(202);
}

#[tokio::test]
async fn a_link_signs_in_wherever_it_is_opened_and_looking_does_not_use_it_up() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    ask(&app.visitor(), &ada.email()).await;
    let token = token_for(&app, &ada.email(), "/sign-in/link")
        .await
        .unwrap();
    let phone = ada.elsewhere();
    for _ in 0..2 {
        let looked = phone.post("/sessions/link", json!({"token": token})).await;
        assert_eq!(looked.status(200).body["email"], "ada@example.org");
    }
    phone
        .put("/sessions/link", json!({"token": token}))
        .await
        .status(201);
    phone.get("/me").await.status(200);
    phone
        .put("/sessions/link", json!({"token": token}))
        .await
        .status(409);
}

#[tokio::test]
async fn the_mail_is_one_factor_and_the_second_is_asked_for() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    enrol(&app, &ada).await;
    let browser = ada.elsewhere();
    ask(&browser, &ada.email()).await;
    let code = code_for(&app, &ada.email()).await;
    let asked = by_code(&browser, &code).await.status(202);
    assert_eq!(asked.body["factors"], json!(["totp", "recovery_code"]));
    browser.get("/me").await.status(401);
}

#[tokio::test]
async fn whoever_reads_the_mail_proves_the_address_and_a_stranger_s_password_is_void() {
    let app = TestApp::new().await;
    // A stranger registered Ada's address and waits for her to prove it.
    let stranger = app.registered("ada").await;
    let ada = stranger.elsewhere();
    ask(&ada, &ada.email()).await;
    let code = code_for(&app, &ada.email()).await;
    by_code(&ada, &code).await.status(201);
    stranger.sign_in().await.status(403);
    // Without a password, she confirms by mail who she is, and sets one.
    let security = ada.get("/me/security").await.status(200);
    assert_eq!(
        security.body["password_changed_at"],
        serde_json::Value::Null
    );
    app.clock.advance(Duration::minutes(15));
    let new = json!({"password": "another lantern by the jetty"});
    ada.put("/me/password", new.clone()).await.status(403);
    ada.post("/me/confirmation/mail", json!({}))
        .await
        .status(202);
    let code = code_for(&app, &ada.email()).await;
    let confirm = json!({"method": "email_code", "secret": code});
    ada.post("/me/confirmation", confirm).await.status(204);
    ada.put("/me/password", new).await.status(204);
}

#[tokio::test]
async fn a_suspended_account_gets_no_mail_that_lets_it_in() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    app.sql("update identity.users set status = 'suspended'")
        .await;
    let before = subjects(&app, &ada).await.len();
    ask(&app.visitor(), &ada.email()).await;
    app.visitor()
        .post("/password-resets", json!({"email": ada.email()}))
        .await
        .status(202);
    assert_eq!(subjects(&app, &ada).await.len(), before);
}

#[tokio::test]
async fn the_browser_that_registered_is_signed_in_by_the_link_and_no_other_is() {
    let app = TestApp::new().await;
    let ada = app.registered("ada").await;
    let token = token_for(&app, &ada.email(), "/verify").await.unwrap();
    let proved = ada
        .put("/accounts/verification", json!({"token": token}))
        .await;
    assert_eq!(proved.status(200).body["landing"], "/home");
    ada.get("/me").await.status(200);
    let bob = app.registered("bob").await;
    let token = token_for(&app, &bob.email(), "/verify").await.unwrap();
    let elsewhere = bob.elsewhere();
    let proved = elsewhere
        .put("/accounts/verification", json!({"token": token}))
        .await;
    assert_eq!(proved.status(200).body["landing"], serde_json::Value::Null);
    elsewhere.get("/me").await.status(401);
}

#[tokio::test]
async fn a_device_that_is_new_is_told_once() {
    let app = TestApp::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let ada = app.member("ada").await;
    let enter = async |browser: &Person, agent: &str, from: &str| {
        let body = json!({"email": ada.email(), "password": PASSWORD});
        let request = browser.raw("POST", "/api/v1/sessions");
        let request = request
            .header("user-agent", agent)
            .header("x-forwarded-for", from);
        Answer::of(request.json(&body)).await.status(201);
    };
    let told = async || {
        let subjects = subjects(&app, &ada).await;
        let new = subjects
            .iter()
            .filter(|subject| subject.starts_with("A new device"));
        new.count()
    };
    // Her first device is no news.
    assert_eq!(told().await, 0);
    let phone = ada.elsewhere();
    let firefox = "Mozilla/5.0 (Android 15) Firefox/140.0";
    enter(&phone, firefox, "203.0.113.5").await;
    assert_eq!(told().await, 1);
    let mails = app.mails(&ada.email()).await;
    let text = mails[0]["text"].as_str().unwrap();
    assert!(
        text.contains("Firefox on Android") && text.contains("somewhere else than usual"),
        "{text}"
    );
    // The same browser, wherever it is; and the same kind of device in the same network,
    // whose cookies were cleared.
    enter(&phone, firefox, "198.51.100.9").await;
    enter(&ada.elsewhere(), firefox, "198.51.100.9").await;
    assert_eq!(told().await, 1);
    enter(&ada.elsewhere(), "curl/8", "198.51.100.9").await;
    assert_eq!(told().await, 2);
}
