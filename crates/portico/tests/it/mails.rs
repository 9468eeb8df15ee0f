//! The words of mails: changed by staff, tried first, sent from then on by every server, and put
//! back.

use crate::{app::TestApp, person::Person};
use serde_json::{Value, json};

async fn words(staff: &Person, name: &str) -> (Value, Value) {
    let read = staff.get(&format!("/mail-words/{name}")).await.status(200);
    (read.body["words"].clone(), read.body["version"].clone())
}

fn faults(body: &Value) -> Vec<(&str, &str)> {
    let faults = body["errors"].as_array().unwrap().iter();
    faults
        .map(|fault| {
            (
                fault["field"].as_str().unwrap(),
                fault["code"].as_str().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn staff_change_what_a_mail_says_and_every_server_sends_it() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let list = owner.get("/mail-words").await.status(200);
    let lines = list.body["items"].as_array().unwrap();
    assert!(
        lines
            .iter()
            .any(|line| line["name"] == "welcome_verify" && line["version"] == 0)
    );
    // What nothing sends is not offered.
    assert!(lines.iter().all(|line| line["name"] != "update_published"));

    let (mut said, version) = words(&owner, "welcome_verify").await;
    said["subject"] = json!("Ahoy {{ name }}");
    said["paragraphs"] = json!(["Welcome aboard.", "", "Two lines:\none more <b>"]);
    said["note"] = Value::Null;
    let body = json!({"version": version, "words": said});
    let saved = owner
        .put("/mail-words/welcome_verify", body.clone())
        .await
        .status(200);
    assert_eq!(saved.body["version"], 1);
    assert_eq!(saved.body["changed_by"]["id"], json!(owner.id()));
    assert_eq!(
        saved.body["words"]["paragraphs"].as_array().unwrap().len(),
        2
    );
    assert_eq!(saved.body["ours"]["heading"], "Welcome, {{ name }}");

    // Another server sends it too, at once.
    let node = app.second_node().await;
    let bob = Person::new(&node.url).named("bob");
    let sign_up = json!({"email": bob.email(), "password": crate::app::PASSWORD, "name": "bob"});
    bob.post("/accounts", sign_up).await.status(202);
    node.app.worker.drain().await.unwrap();
    let mail = &app.mails(&bob.email()).await[0];
    assert_eq!(mail["subject"], "Ahoy bob");
    let (text, html) = (
        mail["text"].as_str().unwrap(),
        mail["html"].as_str().unwrap(),
    );
    assert!(
        text.contains("Two lines:\none more <b>") && text.contains("/verify#"),
        "{text}"
    );
    assert!(
        html.contains("one more &lt;b&gt;") && !html.contains("<b>"),
        "{html}"
    );
    node.app.tasks.cancel();

    // Who read the one before is told, and nothing is lost.
    let late = owner
        .put("/mail-words/welcome_verify", body)
        .await
        .status(409);
    assert_eq!(late.body["code"], "changed_meanwhile");

    let reset = "/mail-words/welcome_verify?version=";
    owner.delete(&format!("{reset}7")).await.status(409);
    let back = owner.delete(&format!("{reset}1")).await.status(200);
    assert_eq!(back.body["version"], 0);
    assert_eq!(back.body["words"], back.body["ours"]);
    app.member("ada").await;
    let mail = &app.mails("ada@example.org").await[0];
    assert_eq!(mail["subject"], "Confirm your e-mail address for Portico");

    let log = owner.get("/audit?action=mail.").await.status(200);
    let acts: Vec<&str> = log.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|act| act["action"].as_str().unwrap())
        .collect();
    assert_eq!(acts, ["mail.words_reset", "mail.reworded"]);
    assert_eq!(
        log.body["items"][1]["data"]["after"]["subject"],
        "Ahoy {{ name }}"
    );
}

#[tokio::test]
async fn what_a_mail_cannot_say_is_refused_with_its_field() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let (good, version) = words(&owner, "welcome_verify").await;
    for (field, text, code) in [
        ("subject", "Hello {{ nickname }}", "unknown_placeholder"),
        ("heading", "{{ 7 * 7 }}", "unreadable_placeholder"),
        ("heading", "{% for x in name %}", "unreadable_placeholder"),
        ("subject", "", "required"),
        ("button", " ", "required"),
    ] {
        let mut said = good.clone();
        said[field] = json!(text);
        let body = json!({"version": version, "words": said});
        let refused = owner
            .put("/mail-words/welcome_verify", body)
            .await
            .status(422);
        assert_eq!(faults(&refused.body), [(field, code)]);
        owner
            .post("/mail-words/welcome_verify/preview", said)
            .await
            .status(422);
    }
    let (kept, version) = words(&owner, "welcome_verify").await;
    assert_eq!((kept, version), (good, json!(0)));
    let (good, version) = words(&owner, "sign_in").await;
    let mut said = good.clone();
    said["heading"] = json!("Your code");
    said["paragraphs"] = json!(["It stands in the subject."]);
    let body = json!({"version": version, "words": said});
    let refused = owner.put("/mail-words/sign_in", body).await.status(422);
    assert_eq!(
        faults(&refused.body),
        [("paragraphs", "needed_placeholder")]
    );
    owner.get("/mail-words/nothing").await.status(404);
}

#[tokio::test]
async fn a_mail_is_looked_at_and_tried_before_it_is_changed() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let (mut said, _) = words(&owner, "new_device").await;
    said["heading"] = json!("Was that you, {{ name }}? <script>alert(1)</script>");
    let seen = owner
        .post("/mail-words/new_device/preview", said.clone())
        .await
        .status(200);
    assert_eq!(
        seen.body["subject"],
        "A new device signed in to your account at Portico"
    );
    assert!(
        seen.body["text"]
            .as_str()
            .unwrap()
            .starts_with("Was that you, Ada?")
    );

    let path = "/api/v1/mail-words/new_device/page";
    let said_as_text = said.to_string();
    let form = [("words", said_as_text.as_str())];
    let page = owner.form(path, &form).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("sandbox"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'self'"), "{policy}");
    assert_eq!(page.headers()["x-frame-options"], "SAMEORIGIN");
    let html = page.text().await.unwrap();
    assert!(
        html.contains("&lt;script&gt;") && !html.contains("<script"),
        "{html}"
    );

    owner
        .post("/mail-words/new_device/trial", said)
        .await
        .status(202);
    app.drain().await;
    let mail = &app.mails(&owner.email()).await[0];
    assert!(
        mail["text"]
            .as_str()
            .unwrap()
            .starts_with("Was that you, Ada?")
    );
    // Trying changes nothing.
    let (kept, version) = words(&owner, "new_device").await;
    assert_eq!(kept["heading"], "Was this you, {{ name }}?");
    assert_eq!(version, 0);
}

#[tokio::test]
async fn words_that_no_longer_fit_hold_no_mail_up() {
    let app = TestApp::new().await;
    app.sql(
        r#"insert into kernel.mail_words (template, words, version, changed_by)
        values ('welcome_verify', '{"subject": "{{ gone }}", "preheader": "", "heading": "H",
            "paragraphs": ["P"], "button": "B", "note": null}', 1, gen_random_uuid())"#,
    )
    .await;
    app.member("ada").await;
    let mail = &app.mails("ada@example.org").await[0];
    assert_eq!(mail["subject"], "Confirm your e-mail address for Portico");
}
