//! Broadcasts over HTTP, and those that are kept for who comes later.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use kernel::id::UserId;

use crate::server::{Client, Server, run, run_set};

/// Posts, and reads the whole answer.
async fn post(server: &Server, path: &str, headers: &str, body: &[u8]) -> (u16, Value) {
    let mut stream = TcpStream::connect(&server.address).await.unwrap();
    let head = format!(
        "POST /realtime/v1{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

async fn heard(client: &mut Client) -> Value {
    client.until(|frame| frame.event == "broadcast").await
}

#[tokio::test]
async fn what_is_posted_is_heard() {
    run(|server| async move {
        let ada = server.people.add("ada", &[]);
        let mut room = server.join("ada", "realtime:room", json!({})).await;
        let own = format!("realtime:user:{}:desk", ada.user);
        let mut desk = server.join("ada", &own, json!({"private": true})).await;
        let own = own.trim_start_matches("realtime:");
        let messages = json!({"messages": [
            {"topic": "room", "event": "a", "payload": {"n": 1}},
            {"topic": own, "event": "b", "payload": [2], "private": true},
        ]});
        let body = messages.to_string();
        let (status, answer) = post(
            &server,
            "/api/broadcast",
            "cookie: ada\r\n",
            body.as_bytes(),
        )
        .await;
        assert_eq!((status, answer), (202, Value::Null));
        assert_eq!(
            heard(&mut room).await,
            json!({"type": "broadcast", "event": "a", "payload": {"n": 1}})
        );
        assert_eq!(
            heard(&mut desk).await,
            json!({"type": "broadcast", "event": "b", "payload": [2]})
        );

        // One message, named by its path, with the token where clients put their key.
        let path = "/api/broadcast/room/events/caf%C3%A9?apikey=x&vsn=2.0.0";
        let (status, _) = post(&server, path, "apikey: ada\r\n", b"{\"n\":3}").await;
        assert_eq!(status, 202);
        assert_eq!(
            heard(&mut room).await,
            json!({"type": "broadcast", "event": "café", "payload": {"n": 3}})
        );
    })
    .await;
}

#[tokio::test]
async fn what_may_not_be_said_is_refused_whole() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let mut room = server.join("ada", "realtime:room", json!({})).await;
        let good = json!({"topic": "room", "event": "e", "payload": {}});
        let large = "x".repeat(300 * 1024);
        let many = |messages: Value| json!({"messages": messages}).to_string();
        for (headers, body, status, code) in [
            ("", many(json!([good])), 401, "unauthenticated"),
            (
                "apikey: nobody\r\n",
                many(json!([good])),
                401,
                "unauthenticated",
            ),
            ("cookie: ada\r\n", "{".into(), 400, "invalid_json"),
            ("cookie: ada\r\n", many(json!([])), 422, "invalid_input"),
            (
                "cookie: ada\r\n",
                many(json!([good, {"topic": "", "event": "e", "payload": 1}])),
                422,
                "invalid_input",
            ),
            (
                "cookie: ada\r\n",
                many(
                    json!([good, {"topic": "secret", "event": "e", "payload": 1, "private": true}]),
                ),
                403,
                "channel_forbidden",
            ),
            (
                "cookie: ada\r\n",
                many(json!([good, {"topic": "room", "event": "e", "payload": large}])),
                413,
                "payload_size_exceeded",
            ),
        ] {
            let (said, answer) = post(&server, "/api/broadcast", headers, body.as_bytes()).await;
            assert_eq!(
                (said, answer["code"].as_str()),
                (status, Some(code)),
                "{answer}"
            );
            assert!(answer["error"].is_string(), "{answer}");
        }
        let path = "/api/broadcast/room/events/e?persist=true";
        let (status, answer) = post(&server, path, "cookie: ada\r\n", b"{}").await;
        assert_eq!(
            (status, answer["errors"][0]["field"].as_str()),
            (422, Some("persist"))
        );

        // Of all this nothing was said; and who says too much is told to wait.
        let flood = many(vec![good; 60].into());
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let answer = post(
                &server,
                "/api/broadcast",
                "cookie: ada\r\n",
                flood.as_bytes(),
            );
            statuses.push(answer.await.0);
        }
        assert_eq!(statuses, [202, 429, 429]);
        assert_eq!(heard(&mut room).await["event"], "e");
    })
    .await;
}

/// Joins a private channel and asks for what was said before.
async fn late(server: &Arc<Server>, topic: &str, limit: u32) -> Client {
    let replay = json!({"since": 0, "limit": limit});
    let config = json!({"private": true, "broadcast": {"replay": replay, "self": true}});
    server.join("ada", topic, config).await
}

#[tokio::test]
async fn kept_messages_are_told_to_who_comes_later_and_none_twice() {
    run(|server| async move {
        let ada = server.people.add("ada", &[]);
        let topic = format!("realtime:user:{}:room", ada.user);
        let name = topic.trim_start_matches("realtime:");
        let mut early = late(&server, &topic, 25).await;
        let say = async |n: i32, query: &str| {
            let path = format!("/api/broadcast/{name}/events/n?private=true{query}");
            let body = n.to_string();
            let (status, answer) = post(&server, &path, "cookie: ada\r\n", body.as_bytes()).await;
            assert_eq!(status, 202, "{answer}");
        };
        say(1, "&persist=true").await;
        say(2, "").await;
        say(3, "&persist[ttl]=3600").await;
        say(4, "&persist[ttl]=0").await;
        // The official client's way on a socket.
        let mut frame = vec![3, 1, 1, u8::try_from(topic.len()).unwrap(), 1, 16, 1];
        frame.extend_from_slice(b"1x");
        frame.extend_from_slice(topic.as_bytes());
        frame.extend_from_slice(br#"n{"persist":true}5"#);
        early
            .raw(tokio_tungstenite::tungstenite::Message::binary(frame))
            .await;
        for n in 1..=5 {
            let live = heard(&mut early).await;
            assert_eq!(live["payload"], n);
            assert_eq!(live["meta"]["id"].is_string(), n != 2, "{live}");
            assert_eq!(live["meta"]["replayed"], Value::Null);
        }

        let mut second = late(&server, &topic, 25).await;
        for n in [1, 3, 5] {
            let told = heard(&mut second).await;
            assert_eq!(
                (&told["payload"], &told["meta"]["replayed"]),
                (&json!(n), &json!(true))
            );
        }
        let mut third = late(&server, &topic, 1).await;
        assert_eq!(heard(&mut third).await["payload"], 5);
        // What follows is told once, as it happens.
        say(6, "&persist=true").await;
        for client in [&mut second, &mut third] {
            let told = heard(client).await;
            assert_eq!(
                (&told["payload"], &told["meta"]["replayed"]),
                (&json!(6), &Value::Null)
            );
        }

        let mut client = server.open("2.0.0", &[]).await.unwrap();
        let config = json!({"broadcast": {"replay": {"since": 0}}});
        let reply = client.join("realtime:public", "ada", config).await;
        let reason = reply["response"]["reason"].as_str().unwrap();
        assert!(reason.starts_with("UnableToReplayMessages: "), "{reason}");

        server.realtime.sweep_messages().await.unwrap();
        let kept: i64 = sqlx::query_scalar("select count(*) from realtime.messages")
            .fetch_one(&server.db)
            .await
            .unwrap();
        assert_eq!(kept, 4);
    })
    .await;
}

#[tokio::test]
async fn of_a_channel_only_the_newest_messages_are_kept() {
    run_set(
        |config| config.limits.kept_messages = 2,
        |server| async move {
            let ada = server.people.add("ada", &[]);
            let topic = format!("user:{}:room", ada.user);
            let path = format!("/api/broadcast/{topic}/events/n?private=true&persist=true");
            for n in 1..=5 {
                let body = n.to_string();
                post(&server, &path, "cookie: ada\r\n", body.as_bytes()).await;
            }
            let mut client = late(&server, &format!("realtime:{topic}"), 25).await;
            for n in [4, 5] {
                assert_eq!(heard(&mut client).await["payload"], n);
            }
        },
    )
    .await;
}

#[tokio::test]
async fn of_a_sender_only_the_newest_messages_are_kept_however_many_channels_they_invent() {
    run_set(
        |config| {
            config.limits.kept_by_user = 3;
            config.limits.kept_bytes_by_user = 30;
        },
        |server| async move {
            let ada = server.people.add("ada", &[]);
            let bob = server.people.add("bob", &[]);
            let say = async |name: &str, user: UserId, n: u32, body: &str| {
                let path =
                    format!("/api/broadcast/user:{user}:{n}/events/e?private=true&persist=true");
                let cookie = format!("cookie: {name}\r\n");
                let (status, answer) = post(&server, &path, &cookie, body.as_bytes()).await;
                assert_eq!(status, 202, "{answer}");
            };
            let kept = async |user: UserId| -> Vec<String> {
                let kept = "select payload from realtime.messages where sender = $1 order by id";
                let kept: Vec<Vec<u8>> = sqlx::query_scalar(kept)
                    .bind(user.0)
                    .fetch_all(&server.db)
                    .await
                    .unwrap();
                let text = |bytes| String::from_utf8(bytes).unwrap();
                kept.into_iter().map(text).collect()
            };
            say("bob", bob.user, 0, "0").await;
            for n in 1..=5 {
                say("ada", ada.user, n, &n.to_string()).await;
            }
            assert_eq!(kept(ada.user).await, ["3", "4", "5"]);
            // A large one takes the place of several, and one that is too large stands alone.
            let large = format!("\"{}\"", "x".repeat(26));
            say("ada", ada.user, 6, &large).await;
            assert_eq!(kept(ada.user).await, ["4", "5", &large]);
            let larger = format!("\"{}\"", "x".repeat(40));
            say("ada", ada.user, 7, &larger).await;
            assert_eq!(kept(ada.user).await, [larger]);
            assert_eq!(kept(bob.user).await, ["0"]);
        },
    )
    .await;
}
