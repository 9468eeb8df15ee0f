//! Who is on a socket, and what becomes of it when that changes.

use crate::server::{PATIENCE, run};
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
