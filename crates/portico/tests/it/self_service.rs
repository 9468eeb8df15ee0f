//! What people do with their own accounts: address, picture, data, leaving.

use crate::{
    app::{PASSWORD, TestApp, token_of},
    person::{Answer, Person},
};
use identity::jobs::{EraseDeleted, ExpireExports};
use insta::assert_json_snapshot;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::io::{Cursor, Read};
use time::Duration;

/// The token of the latest mail to an address with a link to this page.
async fn mailed(app: &TestApp, to: &str, page: &str) -> String {
    app.drain().await;
    let mails = app.mails(to).await;
    let links = mails.iter().filter_map(|mail| {
        let text = mail["text"].as_str()?;
        text.split_whitespace().find(|word| word.contains(page))
    });
    let link = links.into_iter().next();
    token_of(link.unwrap_or_else(|| panic!("no {page} to {to}: {mails:#?}"))).to_owned()
}

const PAGE: &str = "/email-change#";

async fn follow(app: &TestApp, token: &str) -> Answer {
    let body = json!({ "token": token });
    app.visitor().put("/accounts/email-change", body).await
}

async fn ask(person: &Person, email: &str) -> Answer {
    person
        .post("/me/email-change", json!({ "email": email }))
        .await
}

#[tokio::test]
async fn an_address_changes_once_both_sides_agree_and_can_be_taken_back() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    ask(&ada, "new@example.org").await.status(202);
    let old = mailed(&app, "ada@example.org", PAGE).await;
    let new = mailed(&app, "new@example.org", PAGE).await;
    let look = json!({ "token": new });
    let seen = app.visitor().post("/accounts/email-change", look).await;
    assert_json_snapshot!("a_link_about_an_address", seen.status(200).body);

    let first = follow(&app, &new).await.status(200);
    assert_eq!(first.body["outcome"], "waits_for_old");
    assert_eq!(ada.get("/me").await.body["email"], "ada@example.org");
    assert_eq!(
        follow(&app, &new).await.status(409).body["code"],
        "link_stale"
    );
    let waiting = ada.get("/me/email-change").await;
    assert_json_snapshot!("a_change_of_address_that_waits", waiting.steady());
    let second = follow(&app, &old).await.status(200);
    assert_eq!(second.body["outcome"], "changed");
    // Whoever asked stays signed in; the new address signs in, the old one does not.
    assert_eq!(
        ada.get("/me").await.status(200).body["email"],
        "new@example.org"
    );
    ada.elsewhere().sign_in().await.status(403);
    let by_new = json!({"email": "new@example.org", "password": PASSWORD});
    app.visitor().post("/sessions", by_new).await.status(201);

    let undo = mailed(&app, "ada@example.org", PAGE).await;
    app.clock.advance(Duration::days(6));
    let undone = follow(&app, &undo).await.status(200);
    assert_eq!(undone.body["outcome"], "undone");
    ada.get("/me").await.status(401);
    ada.sign_in().await.status(201);
    assert_eq!(
        follow(&app, &undo).await.status(409).body["code"],
        "link_stale"
    );
    let kinds: i64 = app
        .value("select count(*) from identity.security_events where kind = 'email_changed'")
        .await;
    assert_eq!(kinds, 2);
}

#[tokio::test]
async fn an_address_of_somebody_else_is_not_told_and_not_taken() {
    let app = TestApp::new().await;
    let (ada, _bob) = (app.member("ada").await, app.member("bob").await);
    // The same answer as for one that is free.
    ask(&ada, "BOB@example.org").await.status(202);
    let old = mailed(&app, "ada@example.org", PAGE).await;
    let told = app.mails("bob@example.org").await;
    assert!(!told[0]["text"].as_str().unwrap().contains(PAGE));
    assert_eq!(follow(&app, &old).await.body["outcome"], "waits_for_new");
    assert_eq!(ada.get("/me").await.body["email"], "ada@example.org");

    // Free when it was asked for, taken when it is agreed to.
    ask(&ada, "eve@example.org").await.status(202);
    let old = mailed(&app, "ada@example.org", PAGE).await;
    let new = mailed(&app, "eve@example.org", PAGE).await;
    app.member("eve").await;
    follow(&app, &new).await.status(200);
    assert_eq!(
        follow(&app, &old).await.status(409).body["code"],
        "email_taken"
    );
    assert_eq!(ada.get("/me").await.body["email"], "ada@example.org");
}

#[tokio::test]
async fn a_change_of_address_asks_for_a_proof_ends_in_time_and_can_be_given_up() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    for (email, code) in [
        ("ada@example.org", "unchanged"),
        ("nonsense", "invalid_email"),
    ] {
        let refused = ask(&ada, email).await.status(422);
        assert_eq!(refused.body["errors"][0]["code"], code);
        assert_eq!(refused.body["errors"][0]["field"], "email");
    }
    ask(&ada, "first@example.org").await.status(202);
    let overtaken = mailed(&app, "first@example.org", PAGE).await;
    ask(&ada, "second@example.org").await.status(202);
    let given_up = mailed(&app, "second@example.org", PAGE).await;
    follow(&app, &overtaken).await.status(409);
    ada.delete("/me/email-change").await.status(204);
    ada.delete("/me/email-change").await.status(404);
    follow(&app, &given_up).await.status(409);
    ask(&ada, "third@example.org").await.status(202);
    let late = mailed(&app, "third@example.org", PAGE).await;
    app.clock.advance(Duration::days(3));
    follow(&app, &late).await.status(409);
    let refused = ask(&ada, "fourth@example.org").await.status(403);
    assert_eq!(refused.body["code"], "confirmation_required");
}

fn picture(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(width, height, image::Rgb([20, 120, 140]));
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// A form with one file in it.
fn with_file(request: RequestBuilder, bytes: &[u8]) -> RequestBuilder {
    let head = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"me.png\"\r\n\r\n";
    let body = [head.as_bytes(), bytes, b"\r\n--x--\r\n"].concat();
    request
        .header("content-type", "multipart/form-data; boundary=x")
        .body(body)
}

async fn send_picture(person: &Person, bytes: Vec<u8>) -> Answer {
    Answer::of(with_file(person.raw("PUT", "/api/v1/me/picture"), &bytes)).await
}

/// Says something on a channel of their own, to be kept.
async fn say(person: &Person, text: &str) {
    let path = format!(
        "/realtime/v1/api/broadcast/user:{}:notes/events/said?private=true&persist=true",
        person.id()
    );
    let body = json!({ "text": text });
    Answer::of(person.raw("POST", &path).json(&body))
        .await
        .status(202);
}

#[tokio::test]
async fn a_picture_is_made_anew_in_two_sizes_and_seen_by_everybody_signed_in() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.member("ada").await, app.member("bob").await);
    let set = send_picture(&ada, picture(900, 300)).await.status(200);
    for (size, side) in [("large", 256), ("small", 64)] {
        let path = set.body[size].as_str().unwrap();
        let answer = bob.raw("GET", path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let read = image::load_from_memory(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!((read.width(), read.height()), (side, side));
        assert_eq!(
            app.visitor()
                .raw("GET", path)
                .send()
                .await
                .unwrap()
                .status(),
            401
        );
    }
    let me = ada.get("/me").await.body;
    assert_eq!(
        (&me["picture"], &me["picture_small"]),
        (&set.body["large"], &set.body["small"])
    );
    let owner = app.owner("owner").await;
    let listed = owner.get("/users?search=ada").await.body;
    assert_eq!(listed["items"][0]["picture"], set.body["small"]);

    let again = send_picture(&ada, picture(300, 300)).await.status(200);
    assert_ne!(again.body, set.body);
    let before = set.body["large"].as_str().unwrap();
    assert_eq!(bob.raw("GET", before).send().await.unwrap().status(), 404);
    ada.delete("/me/picture").await.status(204);
    assert_eq!(ada.get("/me").await.body.get("picture"), None);
}

#[tokio::test]
async fn what_is_no_picture_or_comes_past_the_darkroom_is_refused() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let refused = send_picture(&ada, b"<svg onload=alert(1)>".to_vec())
        .await
        .status(422);
    assert_eq!(refused.body["errors"][0]["code"], "media_type_refused");
    assert_eq!(send_picture(&ada, vec![0; 6 * 1024 * 1024]).await.code, 413);
    let direct = ada.raw("POST", "/api/v1/files?purpose=avatar");
    let direct = with_file(direct, &picture(10, 10));
    let refused = Answer::of(direct).await.status(422);
    assert_eq!(refused.body["errors"][0]["field"], "purpose");
}

#[tokio::test]
async fn a_copy_of_all_that_concerns_somebody_is_theirs_alone_and_goes_after_a_week() {
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    let (ada, eve) = (app.member("ada").await, app.member("eve").await);
    owner
        .publish("Maintenance tonight", json!({"kind": "everyone"}))
        .await;
    send_picture(&ada, picture(300, 300)).await.status(200);
    say(&ada, "A note to myself").await;
    say(&eve, "A note of somebody else").await;
    assert_eq!(ada.get("/me/export").await.body, json!({ "latest": null }));
    ada.post("/me/export", json!({})).await.status(202);
    // Asked twice, made once.
    ada.post("/me/export", json!({})).await.status(202);
    app.drain().await;
    let made = ada.get("/me/export").await;
    assert_eq!(made.body["latest"]["done"], made.body["latest"]["total"]);
    let path = made.body["latest"]["url"].as_str().unwrap().to_owned();
    let mail = &app.mails("ada@example.org").await[0];
    assert!(mail["text"].as_str().unwrap().contains("/your-data"));
    for other in [&eve, &app.visitor()] {
        assert!(matches!(
            other
                .raw("GET", &path)
                .send()
                .await
                .unwrap()
                .status()
                .as_u16(),
            401 | 404
        ));
    }

    let bytes = ada
        .raw("GET", &path)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut read = |name: &str| {
        let mut text = String::new();
        archive
            .by_name(name)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    };
    let data: Value = serde_json::from_str(&read("data.json")).unwrap();
    assert_eq!(data["identity"]["account"]["email"], "ada@example.org");
    assert_eq!(
        data["updates"]["received"][0]["title"],
        "Maintenance tonight"
    );
    assert_eq!(data["files"].as_array().unwrap().len(), 2);
    let said = &data["channels"].as_array().unwrap()[..];
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0]["channel"], format!("user:{}:notes", ada.id()));
    assert_eq!(said[0]["message"]["text"], "A note to myself");
    assert!(!data["mail"].as_array().unwrap().is_empty());
    let page = read("index.html");
    assert!(page.contains("Maintenance tonight") && page.contains("ada@example.org"));
    // No secret, no hash of one, and nothing of anybody else.
    let all = format!("{data}{page}");
    for foreign in ["argon2", "eve@example.org", "refresh", "hash"] {
        assert!(!all.contains(foreign), "{foreign}");
    }
    let files = archive
        .file_names()
        .filter(|name| name.as_ref().is_ok_and(|name| name.starts_with("files/")));
    assert_eq!(files.count(), 2);

    app.clock.advance(Duration::days(8));
    app.run(ExpireExports {}).await;
    ada.sign_in().await.status(201);
    assert_eq!(
        ada.get("/me/export").await.body["latest"]["url"],
        Value::Null
    );
    assert_eq!(ada.raw("GET", &path).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn whoever_leaves_is_out_at_once_and_comes_back_by_signing_in() {
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    let ada = app.member("ada").await;
    let elsewhere = ada.elsewhere();
    elsewhere.sign_in().await.status(201);
    let terms = ada.get("/me/deletion").await;
    assert_eq!(terms.body, json!({"days": 30, "allowed": true}));
    ada.post("/me/deletion", json!({})).await.status(204);
    elsewhere.get("/me").await.status(401);
    app.drain().await;
    let mail = &app.mails("ada@example.org").await[0];
    assert!(mail["text"].as_str().unwrap().contains("30 days"));
    let listed = owner.get("/users?search=ada").await.body;
    assert_eq!(listed["items"], json!([]));

    app.clock.advance(Duration::days(29));
    let back = ada.sign_in().await.status(201);
    assert_eq!(back.body["kept"], true);
    // Whoever it was, the owner hears of it.
    app.drain().await;
    let mail = &app.mails("ada@example.org").await[0];
    assert_eq!(mail["subject"], "Your account at Portico stays");
    assert_eq!(
        ada.elsewhere().sign_in().await.status(201).body["kept"],
        false
    );
    assert_eq!(
        ada.get("/me").await.status(200).body["email"],
        "ada@example.org"
    );
    let left: i64 = app.value("select count(*) from identity.departures").await;
    assert_eq!(left, 0);
}

#[tokio::test]
async fn whom_staff_have_deleted_does_not_come_back_by_signing_in() {
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    let ada = app.member("ada").await;
    owner
        .delete(&format!("/users/{}", ada.id()))
        .await
        .status(204);
    ada.sign_in().await.status(403);
}

#[tokio::test]
async fn the_last_owner_cannot_leave() {
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    assert_eq!(owner.get("/me/deletion").await.body["allowed"], false);
    let refused = owner.post("/me/deletion", json!({})).await.status(409);
    assert_eq!(refused.body["code"], "last_owner");
    owner.get("/me").await.status(200);
    app.staff("second", "owner").await;
    owner.post("/me/deletion", json!({})).await.status(204);
}

#[tokio::test]
async fn after_the_days_nothing_leads_to_who_left() {
    let app = TestApp::new().await;
    let owner = app.owner("owner").await;
    let ada = app.member("ada").await;
    owner
        .publish("Maintenance tonight", json!({"kind": "everyone"}))
        .await;
    send_picture(&ada, picture(300, 300)).await.status(200);
    say(&ada, "A note to myself").await;
    ada.post("/me/deletion", json!({})).await.status(204);
    app.clock.advance(Duration::days(31));
    app.run(EraseDeleted {}).await;
    app.drain().await;
    ada.sign_in().await.status(403);
    let user = ada.id();
    for (table, column) in [
        ("identity.passwords", "user_id"),
        ("identity.sessions", "user_id"),
        ("identity.avatars", "user_id"),
        ("identity.departures", "user_id"),
        ("identity.known_devices", "user_id"),
        ("updates.recipients", "user_id"),
        ("realtime.messages", "sender"),
    ] {
        let sql = format!("select count(*) from {table} where {column} = '{user}'");
        assert_eq!(app.value::<i64>(&sql).await, 0, "{table}");
    }
    let mails: i64 = app
        .value("select count(*) from kernel.mails where recipient = 'ada@example.org'")
        .await;
    assert_eq!(mails, 0);
    let traces: i64 = app
        .value(&format!(
            "select count(*) from identity.security_events where user_id = '{user}' \
             and (address is not null or device is not null or identifier is not null)"
        ))
        .await;
    assert_eq!(traces, 0);
    let files: i64 = app
        .value(&format!(
            "select count(*) from kernel.files where owner = '{user}' and deleted_at is null"
        ))
        .await;
    assert_eq!(files, 0);
}
