//! Refresh tokens: renewed on the way, used once, and what comes of a stolen one.

use crate::{
    app::TestApp,
    person::{Answer, Person},
};
use serde_json::json;
use time::Duration;

const REFRESH: &str = "portico_refresh";
const ACCESS: &str = "portico_access";

/// Asks with this refresh token and no access token.
async fn with(app: &TestApp, token: &str) -> Answer {
    let visitor = app.visitor();
    let request = visitor.raw("GET", "/api/v1/me");
    Answer::of(request.header("cookie", format!("{REFRESH}={token}"))).await
}

fn refresh_of(person: &Person) -> String {
    person.cookie(REFRESH).unwrap()
}

/// The refresh token that an answer hands over.
fn handed(answer: &Answer) -> String {
    let cookies = answer.set_cookies();
    let line = cookies
        .iter()
        .find_map(|line| line.strip_prefix("portico_refresh="));
    line.expect("a new token")
        .split(';')
        .next()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn tokens_are_renewed_on_the_way_when_the_access_token_is_over() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let before = (ada.cookie(ACCESS).unwrap(), refresh_of(&ada));
    app.clock.advance(Duration::minutes(9));
    assert!(ada.get("/me").await.status(200).set_cookies().is_empty());
    app.clock.advance(Duration::minutes(1));
    let renewed = ada.get("/me").await.status(200);
    assert_eq!(renewed.set_cookies().len(), 2);
    assert_eq!(renewed.header("cache-control"), "no-store");
    let after = (ada.cookie(ACCESS).unwrap(), refresh_of(&ada));
    assert!(before.0 != after.0 && before.1 != after.1);
    assert!(ada.get("/me").await.status(200).set_cookies().is_empty());
    // As a bearer token, nobody renews it.
    let visitor = app.visitor();
    let old = visitor.raw("GET", "/api/v1/me").bearer_auth(&before.0);
    Answer::of(old).await.status(401);
}

#[tokio::test]
async fn tabs_that_renew_at_the_same_moment_all_stay_signed_in() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    app.clock.advance(Duration::minutes(11));
    let token = refresh_of(&ada);
    let (one, two, three) =
        tokio::join!(with(&app, &token), with(&app, &token), with(&app, &token));
    let tokens: Vec<String> = [one, two, three]
        .into_iter()
        .map(|answer| handed(&answer.status(200)))
        .collect();
    app.clock.advance(Duration::seconds(20));
    // One tab goes on, and a slow one still comes with the old token.
    with(&app, &tokens[0]).await.status(200);
    with(&app, &token).await.status(200);
    with(&app, &tokens[1]).await.status(200);
    with(&app, &tokens[2]).await.status(200);
}

#[tokio::test]
async fn an_answer_that_was_lost_on_the_way_signs_nobody_out() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let token = refresh_of(&ada);
    with(&app, &token).await.status(200);
    app.clock.advance(Duration::hours(5));
    let next = handed(&with(&app, &token).await.status(200));
    app.clock.advance(Duration::hours(5));
    with(&app, &next).await.status(200);
}

#[tokio::test]
async fn a_token_that_comes_back_after_its_successor_was_used_ends_the_session() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let ada = app.member("ada").await;
    let stolen = refresh_of(&ada);
    let access = ada.cookie(ACCESS).unwrap();
    let second = handed(&with(&app, &stolen).await.status(200));
    let third = handed(&with(&app, &second).await.status(200));
    app.clock.advance(Duration::seconds(31));
    let visitor = app.visitor();
    let with_access =
        async || Answer::of(visitor.raw("GET", "/api/v1/me").bearer_auth(&access)).await;
    with_access().await.status(200);
    with(&app, &stolen).await.status(401);
    with(&app, &third).await.status(401);
    with_access().await.status(401);
    let acts = owner.get("/audit").await.status(200);
    assert_eq!(acts.body["items"][0]["action"], "session.token_reused");
    assert_eq!(acts.body["items"][0]["subject"], json!(ada.id()));
    let ended: String = app
        .value(&format!(
            "select ended_because from identity.sessions where user_id = '{}'",
            ada.id()
        ))
        .await;
    assert_eq!(ended, "token_reused");
    ada.sign_in().await.status(201);
    ada.get("/me").await.status(200);
}

#[tokio::test]
async fn a_session_that_idles_for_two_weeks_is_over() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    app.clock.advance(Duration::days(14) - Duration::seconds(1));
    ada.get("/me").await.status(200);
    app.clock.advance(Duration::days(14));
    ada.get("/me").await.status(401);
    with(&app, &refresh_of(&ada)).await.status(401);
}

#[tokio::test]
async fn a_session_is_over_after_ninety_days_however_busy() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    for _ in 0..8 {
        app.clock.advance(Duration::days(11));
        ada.get("/me").await.status(200);
    }
    app.clock.advance(Duration::days(2));
    ada.get("/me").await.status(401);
}

#[tokio::test]
async fn a_token_of_nobody_is_worth_nothing() {
    let app = TestApp::new().await;
    for token in [
        "",
        "x",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "\u{0}",
    ] {
        let visitor = app.visitor();
        let request = visitor.raw("GET", "/api/v1/me");
        let cookie = format!("{REFRESH}={token}; {ACCESS}={token}");
        let Ok(value) = reqwest::header::HeaderValue::from_str(&cookie) else {
            continue;
        };
        Answer::of(request.header("cookie", value))
            .await
            .status(401);
    }
}

#[tokio::test]
async fn a_suspension_is_felt_by_who_renews() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    app.sql("update identity.users set status = 'suspended'")
        .await;
    app.clock.advance(Duration::minutes(11));
    with(&app, &refresh_of(&ada)).await.status(401);
}
