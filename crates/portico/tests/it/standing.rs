//! What staff do about an account, and what of it binds at once.

use crate::{app::TestApp, person::Person};
use serde_json::{Value, json};
use time::Duration;

async fn status_of(staff: &Person, person: &Person) -> Value {
    let page = staff
        .get(&format!("/users/{}", person.id()))
        .await
        .status(200);
    page.body["status"].clone()
}

/// The actions in the audit log that are about somebody, the latest first.
async fn written(owner: &Person, about: &Person) -> Vec<String> {
    let log = owner.get("/audit?limit=100").await.status(200);
    let id = json!(about.id());
    let items = log.body["items"].as_array().unwrap();
    items
        .iter()
        .filter(|entry| entry["subject"] == id)
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .filter(|action| action.starts_with("user."))
        .collect()
}

#[tokio::test]
async fn a_suspension_binds_at_once_and_a_restore_undoes_it() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let bob = app.member("bob").await;
    let phone = bob.elsewhere();
    phone.sign_in().await.status(201);
    let path = format!("/users/{}", bob.id());

    let unsaid = owner
        .put(&format!("{path}/suspension"), json!({"reason": " "}))
        .await
        .status(422);
    assert_eq!(unsaid.body["errors"][0]["field"], "reason");
    bob.get("/me").await.status(200);
    owner
        .put(
            &format!("{path}/suspension"),
            json!({"reason": "Spam in the forum"}),
        )
        .await
        .status(204);
    bob.get("/me").await.status(401);
    phone.get("/me").await.status(401);
    let refused = phone.sign_in().await.status(403);
    assert_eq!(refused.body["code"], "account_suspended");
    let page = owner.get(&path).await.status(200);
    assert_eq!(page.body["suspended_reason"], "Spam in the forum");
    assert_eq!(page.body["status"], "suspended");
    let again = owner
        .put(&format!("{path}/suspension"), json!({"reason": "Twice"}))
        .await
        .status(409);
    assert_eq!(again.body["code"], "suspended");

    owner
        .post(&format!("{path}/restoration"), json!({}))
        .await
        .status(204);
    bob.get("/me").await.status(401);
    bob.sign_in().await.status(201);
    assert_eq!(status_of(&owner, &bob).await, "active");
    owner
        .post(&format!("{path}/restoration"), json!({}))
        .await
        .status(409);
    assert_eq!(
        written(&owner, &bob).await,
        ["user.restored", "user.suspended"]
    );
}

#[tokio::test]
async fn the_last_owner_stays() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let second = app.staff("zoe", "owner").await;
    let (first, other) = (
        format!("/users/{}", owner.id()),
        format!("/users/{}", second.id()),
    );
    // While there are two, one may go.
    owner
        .put(&format!("{other}/suspension"), json!({"reason": "Away"}))
        .await
        .status(204);
    owner
        .post(&format!("{other}/restoration"), json!({}))
        .await
        .status(204);
    second.sign_in().await.status(201);
    owner
        .put(&format!("{other}/suspension"), json!({"reason": "Away"}))
        .await
        .status(204);
    // Somebody who may do all that an owner may, but is none.
    app.sql(
        "insert into identity.roles (name, title, permissions, staff) values ('deputy', 'Deputy', '{*}', true)",
    )
    .await;
    let deputy = app.staff("deputy", "deputy").await;
    for (method, path) in [
        ("PUT", format!("{first}/suspension")),
        ("DELETE", first.clone()),
    ] {
        let refused = deputy
            .send(method, &path, json!({"reason": "A coup"}))
            .await
            .status(409);
        assert_eq!(refused.body["code"], "last_owner", "{path}");
    }
    let refused = deputy
        .delete(&format!("{first}/roles/owner"))
        .await
        .status(403);
    assert_eq!(refused.body["code"], "grants_more");
    for path in [
        format!("{first}/suspension"),
        format!("{first}/roles/member"),
    ] {
        let own = owner.put(&path, json!({"reason": "Me"})).await;
        assert_eq!(own.code, 409, "{path}");
        assert_eq!(own.body["code"], "not_yourself");
    }
    assert_eq!(status_of(&deputy, &owner).await, "active");
}

#[tokio::test]
async fn of_two_owners_who_suspend_each_other_at_once_one_stays() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let second = app.staff("zoe", "owner").await;
    let reason = json!({"reason": "A quarrel"});
    let (mine, theirs) = (
        format!("/users/{}/suspension", second.id()),
        format!("/users/{}/suspension", owner.id()),
    );
    let (a, b) = tokio::join!(
        owner.put(&mine, reason.clone()),
        second.put(&theirs, reason)
    );
    let mut codes = [a.code, b.code];
    codes.sort_unstable();
    assert_eq!(codes[0], 204, "{a:?} {b:?}");
    assert_ne!(codes[1], 204, "{a:?} {b:?}");
    let left: i64 = app
        .value("select count(*) from identity.users u join identity.user_roles r on r.user_id = u.id where r.role = 'owner' and u.status = 'active'")
        .await;
    assert_eq!(left, 1);
}

#[tokio::test]
async fn nobody_acts_on_somebody_who_holds_more() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let support = app.staff("sam", "support").await;
    let admin = app.staff("ada", "admin").await;
    let member = app.member("bob").await;
    let at = |person: &Person, rest: &str| format!("/users/{}{rest}", person.id());
    for target in [&owner, &admin] {
        let reason = json!({"reason": "Because"});
        let refused = support
            .put(&at(target, "/suspension"), reason)
            .await
            .status(403);
        assert_eq!(refused.body["code"], "holds_more");
        support.delete(&at(target, "")).await.status(403);
        support.delete(&at(target, "/sessions")).await.status(403);
        target.get("/me").await.status(200);
        let page = support.get(&at(target, "")).await.status(200);
        assert_eq!(page.body["actionable"], false);
    }
    let page = support.get(&at(&member, "")).await.status(200);
    assert_eq!(page.body["actionable"], true);
    support.delete(&at(&member, "/sessions")).await.status(204);
    member.get("/me").await.status(401);
}

#[tokio::test]
async fn the_trash_gives_back_until_it_is_emptied() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let bob = app.member("bob").await;
    let path = format!("/users/{}", bob.id());
    let note = json!({"body": "Called about an invoice"});
    owner.post(&format!("{path}/notes"), note).await.status(201);
    owner.delete(&path).await.status(204);
    bob.get("/me").await.status(401);
    bob.sign_in().await.status(403);
    let listed = |query: &'static str| {
        let owner = owner.clone();
        async move { owner.get(&format!("/users?search=bob{query}")).await.body["total"].clone() }
    };
    assert_eq!(listed("").await, 0);
    assert_eq!(listed("&status=deleted").await, 1);
    owner
        .post(&format!("{path}/restoration"), json!({}))
        .await
        .status(204);
    bob.sign_in().await.status(201);

    owner.delete(&path).await.status(204);
    owner.delete(&path).await.status(409);
    for (days, there) in [(29, 200), (2, 404)] {
        app.clock.advance(Duration::days(days));
        app.sql("select graphile_worker.add_job('identity:erase_deleted', '{}')")
            .await;
        app.drain().await;
        owner.sign_in().await.status(201);
        owner.get(&path).await.status(there);
    }
    assert_eq!(listed("&status=deleted").await, 0);
    let left: String = app
        .value("select string_agg(u::text, ' ') || coalesce((select string_agg(n::text, ' ') from identity.notes n), '') from identity.users u")
        .await;
    assert!(!left.contains("bob"), "{left}");
    assert!(!left.contains("invoice"), "{left}");
    assert_eq!(
        written(&owner, &bob).await[..2],
        ["user.erased", "user.deleted"]
    );
}

#[tokio::test]
async fn staff_sign_out_one_device_of_somebody() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let bob = app.member("bob").await;
    let phone = bob.elsewhere();
    phone.sign_in().await.status(201);
    let path = format!("/users/{}/sessions", bob.id());
    let sessions = owner.get(&path).await.status(200);
    let items = sessions.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert!(items.iter().all(|item| item["current"] == false));
    let latest = items
        .iter()
        .max_by_key(|item| item["id"].as_str().unwrap().to_owned())
        .unwrap();
    let one = format!("{path}/{}", latest["id"].as_str().unwrap());
    owner.delete(&one).await.status(204);
    owner.delete(&one).await.status(404);
    phone.get("/me").await.status(401);
    bob.get("/me").await.status(200);
}

#[tokio::test]
async fn notes_are_kept_for_staff_only() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let editor = app.staff("ed", "editor").await;
    let bob = app.member("bob").await;
    let path = format!("/users/{}/notes", bob.id());
    for n in 0..3 {
        let note = json!({"body": format!("Note {n}\nin two lines")});
        owner.post(&path, note).await.status(201);
    }
    let faulty = owner
        .post(&path, json!({"body": "x".repeat(4001)}))
        .await
        .status(422);
    assert_eq!(faulty.body["errors"][0]["code"], "too_long");
    let page = owner.get(&format!("{path}?limit=2")).await.status(200);
    assert_eq!(page.body["items"][0]["body"], "Note 2\nin two lines");
    assert_eq!(page.body["items"][0]["author"]["name"], "eva");
    let cursor = page.body["next_cursor"].as_str().unwrap();
    let rest = owner
        .get(&format!("{path}?limit=2&cursor={cursor}"))
        .await
        .status(200);
    assert_eq!(rest.body["items"].as_array().unwrap().len(), 1);
    for person in [&editor, &bob] {
        person.get(&path).await.status(403);
    }
    let gone = format!("{path}/{}", rest.body["items"][0]["id"].as_str().unwrap());
    owner.delete(&gone).await.status(204);
    owner.delete(&gone).await.status(404);
    assert_eq!(
        owner.get(&path).await.body["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_timeline_tells_what_happened_page_by_page() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let bob = app.member("bob").await;
    let path = format!("/users/{}", bob.id());
    for _ in 0..3 {
        app.clock.advance(Duration::seconds(1));
        owner
            .put(&format!("{path}/suspension"), json!({"reason": "Why"}))
            .await
            .status(204);
        app.clock.advance(Duration::seconds(1));
        owner
            .post(&format!("{path}/restoration"), json!({}))
            .await
            .status(204);
    }
    let whole = owner
        .get(&format!("{path}/timeline?limit=100"))
        .await
        .status(200);
    let whole = whole.body["items"].as_array().unwrap().clone();
    let kinds: Vec<&str> = whole
        .iter()
        .map(|item| item["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[..2], ["restored", "suspended"]);
    assert!(kinds.contains(&"identity.account_registered"), "{kinds:?}");
    assert_eq!(whole[0]["actor"]["name"], "eva");
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = owner
            .get(&format!("{path}/timeline?limit=2{cursor}"))
            .await
            .status(200);
        paged.extend(page.body["items"].as_array().unwrap().clone());
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, whole);
    // From where somebody signs in is not for everybody who sees the list.
    let signed_in = |items: &Value| {
        let items = items.as_array().unwrap();
        items
            .iter()
            .find(|item| item["kind"] == "signed_in")
            .cloned()
            .unwrap()
    };
    assert!(signed_in(&json!(whole))["address"].is_string());
    let editor = app.staff("ed", "editor").await;
    let seen = editor
        .get(&format!("{path}/timeline?limit=100"))
        .await
        .status(200);
    let seen = signed_in(&seen.body["items"]);
    assert_eq!(
        (&seen["address"], &seen["device"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_password_and_a_second_factor_are_taken_away_for_who_lost_them() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let bob = app.member("bob").await;
    let path = format!("/users/{}", bob.id());
    let none = owner
        .delete(&format!("{path}/second-factor"))
        .await
        .status(409);
    assert_eq!(none.body["code"], "no_second_factor");
    app.sql("insert into identity.totp (user_id, secret_sealed, confirmed_at) select id, 'x', now() from identity.users where name = 'bob'").await;
    let listed = owner.get("/users?second_factor=true").await.status(200);
    assert_eq!(
        (
            &listed.body["total"],
            &listed.body["items"][0]["second_factor"]
        ),
        (&json!(1), &json!(true))
    );
    owner
        .delete(&format!("{path}/second-factor"))
        .await
        .status(204);
    assert_eq!(
        owner.get("/users?second_factor=true").await.body["total"],
        0
    );
    bob.get("/me").await.status(401);
    bob.sign_in().await.status(201);

    owner.delete(&format!("{path}/password")).await.status(204);
    bob.get("/me").await.status(401);
    bob.sign_in().await.status(403);
    app.drain().await;
    let mails = app.mails(&bob.email()).await;
    let text = |subject: &str| {
        let mail = mails
            .iter()
            .find(|mail| mail["subject"].as_str().unwrap().starts_with(subject));
        mail.unwrap()["text"].as_str().unwrap()
    };
    let asked = text("Please choose a new password");
    assert!(asked.contains("/forgot-password?email=bob"), "{asked}");
    let removed = text("Your account at Portico has one way less");
    assert!(
        removed.contains("by the people who run Portico"),
        "{removed}"
    );
    let written = written(&owner, &bob).await;
    assert_eq!(
        written,
        ["user.password_forgotten", "user.second_factor_removed"]
    );
}
