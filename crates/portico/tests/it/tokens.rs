//! Access tokens that only look like ours.

use crate::{
    app::TestApp,
    person::{Answer, Person},
};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use kernel::vault::{Context, Vault};
use serde_json::{Value, json};

struct Forge {
    key: EncodingKey,
    header: Header,
    claims: Value,
    public: Value,
}

fn part(token: &str, n: usize) -> Value {
    let part = token.split('.').nth(n).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The server's own key and a good token's claims: what a forger would dream of.
async fn forge(app: &TestApp, person: &Person) -> Forge {
    let good = person.cookie("portico_access").unwrap();
    let kid = part(&good, 0)["kid"].as_str().unwrap().to_owned();
    let sealed: String = app
        .value("select private_sealed from identity.signing_keys")
        .await;
    let context = Context {
        table: "identity.signing_keys",
        column: "private_sealed",
        row: kid.as_bytes(),
    };
    let private = Vault::load(app.data())
        .unwrap()
        .open(context, &sealed)
        .unwrap();
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(kid);
    header.typ = Some("at+jwt".into());
    let visitor = app.visitor();
    let public = Answer::of(visitor.raw("GET", "/.well-known/jwks.json"))
        .await
        .status(200);
    Forge {
        key: EncodingKey::from_ec_der(&private),
        header,
        claims: part(&good, 1),
        public: public.body["keys"][0].clone(),
    }
}

async fn answer_to(app: &TestApp, token: &str) -> u16 {
    let visitor = app.visitor();
    let by_bearer = Answer::of(visitor.raw("GET", "/api/v1/me").bearer_auth(token)).await;
    let cookie = format!("portico_access={token}");
    let by_cookie = Answer::of(visitor.raw("GET", "/api/v1/me").header("cookie", cookie)).await;
    assert_eq!(by_bearer.code, by_cookie.code);
    by_bearer.code
}

#[tokio::test]
async fn only_what_we_signed_for_ourselves_is_believed() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let forge = forge(&app, &ada).await;
    let sign = |header: &Header, claims: &Value| encode(header, claims, &forge.key).unwrap();
    // The forger's tools work: the same claims under the same key are believed.
    assert_eq!(
        answer_to(&app, &sign(&forge.header, &forge.claims)).await,
        200
    );

    let changed = |name: &str, value: Value| {
        let mut claims = forge.claims.clone();
        claims[name] = value;
        sign(&forge.header, &claims)
    };
    let mut other_type = forge.header.clone();
    other_type.typ = Some("JWT".into());
    let mut other_kid = forge.header.clone();
    other_kid.kid = Some("0192".into());
    let mut no_kid = forge.header.clone();
    no_kid.kid = None;
    let bob = app.member("bob").await;
    let now = app.clock.now().unix_timestamp();
    for (what, token) in [
        ("issuer", changed("iss", json!("https://evil.example"))),
        ("audience", changed("aud", json!("another"))),
        ("no audience", changed("aud", json!(null))),
        ("over", changed("exp", json!(now))),
        ("end as text", changed("exp", json!("9999999999"))),
        ("another's session", changed("sub", json!(bob.id()))),
        (
            "no such session",
            changed("sid", json!(uuid::Uuid::now_v7())),
        ),
        ("type", sign(&other_type, &forge.claims)),
        ("kid", sign(&other_kid, &forge.claims)),
        ("no kid", sign(&no_kid, &forge.claims)),
    ] {
        assert_eq!(answer_to(&app, &token).await, 401, "{what}");
    }
}

#[tokio::test]
async fn what_a_token_says_of_its_own_algorithm_is_not_believed() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let forge = forge(&app, &ada).await;
    let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = |alg: &str| json!({"alg": alg, "typ": "at+jwt", "kid": forge.header.kid});
    for alg in ["none", "None", "NONE", ""] {
        let unsigned = format!("{}.{}.", text(&header(alg)), text(&forge.claims));
        assert_eq!(answer_to(&app, &unsigned).await, 401, "{alg:?}");
    }
    // The public key, in every form that a careless server might hash with.
    let decode = |name: &str| {
        URL_SAFE_NO_PAD
            .decode(forge.public[name].as_str().unwrap())
            .unwrap()
    };
    let (x, y) = (decode("x"), decode("y"));
    let point = [&[4_u8][..], &x, &y].concat();
    let secrets = [
        point,
        x,
        y,
        forge.public.to_string().into_bytes(),
        Vec::new(),
    ];
    for secret in &secrets {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let mut header = forge.header.clone();
            header.alg = algorithm;
            let key = EncodingKey::from_secret(secret);
            let token = encode(&header, &forge.claims, &key).unwrap();
            assert_eq!(answer_to(&app, &token).await, 401, "{algorithm:?}");
        }
    }
}

#[tokio::test]
async fn another_key_under_our_name_is_not_ours() {
    let app = TestApp::new().await;
    let ada = app.member("ada").await;
    let forge = forge(&app, &ada).await;
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let theirs = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
    let token = encode(&forge.header, &forge.claims, &theirs).unwrap();
    assert_eq!(answer_to(&app, &token).await, 401);
    // Nor is a key that the token brings along, or says where to find.
    let sign = |header: &Value| {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let said = format!("{}.{}", part(header), part(&forge.claims));
        let signed = pair.sign(&SystemRandom::new(), said.as_bytes()).unwrap();
        format!("{said}.{}", URL_SAFE_NO_PAD.encode(signed))
    };
    let point = pair.public_key().as_ref();
    let half = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
        "kid": forge.header.kid, "x": half(&point[1..33]), "y": half(&point[33..])});
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("http://127.0.0.1:1/keys.json")),
        ("x5u", json!("http://127.0.0.1:1/key.pem")),
        ("x5c", json!(["MAA="])),
        ("crit", json!(["exp"])),
    ] {
        for kid in [
            json!(forge.header.kid),
            json!("../../keys"),
            json!("' or '1'='1"),
        ] {
            let mut header = json!({"alg": "ES256", "typ": "at+jwt", "kid": kid});
            header[name] = value.clone();
            assert_eq!(answer_to(&app, &sign(&header)).await, 401, "{header}");
        }
    }
    let mut broken = encode(&forge.header, &forge.claims, &forge.key).unwrap();
    let payload = broken.find('.').unwrap() + 5;
    broken.replace_range(payload..=payload, "_");
    assert_eq!(answer_to(&app, &broken).await, 401);
    for nonsense in ["x", "..", "a.b.c", "eyJ.eyJ.eyJ"] {
        assert_eq!(answer_to(&app, nonsense).await, 401, "{nonsense}");
    }
}

#[tokio::test]
async fn the_published_keys_hold_no_private_half() {
    let app = TestApp::new().await;
    let visitor = app.visitor();
    let keys = Answer::of(visitor.raw("GET", "/.well-known/jwks.json"))
        .await
        .status(200);
    let names: Vec<&str> = keys.body["keys"][0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
}
