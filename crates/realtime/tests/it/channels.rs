//! Broadcast, presence and the frames themselves.

use crate::server::run;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn a_broadcast_reaches_both_versions_and_not_its_sender() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let mut sender = server
            .join("ada", "realtime:room", json!({"broadcast": {"ack": true}}))
            .await;
        let mut two = server.join("ada", "realtime:room", json!({})).await;
        let mut one = server.open("1.0.0", &[]).await.unwrap();
        one.join("realtime:room", "ada", json!({})).await;
        let mut elsewhere = server
            .join(
                "ada",
                "realtime:other",
                json!({"broadcast": {"self": true}}),
            )
            .await;

        let said = json!({"type": "broadcast", "event": "cursor", "payload": {"x": 1}});
        let reply = sender.ask("realtime:room", "broadcast", said.clone()).await;
        assert_eq!(reply, json!({"status": "ok", "response": {}}));
        assert_eq!(two.next().await.unwrap().payload, said);
        assert_eq!(one.next().await.unwrap().payload, said);

        // The same as the official client sends it.
        let mut frame = vec![3, 1, 1, 13, 6, 0, 1];
        frame.extend_from_slice(br#"19realtime:roomcursor{"x":2}"#);
        sender.raw(Message::binary(frame)).await;
        let reply = sender.next().await.unwrap();
        assert_eq!(
            (reply.event.as_str(), reply.reference),
            ("phx_reply", json!("9"))
        );
        assert_eq!(two.next().await.unwrap().payload["payload"]["x"], 2);
        assert_eq!(one.next().await.unwrap().payload["payload"]["x"], 2);

        // Nothing reached the other channel before its own.
        elsewhere
            .push("realtime:other", "broadcast", said.clone())
            .await;
        assert_eq!(elsewhere.next().await.unwrap().payload, said);
        let large = json!({"type": "broadcast", "event": "e", "payload": "x".repeat(300 * 1024)});
        let reply = sender.ask("realtime:room", "broadcast", large).await;
        assert_eq!(
            reply,
            json!({"status": "error", "response": {"error": "payload_size_exceeded"}})
        );
    })
    .await;
}

#[tokio::test]
async fn presence_is_told_as_state_and_differences() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let config = |key: &str| json!({"presence": {"key": key, "enabled": true}});
        let mut ada = server.join("ada", "realtime:room", config("ada")).await;
        assert_eq!(ada.next().await.unwrap().payload, json!({}));
        let track = |n: i32| json!({"type": "presence", "event": "track", "payload": {"n": n}});
        assert_eq!(
            ada.ask("realtime:room", "presence", track(1)).await["status"],
            "ok"
        );
        let mut bob = server.join("ada", "realtime:room", config("bob")).await;
        let state = bob.until(|frame| frame.event == "presence_state").await;
        assert_eq!(state["ada"]["metas"][0]["n"], 1);
        bob.push("realtime:room", "presence", track(2)).await;
        // Her own coming is told her, too.
        let of_bob = |side: &'static str| {
            move |frame: &crate::client::Frame| {
                frame.event == "presence_diff" && frame.payload[side]["bob"].is_object()
            }
        };
        let diff = ada.until(of_bob("joins")).await;
        assert_eq!(diff["joins"]["bob"]["metas"][0]["n"], 2);
        assert!(diff["joins"]["bob"]["metas"][0]["phx_ref"].is_string());
        drop(bob);
        let diff = ada.until(of_bob("leaves")).await;
        assert_eq!(diff["leaves"]["bob"]["metas"][0]["n"], 2);
    })
    .await;
}

#[tokio::test]
async fn heartbeats_leaves_and_strangers_are_answered() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let mut client = server.open("2.0.0", &[]).await.unwrap();
        client
            .raw(Message::text(r#"[null,"7","phoenix","heartbeat",{}]"#))
            .await;
        let reply = client.next().await.unwrap();
        assert_eq!(
            (reply.topic.as_str(), reply.reference),
            ("phoenix", json!("7"))
        );
        let refused =
            async |client: &mut crate::server::Client, topic: &str, token: &str, config| {
                let reply = client.join(topic, token, config).await;
                assert_eq!(reply["status"], "error", "{reply}");
                let reason = reply["response"]["reason"].as_str().unwrap().to_owned();
                reason.split(':').next().unwrap().to_owned()
            };
        assert_eq!(
            refused(&mut client, "realtime:", "ada", json!({})).await,
            "TopicNameRequired"
        );
        assert_eq!(
            refused(&mut client, "realtime:a", "nobody", json!({})).await,
            "MalformedJWT"
        );
        assert_eq!(
            refused(&mut client, "realtime:a", "a.stranger's.token", json!({})).await,
            "JwtSignatureError"
        );
        assert_eq!(
            refused(&mut client, "realtime:a", "", json!({})).await,
            "Unauthorized"
        );
        assert_eq!(
            refused(&mut client, "realtime:a", "ada", json!(7)).await,
            "InvalidJoinPayload"
        );
        let private = json!({"private": true});
        assert_eq!(
            refused(&mut client, "realtime:user:x", "ada", private).await,
            "Unauthorized"
        );
        let reply = client
            .ask("realtime:a", "broadcast", json!({"event": "e"}))
            .await;
        assert_eq!(reply["response"]["reason"], "unmatched topic");

        assert_eq!(
            client.join("realtime:a", "ada", json!({})).await["status"],
            "ok"
        );
        let reply = client.ask("realtime:a", "shout", json!({})).await;
        assert_eq!(reply["status"], "error");
        assert_eq!(
            client.ask("realtime:a", "phx_leave", json!({})).await["status"],
            "ok"
        );
        assert_eq!(client.next().await.unwrap().event, "phx_close");
    })
    .await;
}

#[tokio::test]
async fn nonsense_and_floods_cost_only_their_sender() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let mut witness = server
            .join("ada", "realtime:room", json!({"broadcast": {"self": true}}))
            .await;
        for (message, code) in [
            (Message::text("nonsense"), 1007),
            (Message::binary(vec![9, 9]), 1007),
            (Message::text("x".repeat(2 * 1024 * 1024)), 1009),
        ] {
            let mut client = server.join("ada", "realtime:room", json!({})).await;
            client.raw(message).await;
            assert_eq!(client.closed().await, code);
        }
        let mut flood = server.join("ada", "realtime:room", json!({})).await;
        for _ in 0..300 {
            let frame = Message::text(r#"["1","2","realtime:room","access_token",{}]"#);
            flood.raw(frame).await;
        }
        assert_eq!(
            flood.system().await["message"],
            "Too many messages per second"
        );
        assert_eq!(flood.closed().await, 1013);
        assert_eq!(server.open("3.0.0", &[]).await.err(), Some(400));
        let said = json!({"type": "broadcast", "event": "e", "payload": {}});
        witness
            .push("realtime:room", "broadcast", said.clone())
            .await;
        assert_eq!(witness.next().await.unwrap().payload, said);
    })
    .await;
}
