//! Who is on a socket, and what becomes of it when that changes.

use crate::server::{PATIENCE, run, until};
use kernel::Permission;
use realtime::Seen;
use serde_json::json;
use tokio::time::timeout;

#[tokio::test]
async fn a_browser_is_signed_in_by_its_session_from_our_own_pages_only() {
    run(|server| async move {
        let ada = server.people.add("ada", &[]);
        let own = [("cookie", "ada"), ("origin", "https://own.example")];
        let foreign = [("cookie", "ada"), ("origin", "https://foreign.example")];
        assert_eq!(server.open("2.0.0", &foreign).await.err(), Some(403));
        let mut client = server.open("2.0.0", &own).await.unwrap();
        let config =
            json!({"postgres_changes": [{"event": "*", "schema": "shop", "table": "orders"}]});
        // The token that a client without one sends takes nothing away.
        assert_eq!(
            client.join("realtime:x", "anonymous", config).await["status"],
            "ok"
        );
        server.order(1, ada.user, "mine").await;
        assert_eq!(client.change().await["record"]["id"], 1);
    })
    .await;
}

#[tokio::test]
async fn signing_out_closes_the_sockets_of_that_session_at_once() {
    run(|server| async move {
        let ada = server.people.add("ada", &[]);
        server.people.add("bob", &[]);
        let mut of_ada = server.join("ada", "realtime:x", json!({})).await;
        let mut of_bob = server
            .join("bob", "realtime:x", json!({"broadcast": {"self": true}}))
            .await;
        server.people.remove("ada");
        server.signals.session_ended(ada.session);
        assert_eq!(of_ada.closed().await, 1008);
        let said = json!({"type": "broadcast", "event": "e", "payload": {}});
        of_bob.push("realtime:x", "broadcast", said.clone()).await;
        assert_eq!(of_bob.next().await.unwrap().payload, said);
    })
    .await;
}

#[tokio::test]
async fn a_changed_role_binds_open_sockets() {
    run(|server| async move {
        let mut ada = server.people.add("ada", &[]);
        let bob = server.people.add("bob", &[]);
        let config = json!({"postgres_changes": [{"event": "*", "schema": "shop", "table": "*"}]});
        let mut client = server.join("ada", "realtime:x", config).await;
        server.order(1, bob.user, "not hers to see").await;
        server.sql("insert into shop.news values (1, 'seen')").await;
        assert_eq!(client.change().await["table"], "news");

        ada.permissions = [Permission::UsersRead].into_iter().collect();
        server.people.set("ada", ada);
        server.signals.user_changed(ada.user);
        // The role is looked up beside the stream, so it is asked for until it binds.
        let mut id = 2;
        loop {
            server.order(id, bob.user, "hers to see").await;
            server.sql("update shop.news set body = body").await;
            if client.change().await["table"] == "orders" {
                break;
            }
            id += 1;
        }

        server.people.remove("ada");
        server.signals.user_changed(ada.user);
        assert_eq!(client.closed().await, 1008);
    })
    .await;
}

#[tokio::test]
async fn many_tabs_are_one_presence() {
    run(|server| async move {
        let ada = server.people.add("ada", &[]);
        let bob = server.people.add("bob", &[]);
        let first = server.join("ada", "realtime:x", json!({})).await;
        let second = server.join("ada", "realtime:x", json!({})).await;
        let mut told = server.presence.lock().await;
        let mut next = async || timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
        assert_eq!(next().await, (ada.user, Seen::Online));
        drop(first);
        let of_bob = server.join("bob", "realtime:x", json!({})).await;
        assert_eq!(next().await, (bob.user, Seen::Online));
        drop(second);
        assert_eq!(next().await, (ada.user, Seen::Offline));
        drop(of_bob);
        assert_eq!(next().await, (bob.user, Seen::Offline));
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_refused_is_told_why() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let mut client = server.open("2.0.0", &[]).await.unwrap();
        for (token, why) in [
            ("x", "MalformedJWT: The token provided is not a valid JWT"),
            (
                "a.b.c",
                "JwtSignatureError: The token was not signed by this server",
            ),
            (
                "ended",
                "InvalidJWTToken: Its session is over, or its owner may not come in",
            ),
        ] {
            let reply = client.join("realtime:x", token, json!({})).await;
            assert_eq!(reply["response"]["reason"], why);
        }
    })
    .await;
}

#[tokio::test]
async fn who_cannot_be_looked_up_now_is_not_taken_for_nobody() {
    run(|server| async move {
        let ada = server.people.add("ada", &[]);
        server.people.add("ada again", &[]);
        let hall = json!({"broadcast": {"self": true}});
        let mut here = server.join("ada", "realtime:hall", hall).await;
        server.people.away(true);

        // Who is here stays, and is asked about again until there is an answer.
        server.signals.user_changed(ada.user);
        let people = &server.people;
        until(|| people.asked_in_vain() >= 2).await;
        let said = json!({"type": "broadcast", "event": "e", "payload": {}});
        here.push("realtime:hall", "broadcast", said).await;
        assert_eq!(here.next().await.unwrap().event, "broadcast");

        // Who comes is told to come again, on a socket, at the door and over HTTP.
        let mut late = server.open("2.0.0", &[]).await.unwrap();
        let reply = late.join("realtime:hall", "ada", json!({})).await;
        let why = "InitializingProjectConnection: Who joins cannot be looked up now, try again in some seconds";
        assert_eq!(reply["response"]["reason"], why);
        let cookie = [("cookie", "ada")];
        assert_eq!(server.open("2.0.0", &cookie).await.err(), Some(503));

        // A new token that cannot be judged ends the channel so that a client joins again.
        let token = json!({"access_token": "ada again"});
        here.push("realtime:hall", "access_token", token).await;
        assert_eq!(here.system().await["message"], why);
        assert_eq!(here.next().await.unwrap().event, "phx_error");

        server.people.away(false);
        for client in [&mut here, &mut late] {
            let reply = client.join("realtime:hall", "ada", json!({})).await;
            assert_eq!(reply["status"], "ok", "{reply}");
        }
    })
    .await;
}
