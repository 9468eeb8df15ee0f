//! What a client may not do, and that it harms nobody else; and what becomes of its token.

use realtime::Seen;
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::server::{Client, PATIENCE, run, run_set};

async fn reason(client: &mut Client, topic: &str, config: serde_json::Value) -> String {
    let reply = client.join(topic, "ada", config).await;
    assert_eq!(reply["status"], "error", "{reply}");
    reply["response"]["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn joins_are_limited_and_can_be_private_only() {
    run_set(
        |config| {
            config.private_only = true;
            config.limits.channels = 1;
            config.limits.joins_per_second = 2;
        },
        |server| async move {
            let ada = server.people.add("ada", &[]);
            let mut client = server.open("2.0.0", &[]).await.unwrap();
            let said = reason(&mut client, "realtime:hall", json!({})).await;
            assert_eq!(said, "PrivateOnly: Only private channels are offered here");
            let own = |n: u32| format!("realtime:user:{}:{n}", ada.user);
            let private = json!({"private": true});
            let reply = client.join(&own(1), "ada", private.clone()).await;
            assert_eq!(reply["status"], "ok", "{reply}");
            let said = reason(&mut client, &own(2), private.clone()).await;
            assert_eq!(said, "ChannelRateLimitReached: Too many channels");
            let mut limited = false;
            for _ in 0..50 {
                let reply = client.join(&own(1), "ada", private.clone()).await;
                let said = &reply["response"]["reason"];
                limited |= said == "ClientJoinRateLimitReached: Too many joins per second";
            }
            assert!(limited);
        },
    )
    .await;
}

#[tokio::test]
async fn a_join_that_waits_for_what_is_not_published_is_refused() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let mut client = server.open("2.0.0", &[]).await.unwrap();
        let config = |table: &str| {
            json!({
                "postgres_changes": [{"event": "*", "schema": "shop", "table": table}],
                "postgres_changes_options": {"wait": true},
                "broadcast": {"replication_ready": true},
            })
        };
        let said = reason(&mut client, "realtime:x", config("secrets")).await;
        assert_eq!(
            said,
            "RealtimeDisabledForConfiguration: no table shop.secrets is published"
        );
        let reply = client.join("realtime:x", "ada", config("news")).await;
        assert_eq!(reply["status"], "ok", "{reply}");
        assert_eq!(
            client.system().await["message"],
            "Replication connection established"
        );
        assert_eq!(client.system().await["message"], "Subscribed to PostgreSQL");
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_over_ends_its_channels_and_not_the_socket() {
    run(|server| async move {
        let ada = server.people.add("ada", &[]);
        let now = kernel::Clock::system().now();
        server
            .people
            .set_until("short", ada, now.unix_timestamp() + 2);
        let mut client = server.join("short", "realtime:x", json!({})).await;
        assert_eq!(client.system().await["message"], "Token has expired");
        // An error, not a close: after this clients join again.
        assert_eq!(client.next().await.unwrap().event, "phx_error");
        let reply = client.join("realtime:x", "short", json!({})).await;
        assert_eq!(
            reply["response"]["reason"],
            "InvalidJWTToken: Token has expired"
        );
        let reply = client.join("realtime:x", "ada", json!({})).await;
        assert_eq!(reply["status"], "ok");

        // One renewed in time changes nothing, and has no answer.
        let token = json!({"access_token": "ada"});
        client.push("realtime:x", "access_token", token).await;
        let reply = client.ask("phoenix", "heartbeat", json!({})).await;
        assert_eq!(reply["status"], "ok");
    })
    .await;
}

#[tokio::test]
async fn a_silent_socket_is_closed() {
    run_set(
        |config| config.limits.idle_seconds = 1,
        |server| async move {
            let mut client = server.open("2.0.0", &[]).await.unwrap();
            assert_eq!(client.closed().await, 1000);
        },
    )
    .await;
}

#[tokio::test]
async fn who_tracks_too_often_is_told_so_and_stays() {
    run_set(
        |config| config.limits.presences_per_second = 1,
        |server| async move {
            server.people.add("ada", &[]);
            let mut client = server.join("ada", "realtime:x", json!({})).await;
            let mut refused = false;
            for n in 0..10 {
                let track = json!({"type": "presence", "event": "track", "payload": {"n": n}});
                let reply = client.ask("realtime:x", "presence", track).await;
                refused |= reply["status"] == "error";
            }
            assert!(refused);
            let reply = client.ask("phoenix", "heartbeat", json!({})).await;
            assert_eq!(reply["status"], "ok");
        },
    )
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_the_others_hear_everything() {
    run_set(
        |config| {
            config.limits.outbox_bytes = 512 * 1024;
            config.limits.messages_per_second = 10_000;
        },
        |server| async move {
            server.people.add("ada", &[]);
            let mut speaker = server
                .join("ada", "realtime:x", json!({"broadcast": {"ack": true}}))
                .await;
            let mut listener = server.join("ada", "realtime:x", json!({})).await;
            let _deaf = server.join("ada", "realtime:x", json!({})).await;
            let text = "x".repeat(100 * 1024);
            // More than the kernel's buffers and the outbox hold, which differs between machines.
            let mut n = 0;
            while server.realtime.health().sockets == 3 {
                let payload = json!({"n": n, "text": text});
                let said = json!({"type": "broadcast", "event": "e", "payload": payload});
                let reply = speaker.ask("realtime:x", "broadcast", said).await;
                assert_eq!(reply["status"], "ok");
                let heard = listener.until(|frame| frame.event == "broadcast").await;
                assert_eq!(heard["payload"]["n"], n);
                n += 1;
                assert!(n < 1_000, "it is never cut off");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_crowd_at_the_door_all_comes_in() {
    run_set(
        |config| config.limits.admissions = 1,
        |server| async move {
            server.people.add("ada", &[]);
            let joins = (0..50).map(|_| server.join("ada", "realtime:x", json!({})));
            let clients = futures_util::future::join_all(joins).await;
            assert_eq!(clients.len(), 50);
        },
    )
    .await;
}

#[tokio::test]
async fn frames_out_of_order_are_answered() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let mut client = server.open("2.0.0", &[]).await.unwrap();
        for event in ["broadcast", "presence", "access_token", "shout"] {
            let reply = client.ask("realtime:x", event, json!({"event": "e"})).await;
            assert_eq!(reply["response"]["reason"], "unmatched topic", "{event}");
        }
        let reply = client.ask("realtime:x", "phx_leave", json!({})).await;
        assert_eq!(reply["status"], "ok");
        let reply = client.join("realtime:x", "ada", json!({})).await;
        assert_eq!(reply["status"], "ok");
        // A frame of an earlier join of the same channel.
        let frame = Message::text(r#"["0","77","realtime:x","presence",{"event":"track"}]"#);
        client.raw(frame).await;
        let reply = client.until(|frame| frame.reference == "77").await;
        assert_eq!(reply["response"]["reason"], "unmatched topic");
    })
    .await;
}

#[tokio::test]
async fn who_looks_at_no_page_is_away() {
    run_set(
        |config| config.away_grace = std::time::Duration::from_millis(20),
        |server| async move {
            let ada = server.people.add("ada", &[]);
            let mut one = server.join("ada", "realtime:x", json!({})).await;
            let mut two = server.join("ada", "realtime:x", json!({})).await;
            let mut told = server.presence.lock().await;
            let mut next = async || timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
            assert_eq!(next().await, (ada.user, Seen::Online));
            let hidden = |hidden: bool| json!({"hidden": hidden});
            one.ask("phoenix", "visibility", hidden(true)).await;
            two.ask("phoenix", "visibility", hidden(true)).await;
            assert_eq!(next().await, (ada.user, Seen::Away));
            two.ask("phoenix", "visibility", hidden(false)).await;
            assert_eq!(next().await, (ada.user, Seen::Online));
            let reply = two.ask("phoenix", "visibility", json!({})).await;
            assert_eq!(reply["status"], "error");
            drop((one, two));
            assert_eq!(next().await, (ada.user, Seen::Offline));
        },
    )
    .await;
}
