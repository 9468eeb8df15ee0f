//! Another server takes over from the database's: places in the log mean something else then.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::{sync::Mutex, time::timeout};

use crate::{
    cluster::Cluster,
    server::{PATIENCE, run_on},
};

#[tokio::test]
async fn after_a_fail_over_everybody_is_told_to_read_again_and_hears_what_follows() {
    let cluster = Cluster::start(&[]).await;
    let options = cluster.options("postgres");
    // It lives until what the test left in it is removed.
    let cluster = Arc::new(Mutex::new(cluster));
    let kept = Arc::clone(&cluster);
    run_on(options, |server| async move {
        let ada = server.people.add("ada", &[]);
        let config =
            || json!({"postgres_changes": [{"event": "*", "schema": "shop", "table": "*"}]});
        let mut client = server.open("2.0.0", &[]).await.unwrap();
        client.resume("realtime:x", "ada", config(), None).await;
        server.order(1, ada.user, "before").await;
        assert_eq!(client.change().await["record"]["title"], "before");
        let cursor = client.cursor().await;

        cluster.lock().await.fail_over().await;
        let told = client
            .until(|frame| {
                frame.payload["extension"] == "resume" && frame.payload["status"] == "error"
            })
            .await;
        assert_eq!(told["message"], "resume_gap");
        timeout(PATIENCE, server.realtime.streaming())
            .await
            .unwrap();
        server.order(2, ada.user, "after").await;
        // What the slot still holds of before is told once more: nobody knows who heard it.
        let after = |change: &Value| change["record"]["title"] == "after";
        while !after(&client.change().await) {}

        // Whoever comes back with a place in the old log is told so, and is live all the same.
        let mut late = server.open("2.0.0", &[]).await.unwrap();
        late.resume("realtime:x", "ada", config(), Some(&cursor))
            .await;
        let told = late
            .until(|frame| frame.payload["extension"] == "resume")
            .await;
        assert_eq!(told["message"], "resume_gap");
        server.order(3, ada.user, "later").await;
        assert_eq!(late.change().await["record"]["title"], "later");
    })
    .await;
    drop(kept);
}
