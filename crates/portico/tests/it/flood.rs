//! A flood of sign-ins: so many passwords are hashed at once and so many wait, the others are told
//! to come again, and everybody else is answered meanwhile.

use crate::{
    app::{PASSWORD, TestApp},
    person::Answer,
};
use serde_json::json;

/// How many come at once.
const FLOOD: usize = 400;

#[tokio::test]
async fn a_flood_of_sign_ins_is_bounded_and_the_rest_goes_on() {
    let app = TestApp::with(|config| {
        let identity = &mut config.identity;
        // Slow enough that they meet.
        identity.argon2_memory_kib = 19 * 1024;
        identity.argon2_passes = 2;
        identity.argon2_parallel = 2;
        identity.argon2_queue = 8;
        identity.address_burst = 10_000;
        identity.sign_in_burst = 10_000;
        identity.account_burst = 10_000;
    })
    .await;
    let ada = app.member("ada").await;
    let visitor = app.visitor();
    let flood = (0..FLOOD).map(|n| {
        let body = json!({"email": format!("p{n}@example.org"), "password": PASSWORD});
        let request = visitor.raw("POST", "/api/v1/sessions").json(&body);
        Answer::of(request)
    });
    let flood = futures_util::future::join_all(flood);
    // Somebody who is signed in reads all the while.
    let reader = async {
        let mut read = 0_usize;
        loop {
            ada.get("/me").await.status(200);
            read += 1;
            tokio::task::yield_now().await;
            if read >= 50 {
                return read;
            }
        }
    };
    let (answers, read) = tokio::join!(flood, reader);
    assert_eq!(read, 50);
    let (mut wrong, mut busy) = (0, 0);
    for answer in &answers {
        match answer.code {
            403 => wrong += 1,
            503 => {
                assert_eq!(answer.body["code"], "unavailable");
                let after: u64 = answer.header("retry-after").parse().unwrap();
                assert!((1..=60).contains(&after), "{after}");
                busy += 1;
            }
            other => panic!("{other}: {:#}", answer.body),
        }
    }
    assert!(
        wrong >= 2 && busy >= 1,
        "{wrong} were looked at, {busy} sent away"
    );
    assert_eq!(wrong + busy, FLOOD);
    assert!(app.app.identity.hashes_at_once() <= 2);
    // Afterwards the door is open again.
    ada.sign_in().await.status(201);
}
