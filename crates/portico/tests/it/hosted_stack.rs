//! A hosted project is trusted: proved with another Portico as the project.

use crate::{
    app::TestApp,
    hosted_project::{Forger, Project, Webhook, header},
    person::{Answer, Person},
};
use hosted_stack::jobs::FollowSessions;
use insta::assert_json_snapshot;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

/// The project, a place that trusts it, and the place's owner.
pub(crate) async fn trusting() -> (Project, TestApp, Person) {
    // The project first: its tokens are never younger than the place's clock.
    let project = Project::start().await;
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    let rules = json!([
        {"kind": "metadata", "name": "rank", "value": "editor", "role": "editor"},
        {"kind": "permission", "name": "support", "role": "support"},
    ]);
    let mut body = project.body();
    body["roles"] = rules;
    owner.put("/hosted-stack", body).await.status(200);
    (project, app, owner)
}

/// Trades a token in a browser of its own.
pub(crate) async fn exchange(app: &TestApp, token: &str) -> (Person, Answer) {
    let person = app.visitor();
    let body = json!({"access_token": token});
    let answer = person.post("/hosted-stack/sessions", body).await;
    (person, answer)
}

async fn bearer(app: &TestApp, token: &str) -> u16 {
    let request = app.visitor().raw("GET", "/api/v1/me").bearer_auth(token);
    Answer::of(request).await.code
}

async fn tell(app: &TestApp, kind: &str, person: Uuid) -> Webhook {
    let webhook = Webhook::new(kind, &json!({"id": person, "display_name": "Not believed"}));
    webhook.send(app).await.status(204);
    app.drain().await;
    webhook
}

fn roles(me: &Answer) -> Vec<&str> {
    let roles = me.body["roles"].as_array().unwrap();
    let mut roles: Vec<&str> = roles.iter().map(|role| role.as_str().unwrap()).collect();
    roles.sort_unstable();
    roles
}

async fn status(app: &TestApp, email: &str) -> String {
    app.value(&format!(
        "select status from identity.users where email = '{email}'"
    ))
    .await
}

#[tokio::test]
async fn somebody_comes_in_is_followed_and_leaves() {
    let (project, app, owner) = trusting().await;
    let id = project.person("ada").await;
    let token = project.token(id).await;
    // Before it was traded, a token opens nothing.
    assert_eq!(bearer(&app, &token).await, 401);
    let (ada, entered) = exchange(&app, &token).await;
    let me = entered.status(201);
    assert_eq!(me.body["user"]["email"], "ada@example.org");
    assert_eq!(bearer(&app, &token).await, 200);
    assert_eq!(roles(&ada.get("/me").await), ["member"]);

    let change = json!({"display_name": "Ada Lovelace", "server_metadata": {"rank": "editor"},
        "client_metadata": {"rank": "owner"}});
    project.change(id, change).await;
    let renamed = tell(&app, "user.updated", id).await;
    let me = ada.get("/me").await.status(200);
    assert_eq!(me.body["name"], "Ada Lovelace");
    assert_eq!(roles(&me), ["editor", "member"]);
    project
        .ask(
            "POST",
            &format!("/project-permissions/{id}/support"),
            json!({}),
        )
        .await;
    project.change(id, json!({"server_metadata": {}})).await;
    let data = json!({"id": "support", "user_id": id});
    let granted = Webhook::new("project_permission.created", &data);
    granted.send(&app).await.status(204);
    app.drain().await;
    assert_eq!(roles(&ada.get("/me").await), ["member", "support"]);

    project.remove(id).await;
    let data = json!({"id": id, "teams": []});
    Webhook::new("user.deleted", &data)
        .send(&app)
        .await
        .status(204);
    app.drain().await;
    assert_eq!(ada.get("/me").await.code, 401);
    assert_eq!(bearer(&app, &token).await, 401);
    assert_eq!(exchange(&app, &token).await.1.code, 403);
    assert_eq!(status(&app, "ada@example.org").await, "deleted");

    // What comes again, and what comes late, changes nothing.
    renamed.send(&app).await.status(204);
    app.drain().await;
    tell(&app, "user.created", id).await;
    assert_eq!(status(&app, "ada@example.org").await, "deleted");
    let events = owner.get("/hosted-stack/events").await.status(200);
    let kinds: Vec<(&str, &str)> = events.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (
                event["kind"].as_str().unwrap(),
                event["state"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(kinds.len(), 4, "each once: {kinds:?}");
    assert!(
        kinds.iter().all(|(_, state)| *state == "applied"),
        "{kinds:?}"
    );
    assert_json_snapshot!("how_it_stands", {
        let mut state = owner.get("/hosted-stack").await.steady();
        state["body"]["project"]["api_url"] = json!("[address]");
        state["body"]["webhook_url"] = json!("[address]");
        state
    });
}

#[tokio::test]
async fn whom_the_project_restricts_is_suspended_here_until_it_lifts_it() {
    let (project, app, _) = trusting().await;
    let id = project.person("ada").await;
    let (ada, entered) = exchange(&app, &project.token(id).await).await;
    entered.status(201);
    project
        .change(id, json!({"restricted_by_admin": true}))
        .await;
    tell(&app, "user.updated", id).await;
    assert_eq!(ada.get("/me").await.code, 401);
    assert_eq!(status(&app, "ada@example.org").await, "suspended");
    project
        .change(id, json!({"restricted_by_admin": false}))
        .await;
    tell(&app, "user.updated", id).await;
    assert_eq!(status(&app, "ada@example.org").await, "active");
    let again = exchange(&app, &project.token(id).await).await.1;
    again.status(201);
}

#[tokio::test]
async fn a_session_ends_with_the_one_it_stands_for() {
    let (project, app, _) = trusting().await;
    let id = project.person("ada").await;
    let (old, new) = (project.token(id).await, project.token(id).await);
    let (ada, entered) = exchange(&app, &old).await;
    entered.status(201);
    app.run(FollowSessions {}).await;
    assert_eq!(ada.get("/me").await.code, 200);
    project.sign_out(id).await;
    // Nobody tells: the next look finds it. Until then a token is good, but trades for nothing.
    let refused = exchange(&app, &new).await.1.status(403);
    assert_eq!(refused.body["code"], "hosted_session_over");
    app.run(FollowSessions {}).await;
    assert_eq!(ada.get("/me").await.code, 401);
    assert_eq!(bearer(&app, &old).await, 401);
    let (ada, entered) = exchange(&app, &project.token(id).await).await;
    entered.status(201);
    // Signed out here, the token opens nothing here either.
    ada.delete("/sessions/current").await.status(204);
    assert_eq!(ada.get("/me").await.code, 401);
}

#[tokio::test]
async fn a_webhook_that_is_forged_or_stale_is_refused() {
    let (project, app, _) = trusting().await;
    let id = project.person("ada").await;
    let data = json!({"id": id});
    let mut forged = Webhook::new("user.created", &data);
    forged.key = b"a secret of nobody at all".to_vec();
    let good = Webhook::new("user.created", &data);
    let now = app.clock.now();
    for (answer, code) in [
        (forged.send(&app).await, "signature_invalid"),
        (
            good.send_at(&app, now - Duration::minutes(6)).await,
            "signature_stale",
        ),
        (
            good.send_at(&app, now + Duration::minutes(6)).await,
            "signature_stale",
        ),
        (
            app.visitor()
                .post("/hosted-stack/webhooks", json!({}))
                .await,
            "signature_missing",
        ),
    ] {
        let answer = answer.status(400);
        assert_eq!(answer.body["code"], code);
    }
    app.drain().await;
    let kept: i64 = app.value("select count(*) from hosted_stack.inbox").await;
    let people: i64 = app.value("select count(*) from hosted_stack.people").await;
    assert_eq!((kept, people), (0, 0));
}

#[tokio::test]
async fn a_token_that_is_not_the_project_s_own_is_refused() {
    let (project, app, owner) = trusting().await;
    let now = app.clock.now();
    let liar = Forger::start(&app.app.tasks);
    let body = json!({"project_id": liar.id, "api_url": liar.url, "secret_server_key": "ssk",
        "webhook_secrets": [], "sign_up": true, "link_verified_email": false});
    owner.put("/hosted-stack", body).await.status(200);
    let foreign = format!("{}/api/v1/projects/{}", liar.url, Uuid::new_v4());
    let hmac = Header {
        kid: Some("one".into()),
        ..Header::new(Algorithm::HS256)
    };
    let past = now.unix_timestamp() - 31;
    let later = now.unix_timestamp() + 31;
    let refused = "hosted_token_refused";
    for (claims, header, code) in [
        // All is well with it, but the project knows no such session.
        (json!({}), header("one"), "hosted_session_over"),
        (json!({"iss": foreign}), header("one"), refused),
        (
            json!({"iss": "https://api.stack-auth.com"}),
            header("one"),
            refused,
        ),
        (json!({"aud": Uuid::new_v4()}), header("one"), refused),
        (
            json!({"aud": format!("{}:anon", liar.id)}),
            header("one"),
            refused,
        ),
        (
            json!({"aud": [liar.id, "other"], "project_id": Uuid::new_v4()}),
            header("one"),
            refused,
        ),
        (json!({"exp": past}), header("one"), refused),
        (json!({"iat": later}), header("one"), refused),
        (json!({"branch_id": "preview"}), header("one"), refused),
        (json!({"role": "service"}), header("one"), refused),
        (json!({"sub": "ada"}), header("one"), refused),
        (json!({}), header("two"), refused),
        (json!({}), Header::new(Algorithm::ES256), refused),
        (json!({}), hmac, refused),
        (
            json!({"email_verified": false}),
            header("one"),
            "hosted_account_unproved",
        ),
        (
            json!({"is_anonymous": true}),
            header("one"),
            "hosted_account_unproved",
        ),
    ] {
        let token = liar.token(now, &claims, &header);
        let answer = exchange(&app, &token).await.1.status(403);
        assert_eq!(answer.body["code"], code, "{claims}");
        assert_eq!(bearer(&app, &token).await, 401);
    }
    // A token of the project that is not trusted any more.
    let foreign = project.token(project.person("ada").await).await;
    let answer = exchange(&app, &foreign).await.1.status(403);
    assert_eq!(answer.body["code"], refused);
}

async fn compare(app: &TestApp, owner: &Person, mends: bool) -> (Value, Value) {
    let body = json!({"mends": mends});
    let run = owner
        .post("/hosted-stack/reconciliations", body.clone())
        .await
        .status(202);
    let busy = owner
        .post("/hosted-stack/reconciliations", body)
        .await
        .status(409);
    assert_eq!(busy.body["code"], "run_on_its_way");
    app.drain().await;
    let runs = owner.get("/hosted-stack/reconciliations").await.status(200);
    let path = format!(
        "/hosted-stack/reconciliations/{}/drift",
        run.body["id"].as_str().unwrap()
    );
    let drift = owner.get(&path).await.status(200);
    (runs.body["items"][0].clone(), drift.body["items"].clone())
}

fn counts(run: &Value) -> [i64; 4] {
    ["missing_here", "missing_there", "differing", "mended"].map(|name| run[name].as_i64().unwrap())
}

#[tokio::test]
async fn a_comparison_finds_what_nobody_told_and_mends_it() {
    let (project, app, owner) = trusting().await;
    let ada = project.person("ada").await;
    let cy = project.person("cy").await;
    for person in [ada, cy] {
        exchange(&app, &project.token(person).await)
            .await
            .1
            .status(201);
    }
    project.person("bob").await;
    project
        .change(ada, json!({"display_name": "Ada Lovelace"}))
        .await;
    project.remove(cy).await;
    let (run, mut drift) = compare(&app, &owner, false).await;
    assert_eq!(counts(&run), [1, 1, 1, 0], "{run:#}");
    let items = drift.as_array_mut().unwrap();
    items.sort_by_key(|item| item["email"].as_str().map(str::to_owned));
    assert_json_snapshot!("drift", crate::person::steady(&drift));
    assert_eq!(status(&app, "cy@example.org").await, "active");
    let (run, _) = compare(&app, &owner, true).await;
    assert_eq!(counts(&run), [1, 1, 1, 3], "{run:#}");
    assert_eq!(status(&app, "cy@example.org").await, "deleted");
    assert_eq!(status(&app, "bob@example.org").await, "active");
    let name = "select name from identity.users where email = 'ada@example.org'";
    assert_eq!(app.value::<String>(name).await, "Ada Lovelace");
    let (run, drift) = compare(&app, &owner, true).await;
    assert_eq!((counts(&run), drift), ([0, 0, 0, 0], json!([])));
}

#[tokio::test]
async fn nobody_is_taken_over_or_raised_by_the_project_s_word() {
    let (project, app, owner) = trusting().await;
    let bob = app.member("bob").await;
    let admin = app.staff("amal", "admin").await;
    let mut linking = project.body();
    linking["link_verified_email"] = json!(true);
    for (name, rule) in [("bob", false), ("amal", true), ("owner", true)] {
        if rule {
            owner
                .put("/hosted-stack", linking.clone())
                .await
                .status(200);
        }
        let id = project.person(name).await;
        let answer = exchange(&app, &project.token(id).await).await.1.status(403);
        assert_eq!(answer.body["code"], "hosted_account_refused", "{name}");
    }
    // A member is linked where the operator says so, and is told.
    let id: String = project
        .app
        .value("select id::text from identity.users where email = 'bob@example.org'")
        .await;
    let (person, entered) = exchange(&app, &project.token(id.parse().unwrap()).await).await;
    entered.status(201);
    assert_eq!(person.get("/me").await.body["id"], json!(bob.id()));
    app.drain().await;
    assert_eq!(app.mails("bob@example.org").await.len(), 2);

    // Nobody gives by a rule what they could not give by hand.
    let mut rule = linking.clone();
    rule["roles"] =
        json!([{"kind": "metadata", "name": "rank", "value": "chief", "role": "owner"}]);
    let refused = admin.put("/hosted-stack", rule.clone()).await.status(403);
    assert_eq!(refused.body["code"], "grants_more");
    owner.put("/hosted-stack", rule).await.status(200);
    let mut unknown = linking;
    unknown["roles"] = json!([{"kind": "team", "name": "crew", "role": "nobody"}]);
    let faults = owner.put("/hosted-stack", unknown).await.status(422);
    assert_eq!(faults.body["errors"][0]["field"], "roles[0].value");
}

#[tokio::test]
async fn what_cannot_be_applied_waits_and_is_tried_again() {
    let (project, app, owner) = trusting().await;
    let id = project.person("ada").await;
    project.rotate_key().await;
    let webhook = Webhook::new("user.created", &json!({"id": id}));
    webhook.send(&app).await.status(204);
    app.drain().await;
    let waiting = owner
        .get("/hosted-stack/events?state=waiting")
        .await
        .status(200);
    let event = &waiting.body["items"][0];
    assert_eq!(event["attempts"], 1);
    let problem = event["problem"].as_str().unwrap();
    assert!(problem.contains("INVALID_SECRET_SERVER_KEY"), "{problem}");
    let health = owner
        .post("/hosted-stack/check", json!({}))
        .await
        .status(200);
    assert_eq!(health.body["keys"], Value::Null);
    assert!(
        health.body["api"]
            .as_str()
            .unwrap()
            .contains("INVALID_SECRET_SERVER_KEY")
    );
    // The last attempt.
    app.sql(
        "update graphile_worker._private_jobs set attempts = max_attempts - 1, run_at = now();",
    )
    .await;
    app.drain().await;
    let failed = owner
        .get("/hosted-stack/events?state=failed")
        .await
        .status(200);
    assert_eq!(failed.body["items"][0]["attempts"], 2);
    // A wrong key is not taken; the right one is, and the webhook is tried again.
    let mut body = project.body();
    body["secret_server_key"] = json!("ssk_wrong");
    let refused = owner.put("/hosted-stack", body).await.status(422);
    assert_eq!(refused.body["errors"][0]["field"], "secret_server_key");
    owner.put("/hosted-stack", project.body()).await.status(200);
    let retry = format!("/hosted-stack/events/{}/retry", webhook.id);
    owner.post(&retry, json!({})).await.status(202);
    app.drain().await;
    owner.post(&retry, json!({})).await.status(404);
    assert_eq!(status(&app, "ada@example.org").await, "active");
    // Secrets are sealed, and shown to nobody.
    let row: String = app
        .value("select p::text from hosted_stack.project p")
        .await;
    let key = project.body()["secret_server_key"]
        .as_str()
        .unwrap()
        .to_owned();
    let state = owner.get("/hosted-stack").await.body.to_string();
    for secret in [key.as_str(), "whsec_"] {
        assert!(!row.contains(secret) && !state.contains(secret));
    }
    // Trusted no longer: who came in by it is out.
    let (ada, entered) = exchange(&app, &project.token(id).await).await;
    entered.status(201);
    owner.delete("/hosted-stack").await.status(204);
    assert_eq!(ada.get("/me").await.code, 401);
    assert_eq!(webhook.send(&app).await.code, 404);
}
