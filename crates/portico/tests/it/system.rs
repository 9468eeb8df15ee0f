//! What belongs to no domain: health, bad input of every kind, the demo tenant.

use crate::{
    app::{PASSWORD, TestApp},
    person::Answer,
};
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use std::sync::Once;

/// As somebody at another machine asks: the proxy on this one says so.
async fn from_far(app: &TestApp, person: &crate::person::Person, path: &str) -> Answer {
    assert!(!app.app.config.http.trusted_proxies.is_empty());
    Answer::of(
        person
            .raw("GET", path)
            .header("x-forwarded-for", "203.0.113.9"),
    )
    .await
}

async fn behind_a_proxy() -> TestApp {
    TestApp::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await
}

#[tokio::test]
async fn it_lives_whether_or_not_it_is_ready() {
    let app = TestApp::new().await;
    let visitor = app.visitor();
    let alive = Answer::of(visitor.raw("GET", "/livez")).await.status(200);
    assert_eq!(alive.body, json!("ok\n"));
    // Its change stream does not run yet.
    Answer::of(visitor.raw("GET", "/readyz")).await.status(503);
    let app = TestApp::live().await;
    let ready = Answer::of(app.visitor().raw("GET", "/readyz"))
        .await
        .status(200);
    let checks = ready.body["checks"].as_array().unwrap();
    let names: Vec<&Value> = checks.iter().map(|check| &check["name"]).collect();
    assert_eq!(names, ["database", "migrations", "jobs", "change_stream"]);
    assert_eq!(ready.header("cache-control"), "no-store");
}

#[tokio::test]
async fn others_learn_whether_it_is_ready_and_not_why() {
    let app = behind_a_proxy().await;
    let owner = app.owner("eva").await;
    let member = app.member("bob").await;
    for person in [&app.visitor(), &member] {
        let ready = from_far(&app, person, "/readyz").await;
        assert_eq!(ready.body, json!({"ready": false, "checks": []}));
    }
    let told = from_far(&app, &owner, "/readyz").await;
    assert_eq!(told.body["checks"].as_array().unwrap().len(), 4);
    assert_eq!(from_far(&app, &app.visitor(), "/livez").await.code, 200);
}

#[tokio::test]
async fn behind_a_proxy_that_nobody_named_visitors_are_not_this_machine() {
    let app = TestApp::new().await;
    let visitor = app.visitor();
    for header in ["x-forwarded-for", "x-real-ip", "forwarded"] {
        let passed_on = |path| visitor.raw("GET", path).header(header, "127.0.0.1");
        let ready = Answer::of(passed_on("/readyz")).await;
        assert_eq!(ready.body, json!({"ready": false, "checks": []}));
        Answer::of(passed_on("/metrics")).await.status(401);
    }
}

#[tokio::test]
async fn figures_are_for_this_machine_and_for_staff() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| portico::health::record_metrics().unwrap());
    let app = behind_a_proxy().await;
    let owner = app.owner("eva").await;
    let member = app.member("bob").await;
    let near = Answer::of(app.visitor().raw("GET", "/metrics"))
        .await
        .status(200);
    assert!(near.header("content-type").starts_with("text/plain"));
    assert!(
        near.body.as_str().unwrap().contains("portico_"),
        "{}",
        near.body
    );
    from_far(&app, &owner, "/metrics").await.status(200);
    from_far(&app, &app.visitor(), "/metrics").await.status(401);
    from_far(&app, &member, "/metrics").await.status(403);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let app = TestApp::new().await;
    let visitor = app.visitor();
    for path in [
        "/api",
        "/api/v2/me",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/me/x",
    ] {
        let answer = Answer::of(visitor.raw("GET", path)).await.status(404);
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path}"
        );
        assert_eq!(answer.body["code"], "no_such_route", "{path}");
    }
    let wrong_method = Answer::of(visitor.raw("PUT", "/api/v1/me")).await;
    assert_json_snapshot!(wrong_method.steady());
    assert_eq!(wrong_method.header("allow"), "GET,HEAD,PATCH");
}

#[tokio::test]
async fn bad_input_is_the_senders_fault() {
    let app = TestApp::with(|config| config.http.body_limit_bytes = 4096).await;
    let ada = app.member("ada").await;
    let send = async |kind: &str, body: Vec<u8>| {
        let request = ada.raw("PATCH", "/api/v1/me").header("content-type", kind);
        Answer::of(request.body(body)).await
    };
    let json = "application/json";
    let cases = [
        (
            "malformed",
            send(json, b"{\"display_name\": ".to_vec()).await,
        ),
        ("empty", send(json, Vec::new()).await),
        (
            "not_utf8",
            send(json, b"{\"display_name\": \"\xff\"}".to_vec()).await,
        ),
        ("no_object", send(json, b"[]".to_vec()).await),
        (
            "wrong_type",
            send(json, b"{\"display_name\": 7}".to_vec()).await,
        ),
        (
            "twice",
            send(json, b"{\"locale\": \"en\", \"locale\": \"de\"}".to_vec()).await,
        ),
        ("wrong_media_type", send("text/plain", b"{}".to_vec()).await),
        (
            "form",
            send("application/x-www-form-urlencoded", b"a=b".to_vec()).await,
        ),
        ("too_large", send(json, vec![b' '; 4097]).await),
        (
            "lone_surrogate",
            send(json, br#"{"display_name": "\ud800"}"#.to_vec()).await,
        ),
        (
            "nul",
            send(json, br#"{"display_name": "a\u0000b"}"#.to_vec()).await,
        ),
        ("deep", send(json, b"[".repeat(2000)).await),
    ];
    for (what, answer) in cases {
        assert!((400..500).contains(&answer.code), "{what}: {}", answer.code);
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{what}"
        );
        assert_json_snapshot!(format!("bad_input_{what}"), answer.steady());
    }
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one table of every field that takes text"
)]
async fn no_text_whatever_makes_a_server_error() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    for text in [
        "\u{0}",
        "a\u{0}b",
        "\u{202e}",
        "\u{1f600}",
        "'; drop table x; --",
        "%_\\",
        "\u{fffe}",
    ] {
        let everyone = json!({"kind": "everyone"});
        let long = text.repeat(30);
        for (method, path, body) in [
            (
                "POST",
                "/accounts",
                json!({"email": text, "name": text, "password": text}),
            ),
            (
                "POST",
                "/accounts",
                json!({"email": format!("a{text}@example.org"), "name": text, "password": PASSWORD}),
            ),
            (
                "POST",
                "/accounts",
                json!({"email": "x@example.org", "name": "x", "password": format!("{long}{PASSWORD}")}),
            ),
            (
                "POST",
                "/sessions",
                json!({"email": text, "password": text}),
            ),
            (
                "POST",
                "/sessions",
                json!({"email": owner.email(), "password": PASSWORD, "device_name": text}),
            ),
            ("POST", "/accounts/verification", json!({"token": text})),
            (
                "PUT",
                "/accounts/verification",
                json!({"token": text, "display_name": text}),
            ),
            (
                "POST",
                "/setup",
                json!({"token": text, "email": "y@example.org", "name": "y", "password": PASSWORD}),
            ),
            (
                "PATCH",
                "/me",
                json!({"display_name": text, "time_zone": text, "locale": text}),
            ),
            (
                "POST",
                "/updates",
                json!({"title": format!("a{text}b"), "body": format!("a{text}b"), "audience": everyone}),
            ),
            (
                "POST",
                "/updates",
                json!({"title": "T", "body": text, "audience": {"kind": "role", "role": format!("a{text}")}}),
            ),
            (
                "POST",
                "/updates",
                json!({"title": "T", "body": "B", "action": {"label": text}, "audience": everyone}),
            ),
            (
                "POST",
                "/updates/audience-preview",
                json!({"audience": {"kind": "role", "role": format!("a{text}")}}),
            ),
        ] {
            let answer = owner.send(method, path, body.clone()).await;
            assert!(
                answer.code < 500,
                "{method} {path} {body}: {:#}",
                answer.body
            );
        }
        let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for path in [
            "/users?search=",
            "/users?role=",
            "/users?cursor=",
            "/feed?cursor=",
            "/audit?cursor=",
            "/users/",
            "/jobs/dead?cursor=",
        ] {
            let answer = owner.get(&format!("{path}{encoded}")).await;
            assert!(answer.code < 500, "{path}{encoded}: {:#}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_list_is_not_read_as_an_object() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    for (path, body) in [
        ("/sessions", json!([ada.email(), PASSWORD])),
        ("/accounts", json!(["new@example.org", PASSWORD, "New"])),
        ("/accounts/verification", json!(["token"])),
    ] {
        let refused = ada.elsewhere().post(path, body).await.status(422);
        assert_eq!(refused.body["code"], "invalid_input", "{path}");
        assert_eq!(refused.body["errors"][0]["field"], "");
    }
}

#[tokio::test]
async fn a_made_up_cursor_is_refused_whatever_it_says() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let id = uuid::Uuid::nil();
    let far = "[+999999, 1, 0,0,0,0, 0,0,0]";
    for place in [
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "-1".to_owned(),
        "1e999".to_owned(),
        "9223372036854775807".to_owned(),
        format!("[\"\\u0000\",\"{id}\"]"),
        format!("[{far},\"{id}\"]"),
        format!("[[-9999,1,0,0,0,0,0,0,0],\"{id}\"]"),
        format!("[[9999,365,23,59,59,0,0,0,0],\"{id}\"]"),
        format!("[\"9999-12-31T23:59:59Z\",\"{id}\"]"),
    ] {
        let cursor = URL_SAFE_NO_PAD.encode(&place);
        for path in [
            "/users?",
            "/users?sort=name&",
            "/feed?",
            "/updates?",
            "/audit?",
            "/jobs/dead?",
        ] {
            let answer = owner.get(&format!("{path}cursor={cursor}")).await;
            assert!(answer.code < 500, "{path} {place}: {:#}", answer.body);
        }
    }
}

#[tokio::test]
async fn the_demo_tenant_comes_and_goes_alone() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let ada = app.member("ada").await;
    let update = owner.publish("Ours", json!({"kind": "everyone"})).await;
    ada.put(&format!("/feed/{update}/receipt"), json!({"state": "read"}))
        .await
        .status(204);
    let ours = "select md5(string_agg(r::text, '|' order by r::text)) from (
        select u::text as r from identity.users u union all select p::text from identity.profiles p
        union all select x::text from identity.user_roles x union all select s::text from identity.sessions s
        union all select w::text from identity.passwords w union all select y::text from updates.updates y
        union all select c::text from updates.recipients c) all_rows";
    let before: String = app.value(ours).await;
    portico::demo::load(&app.app).await.unwrap();
    assert!(portico::demo::load(&app.app).await.is_err());
    let seen_before_joined: i64 = app
        .value(
            "select count(*) from identity.users u
            join identity.presence p on p.user_id = u.id where p.last_seen_at < u.created_at",
        )
        .await;
    assert_eq!(seen_before_joined, 0);
    let system = app.visitor().get("/system").await;
    assert_json_snapshot!(system.steady(), { ".body.version" => "[version]" });
    // Each offered account can be tried.
    for account in system.body["demo_accounts"].as_array().unwrap() {
        let body = json!({"email": account["email"], "password": account["password"]});
        app.visitor().post("/sessions", body).await.status(201);
    }
    let visitor = app.visitor();
    let first = &system.body["demo_accounts"][0];
    let body = json!({"email": first["email"], "password": first["password"]});
    visitor.post("/sessions", body).await.status(201);
    // Ours addressed to everyone now reaches demo people, too; what they leave goes with them.
    owner
        .publish("Ours, later", json!({"kind": "users", "users": [ada.id()]}))
        .await;
    let with_later: String = app
        .value("select id::text from updates.updates where title = 'Ours, later'")
        .await;
    owner.delete("/demo").await.status(204);
    visitor.get("/me").await.status(401);
    app.sql(&format!(
        "delete from updates.updates where id = '{with_later}'"
    ))
    .await;
    assert_eq!(app.value::<String>(ours).await, before);
    owner.delete("/demo").await.status(404);
    ada.get("/me").await.status(200);
    let acts = owner.get("/audit").await.status(200);
    assert!(
        acts.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|act| act["action"] == "demo.removed")
    );
}

#[tokio::test]
async fn known_passwords_are_told_on_this_machine_only() {
    let app = TestApp::with(|config| {
        config.listen = ([0, 0, 0, 0], config.listen.port()).into();
    })
    .await;
    portico::demo::load(&app.app).await.unwrap();
    let system = app.visitor().get("/system").await.status(200);
    assert_eq!(
        (&system.body["demo"], &system.body["demo_accounts"]),
        (&json!(true), &json!([]))
    );
}

#[tokio::test]
async fn the_document_and_its_reference_are_served() {
    let app = TestApp::new().await;
    let visitor = app.visitor();
    let served = Answer::of(visitor.raw("GET", "/api/openapi.json"))
        .await
        .status(200);
    assert_eq!(served.body["openapi"], "3.1.0");
    let docs = Answer::of(visitor.raw("GET", "/api/docs"))
        .await
        .status(200);
    assert!(docs.header("content-type").starts_with("text/html"));
}
