//! Tiers: made by staff, given to members, counted exactly, ended by time.

use crate::{app::TestApp, person::Person};
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use time::{Duration, format_description::well_known::Rfc3339};

/// A tier with one feature; its id.
async fn tier(staff: &Person, key: &str) -> String {
    let feature = json!({"name": "Club boats", "description": "All but the racing eight."});
    staff.put("/features/boats", feature).await.status(204);
    let body = json!({"key": key, "name": key.to_uppercase(), "description": "What it is.",
        "position": 2, "features": [{"feature": "boats", "amount": 3}]});
    let made = staff.post("/tiers", body).await.status(201);
    made.body["id"].as_str().unwrap().to_owned()
}

async fn holders(staff: &Person) -> Vec<(String, i64)> {
    let tiers = staff.get("/tiers").await.status(200);
    let items = tiers.body["items"].as_array().unwrap().iter();
    items
        .map(|tier| {
            let key = tier["key"].as_str().unwrap().to_owned();
            (key, tier["holders"].as_i64().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn two_who_change_places_at_once_do_not_wait_for_each_other() {
    let app = TestApp::new().await;
    let staff = app.staff("noor", "billing").await;
    let (ada, bob) = (app.member("ada").await, app.member("bob").await);
    for key in ["rower", "coxswain"] {
        tier(&staff, key).await;
    }
    let mut keys = ("rower", "coxswain");
    for _ in 0..30 {
        let give = async |person: &Person, key: &str| {
            let path = membership_of(person);
            staff.put(&path, json!({"tier": key})).await.status(200);
        };
        tokio::join!(give(&ada, keys.0), give(&bob, keys.1));
        keys = (keys.1, keys.0);
    }
    let mut counted = holders(&staff).await;
    counted.sort();
    assert_eq!(
        counted,
        [("coxswain".to_owned(), 1), ("rower".to_owned(), 1)]
    );
}

fn membership_of(person: &Person) -> String {
    format!("/users/{}/membership", person.id())
}

#[tokio::test]
async fn whole_answers_of_a_tier_and_its_holder() {
    let app = TestApp::new().await;
    let staff = app.staff("noor", "billing").await;
    let ada = app.member("ada").await;
    assert_json_snapshot!(
        "nobody_holds_a_tier_yet",
        ada.get("/me/membership").await.steady()
    );
    let id = tier(&staff, "rower").await;
    assert_json_snapshot!("the_tiers", staff.get("/tiers").await.steady());
    assert_json_snapshot!("the_features", staff.get("/features").await.steady());
    let until = (app.clock.now() + Duration::days(30))
        .format(&Rfc3339)
        .unwrap();
    let grant = json!({"tier": "rower", "until": until, "reason": " Won the raffle "});
    let granted = staff.put(&membership_of(&ada), grant).await;
    assert_json_snapshot!("a_tier_is_given", granted.steady());
    // Why it was given is for staff.
    assert_json_snapshot!(
        "the_holder_sees_it",
        ada.get("/me/membership").await.steady()
    );
    let held = staff.get(&format!("/tiers/{id}/holders")).await;
    assert_json_snapshot!("who_holds_it", held.steady());
    let changed = json!({"name": "Rower", "description": "", "position": 1, "features": [],
        "archived": true});
    let changed = staff.put(&format!("/tiers/{id}"), changed).await;
    assert_json_snapshot!("it_is_archived", changed.steady());
    let acts: Vec<String> = ["tier.created", "tier.granted", "tier.changed"]
        .map(str::to_owned)
        .to_vec();
    for act in acts {
        let written = format!("select count(*) from kernel.audit where action = '{act}'");
        assert_eq!(app.value::<i64>(&written).await, 1, "{act}");
    }
}

#[tokio::test]
async fn holders_are_counted_through_every_change() {
    let app = TestApp::new().await;
    let staff = app.staff("noor", "billing").await;
    let (ada, bob) = (app.member("ada").await, app.member("bob").await);
    tier(&staff, "friend").await;
    tier(&staff, "rower").await;
    for (person, key) in [
        (&ada, "friend"),
        (&bob, "rower"),
        (&ada, "rower"),
        (&ada, "rower"),
    ] {
        staff
            .put(&membership_of(person), json!({"tier": key}))
            .await
            .status(200);
    }
    assert_eq!(
        holders(&staff).await,
        [("friend".to_owned(), 0), ("rower".to_owned(), 2)]
    );
    staff.delete(&membership_of(&bob)).await.status(204);
    staff.delete(&membership_of(&bob)).await.status(404);
    assert_eq!(
        holders(&staff).await,
        [("friend".to_owned(), 0), ("rower".to_owned(), 1)]
    );
}

#[tokio::test]
async fn two_who_give_at_once_leave_one_tier_and_true_counts() {
    let app = TestApp::new().await;
    let staff = app.staff("noor", "billing").await;
    let ada = app.member("ada").await;
    tier(&staff, "friend").await;
    tier(&staff, "rower").await;
    let path = membership_of(&ada);
    let gives = (0..12).map(|n| {
        let (staff, path) = (&staff, &path);
        let key = if n % 2 == 0 { "friend" } else { "rower" };
        async move { staff.put(path, json!({"tier": key})).await.code }
    });
    for code in futures_util::future::join_all(gives).await {
        // Who meets somebody else in the middle is told so, and nothing is half done.
        assert!(matches!(code, 200 | 409), "{code}");
    }
    let counted: i64 = holders(&staff)
        .await
        .iter()
        .map(|(_, holders)| holders)
        .sum();
    assert_eq!(counted, 1);
}

#[tokio::test]
async fn a_tier_ends_at_its_time_and_a_job_takes_it_away() {
    let app = TestApp::new().await;
    let staff = app.staff("noor", "billing").await;
    let ada = app.member("ada").await;
    tier(&staff, "trial").await;
    let end = app.clock.now() + Duration::hours(1);
    let grant = json!({"tier": "trial", "until": end.format(&Rfc3339).unwrap()});
    staff.put(&membership_of(&ada), grant).await.status(200);
    app.clock.advance(Duration::hours(1));
    let held = ada.get("/me/membership").await.status(200);
    assert_eq!(held.body, json!({"membership": null}));
    assert_eq!(app.app.billing.end_memberships().await.unwrap(), 1);
    assert_eq!(app.app.billing.end_memberships().await.unwrap(), 0);
    assert_eq!(holders(&staff).await, [("trial".to_owned(), 0)]);
}

#[tokio::test]
async fn an_update_reaches_those_who_hold_a_tier() {
    let app = TestApp::new().await;
    let owner = app.owner("olga").await;
    let (ada, _bob) = (app.member("ada").await, app.member("bob").await);
    tier(&owner, "rower").await;
    owner
        .put(&membership_of(&ada), json!({"tier": "rower"}))
        .await
        .status(200);
    let audience = json!({"kind": "tier", "tier": "rower"});
    let preview = json!({"audience": audience});
    let preview = owner
        .post("/updates/audience-preview", preview)
        .await
        .status(200);
    assert_eq!(preview.body, json!({"recipients": 1}));
    owner.publish("To rowers", audience).await;
    let titles = |answer: Value| answer["items"][0]["title"].clone();
    assert_eq!(titles(ada.get("/feed").await.status(200).body), "To rowers");
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_field() {
    let app = TestApp::new().await;
    let staff = app.staff("noor", "billing").await;
    let ada = app.member("ada").await;
    let id = tier(&staff, "rower").await;
    let path = membership_of(&ada);
    let tried = [
        (
            "key_taken",
            staff
                .post("/tiers", json!({"key": "rower", "name": "R"}))
                .await,
        ),
        (
            "key_invalid",
            staff
                .post("/tiers", json!({"key": "R!", "name": "R"}))
                .await,
        ),
        (
            "feature_unknown",
            staff
                .post(
                    "/tiers",
                    json!({"key": "k", "name": "N", "features": [{"feature": "x"}]}),
                )
                .await,
        ),
        ("feature_in_use", staff.delete("/features/boats").await),
        (
            "tier_unknown",
            staff.put(&path, json!({"tier": "nope"})).await,
        ),
        (
            "end_in_the_past",
            staff
                .put(
                    &path,
                    json!({"tier": "rower", "until": "2001-01-01T00:00:00Z"}),
                )
                .await,
        ),
        (
            "nobody_of_that_id",
            staff
                .put(
                    &format!("/users/{}/membership", uuid::Uuid::nil()),
                    json!({"tier": "rower"}),
                )
                .await,
        ),
    ];
    let answers: serde_json::Map<String, Value> = tried
        .into_iter()
        .map(|(name, answer)| (name.to_owned(), answer.steady()))
        .collect();
    assert_json_snapshot!(answers);
    let archived = json!({"name": "Rower", "description": "", "position": 1, "features": [],
        "archived": true});
    staff
        .put(&format!("/tiers/{id}"), archived)
        .await
        .status(200);
    let refused = staff.put(&path, json!({"tier": "rower"})).await.status(422);
    assert_eq!(refused.body["errors"][0]["code"], "archived");
    // Nothing of what was refused is left behind.
    assert_eq!(
        app.value::<i64>("select count(*) from billing.tiers").await,
        1
    );
    assert_eq!(
        app.value::<i64>("select count(*) from billing.memberships")
            .await,
        0
    );
}
