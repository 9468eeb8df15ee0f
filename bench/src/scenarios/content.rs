//! What is asked for: a member with updates to list, signed in as a browser would be; and
//! proof, before anything is measured, that both sides answer the same.

use crate::http::{self, Address, Answer, request};
use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A member and an admin of the demo tenant. Its password is known to everybody.
pub(super) const MEMBER: &str = "mia.keller@demo.example";
pub(super) const ADMIN: &str = "ada.whitfield@demo.example";
const PASSWORD: &str = "four-quiet-arches";

/// One more than a page holds.
const UPDATES: usize = 21;

/// Whose feed is listed.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: String,
    cookie: String,
}

/// Signs the member in and sees to it that there are enough updates to list.
pub(super) async fn prepare(server: &Address) -> anyhow::Result<Member> {
    let cookie = sign_in(server, MEMBER).await?;
    let me = json(&get(server, "/api/v1/me", &cookie).await?)?;
    let id = me["id"].as_str().context("no id")?.to_owned();
    let admin = sign_in(server, ADMIN).await?;
    for n in 1..=UPDATES {
        publish(server, &admin, &id, n).await?;
    }
    Ok(Member { id, cookie })
}

/// Signs in; the header to send from then on.
pub(crate) async fn sign_in(server: &Address, email: &str) -> anyhow::Result<String> {
    let answer = http::once(server, &sign_in_request(email)).await?;
    ensure!(
        answer.status == 201,
        "signing {email} in: {}",
        text(&answer)
    );
    let access = answer
        .headers("set-cookie")
        .filter_map(|cookie| cookie.split(';').next())
        .find(|pair| pair.starts_with("portico_access="))
        .context("no access cookie")?;
    Ok(format!("cookie: {access}"))
}

/// The bytes of a sign-in.
pub(super) fn sign_in_request(email: &str) -> Vec<u8> {
    let body = json!({ "email": email, "password": PASSWORD, "device_name": "bench" });
    request("POST", "/api/v1/sessions", &[], &body.to_string())
}

async fn publish(server: &Address, admin: &str, reader: &str, n: usize) -> anyhow::Result<()> {
    let body = "The pool and the sauna are closed while the new pumps are put in. The gym, \
        the courts and the café stay open as usual, and the changing rooms on the second \
        floor are yours in the meantime. If you booked a lane, we have moved it to the week \
        after and sent you the new time; answer that mail if it does not suit you.";
    let action = n
        .is_multiple_of(3)
        .then(|| json!({ "label": "I have seen it" }));
    let update = json!({
        "title": format!("Works in the east wing, part {n}"),
        "body": body,
        "audience": { "kind": "users", "users": [reader] },
        "action": action,
    });
    let headers = [admin.to_owned()];
    let sent = request("POST", "/api/v1/updates", &headers, &update.to_string());
    let answer = http::once(server, &sent).await?;
    ensure!(answer.status == 201, "publishing: {}", text(&answer));
    Ok(())
}

/// Fails unless both answer the same, cursors aside.
pub(super) async fn compare(
    ours: &Address,
    bare: &Address,
    path: &str,
    member: &Member,
) -> anyhow::Result<()> {
    let (mut a, mut b) = (
        json(&get(ours, path, &member.cookie).await?)?,
        json(&get(bare, path, &member.cookie).await?)?,
    );
    for side in [&mut a, &mut b] {
        if let Some(items) = side["items"].as_array() {
            ensure!(items.len() == UPDATES - 1, "{} items", items.len());
            ensure!(side["next_cursor"].is_string(), "no further page");
            side["next_cursor"] = Value::Null;
        }
    }
    ensure!(
        a == b,
        "the yardstick answers {path} otherwise:\n{a:#}\n{b:#}"
    );
    Ok(())
}

/// The public half of the key that signed a member's token: an uncompressed point, in
/// base64url.
pub(super) async fn signing_key(server: &Address, member: &Member) -> anyhow::Result<String> {
    let (_, token) = member.cookie.split_once('=').context("no token")?;
    let head = token.split('.').next().unwrap_or_default();
    let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head)?)?;
    let keys = json(&get(server, "/.well-known/jwks.json", "accept: */*").await?)?;
    let keys = keys["keys"].as_array().context("no keys")?;
    let key = keys.iter().find(|key| key["kid"] == head["kid"]);
    let key = key.context("the key is not published")?;
    let mut point = vec![4];
    for coordinate in ["x", "y"] {
        let text = key[coordinate].as_str().context("no point")?;
        point.extend(URL_SAFE_NO_PAD.decode(text)?);
    }
    Ok(URL_SAFE_NO_PAD.encode(point))
}

/// Fails unless the public page comes from the server's own store.
pub(super) async fn page_is_stored(server: &Address) -> anyhow::Result<()> {
    let answer = http::once(server, &request("GET", "/", &[], "")).await?;
    let from = answer.headers("x-portico-cache").next().unwrap_or("none");
    ensure!(
        answer.status == 200 && matches!(from, "hit" | "stale"),
        "the page was no hit: {} {from}",
        answer.status
    );
    Ok(())
}

async fn get(server: &Address, path: &str, header: &str) -> anyhow::Result<Answer> {
    let answer = http::once(server, &request("GET", path, &[header.to_owned()], "")).await?;
    ensure!(answer.status == 200, "{path}: {}", text(&answer));
    Ok(answer)
}

fn json(answer: &Answer) -> anyhow::Result<Value> {
    Ok(serde_json::from_slice(&answer.body)?)
}

fn text(answer: &Answer) -> String {
    format!(
        "{} {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    )
}
