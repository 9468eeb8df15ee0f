//! Two servers on one database are one to their clients.

use std::sync::Arc;

use realtime::BusConfig;
use serde_json::json;

use crate::{
    redis::Redis,
    server::{Server, run_two},
};

async fn one_to_their_clients(one: Arc<Server>, two: Arc<Server>) {
    one.people.add("ada", &[]);
    let config = |key: &str| json!({"presence": {"key": key, "enabled": true}});
    let mut here = one.join("ada", "realtime:hall", config("ada")).await;
    let mut there = two.join("ada", "realtime:hall", config("bob")).await;

    // What is said is heard on the other, whatever its size, in order, and once.
    for length in [1, 200_000, 10] {
        let payload = json!({"text": "x".repeat(length)});
        let said = json!({"type": "broadcast", "event": "e", "payload": payload});
        here.push("realtime:hall", "broadcast", said.clone()).await;
        let heard = there.until(|frame| frame.event == "broadcast").await;
        assert_eq!(heard, said);
    }

    // Who is present on one is present on the other, and gone when gone.
    let track = |n: i32| json!({"type": "presence", "event": "track", "payload": {"n": n}});
    there.push("realtime:hall", "presence", track(1)).await;
    let diff = here.until(|frame| frame.event == "presence_diff").await;
    assert_eq!(diff["joins"]["bob"]["metas"][0]["n"], 1, "{diff}");
    let mut late = one.join("ada", "realtime:hall", config("cleo")).await;
    let state = late.until(|frame| frame.event == "presence_state").await;
    assert_eq!(state["bob"]["metas"][0]["n"], 1, "{state}");
    there.push("realtime:hall", "presence", track(2)).await;
    let diff = here.until(|frame| frame.event == "presence_diff").await;
    assert_eq!(diff["joins"]["bob"]["metas"][0]["n"], 2, "{diff}");
    assert_eq!(diff["leaves"]["bob"]["metas"][0]["n"], 1, "{diff}");

    // A server that stops takes its presences with it.
    two.tasks.cancel();
    let diff = here.until(|frame| frame.event == "presence_diff").await;
    assert_eq!(diff["leaves"]["bob"]["metas"][0]["n"], 2, "{diff}");
    assert_eq!(there.closed().await, 1012);
}

#[tokio::test]
async fn two_servers_are_one_over_their_database() {
    run_two(BusConfig::Postgres, one_to_their_clients).await;
}

#[tokio::test]
async fn two_servers_are_one_over_redis() {
    let redis = Redis::start();
    run_two(BusConfig::Redis(redis.url.clone()), one_to_their_clients).await;
}
