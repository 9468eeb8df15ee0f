//! Fields that nobody offered, forms on other sites' pages, and lines that would become
//! headers.

use super::contents;
use crate::{
    app::{PASSWORD, TestApp},
    authz::{Operation, body_of, operations},
    person::{Answer, Person},
};
use serde_json::{Value, json};

fn with_json(operation: &Operation) -> bool {
    let document = serde_json::to_value(portico::router::document()).unwrap();
    let method = operation.method.to_lowercase();
    let body = &document["paths"][&operation.template][&method]["requestBody"];
    body["content"]["application/json"].is_object()
}

/// What somebody might hope that a careless server takes over into its row.
const PRIVILEGES: &[&str] = &[
    "id",
    "user_id",
    "owner",
    "role",
    "permissions",
    "status",
    "email_verified_at",
    "built_in",
    "created_at",
    "is_admin",
    "__proto__",
    "constructor",
];

#[tokio::test]
async fn no_body_takes_a_field_that_was_not_offered() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let before = contents(&app).await;
    let document = serde_json::to_value(portico::router::document()).unwrap();
    let mut wrong = Vec::new();
    for operation in operations().iter().filter(|operation| with_json(operation)) {
        let method = operation.method.to_lowercase();
        let content = &document["paths"][&operation.template][&method]["requestBody"]["content"];
        let reference = content["application/json"]["schema"]["$ref"]
            .as_str()
            .unwrap();
        let schema = document.pointer(&reference[1..]).unwrap();
        if schema["additionalProperties"] != json!(false) {
            wrong.push(format!("{}: its document leaves fields open", operation.id));
        }
        for field in PRIVILEGES {
            if !schema["properties"][field].is_null() {
                continue;
            }
            let mut body = body_of(&operation.id);
            body[field] = json!("owner");
            let answer =
                Answer::of(owner.raw(&operation.method, &operation.path).json(&body)).await;
            if answer.code != 422 {
                wrong.push(format!("{} {field}: {}", operation.id, answer.code));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(contents(&app).await, before);
}

#[tokio::test]
async fn what_a_member_writes_over_themselves_gives_them_nothing() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let before = ada.get("/me").await.status(200).body;
    for body in [
        json!({"display_name": "Ada", "roles": ["owner"]}),
        json!({"display_name": "Ada", "permissions": ["users.write"]}),
        json!({"display_name": "Ada", "email": "eva@example.org"}),
        // The same field twice: neither wins.
        Value::Null,
    ] {
        let request = ada.raw("PATCH", "/api/v1/me");
        let answer = match body {
            Value::Null => {
                let twice = r#"{"display_name": "Ada", "display_name": "Eva"}"#;
                Answer::of(
                    request
                        .header("content-type", "application/json")
                        .body(twice),
                )
                .await
            }
            body => Answer::of(request.json(&body)).await,
        };
        answer.status(422);
    }
    assert_eq!(ada.get("/me").await.status(200).body, before);
}

/// As a page elsewhere makes a visitor's browser ask.
async fn from(site: &str, person: &Person, operation: &Operation, form: bool) -> Answer {
    let mut request = person
        .raw(&operation.method, &operation.path)
        .header("origin", site);
    if site != "null" {
        request = request.header("sec-fetch-site", "cross-site");
    }
    if form {
        // What a plain form can send: no preflight would be asked for.
        request = request
            .header("content-type", "text/plain")
            .body(body_of(&operation.id).to_string());
    } else if operation.takes_body {
        request = request.json(&body_of(&operation.id));
    }
    Answer::of(request).await
}

#[tokio::test]
async fn no_operation_that_changes_something_acts_for_another_sites_page() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let before = contents(&app).await;
    let mut wrong = Vec::new();
    for operation in operations()
        .iter()
        .filter(|operation| operation.method != "GET")
    {
        for site in [
            "https://evil.example",
            "null",
            "http://127.0.0.1.evil.example",
        ] {
            for form in [false, true] {
                let answer = from(site, &owner, operation, form).await;
                if answer.code != 403 || answer.body["code"] != "cross_site_request" {
                    wrong.push(format!(
                        "{} from {site}: {} {}",
                        operation.id, answer.code, answer.body
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(contents(&app).await, before);
    owner.get("/me").await.status(200);
}

#[tokio::test]
async fn nothing_is_changed_by_a_request_that_only_reads() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    owner.get("/me").await.status(200);
    let before = contents(&app).await;
    for operation in operations()
        .iter()
        .filter(|operation| operation.method == "GET")
    {
        for method in ["GET", "HEAD"] {
            let answer = Answer::of(owner.raw(method, &operation.path)).await;
            assert!(answer.code < 500, "{}: {}", operation.id, answer.code);
        }
    }
    let mut after = contents(&app).await;
    // An export is written down: that is what staff's taking data out leaves behind.
    for table in ["kernel.audit", "kernel.audit_head"] {
        after.insert(table.to_owned(), before[table].clone());
    }
    assert_eq!(after, before);
}

#[tokio::test]
async fn no_browser_keeps_what_was_said_to_somebody() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let kept = |answer: &Answer| !answer.header("cache-control").contains("no-store");
    for operation in operations() {
        if operation.method == "GET" {
            let answer = owner.once("GET", &operation.path).await;
            assert!(!kept(&answer), "{}: {:?}", operation.id, answer.headers);
        }
    }
    for path in ["/api/v1/me", "/api/v1/sessions"] {
        let echoed = Answer::of(owner.raw("TRACE", path)).await;
        assert_eq!(echoed.code, 405, "{path}");
        assert!(!echoed.body.to_string().contains("portico_access"));
    }
}

#[tokio::test]
async fn a_line_break_never_becomes_a_header() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let broken = [
        "Eve\r\nBcc: all@example.org",
        "Eve\nSubject: x",
        "Eve\u{0}",
        "Eve\u{85}x",
    ];
    for name in broken {
        let body = json!({"email": "eve@example.org", "password": PASSWORD, "name": name});
        app.visitor().post("/accounts", body).await.status(422);
        owner
            .patch("/me", json!({"display_name": name}))
            .await
            .status(422);
        let invitation = json!({"email": "kim@example.org", "name": name, "roles": ["member"]});
        owner.post("/invitations", invitation).await.status(422);
        let update = json!({"title": name, "body": "B", "audience": {"kind": "everyone"}});
        owner.post("/updates", update).await.status(422);
    }
    for address in [
        "eve@example.org\r\nBcc: x@example.org",
        "eve@example.org\r\nRCPT TO:<x@example.org>",
    ] {
        let body = json!({"email": address, "password": PASSWORD, "name": "Eve"});
        app.visitor().post("/accounts", body).await.status(422);
        owner
            .post("/me/email-change", json!({"email": address}))
            .await
            .status(422);
        owner
            .post(
                "/invitations",
                json!({"email": address, "roles": ["member"]}),
            )
            .await
            .status(422);
    }
    app.drain().await;
    let written: i64 = app.value("select count(*) from kernel.mails").await;
    assert_eq!(written, 0);
    // A file's name comes back in a header: quoted and encoded, on one line.
    let name = "a\\\"; filename=\\\"b.html%0d%0aset-cookie: x=1.txt";
    let form = format!(
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: text/plain\r\n\r\nhello\r\n--x--\r\n"
    );
    let sent = owner
        .raw("POST", "/api/v1/files?purpose=attachment")
        .header("content-type", "multipart/form-data; boundary=x")
        .body(form);
    let sent = Answer::of(sent).await.status(201);
    let got = owner
        .get(&format!("/files/{}", sent.body["id"].as_str().unwrap()))
        .await
        .status(200);
    assert!(got.headers.get("set-cookie").is_none());
    let disposition = got.header("content-disposition");
    // One name in quotes, without a quote in it, and one that is encoded.
    let quoted: Vec<&str> = disposition.split('"').collect();
    assert_eq!(quoted.len(), 3, "{disposition}");
    assert_eq!(quoted[0], "attachment; filename=");
    assert!(
        quoted[2].starts_with("; filename*=UTF-8''"),
        "{disposition}"
    );
    assert!(!quoted[2][2..].contains([';', ' ']), "{disposition}");
}
