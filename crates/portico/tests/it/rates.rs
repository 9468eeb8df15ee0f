//! A client that calls without end is held back; everybody else is not.

use crate::{app::TestApp, person::Answer};
use futures_util::future::join_all;
use portico::http::RateConfig;

/// The first refusal among many calls at once, and that some were answered.
fn refusal(answers: Vec<Answer>) -> Answer {
    assert!(
        answers.iter().any(|answer| answer.code != 429),
        "none passed"
    );
    let refused = answers.into_iter().find(|answer| answer.code == 429);
    refused.expect("the limit binds")
}

fn assert_refused(refused: &Answer, policy: &str, left: &str) {
    assert_eq!(refused.body["code"], "rate_limited");
    assert_eq!(refused.body["type"], "/problems/rate_limited");
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert_eq!(refused.headers["ratelimit-policy"], policy);
    let told = refused.headers["ratelimit"].to_str().unwrap();
    assert!(told.starts_with(left), "{told}");
    let wait: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(wait >= 1);
}

#[tokio::test]
async fn a_session_that_calls_without_end_is_told_to_wait_and_nobody_else_is() {
    let app = TestApp::with(|config| {
        config.http.rate = RateConfig {
            session_burst: 3,
            session_per_second: 1,
            ..RateConfig::default()
        };
    })
    .await;
    let ada = app.owner("ada").await;
    let first = ada.get("/me").await.status(200);
    assert_eq!(first.headers["ratelimit-policy"], "\"session\";q=3;w=3");
    let answers = join_all((0..24).map(|_| ada.get("/me"))).await;
    assert_refused(
        &refusal(answers),
        "\"session\";q=3;w=3",
        "\"session\";r=0;t=",
    );
    // A session of its own has a measure of its own; this machine has none.
    let elsewhere = ada.elsewhere();
    elsewhere.sign_in().await.status(201);
    elsewhere.get("/me").await.status(200);
    for _ in 0..12 {
        ada.elsewhere().get("/system").await.status(200);
    }
}

#[tokio::test]
async fn a_network_of_strangers_is_told_to_wait_and_the_next_is_not() {
    let app = TestApp::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.http.rate = RateConfig {
            network_burst: 3,
            network_per_second: 1,
            ..RateConfig::default()
        };
    })
    .await;
    let visitor = app.visitor();
    let ask = |from: &'static str| {
        let asked = visitor.raw("GET", "/api/v1/system");
        Answer::of(asked.header("x-forwarded-for", from))
    };
    // One customer's network in IPv6, whatever address in it.
    let answers = join_all((0..24).map(|n| {
        ask(if n % 2 == 0 {
            "2001:db8:1:2::1"
        } else {
            "2001:db8:1:2:ffff::9"
        })
    }))
    .await;
    assert_refused(
        &refusal(answers),
        "\"network\";q=3;w=3",
        "\"network\";r=0;t=",
    );
    ask("2001:db8:1:3::1").await.status(200);
}
