//! Two-step verification: enrolling, answering, recovering, remembering.

use crate::{
    app::{PASSWORD, TestApp},
    passwords::subjects,
    person::{Answer, Person},
};
use serde_json::{Value, json};
use time::Duration;
use totp_rs::{Builder, Secret, Totp};

/// Somebody's authenticator app.
pub(crate) struct Phone(Totp);

impl Phone {
    pub(crate) fn reads(secret: &str) -> Self {
        let secret = Secret::try_from_base32(secret).unwrap();
        Self(Builder::new().with_secret(secret).build().unwrap())
    }

    pub(crate) fn shows(&self, app: &TestApp) -> String {
        let now = u64::try_from(app.clock.now().unix_timestamp()).unwrap();
        self.0.generate(now).to_string()
    }
}

/// Sets an app up; what it is, and the recovery codes.
pub(crate) async fn enrol(app: &TestApp, person: &Person) -> (Phone, Vec<String>) {
    let made = person.post("/me/totp", json!({})).await.status(201);
    let phone = Phone::reads(made.body["secret"].as_str().unwrap());
    let body = json!({"code": phone.shows(app)});
    let confirmed = person.put("/me/totp", body).await.status(200);
    let codes = confirmed.body["recovery_codes"].as_array().unwrap();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned());
    app.clock.advance(Duration::seconds(30));
    (phone, codes.collect())
}

fn answer(factor: &str, code: &str, remember: bool) -> Value {
    json!({"factor": factor, "code": code, "remember": remember})
}

async fn second(person: &Person, factor: &str, code: &str, remember: bool) -> Answer {
    person
        .post("/sessions/second-factor", answer(factor, code, remember))
        .await
}

#[tokio::test]
async fn an_app_counts_once_it_shows_the_right_code() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let made = ada.post("/me/totp", json!({})).await.status(201);
    let uri = made.body["uri"].as_str().unwrap();
    assert!(
        uri.starts_with("otpauth://totp/Portico:ada%40example.org?"),
        "{uri}"
    );
    let sealed: String = app.value("select secret_sealed from identity.totp").await;
    assert!(!sealed.contains(made.body["secret"].as_str().unwrap()));
    let wrong = ada.put("/me/totp", json!({"code": "000000"})).await;
    assert_eq!(wrong.status(422).body["errors"][0]["field"], "code");
    // It does not count yet.
    ada.elsewhere().sign_in().await.status(201);
    let (phone, codes) = enrol(&app, &ada).await;
    assert_eq!(codes.len(), 10);
    let asked = ada.elsewhere().sign_in().await.status(202);
    assert_eq!(asked.body["factors"], json!(["totp", "recovery_code"]));
    let again = ada.post("/me/totp", json!({})).await.status(409);
    assert_eq!(again.body["code"], "totp_present");
    let kept: i64 = app
        .value("select count(*) from identity.recovery_codes where octet_length(hash) = 32")
        .await;
    assert_eq!(kept, 10);
    let told = subjects(&app, &ada).await;
    assert!(
        told.iter().any(|subject| subject.contains("one more way")),
        "{told:?}"
    );
    drop(phone);
}

#[tokio::test]
async fn a_sign_in_waits_for_its_second_factor_and_no_code_is_taken_twice() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let (phone, _) = enrol(&app, &ada).await;
    let laptop = ada.elsewhere();
    laptop.sign_in().await.status(202);
    // The password alone has opened nothing.
    laptop.get("/me").await.status(401);
    let code = phone.shows(&app);
    second(&laptop, "totp", &code, false).await.status(201);
    laptop.get("/me").await.status(200);
    // Neither the waiting sign-in nor the code works again.
    second(&laptop, "totp", &code, false).await.status(409);
    let thief = ada.elsewhere();
    thief.sign_in().await.status(202);
    second(&thief, "totp", &code, false).await.status(403);
    app.clock.advance(Duration::seconds(30));
    let fresh = phone.shows(&app);
    second(&thief, "totp", &fresh, false).await.status(201);
    let failed: i64 = app
        .value("select count(*) from identity.security_events where kind = 'second_factor_failed'")
        .await;
    assert_eq!(failed, 1);
}

#[tokio::test]
async fn a_sign_in_is_answered_five_times_and_waits_ten_minutes() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let (phone, _) = enrol(&app, &ada).await;
    let guesser = ada.elsewhere();
    guesser.sign_in().await.status(202);
    for _ in 0..5 {
        second(&guesser, "totp", "000000", false).await.status(403);
    }
    let over = second(&guesser, "totp", &phone.shows(&app), false).await;
    assert_eq!(over.status(409).body["code"], "challenge_over");
    // The owner is not kept out by it.
    let laptop = ada.elsewhere();
    laptop.sign_in().await.status(202);
    app.clock.advance(Duration::minutes(10));
    second(&laptop, "totp", &phone.shows(&app), false)
        .await
        .status(409);
    laptop.sign_in().await.status(202);
    second(&laptop, "totp", &phone.shows(&app), false)
        .await
        .status(201);
    app.visitor()
        .post("/sessions/second-factor", answer("totp", "000000", false))
        .await
        .status(409);
}

#[tokio::test]
async fn a_recovery_code_signs_in_once_and_is_told() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let (_, codes) = enrol(&app, &ada).await;
    let laptop = ada.elsewhere();
    laptop.sign_in().await.status(202);
    let shouted = codes[3].to_uppercase().replace('-', " ");
    second(&laptop, "recovery_code", &shouted, false)
        .await
        .status(201);
    let security = laptop.get("/me/security").await.status(200);
    assert_eq!(security.body["recovery_codes_left"], 9);
    let again = ada.elsewhere();
    again.sign_in().await.status(202);
    second(&again, "recovery_code", &codes[3], false)
        .await
        .status(403);
    let told = subjects(&app, &ada).await;
    assert!(told.contains(&"A recovery code was used at Portico".to_owned()));
    // Made anew, those before are worth nothing.
    let fresh = laptop
        .post("/me/recovery-codes", json!({}))
        .await
        .status(201);
    assert_eq!(fresh.body["recovery_codes"].as_array().unwrap().len(), 10);
    second(&again, "recovery_code", &codes[4], false)
        .await
        .status(403);
    let new = fresh.body["recovery_codes"][0].as_str().unwrap();
    second(&again, "recovery_code", new, false)
        .await
        .status(201);
}

#[tokio::test]
async fn a_browser_stands_in_for_thirty_days_until_it_is_forgotten() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let (phone, _) = enrol(&app, &ada).await;
    let laptop = ada.elsewhere();
    laptop.sign_in().await.status(202);
    second(&laptop, "totp", &phone.shows(&app), true)
        .await
        .status(201);
    laptop.sign_in().await.status(201);
    // Another browser is asked, and so is another account in this one.
    ada.elsewhere().sign_in().await.status(202);
    let security = laptop.get("/me/security").await.status(200);
    let devices = security.body["remembered_devices"].as_array().unwrap();
    assert_eq!(
        (devices.len(), devices[0]["current"].clone()),
        (1, json!(true))
    );
    app.clock.advance(Duration::days(29));
    laptop.sign_in().await.status(201);
    let path = format!(
        "/me/remembered-devices/{}",
        devices[0]["id"].as_str().unwrap()
    );
    let bob = app.member("bob").await;
    bob.delete(&path).await.status(404);
    laptop.delete(&path).await.status(204);
    laptop.sign_in().await.status(202);
    second(&laptop, "totp", &phone.shows(&app), true)
        .await
        .status(201);
    laptop.sign_in().await.status(201);
    app.clock.advance(Duration::days(30));
    laptop.sign_in().await.status(202);
}

#[tokio::test]
async fn a_planted_device_cookie_is_worth_nothing() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let (phone, _) = enrol(&app, &ada).await;
    let eve = app.member("eve").await;
    let planted = eve.cookie("portico_device").unwrap();
    let victim = ada.elsewhere();
    let with = async |cookie: String, path: &str, body: Value| {
        let request = victim.raw("POST", &format!("/api/v1{path}"));
        Answer::of(request.header("cookie", cookie).json(&body)).await
    };
    let credentials = json!({"email": ada.email(), "password": PASSWORD});
    let cookie = format!("portico_device={planted}");
    let asked = with(cookie.clone(), "/sessions", credentials.clone()).await;
    let waiting = asked.status(202).set_cookies();
    let waiting = waiting[0].split(';').next().unwrap().to_owned();
    let right = answer("totp", &phone.shows(&app), true);
    with(
        format!("{cookie}; {waiting}"),
        "/sessions/second-factor",
        right,
    )
    .await
    .status(201);
    // Whoever planted it holds nothing of Ada's.
    let eves = with(cookie, "/sessions", credentials).await;
    eves.status(202);
}

#[tokio::test]
async fn turning_it_off_asks_who_it_is_and_ends_what_hung_on_it() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let (phone, _) = enrol(&app, &ada).await;
    app.clock.advance(Duration::minutes(15));
    let refused = ada.delete("/me/totp").await.status(403);
    assert_eq!(refused.body["code"], "confirmation_required");
    let ways = ada.get("/me/confirmation").await.status(200);
    assert_eq!(ways.body["methods"], json!(["password", "totp"]));
    let confirm = json!({"method": "totp", "secret": phone.shows(&app)});
    ada.post("/me/confirmation", confirm.clone())
        .await
        .status(204);
    ada.post("/me/confirmation", confirm).await.status(403);
    ada.delete("/me/totp").await.status(204);
    ada.delete("/me/totp").await.status(404);
    let security = ada.get("/me/security").await.status(200);
    assert_eq!(security.body["totp_since"], Value::Null);
    assert_eq!(security.body["recovery_codes_left"], 0);
    ada.elsewhere().sign_in().await.status(201);
    let none = ada.post("/me/recovery-codes", json!({})).await.status(409);
    assert_eq!(none.body["code"], "no_second_factor");
}

#[tokio::test]
async fn where_staff_need_a_second_factor_their_rights_wait_for_it() {
    let app = TestApp::with(|config| {
        config.identity.staff_second_factor = identity::SecondFactorPolicy::Required;
    })
    .await;
    let owner = app.owner("eva").await;
    let held = owner.get("/users").await.status(403);
    assert_eq!(held.body["code"], "second_factor_due");
    let me = owner.get("/me").await.status(200);
    assert_eq!(
        (
            me.body["second_factor_due"].clone(),
            me.body["permissions"].clone()
        ),
        (json!(true), json!([]))
    );
    // A member is not concerned.
    let bob = app.member("bob").await;
    assert_eq!(bob.get("/me").await.body["second_factor_due"], false);
    enrol(&app, &owner).await;
    owner.get("/users").await.status(200);
    assert_eq!(owner.get("/me").await.body["second_factor_due"], false);
    owner.delete("/me/totp").await.status(204);
    owner.get("/users").await.status(403);
}
