//! A file of people on its way in: looked at first, taken over whole or not at all.

use crate::{
    app::{TestApp, eventually},
    person::{Answer, Person},
};
use serde_json::{Value, json};

async fn send(staff: &Person, text: impl Into<String>) -> Answer {
    let request = staff
        .raw("POST", "/api/v1/users/imports?name=people.csv")
        .header("content-type", "text/csv")
        .body(text.into());
    Answer::of(request).await
}

fn id_of(staged: &Answer) -> String {
    format!(
        "/users/imports/{}",
        staged.body["import"]["id"].as_str().unwrap()
    )
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn a_file_is_looked_at_mended_and_taken_over_whole() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let file = "Name;E-mail;Role\nAda;ada@example.org;Editor\nBob;not an address;\n;cid@example.org;\nDan;EVA@example.org;\nAda again;Ada@Example.org;\nEd;ed@example.org;Pope\nFi;fi@example.org;Owner\n\n";
    let staged = send(&owner, file).await.status(201);
    assert_eq!(staged.body["import"]["rows"], 7);
    assert_eq!(
        staged.body["import"]["columns"],
        json!(["Name", "E-mail", "Role"])
    );
    let guess = (
        &staged.body["email"],
        &staged.body["name"],
        &staged.body["role"],
    );
    assert_eq!(guess, (&json!(1), &json!(0), &json!(2)));
    assert_eq!(
        staged.body["preview"][0],
        json!({"line": 2, "cells": ["Ada", "ada@example.org", "Editor"], "problem": null, "message": null})
    );
    let path = id_of(&staged);
    let early = owner
        .post(&format!("{path}/commit"), json!({}))
        .await
        .status(409);
    assert_eq!(early.body["code"], "not_checked");
    let check = format!("{path}/check");
    owner.put(&check, json!({"email": 9})).await.status(422);
    owner
        .put(&check, json!({"email": 1, "default_role": "nothing"}))
        .await
        .status(422);
    owner.put(&check, json!({})).await.status(422);
    let checked = owner
        .put(&check, json!({"email": 1, "name": 0, "role": 2}))
        .await
        .status(200);
    assert_eq!(
        (&checked.body["good"], &checked.body["faulty"]),
        (&json!(2), &json!(5))
    );
    let faults = owner.get(&format!("{path}/faults")).await.status(200);
    let told: Vec<(i64, &str)> = faults.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            (
                line["line"].as_i64().unwrap(),
                line["problem"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (3, "email_invalid"),
            (5, "taken"),
            (6, "twice"),
            (7, "role_unknown"),
            (8, "role_not_yours")
        ]
    );
    let text = owner
        .get(&format!("{path}/faults.csv"))
        .await
        .status(200)
        .body;
    let text = text.as_str().unwrap();
    assert!(
        text.starts_with(
            "line,problem,Name,E-mail,Role\n3,This is no e-mail address.,Bob,not an address,\n"
        ),
        "{text}"
    );
    assert_eq!(owner.get("/users").await.body["total"], 1);

    owner
        .post(&format!("{path}/commit"), json!({"invite": false}))
        .await
        .status(202);
    app.drain().await;
    let done = owner.get(&path).await.status(200);
    assert_eq!(
        (&done.body["state"], &done.body["made"]),
        (&json!("done"), &json!(2))
    );
    let there = owner
        .get("/users?status=invited&sort=name")
        .await
        .status(200);
    let people: Vec<(&Value, &Value)> = there.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["name"], &one["roles"]))
        .collect();
    assert_eq!(
        people,
        [
            (&json!("Ada"), &json!(["editor"])),
            (&json!("cid"), &json!(["member"]))
        ]
    );
    assert!(app.mails("ada@example.org").await.is_empty());
    let again = owner
        .post(&format!("{path}/commit"), json!({}))
        .await
        .status(409);
    assert_eq!(again.body["code"], "import_over");
    owner.put(&check, json!({"email": 1})).await.status(409);
}

#[tokio::test]
async fn who_is_imported_is_mailed_only_if_that_is_chosen() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let staged = send(&owner, "mail\nada@example.org\nbob@example.org\n")
        .await
        .status(201);
    let path = id_of(&staged);
    owner
        .put(&format!("{path}/check"), json!({"email": 0}))
        .await
        .status(200);
    owner
        .post(&format!("{path}/commit"), json!({"invite": true}))
        .await
        .status(202);
    app.drain().await;
    let mails = app.mails("bob@example.org").await;
    assert!(mails[0]["text"].as_str().unwrap().contains("/invite#"));
    let waiting = owner.get("/invitations").await.status(200);
    assert_eq!(waiting.body["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn nothing_is_half_imported() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let staged = send(&owner, "mail\nada@example.org\nbob@example.org\n")
        .await
        .status(201);
    let path = id_of(&staged);
    owner
        .put(&format!("{path}/check"), json!({"email": 0}))
        .await
        .status(200);
    owner
        .post(&format!("{path}/commit"), json!({}))
        .await
        .status(202);
    // The last of the statements fails: none of those before it stays.
    app.sql("alter table identity.invitations add constraint broken check (false) not valid")
        .await;
    app.drain().await;
    assert_eq!(owner.get("/users").await.body["total"], 1);
    let left: i64 = app.value("select count(*) from identity.profiles").await;
    assert_eq!(left, 1);
    app.sql("alter table identity.invitations drop constraint broken; \
        update graphile_worker._private_jobs set run_at = now(), locked_at = null, locked_by = null").await;
    app.drain().await;
    assert_eq!(owner.get(&path).await.body["made"], 2);
    assert_eq!(owner.get("/users").await.body["total"], 3);
}

#[tokio::test]
async fn a_hundred_thousand_people_are_taken_over() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let mut file = String::from("name,mail\n");
    for n in 0..100_000 {
        use std::fmt::Write;
        writeln!(file, "Person {n},p{n}@example.org").unwrap();
    }
    let staged = send(&owner, file).await.status(201);
    let path = id_of(&staged);
    let checked = owner
        .put(&format!("{path}/check"), json!({"email": 1, "name": 0}))
        .await
        .status(200);
    assert_eq!(checked.body["good"], 100_000);
    owner
        .post(&format!("{path}/commit"), json!({}))
        .await
        .status(202);
    // Nobody is here before all are, and how far it has come is told meanwhile.
    let seen = async {
        eventually("the file tells how far it has come", async || {
            let here = owner.get("/users/count").await.status(200).body["count"].clone();
            let seen = owner.get(&path).await.status(200).body;
            let through = seen["through"].as_i64().unwrap();
            let halfway = seen["state"] == "running" && (1..100_000).contains(&through);
            assert!(!halfway || here == 1, "{here} are here");
            halfway
        })
        .await;
    };
    let ((), ()) = tokio::join!(app.drain(), seen);
    let done = owner.get(&path).await.status(200).body;
    assert_eq!(done["through"], 100_000);
    assert_eq!(owner.get("/users/count").await.body["count"], 100_001);
    let page = owner.get("/users?search=person%2099999").await.status(200);
    assert_eq!(page.body["total"], 1);
}

#[tokio::test]
async fn a_file_is_its_senders_and_what_is_no_file_is_refused() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let support = app.staff("sam", "support").await;
    let staged = send(&owner, "mail,role\nada@example.org,editor\n")
        .await
        .status(201);
    support.get(&id_of(&staged)).await.status(404);
    support
        .put(&format!("{}/check", id_of(&staged)), json!({"email": 0}))
        .await
        .status(404);
    // Who may not mind roles brings members, and nobody else.
    let own = send(&support, "mail,role\nada@example.org,editor\n")
        .await
        .status(201);
    let check = format!("{}/check", id_of(&own));
    let checked = support
        .put(&check, json!({"email": 0, "role": 1}))
        .await
        .status(200);
    assert_eq!(checked.body["faulty"], 1);
    support
        .put(&check, json!({"email": 0, "default_role": "editor"}))
        .await
        .status(422);
    for wrong in ["", "\n\n", "mail\n"] {
        let refused = send(&owner, wrong).await.status(422);
        assert_eq!(refused.body["errors"][0]["field"], "file", "{wrong:?}");
    }
    let large = "x".repeat(26 * 1024 * 1024);
    assert_eq!(send(&owner, large).await.code, 413);
}
