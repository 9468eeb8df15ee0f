//! What ends acting in a member's place, and where its cookie is of use.

use super::{WHY, begin, end};
use crate::{
    app::{TestApp, eventually},
    person::{Answer, Person},
    realtime::Socket,
};
use serde_json::json;
use time::Duration;

#[tokio::test]
async fn it_is_over_at_once_with_whatever_it_hangs_on() {
    let app = TestApp::new().await;
    let (eva, bob) = (app.owner("eva").await, app.member("bob").await);
    let ada = app.staff("ada", "admin").await;
    let (member, staff) = (
        format!("/users/{}", bob.id()),
        format!("/users/{}", ada.id()),
    );
    let over = async || {
        let refused = ada.get("/me").await.status(403);
        assert_eq!(refused.body["code"], "impersonation_over");
        assert!(ada.cookie("portico_acting").is_none(), "the cookie goes");
        let me = ada.get("/me").await.status(200);
        assert_eq!(me.body["id"], json!(ada.id()));
    };
    let how = async |expected: &str| {
        app.run(identity::jobs::NoteEndedImpersonations {}).await;
        let entries = eva
            .get("/audit?action=impersonation.ended")
            .await
            .status(200);
        let last = &entries.body["items"][0];
        assert_eq!(last["data"]["how"], expected);
        assert_eq!(last["actor"]["id"], json!(ada.id()));
    };

    // Its time.
    begin(&ada, &bob, json!({"minutes": 5})).await.status(201);
    app.clock.advance(Duration::minutes(5));
    over().await;
    how("time_over").await;
    // Written down once, however often it is looked for.
    let written = "select count(*) from kernel.audit where action = 'impersonation.ended'";
    app.run(identity::jobs::NoteEndedImpersonations {}).await;
    assert_eq!(app.value::<i64>(written).await, 1);

    // The member is suspended.
    begin(&ada, &bob, json!({})).await.status(201);
    let reason = json!({"reason": "Half way"});
    eva.put(&format!("{member}/suspension"), reason)
        .await
        .status(204);
    over().await;
    how("account_closed").await;
    eva.post(&format!("{member}/restoration"), json!({}))
        .await
        .status(204);

    // The member's rights change.
    begin(&ada, &bob, json!({})).await.status(201);
    eva.put(&format!("{member}/roles/support"), json!({}))
        .await
        .status(204);
    over().await;
    how("rights_changed").await;

    // What the role of staff allows changes under them.
    let role = json!({"title": "Looking", "permissions": ["users.read", "users.impersonate"]});
    eva.post("/roles", role).await.status(201);
    let lea = app.staff("lea", "looking").await;
    let carl = app.member("carl").await;
    begin(&lea, &carl, json!({})).await.status(201);
    lea.get("/me").await.status(200);
    let role = json!({"title": "Looking", "permissions": ["users.read"]});
    eva.put("/roles/looking", role).await.status(200);
    lea.get("/me").await.status(403);
    assert_eq!(lea.get("/me").await.status(200).body["id"], json!(lea.id()));

    // Their own role goes half way.
    begin(&ada, &bob, json!({})).await.status(201);
    eva.put(&format!("{staff}/roles/support"), json!({}))
        .await
        .status(204);
    over().await;
    begin(&ada, &bob, json!({})).await.status(201);
    eva.delete(&format!("{staff}/roles/admin"))
        .await
        .status(204);
    over().await;
    how("rights_changed").await;
    eva.put(&format!("{staff}/roles/admin"), json!({}))
        .await
        .status(204);

    // They are signed out, or suspended.
    begin(&ada, &bob, json!({})).await.status(201);
    eva.delete(&format!("{staff}/sessions")).await.status(204);
    ada.get("/me").await.status(401);
    how("session_over").await;
    ada.sign_in().await.status(201);
    // What is left of it in the browser is nothing to the next session.
    let me = ada.get("/me").await.status(200);
    assert_eq!(me.body["id"], json!(ada.id()));
    assert!(ada.cookie("portico_acting").is_none());
}

#[tokio::test]
async fn the_cookie_is_of_use_in_that_one_browser_and_to_no_token() {
    let app = TestApp::new().await;
    let (eva, bob) = (app.owner("eva").await, app.member("bob").await);
    let carl = app.member("carl").await;
    begin(&eva, &bob, json!({})).await.status(201);
    let acting = eva.cookie("portico_acting").unwrap();
    // Somebody else's browser, and another of one's own.
    let other = eva.elsewhere();
    other.sign_in().await.status(201);
    for person in [&carl, &other] {
        let cookies = format!("{}; portico_acting={acting}", person.cookies());
        let request = app.visitor().raw("GET", "/api/v1/me");
        let me = Answer::of(request.header("cookie", cookies))
            .await
            .status(200);
        assert_eq!(me.body["id"], json!(person.id()));
        assert!(me.body.get("acting").is_none());
        assert!(me.set_cookies()[0].starts_with("portico_acting=;"));
    }
    // A guessed token, with the right name.
    let (id, _) = acting.split_once('.').unwrap();
    let access = eva.cookie("portico_access").unwrap();
    let cookies = format!("portico_access={access}; portico_acting={id}.guess");
    let request = app.visitor().raw("GET", "/api/v1/me");
    let me = Answer::of(request.header("cookie", cookies))
        .await
        .status(200);
    assert_eq!(me.body["id"], json!(eva.id()));
    // A token is who it is.
    let request = eva.raw("GET", "/api/v1/me").bearer_auth(&access);
    let me = Answer::of(request).await.status(200);
    assert_eq!(me.body["id"], json!(eva.id()));
    // Whoever is not signed in any more acts for nobody.
    let request = app.visitor().raw("GET", "/api/v1/me");
    let alone = request.header("cookie", format!("portico_acting={acting}"));
    Answer::of(alone).await.status(401);
    // Beginning anew in the same browser ends what was before.
    let access = format!("portico_access={access}");
    let again = app.visitor().raw(
        "POST",
        &format!("/api/v1/users/{}/impersonation", carl.id()),
    );
    let again = again.header("cookie", access).json(&json!({"reason": WHY}));
    Answer::of(again).await.status(201);
    let me = eva.get("/me").await.status(403);
    assert_eq!(me.body["code"], "impersonation_over");
}

#[tokio::test]
async fn a_page_of_before_does_nothing_after() {
    let app = TestApp::new().await;
    let (eva, bob) = (app.owner("eva").await, app.member("bob").await);
    let as_whom = |whom: &str| {
        let request = eva.raw("PATCH", "/api/v1/me");
        let request = request.header("x-portico-acting", whom);
        request.json(&json!({"display_name": "Changed"}))
    };
    let begun = begin(&eva, &bob, json!({"mode": "write"}))
        .await
        .status(201);
    let id = begun.body["id"].as_str().unwrap();
    // A page that was loaded before it began.
    let refused = Answer::of(as_whom("none")).await.status(409);
    assert_eq!(refused.body["code"], "impersonation_elsewhere");
    Answer::of(as_whom(id)).await.status(200);
    end(&eva).await;
    // And one that was loaded in it.
    let refused = Answer::of(as_whom(id)).await.status(403);
    assert_eq!(refused.body["code"], "impersonation_over");
    Answer::of(as_whom("none")).await.status(200);
    assert_eq!(bob.get("/me").await.body["display_name"], "Changed");
}

#[tokio::test]
async fn sockets_hear_what_the_member_hears_and_close_with_the_end() {
    let app = TestApp::live().await;
    let (eva, bob) = (app.owner("eva").await, app.member("bob").await);
    begin(&eva, &bob, json!({})).await.status(201);
    let mut looking = Socket::listening(&app, &eva, &["identity.users"]).await;
    bob.patch("/me", json!({"display_name": "Bobby"}))
        .await
        .status(200);
    // Nobody is online because somebody else looks: whoever came later is seen, and they are not.
    let carl = app.member("carl").await;
    let _open = Socket::listening(&app, &carl, &["identity.users"]).await;
    let online = |person: &Person| {
        let who = person.id();
        format!("select exists (select from identity.presence_connections where user_id = '{who}')")
    };
    let comes = online(&carl);
    eventually("carl is online", || app.value(&comes)).await;
    assert!(!app.value::<bool>(&online(&bob)).await);
    end(&eva).await;
    assert_eq!(looking.closed().await, 1008);

    // When its time is over, too, though nobody ends it.
    begin(&eva, &bob, json!({"minutes": 5})).await.status(201);
    let mut looking = Socket::listening(&app, &eva, &["identity.users"]).await;
    app.clock.advance(Duration::minutes(5));
    app.run(identity::jobs::NoteEndedImpersonations {}).await;
    assert_eq!(looking.closed().await, 1008);
    eva.get("/me").await.status(403);

    // The member sees it come and go.
    let mut theirs = Socket::listening(&app, &bob, &["identity.impersonations"]).await;
    let begun = begin(&eva, &bob, json!({})).await.status(201);
    let change = theirs
        .until(|change| change["record"]["id"] == begun.body["id"])
        .await;
    assert_eq!(change["type"], "INSERT");
    assert_eq!(change["record"]["by_user"], json!(eva.id()));
    assert!(change["record"].get("token_hash").is_none());
    assert!(change["record"].get("reason").is_none());

    // And it closes with the session of who looks, on every server.
    let node = app.second_node().await;
    let mut looking = Socket::listening(&app, &eva, &["identity.users"]).await;
    eva.elsewhere().sign_in().await.status(201);
    let elsewhere = eva.at(&node.url);
    let refused = elsewhere.delete("/sessions/current").await.status(403);
    assert_eq!(refused.body["code"], "impersonation_read_only");
    let other = eva.elsewhere().at(&node.url);
    other.sign_in().await.status(201);
    other.delete("/sessions").await.status(204);
    assert_eq!(looking.closed().await, 1008);
    node.app.tasks.cancel();
}
