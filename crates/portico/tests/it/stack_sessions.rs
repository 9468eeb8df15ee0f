//! Sessions of the Stack Auth protocol, whose tokens do not rotate: kept as hashes, over when idle and in any case, and
//! told to their owner when another program uses them. The rest of the protocol is driven by its own SDK
//! (`contracts/stack-auth`); here time is held.

use crate::{app::TestApp, person::Answer};
use serde_json::{Value, json};
use time::Duration;

/// A program that speaks the protocol.
pub(crate) struct Sdk<'a> {
    app: &'a TestApp,
    project: String,
    agent: &'static str,
}

pub(crate) const LAPTOP: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0";
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";

impl<'a> Sdk<'a> {
    pub(crate) async fn of(app: &'a TestApp, agent: &'static str) -> Self {
        let project = app
            .value("select id::text from identity.stack_project")
            .await;
        Self {
            app,
            project,
            agent,
        }
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        tokens: &Value,
        body: &Value,
    ) -> Answer {
        let mut request = self
            .app
            .visitor()
            .raw(method, &format!("/stack/api/v1{path}"))
            .header("user-agent", self.agent)
            .header("x-stack-project-id", &self.project)
            .header("x-stack-access-type", "client");
        for (header, field) in [
            ("access-token", "access_token"),
            ("refresh-token", "refresh_token"),
        ] {
            if let Some(token) = tokens[field].as_str() {
                request = request.header(format!("x-stack-{header}"), token);
            }
        }
        Answer::of(request.json(body)).await
    }

    pub(crate) async fn sign_up(&self) -> Value {
        let body = json!({"email": "ada@example.org", "password": "four quiet arches by the sea"});
        let answer = self
            .call("POST", "/auth/password/sign-up", &json!({}), &body)
            .await;
        answer.status(200).body
    }

    /// Trades the refresh token for an access token: the status, and the code of the refusal.
    async fn refresh(&self, tokens: &Value) -> (u16, Value) {
        let held = json!({"refresh_token": tokens["refresh_token"]});
        let answer = self
            .call("POST", "/auth/sessions/current/refresh", &held, &json!({}))
            .await;
        (answer.code, answer.body["code"].clone())
    }
}

fn over() -> (u16, Value) {
    (401, json!("REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"))
}

fn good() -> (u16, Value) {
    (200, Value::Null)
}

#[tokio::test]
async fn a_refresh_token_is_kept_as_a_hash_and_nowhere_else() {
    let app = TestApp::new().await;
    let sdk = Sdk::of(&app, LAPTOP).await;
    let tokens = sdk.sign_up().await;
    let token = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(token.len(), 45);
    let kept: String = app
        .value("select encode(hash, 'hex') from identity.stack_refresh_tokens")
        .await;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    assert_eq!(kept, hex::encode(digest.as_ref()));
    for table in [
        "stack_refresh_tokens",
        "sessions",
        "stack_codes",
        "security_events",
        "known_devices",
    ] {
        let found: i64 = app
            .value(&format!(
                "select count(*) from identity.{table} t where t::text like '%{token}%'"
            ))
            .await;
        assert_eq!(found, 0, "{table}");
    }
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_its_access_token_with_it() {
    let app = TestApp::with(|config| {
        config.identity.idle_days = 14;
        config.identity.absolute_days = 90;
        // Longer than a session may idle, so that the token outlives it.
        config.identity.stack_auth.access_minutes = 60 * 24 * 30;
    })
    .await;
    let sdk = Sdk::of(&app, LAPTOP).await;
    let tokens = sdk.sign_up().await;
    app.clock.advance(Duration::days(14) - Duration::SECOND);
    assert_eq!(sdk.refresh(&tokens).await, good());
    // That was a use: it counts from there.
    app.clock.advance(Duration::days(14) - Duration::SECOND);
    assert_eq!(sdk.refresh(&tokens).await, good());
    app.clock.advance(Duration::days(14));
    assert_eq!(sdk.refresh(&tokens).await, over());
    let me = sdk.call("GET", "/users/me", &tokens, &json!({})).await;
    assert_eq!(me.status(401).body["code"], "ACCESS_TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_session_ends_in_any_case_however_much_it_is_used() {
    let app = TestApp::with(|config| {
        config.identity.idle_days = 14;
        config.identity.absolute_days = 30;
    })
    .await;
    let sdk = Sdk::of(&app, LAPTOP).await;
    let tokens = sdk.sign_up().await;
    for _ in 0..3 {
        app.clock.advance(Duration::days(9));
        assert_eq!(sdk.refresh(&tokens).await, good());
    }
    app.clock.advance(Duration::days(3));
    assert_eq!(sdk.refresh(&tokens).await, over());
}

#[tokio::test]
async fn another_program_that_uses_the_token_is_told_to_its_owner_once() {
    let app = TestApp::new().await;
    let laptop = Sdk::of(&app, LAPTOP).await;
    let phone = Sdk::of(&app, PHONE).await;
    let tokens = laptop.sign_up().await;
    // Only a proved address is written to.
    app.sql("update identity.users set email_verified_at = now()")
        .await;
    let told = || async {
        app.value::<i64>("select count(*) from identity.security_events where kind = 'new_device'")
            .await
    };
    assert_eq!(laptop.refresh(&tokens).await, good());
    assert_eq!(told().await, 0);
    assert_eq!(phone.refresh(&tokens).await, good());
    assert_eq!(told().await, 1);
    let data: Value = app
        .value("select data from identity.security_events where kind = 'new_device'")
        .await;
    assert_eq!(data["before"], "Firefox on Linux");
    assert_eq!(data["face"], "stack_auth");
    app.drain().await;
    assert!(!app.mails("ada@example.org").await.is_empty());
    // An app's page and its server share a token: both are known by now.
    for sdk in [&laptop, &phone, &laptop] {
        assert_eq!(sdk.refresh(&tokens).await, good());
    }
    assert_eq!(told().await, 1);
}

#[tokio::test]
async fn the_operator_makes_a_secret_key_after_proving_who_they_are_and_takes_the_old_one_back() {
    let app = TestApp::new().await;
    let owner = app.owner("olga").await;
    let sdk = Sdk::of(&app, LAPTOP).await;
    let opens = async |key: &str| {
        let request = app
            .visitor()
            .raw("GET", "/stack/api/v1/users")
            .header("x-stack-project-id", &sdk.project)
            .header("x-stack-access-type", "server")
            .header("x-stack-secret-server-key", key);
        Answer::of(request).await.code == 200
    };
    let make = async || {
        let answer = owner.raw("POST", "/api/v1/stack-project/secret-keys");
        Answer::of(answer).await
    };
    let first = make().await.status(201);
    assert_eq!(first.header("cache-control"), "no-store");
    let first = first.body["secret_server_key"].as_str().unwrap().to_owned();
    assert!(first.starts_with("ssk_"));
    let second = make().await.status(201).body["secret_server_key"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(opens(&first).await && opens(&second).await);
    let project = owner.get("/stack-project").await.status(200);
    assert_eq!(
        project.body["secret_key"]["last_four"],
        second[second.len() - 4..]
    );
    assert_eq!(
        project.body["previous_key"]["last_four"],
        first[first.len() - 4..]
    );
    assert!(!project.body.to_string().contains(&second));
    owner
        .delete("/stack-project/secret-keys/previous")
        .await
        .status(204);
    assert!(!opens(&first).await && opens(&second).await);
    owner
        .delete("/stack-project/secret-keys/previous")
        .await
        .status(404);
    let noted: i64 = app
        .value("select count(*) from kernel.audit where action like 'stack_project.key_%'")
        .await;
    assert_eq!(noted, 3);
    app.clock.advance(Duration::hours(1));
    let late = make().await.status(403);
    assert_eq!(late.body["code"], "confirmation_required");
}
