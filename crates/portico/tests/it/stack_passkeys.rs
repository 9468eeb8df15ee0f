//! Passkeys at the two doors: one that was made at an app's page works there and is no second step here, and the second
//! step that only a passkey can answer is not left out at the protocol's door. The rest is driven in a browser by the
//! SDK itself (`contracts/stack-auth/passkeys.test.mjs`).

use crate::{
    app::{PASSWORD, TestApp},
    authenticator::Authenticator,
    person::{Answer, Person},
    stack_sessions::{LAPTOP, Sdk},
};
use serde_json::{Value, json};

const APP: &str = "https://app.example.org";

/// Signs in by password at the protocol's door.
async fn by_password(sdk: &Sdk<'_>, person: &Person) -> Answer {
    let body = json!({"email": person.email(), "password": PASSWORD});
    sdk.call("POST", "/auth/password/sign-in", &json!({}), &body)
        .await
}

/// Asks a question as the SDK does: the page puts its own name into it.
async fn asked(sdk: &Sdk<'_>, path: &str, tokens: &Value) -> (Value, Value) {
    let answer = sdk.call("POST", path, tokens, &json!({})).await.status(200);
    let mut options = answer.body["options_json"].clone();
    if options.get("rp").is_some() {
        options["rp"]["id"] = "app.example.org".into();
    } else {
        options["rpId"] = "app.example.org".into();
    }
    (options, answer.body["code"].clone())
}

async fn by_passkey(sdk: &Sdk<'_>, device: &mut Authenticator) -> Answer {
    let path = "/auth/passkey/initiate-passkey-authentication";
    let (options, code) = asked(sdk, path, &json!({})).await;
    let body = json!({"authentication_response": device.get(&options), "code": code});
    sdk.call("POST", "/auth/passkey/sign-in", &json!({}), &body)
        .await
}

#[tokio::test]
async fn a_passkey_of_an_app_works_there_and_is_no_second_step_here() {
    let app = TestApp::with(|config| {
        let url = format!("http://localhost:{}/", config.listen.port());
        config.public_url = Some(url.parse().unwrap());
        config.identity.stack_auth.trusted_domains = vec![APP.to_owned()];
        config.identity.staff_second_factor = identity::SecondFactorPolicy::Required;
    })
    .await;
    let owner = app.owner("eva").await;
    let sdk = Sdk::of(&app, LAPTOP).await;
    let tokens = by_password(&sdk, &owner).await.status(200).body;
    let mut phone = Authenticator::at(APP);
    let path = "/auth/passkey/initiate-passkey-registration";
    let (options, code) = asked(&sdk, path, &tokens).await;
    let body = json!({"credential": phone.create(&options), "code": code});
    sdk.call("POST", "/auth/passkey/register", &tokens, &body)
        .await
        .status(200);
    by_passkey(&sdk, &mut phone).await.status(200);
    let me = sdk.call("GET", "/users/me", &tokens, &json!({})).await;
    assert_eq!(me.body["passkey_auth_enabled"], true);

    // Here it can answer nothing, so it counts for nothing.
    assert_eq!(owner.get("/me").await.body["second_factor_due"], true);
    let confirmable = owner.get("/me/confirmation").await.status(200);
    assert_eq!(confirmable.body["methods"], json!(["password"]));
    by_password(&sdk, &owner).await.status(200);

    // One of our own counts, and from then on a password alone is not enough at either door.
    let question = owner
        .post("/me/passkeys/challenge", json!({}))
        .await
        .status(201);
    let origin = app.app.config.public_url().origin().ascii_serialization();
    let mut laptop = Authenticator::at(&origin);
    let credential = laptop.create(&question.body["options"]);
    let body =
        json!({"ceremony": question.body["ceremony"], "credential": credential, "name": "Laptop"});
    owner.post("/me/passkeys", body).await.status(201);
    assert_eq!(owner.get("/me").await.body["second_factor_due"], false);
    let refused = by_password(&sdk, &owner).await.status(400);
    assert_eq!(refused.body["code"], "SESSION_AUTHENTICATION_ERROR");
    by_passkey(&sdk, &mut phone).await.status(200);
}
