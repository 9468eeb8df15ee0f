//! After a rotation of the vault, what stays sealed comes under the new key.

use crate::{app::TestApp, second_factor::enrol};
use kernel::vault::Vault;
use serde_json::json;
use time::Duration;

async fn under(app: &TestApp, prefix: &str) -> (i64, i64) {
    let count = format!(
        "select count(*) filter (where starts_with(sealed, '{prefix}')) from (
            select secret_sealed as sealed from identity.totp
            union all select private_sealed from identity.signing_keys
            union all select secret_key_sealed from identity.stack_project
        ) held"
    );
    let all = count.replace(
        &format!("where starts_with(sealed, '{prefix}')"),
        "where true",
    );
    (app.value(&count).await, app.value(&all).await)
}

#[tokio::test]
async fn after_a_rotation_everything_comes_under_the_new_key_and_still_opens() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let (phone, _) = enrol(&app, &ada).await;
    // Another process rotates, as the command does.
    let vault = Vault::load(app.data()).unwrap();
    let old = vault.prefix();
    vault.rotate().unwrap();
    let new = vault.prefix();
    let (before, all) = under(&app, &old).await;
    assert_eq!((before, under(&app, &new).await.0), (all, 0));
    // One that no key opens is left as it is, and the others do not wait for it.
    app.member("bob").await;
    app.sql(
        "insert into identity.totp (user_id, secret_sealed)
        select id, 'v1.00000000.x.x.x' from identity.users where email = 'bob@example.org'",
    )
    .await;
    app.run(identity::jobs::Reseal {}).await;
    assert_eq!(under(&app, &new).await, (all, all + 1));
    app.sql("delete from identity.totp where secret_sealed like 'v1.00000000%'")
        .await;
    // Again: nothing is left to do, and nothing is done.
    let sealed: String = app.value("select secret_sealed from identity.totp").await;
    app.run(identity::jobs::Reseal {}).await;
    let again: String = app.value("select secret_sealed from identity.totp").await;
    assert_eq!(sealed, again);
    app.clock.advance(Duration::seconds(60));
    let browser = ada.elsewhere();
    browser.sign_in().await.status(202);
    let body = json!({"factor": "totp", "code": phone.shows(&app), "remember": false});
    browser
        .post("/sessions/second-factor", body)
        .await
        .status(201);
    let runs: (i64,) = (app
        .value("select count(*) from kernel.job_progress where task = 'identity:reseal'")
        .await,);
    assert_eq!(runs, (1,));
}
