//! Signing in and out, on devices that are seen.

use crate::{
    app::{PASSWORD, TestApp},
    person::Answer,
};
use insta::assert_json_snapshot;
use serde_json::json;
use time::Duration;

#[tokio::test]
async fn signing_in_lands_members_at_home_and_staff_in_the_admin() {
    let app = TestApp::new().await;
    let bob = app.member("bob").await;
    assert_json_snapshot!("a_member_signs_in", bob.sign_in().await.steady());
    let eva = app.staff("eva", "editor").await;
    assert_json_snapshot!("an_editor_signs_in", eva.sign_in().await.steady());
}

#[tokio::test]
async fn nobody_learns_whether_an_address_has_an_account() {
    let app = TestApp::new().await;
    app.member("ada").await;
    app.registered("unproved").await;
    let attempt = async |email: &str| {
        let body = json!({"email": email, "password": "wrong-wrong-wrong"});
        app.visitor().post("/sessions", body).await
    };
    let known = attempt("ada@example.org").await;
    assert_json_snapshot!(known.steady());
    for email in ["nobody@example.org", "unproved@example.org", "no address"] {
        let other = attempt(email).await;
        assert_eq!(
            (other.code, other.body),
            (known.code, known.body.clone()),
            "{email}"
        );
        assert!(other.headers.get("set-cookie").is_none());
    }
}

#[tokio::test]
async fn who_knows_the_password_learns_how_the_account_stands() {
    let app = TestApp::new().await;
    let ada = app.registered("ada").await;
    assert_json_snapshot!("an_unproved_address", ada.sign_in().await.steady());
    app.verified(&ada).await;
    ada.sign_in().await.status(201);
    app.sql("update identity.users set status = 'suspended'")
        .await;
    assert_json_snapshot!("a_suspended_account", ada.sign_in().await.steady());
}

#[tokio::test]
async fn guessing_is_slowed_for_that_account_from_that_network_only() {
    let app = TestApp::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let ada = app.member("ada").await;
    let bob = app.member("bob").await;
    let attempt = async |email: &str, password: &str, from: &str| {
        let body = json!({"email": email, "password": password});
        let visitor = app.visitor();
        let request = visitor.raw("POST", "/api/v1/sessions");
        Answer::of(request.header("x-forwarded-for", from).json(&body)).await
    };
    let thief = "203.0.113.9";
    for _ in 0..10 {
        attempt(&ada.email(), "a-wrong-password", thief)
            .await
            .status(403);
    }
    let refused = attempt(&ada.email(), PASSWORD, thief).await;
    assert_json_snapshot!(refused.steady());
    assert_eq!(refused.header("retry-after"), "30");
    attempt(&ada.email(), PASSWORD, "198.51.100.1")
        .await
        .status(201);
    attempt(&bob.email(), PASSWORD, thief).await.status(201);
    app.clock.advance(Duration::seconds(29));
    attempt(&ada.email(), PASSWORD, thief).await.status(429);
    app.clock.advance(Duration::seconds(1));
    attempt(&ada.email(), PASSWORD, thief).await.status(201);
}

#[tokio::test]
async fn tokens_travel_in_cookies_that_no_script_reads() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let shape = |line: &String| {
        let (pair, attributes) = line.split_once("; ").unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        format!(
            "{name}={}; {attributes}",
            if value.is_empty() { "" } else { "…" }
        )
    };
    let signed_in = ada.sign_in().await.status(201);
    let cookies = signed_in.set_cookies();
    assert_json_snapshot!(
        "cookies_over_http",
        cookies.iter().map(shape).collect::<Vec<_>>()
    );
    assert!(
        !signed_in
            .body
            .to_string()
            .contains(&ada.cookie("portico_refresh").unwrap())
    );
    let out = ada.delete("/sessions/current").await.status(204);
    assert_json_snapshot!(
        "cookies_taken_back",
        out.set_cookies().iter().map(shape).collect::<Vec<_>>()
    );
    // What stays only says that the browser is known.
    assert!(ada.cookie("portico_access").is_none() && ada.cookie("portico_refresh").is_none());

    let https = TestApp::with(|config| {
        config.public_url = Some("https://portico.localhost".parse().unwrap());
    })
    .await;
    let bob = https.registered("bob").await;
    https.verified(&bob).await;
    let cookies = bob.sign_in().await.status(201).set_cookies();
    assert_json_snapshot!(
        "cookies_over_https",
        cookies.iter().map(shape).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn devices_are_listed_and_signed_out_at_once() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let bob = app.member("bob").await;
    let (phone, tablet) = (ada.elsewhere(), ada.elsewhere());
    let named =
        |name: &str| json!({"email": ada.email(), "password": PASSWORD, "device_name": name});
    phone
        .post("/sessions", named("Phone\u{7}\n of Ada"))
        .await
        .status(201);
    tablet.post("/sessions", named(" ")).await.status(201);
    let listed = ada.get("/sessions").await;
    assert_json_snapshot!(listed.steady());
    let ids: Vec<&str> = listed.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|device| device["current"] == false)
        .map(|device| device["id"].as_str().unwrap())
        .collect();
    let phones = listed.body["items"].as_array().unwrap().iter();
    let phones = phones.filter(|device| device["device"] != "Unknown device");
    let phones = phones
        .map(|device| device["id"].as_str().unwrap())
        .next()
        .unwrap();
    assert!(ids.contains(&phones));
    // One that was used in another network says so.
    app.sql(&format!(
        "update identity.sessions set address = '203.0.113.7' where id = '{phones}'"
    ))
    .await;
    let devices = ada.get("/sessions").await.body["items"].clone();
    for device in devices.as_array().unwrap() {
        assert_eq!(
            device["same_network"],
            json!(device["id"] != phones),
            "{device}"
        );
    }

    // Not somebody else's to end.
    bob.delete(&format!("/sessions/{phones}")).await.status(404);
    phone.get("/me").await.status(200);
    ada.delete(&format!("/sessions/{phones}")).await.status(204);
    phone.get("/me").await.status(401);
    ada.delete(&format!("/sessions/{phones}")).await.status(404);
    tablet.get("/me").await.status(200);
    ada.delete("/sessions").await.status(204);
    tablet.get("/me").await.status(401);
    ada.get("/me").await.status(200);
    bob.get("/me").await.status(200);
}

#[tokio::test]
async fn signing_in_once_more_ends_what_the_browser_had() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.member("ada").await, app.member("bob").await);
    let (before, phone) = (ada.cookies(), ada.elsewhere());
    phone.sign_in().await.status(201);
    let with = async |cookies: &str| {
        let request = app.visitor().raw("GET", "/api/v1/me");
        Answer::of(request.header("cookie", cookies)).await.code
    };
    // A wrong password ends nothing.
    let wrong = json!({"email": ada.email(), "password": "not this one"});
    ada.post("/sessions", wrong).await.status(403);
    assert_eq!(with(&before).await, 200);
    ada.sign_in().await.status(201);
    assert_eq!(with(&before).await, 401);
    assert_eq!(
        ada.get("/sessions").await.body["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    phone.get("/me").await.status(200);
    // The same where somebody else signs in there.
    let hers = ada.cookies();
    let theirs = json!({"email": bob.email(), "password": PASSWORD});
    ada.post("/sessions", theirs).await.status(201);
    assert_eq!(with(&hers).await, 401);
    assert_eq!(ada.get("/me").await.body["email"], bob.email());
    let ended: i64 = app
        .value("select count(*) from identity.sessions where ended_because = 'replaced'")
        .await;
    assert_eq!(ended, 2);
}

#[tokio::test]
async fn two_proofs_at_once_in_one_browser_both_go_well() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let before = ada.cookies();
    let proof = json!({"method": "password", "secret": PASSWORD});
    let prove = async |secret: &str, path: &str| {
        let asked = app.visitor().raw("POST", path).header("cookie", &before);
        let body = json!({"method": "password", "secret": secret});
        Answer::of(asked.json(&body)).await
    };
    let me = async |answer: &Answer| {
        let cookies: Vec<String> = answer
            .set_cookies()
            .iter()
            .filter_map(|line| Some(line.split_once(';')?.0.to_owned()))
            .collect();
        let asked = app.visitor().raw("GET", "/api/v1/me");
        Answer::of(asked.header("cookie", cookies.join("; "))).await
    };
    let confirmation = "/api/v1/me/confirmation";
    let (one, two) = tokio::join!(prove(PASSWORD, confirmation), prove(PASSWORD, confirmation));
    // A third comes later, still with the cookies of before.
    app.clock.advance(time::Duration::seconds(20));
    let late = prove(PASSWORD, confirmation).await;
    for answer in [one, two, late] {
        let answer = answer.status(204);
        me(&answer).await.status(200);
    }
    let standing: i64 = app
        .value("select count(*) from identity.sessions where ended_at is null")
        .await;
    assert_eq!(standing, 1);
    // Those cookies are good for nothing else, without the password for nothing, and not for long.
    let asked = app.visitor().raw("GET", "/api/v1/me");
    Answer::of(asked.header("cookie", &before))
        .await
        .status(401);
    prove("five loud arches", confirmation).await.status(403);
    app.clock.advance(time::Duration::seconds(31));
    prove(PASSWORD, confirmation).await.status(401);
    ada.post("/me/confirmation", proof).await.status(401);
}

#[tokio::test]
async fn a_fresh_proof_gives_the_browser_other_tokens_and_ends_those_before() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let before = ada.cookies();
    app.clock.advance(time::Duration::minutes(20));
    ada.put(
        "/me/password",
        json!({"password": "five quiet arches by the sea"}),
    )
    .await
    .status(403);
    let copy = app.visitor().raw("GET", "/api/v1/me");
    assert_eq!(Answer::of(copy.header("cookie", &before)).await.code, 200);
    let before = ada.cookies();
    let proof = json!({"method": "password", "secret": PASSWORD});
    ada.post("/me/confirmation", proof).await.status(204);
    let copy = app.visitor().raw("GET", "/api/v1/me");
    assert_eq!(Answer::of(copy.header("cookie", &before)).await.code, 401);
    let listed = ada.get("/sessions").await.status(200);
    let devices = listed.body["items"].as_array().unwrap();
    assert_eq!((devices.len(), &devices[0]["current"]), (1, &json!(true)));
    ada.put(
        "/me/password",
        json!({"password": "five quiet arches by the sea"}),
    )
    .await
    .status(204);
    // It ends when the one before would have.
    app.clock.advance(time::Duration::days(13));
    ada.get("/me").await.status(200);
    let days: i64 = app
        .value("select extract(day from max(expires_at) - min(created_at))::bigint from identity.sessions where ended_at is null")
        .await;
    assert_eq!(days, 90);
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let kept = ada.cookies();
    let access = ada.cookie("portico_access").unwrap();
    ada.delete("/sessions/current").await.status(204);
    // Copies of both tokens are worth nothing.
    let thief = app.visitor();
    Answer::of(thief.raw("GET", "/api/v1/me").header("cookie", kept))
        .await
        .status(401);
    Answer::of(thief.raw("GET", "/api/v1/me").bearer_auth(access))
        .await
        .status(401);
    ada.delete("/sessions/current").await.status(401);
}

#[tokio::test]
async fn a_page_of_another_site_cannot_act_with_the_cookies() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let request = ada
        .raw("DELETE", "/api/v1/sessions/current")
        .header("origin", "https://evil.example")
        .header("sec-fetch-site", "cross-site");
    assert_json_snapshot!(Answer::of(request).await.steady());
    ada.get("/me").await.status(200);
}

#[tokio::test]
async fn what_staff_do_with_their_sessions_is_written_down() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let support = app.staff("sam", "support").await;
    support.delete("/sessions/current").await.status(204);
    assert_json_snapshot!(owner.get("/audit").await.steady());
}
