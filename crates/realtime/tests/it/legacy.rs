//! Clients from before there were bindings: what they listen to stands in the topic.

use serde_json::json;

use crate::server::run;

#[tokio::test]
async fn a_topic_without_a_config_hears_the_rows_that_it_names() {
    run(|server| async move {
        let ada = server.people.add("ada", &[]);
        let mut all = server.open("1.0.0", &[]).await.unwrap();
        let mut one = server.open("1.0.0", &[]).await.unwrap();
        let mut now = server.open("2.0.0", &[]).await.unwrap();
        // The older name of the token, too.
        let token = json!({"user_token": "ada"});
        let topic = "realtime:shop:orders";
        let reply = all.ask(topic, "phx_join", token.clone()).await;
        let bound = &reply["response"]["postgres_changes"][0];
        assert_eq!(
            (&bound["schema"], &bound["table"]),
            (&json!("shop"), &json!("orders"))
        );
        let filtered = "realtime:shop:orders:id=eq.2";
        let reply = one.ask(filtered, "phx_join", token.clone()).await;
        assert_eq!(reply["status"], "ok", "{reply}");
        // A client of today on a channel of the same name, with the same question.
        let binding = json!({"event": "*", "schema": "shop", "table": "orders"});
        let reply = now
            .join(topic, "ada", json!({"postgres_changes": [binding]}))
            .await;
        assert_eq!(reply["status"], "ok", "{reply}");

        server.order(1, ada.user, "first").await;
        server.order(2, ada.user, "second").await;
        server.sql("delete from shop.orders where id = 2").await;
        for (event, id) in [("INSERT", 1), ("INSERT", 2), ("DELETE", 2)] {
            let told = all.until(|frame| frame.event == event).await;
            let row = if event == "DELETE" {
                "old_record"
            } else {
                "record"
            };
            assert_eq!(
                (&told["type"], &told[row]["id"]),
                (&json!(event), &json!(id)),
                "{told}"
            );
            assert_eq!(told["ids"], json!(null), "{told}");
            let change = now.change().await;
            assert_eq!(
                (&change["type"], &change[row]["id"]),
                (&json!(event), &json!(id))
            );
        }
        let told = one.until(|frame| frame.event == "INSERT").await;
        assert_eq!(told["record"]["title"], "second", "{told}");
    })
    .await;
}

#[tokio::test]
async fn a_topic_that_names_no_rows_is_a_plain_channel() {
    run(|server| async move {
        server.people.add("ada", &[]);
        let mut client = server.open("2.0.0", &[]).await.unwrap();
        for topic in [
            "realtime:room",
            "realtime:room:of:many",
            "realtime:shop:secrets",
        ] {
            let token = json!({"access_token": "ada"});
            let reply = client.ask(topic, "phx_join", token).await;
            assert_eq!(reply, json!({"status": "ok", "response": {}}), "{topic}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_topic_shows_nobody_what_is_not_theirs() {
    run(|server| async move {
        let ada = server.people.add("ada", &[]);
        let bob = server.people.add("bob", &[]);
        let mut client = server.open("2.0.0", &[]).await.unwrap();
        let token = json!({"access_token": "ada"});
        client.ask("realtime:*", "phx_join", token).await;
        server.order(1, bob.user, "his").await;
        server.order(2, ada.user, "hers").await;
        let told = client.until(|frame| frame.event == "INSERT").await;
        assert_eq!(told["record"]["title"], "hers", "{told}");
    })
    .await;
}
