//! Each fault, once by the header of a call and once by the control page.

use super::Api;
use super::receiver::{Inbox, deliver, with_receiver};
use crate::core::{Read, Value};

/// How a fault is asked for.
#[derive(Clone, Copy)]
enum By {
    Header,
    Page,
}

/// Makes a product with one fault on the call. Returns the status and the text of the answer.
async fn faulty(api: &Api, by: By, fault: &str, name: &str) -> (u16, String) {
    let form =
        format!("name={name}&default_price_data[currency]=usd&default_price_data[unit_amount]=100");
    let got = match by {
        By::Header => {
            let header = [("sandbox-fault", fault)];
            api.call("POST", "/v1/products", &form, &header).await
        }
        By::Page => {
            let asked = api
                .call("POST", "/pages/control", &format!("fault={fault}"), &[])
                .await;
            assert_eq!(asked.status, 200, "{}", asked.text);
            api.call("POST", "/v1/products", &form, &[]).await
        }
    };
    (got.status, got.text)
}

async fn names(api: &Api) -> usize {
    api.get("/v1/products", "").await.list("data").len()
}

async fn of_answers(by: By) {
    let api = Api::new();
    assert_eq!(faulty(&api, by, "429", "A").await.0, 429);
    assert_eq!(faulty(&api, by, "500", "B").await.0, 500);
    assert_eq!(names(&api).await, 0, "refused before anything happened");
    let (_, text) = faulty(&api, by, "timeout-after-commit", "C").await;
    assert!(text.is_empty(), "the answer broke off: {text}");
    assert_eq!(names(&api).await, 1, "and the command was done");
    let (status, text) = faulty(&api, by, "slow", "D").await;
    assert!(
        status == 200 && text.contains("prod_"),
        "late but whole: {text}"
    );
    let (status, _) = faulty(&api, by, "", "E").await;
    assert_eq!((status, names(&api).await), (200, 3), "one call each");
}

#[tokio::test]
async fn an_answer_fails_by_header() {
    of_answers(By::Header).await;
}

#[tokio::test]
async fn an_answer_fails_by_the_control_page() {
    of_answers(By::Page).await;
}

/// The types that came, in their order.
fn came(inbox: &Inbox) -> Vec<String> {
    let calls = std::mem::take(&mut *inbox.calls.lock().expect("a lock"));
    let event = |body: String| serde_json::from_str::<Value>(&body).expect("json");
    calls
        .into_iter()
        .map(|(_, body)| event(body).s("type").to_owned())
        .collect()
}

async fn of_web_hooks(by: By, inbox: Inbox, url: String) {
    let api = Api::new();
    let wanted = format!("url={url}&enabled_events[0]=*");
    api.post("/v1/webhook_endpoints", &wanted).await;
    deliver(&api).await;
    came(&inbox);

    faulty(&api, by, "", "A").await;
    deliver(&api).await;
    let once = came(&inbox);
    assert!(once.len() > 1, "a product and its price: {once:?}");

    faulty(&api, by, "drop-webhooks", "B").await;
    deliver(&api).await;
    assert_eq!(came(&inbox), Vec::<String>::new(), "lost for good");

    faulty(&api, by, "duplicate-webhooks", "C").await;
    deliver(&api).await;
    let mut twice = came(&inbox);
    let mut expected = [once.clone(), once.clone()].concat();
    twice.sort();
    expected.sort();
    assert_eq!(twice, expected);

    faulty(&api, by, "reorder-webhooks", "D").await;
    for _ in &once {
        deliver(&api).await;
        api.pass(1).await;
    }
    let reversed: Vec<String> = once.into_iter().rev().collect();
    assert_eq!(came(&inbox), reversed, "the last one first");
}

#[tokio::test]
async fn web_hooks_are_lost_doubled_and_turned_round_by_header() {
    with_receiver(|inbox, url| of_web_hooks(By::Header, inbox, url)).await;
}

#[tokio::test]
async fn web_hooks_are_lost_doubled_and_turned_round_by_the_control_page() {
    with_receiver(|inbox, url| of_web_hooks(By::Page, inbox, url)).await;
}

/// What came, by the customer's name.
fn customers(inbox: &Inbox) -> Vec<String> {
    let calls = std::mem::take(&mut *inbox.calls.lock().expect("a lock"));
    let name = |body: &str| {
        let event: Value = serde_json::from_str(body).expect("json");
        event["data"]["object"].s("name").to_owned()
    };
    calls.iter().map(|(_, body)| name(body)).collect()
}

async fn modes(inbox: Inbox, url: String) {
    let api = Api::new();
    let wanted = format!("url={url}&enabled_events[0]=customer.created");
    api.post("/v1/webhook_endpoints", &wanted).await;
    let toggle = async |mode: &str| {
        let form = format!("mode={mode}");
        let got = api.call("POST", "/pages/control", &form, &[]).await;
        assert_eq!(got.status, 200, "{}", got.text);
    };
    let customers_come = async |count: usize| -> Vec<String> {
        let mut made = Vec::new();
        for n in 0..count {
            made.push(format!("customer-{n:03}"));
            api.post("/v1/customers", &format!("name={}", made[n]))
                .await;
        }
        made
    };

    // Shuffled: everything comes, once, and not in the order in which it happened.
    toggle("shuffle").await;
    let made = customers_come(60).await;
    deliver(&api).await;
    let mut got = customers(&inbox);
    assert_ne!(got, made);
    // More than one batch out of its place: the first sixteen sent are not the first sixteen made.
    assert!(got[..16].iter().any(|name| !made[..16].contains(name)));
    got.sort();
    assert_eq!(got, made);
    toggle("shuffle").await;

    toggle("duplicate").await;
    customers_come(2).await;
    deliver(&api).await;
    assert_eq!(customers(&inbox).len(), 4);
    toggle("duplicate").await;

    toggle("drop").await;
    customers_come(2).await;
    deliver(&api).await;
    assert_eq!(customers(&inbox).len(), 0);
    toggle("drop").await;
    customers_come(1).await;
    deliver(&api).await;
    assert_eq!(customers(&inbox).len(), 1, "as usual again");
}

#[tokio::test]
async fn the_modes_shuffle_double_and_drop_until_switched_off() {
    with_receiver(modes).await;
}
