//! A place that sells, and what is done there.

use crate::{
    app::{TestApp, eventually},
    person::Person,
};
use serde_json::{Value, json};

pub(super) const GOOD: &str = "4242424242424242";
pub(super) const DECLINED: &str = "4000000000000002";

/// A place that sells two tiers.
pub(super) struct Shop {
    pub(super) app: TestApp,
    pub(super) staff: Person,
}

impl Shop {
    pub(super) async fn open() -> Self {
        let app = TestApp::live().await;
        let till = app.app.till.as_ref().expect("a sandbox on this machine");
        till.start(&app.app.billing, &app.app.tasks).await.unwrap();
        let staff = app.staff("noor", "billing").await;
        for (key, position, amount) in [("friend", 1, 900), ("rower", 2, 2400)] {
            let body = json!({"key": key, "name": key.to_uppercase(), "position": position,
                "description": "What it is."});
            let made = staff.post("/tiers", body).await.status(201);
            let path = format!("/tiers/{}/prices/month", made.body["id"].as_str().unwrap());
            let price = json!({"currency": "EUR", "amount": amount});
            staff.put(&path, price).await.status(200);
        }
        Self { app, staff }
    }

    /// The price of a tier, as a member sees it.
    pub(super) async fn price(&self, member: &Person, tier: &str) -> Value {
        let offers = member.get("/me/offers").await.status(200).body;
        let tiers = offers["items"].as_array().unwrap();
        let tier = tiers.iter().find(|one| one["key"] == tier).unwrap();
        tier["prices"][0]["id"].clone()
    }

    /// Goes to the payment page; its path.
    pub(super) async fn checkout(&self, member: &Person, tier: &str) -> String {
        let price = self.price(member, tier).await;
        let begun = member.post("/me/checkout", json!({"price": price})).await;
        self.path(&begun.status(201).body["url"])
    }

    /// The path of an address of this server.
    pub(super) fn path(&self, url: &Value) -> String {
        let url = url.as_str().unwrap();
        let path = url.strip_prefix(&self.app.url);
        path.unwrap_or_else(|| panic!("{url} is elsewhere"))
            .to_owned()
    }

    /// Types a card on the payment page; the answer's status.
    pub(super) async fn pay(&self, member: &Person, page: &str, number: &str) -> u16 {
        let form = [
            ("do", "pay"),
            ("email", &member.email()),
            ("name", "Ada"),
            ("country", "DE"),
            ("postal_code", "10115"),
            ("number", number),
            ("expiry", "12 / 34"),
            ("cvc", "123"),
        ];
        // The browser follows to our own page, which a server without a front end has not.
        member
            .form(page, &form)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    }

    /// Subscribes, and waits until that is known here.
    pub(super) async fn subscribe(&self, member: &Person, tier: &str) {
        let page = self.checkout(member, tier).await;
        self.pay(member, &page, GOOD).await;
        self.until_held(member, Some(tier)).await;
        self.until_paid(member, "paid").await;
    }

    pub(super) async fn until_held(&self, member: &Person, tier: Option<&str>) {
        eventually("the membership", async || {
            self.app.drain().await;
            let held = member.get("/me/membership").await.status(200).body;
            held["membership"]["tier"].as_str() == tier
        })
        .await;
    }

    pub(super) async fn until_paid(&self, member: &Person, status: &str) {
        eventually("the payment", async || {
            self.app.drain().await;
            let paid = member.get("/me/payments").await.status(200).body;
            paid["items"][0]["status"] == status && !paid["items"][0]["invoice_number"].is_null()
        })
        .await;
    }

    /// Turns the sandbox's clock, or one of its switches.
    pub(super) async fn control(&self, what: &[(&str, &str)]) {
        let asked = self.staff.form("/_sandbox/pages/control", what);
        assert_eq!(asked.send().await.unwrap().status(), 200, "{what:?}");
    }

    pub(super) async fn all(&self) -> Vec<Value> {
        let list = self.staff.get("/payments").await.status(200).body;
        list["items"].as_array().unwrap().clone()
    }
}
