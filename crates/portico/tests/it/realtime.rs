//! What is seen without reloading: the product's own tables over its own socket.

use crate::{
    app::{PATIENCE, TestApp, eventually},
    person::Person,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Opens a socket as a page of ours does: with the browser's cookies and our origin.
    pub(crate) async fn open(app: &TestApp, cookies: &str, origin: &str) -> Result<Self, u16> {
        let address = app.url.replace("http://", "ws://");
        let address = format!("{address}/realtime/v1/websocket?vsn=2.0.0");
        let mut request = address.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("origin", origin.parse().unwrap());
        if !cookies.is_empty() {
            headers.insert("cookie", cookies.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(Self { stream }),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    /// Opens a socket and listens to these tables.
    pub(crate) async fn listening(app: &TestApp, person: &Person, tables: &[&str]) -> Self {
        let mut socket = Self::open(app, &person.cookies(), &app.url).await.unwrap();
        let reply = socket.join(tables).await;
        assert_eq!(reply["status"], "ok", "{reply}");
        loop {
            let (event, said) = socket.next().await.unwrap();
            if event == "system" {
                assert_eq!(said["status"], "ok", "{said}");
                return socket;
            }
        }
    }

    async fn join(&mut self, tables: &[&str]) -> Value {
        self.ask(tables, &json!({})).await
    }

    /// Joins, and goes on from where a list stood.
    async fn resume(&mut self, tables: &[&str], since: &str) -> Value {
        self.ask(tables, &json!({"resume": {"since": since}})).await
    }

    async fn ask(&mut self, tables: &[&str], more: &Value) -> Value {
        let bindings: Vec<Value> = tables
            .iter()
            .map(|table| {
                let (schema, table) = table.split_once('.').unwrap();
                json!({"event": "*", "schema": schema, "table": table})
            })
            .collect();
        let mut payload = more.clone();
        payload["config"] = json!({"postgres_changes": bindings});
        self.join_with(&payload).await
    }

    /// Joins with a token, as a client without cookies does.
    pub(crate) async fn by_token(&mut self, token: &str) -> Value {
        self.join_with(&json!({"config": {}, "access_token": token}))
            .await
    }

    async fn join_with(&mut self, payload: &Value) -> Value {
        let frame = json!(["1", "1", "realtime:page", "phx_join", payload]);
        self.stream
            .send(Message::text(frame.to_string()))
            .await
            .unwrap();
        loop {
            let (event, reply) = self.next().await.unwrap();
            if event == "phx_reply" {
                return reply;
            }
        }
    }

    /// The next frame's event and payload, or the code with which the server closed.
    async fn next(&mut self) -> Result<(String, Value), u16> {
        loop {
            let message = timeout(PATIENCE, self.stream.next())
                .await
                .expect("a frame in time");
            match message.expect("an open socket").unwrap() {
                Message::Text(text) => {
                    let [_, _, _, event, payload]: [Value; 5] =
                        serde_json::from_str(&text).unwrap();
                    return Ok((event.as_str().unwrap().to_owned(), payload));
                }
                Message::Close(frame) => return Err(frame.map_or(0, |frame| frame.code.into())),
                _ => {}
            }
        }
    }

    /// The next change of a row.
    pub(crate) async fn change(&mut self) -> Value {
        loop {
            let (event, mut payload) = self.next().await.expect("not closed");
            if event == "postgres_changes" {
                return payload["data"].take();
            }
        }
    }

    /// The next change for which this holds.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let change = self.change().await;
            if wanted(&change) {
                return change;
            }
        }
    }

    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}

#[tokio::test]
async fn staff_see_who_joins() {
    let app = TestApp::live().await;
    let owner = app.owner("eva").await;
    let mut socket = Socket::listening(&app, &owner, &["identity.users"]).await;
    app.registered("ada").await;
    // The stream may still be telling of the owner, who was first.
    let joined = socket
        .until(|change| change["record"]["name"] == "ada")
        .await;
    assert_eq!(joined["type"], "INSERT");
    assert_eq!(joined["record"]["email"], "ada@example.org");
}

#[tokio::test]
async fn staff_see_who_comes_and_goes() {
    let app = TestApp::live().await;
    let owner = app.owner("eva").await;
    let ada = app.member("ada").await;
    let mut socket = Socket::listening(&app, &owner, &["identity.presence"]).await;
    let of_ada = |online: bool| {
        let id = json!(ada.id());
        move |change: &Value| {
            change["record"]["user_id"] == id && change["record"]["online"] == online
        }
    };
    let page = Socket::listening(&app, &ada, &["updates.recipients"]).await;
    socket.until(of_ada(true)).await;
    let listed = owner.get(&format!("/users/{}", ada.id())).await.status(200);
    assert_eq!(listed.body["online"], true);
    drop(page);
    socket.until(of_ada(false)).await;
    let listed = owner.get(&format!("/users/{}", ada.id())).await.status(200);
    assert_eq!(listed.body["online"], false);
}

#[tokio::test]
async fn members_hear_of_their_own_updates_only_and_staff_of_the_reading() {
    let app = TestApp::live().await;
    let editor = app.staff("eva", "editor").await;
    let (ada, bob) = (app.member("ada").await, app.member("bob").await);
    let tables = ["updates.recipients", "updates.updates", "identity.users"];
    let mut page = Socket::listening(&app, &ada, &tables).await;
    let mut desk =
        Socket::listening(&app, &editor, &["updates.recipients", "updates.updates"]).await;
    editor
        .publish("for bob", json!({"kind": "users", "users": [bob.id()]}))
        .await;
    let update = editor
        .publish(
            "for both",
            json!({"kind": "users", "users": [ada.id(), bob.id()]}),
        )
        .await;
    // The first that she hears of is her own: what was bob's was passed over.
    // Her own account's rows may come late, from before she listened; nobody else's may.
    let own = |change: &Value| {
        let users = change["table"] == "users";
        assert!(
            !users || change["record"]["id"] == json!(ada.id()),
            "{change}"
        );
        !users
    };
    let heard = page.until(own).await;
    assert_eq!(
        (
            &heard["table"],
            &heard["record"]["update_id"],
            &heard["record"]["user_id"]
        ),
        (&json!("recipients"), &json!(update), &json!(ada.id()))
    );
    bob.put(&format!("/feed/{update}/receipt"), json!({"state": "read"}))
        .await
        .status(204);
    ada.put(&format!("/feed/{update}/receipt"), json!({"state": "read"}))
        .await
        .status(204);
    let heard = page.until(own).await;
    assert_eq!(heard["record"]["user_id"], json!(ada.id()));
    assert!(heard["record"]["read_at"].is_string(), "{heard}");
    let counted = desk
        .until(|change| change["table"] == "updates" && change["record"]["read_count"] == 2)
        .await;
    assert_eq!(counted["record"]["id"], json!(update));
}

#[tokio::test]
async fn signing_out_closes_the_sockets_of_that_device_at_once() {
    let app = TestApp::live().await;
    let ada = app.member("ada").await;
    let phone = ada.elsewhere();
    phone.sign_in().await.status(201);
    let mut here = Socket::listening(&app, &ada, &["updates.recipients"]).await;
    let mut there = Socket::listening(&app, &phone, &["updates.recipients"]).await;
    let cookies = ada.cookies();
    ada.delete("/sessions/current").await.status(204);
    assert_eq!(here.closed().await, 1008);
    // The cookies of the ended session open none that would hear anything.
    if let Ok(mut again) = Socket::open(&app, &cookies, &app.url).await {
        assert_eq!(again.join(&["updates.recipients"]).await["status"], "error");
    }
    phone.delete("/sessions").await.status(204);
    phone.delete("/sessions/current").await.status(204);
    assert_eq!(there.closed().await, 1008);
}

#[tokio::test]
async fn what_binds_at_once_binds_sockets_of_other_servers_too() {
    let app = TestApp::live().await;
    let (ada, bob) = (app.staff("ada", "admin").await, app.member("bob").await);
    let node = app.second_node().await;
    let mut theirs = Socket::listening(&app, &bob, &["updates.recipients"]).await;
    let mut other = Socket::listening(&app, &ada, &["updates.recipients"]).await;
    let elsewhere = ada.at(&node.url);
    let suspension = format!("/users/{}/suspension", bob.id());
    let reason = json!({"reason": "At the other server"});
    elsewhere.put(&suspension, reason).await.status(204);
    assert_eq!(theirs.closed().await, 1008);
    elsewhere.delete("/sessions/current").await.status(204);
    assert_eq!(other.closed().await, 1008);
    node.app.tasks.cancel();
}

#[tokio::test]
async fn what_a_role_allows_changes_on_sockets_of_other_servers_too() {
    let app = TestApp::live().await;
    let eva = app.owner("eva").await;
    let node = app.second_node().await;
    let role = |permissions: &[&str]| json!({"title": "Looking", "permissions": permissions});
    eva.post("/roles", role(&["users.read"])).await.status(201);
    let lea = app.staff("lea", "looking").await;
    let mut desk = Socket::listening(&app, &lea, &["identity.users"]).await;
    assert!(hears_of_strangers(&app, &mut desk, &lea, 0).await);
    let seen = format!(
        "select exists (select from identity.presence where user_id = '{}' and online)",
        lea.id()
    );
    eventually("lea is online", || app.value(&seen)).await;
    let elsewhere = eva.at(&node.url);
    elsewhere.put("/roles/looking", role(&[])).await.status(200);
    let mut n = 1;
    while hears_of_strangers(&app, &mut desk, &lea, n).await {
        n += 1;
        assert!(n < 200, "the socket still hears what its owner may not see");
    }
    node.app.tasks.cancel();
}

#[tokio::test]
async fn the_security_page_hears_of_devices_and_of_ways_in_of_its_owner_only() {
    let app = TestApp::live().await;
    let (ada, bob) = (app.member("ada").await, app.member("bob").await);
    let tables = ["identity.sessions", "identity.security_events"];
    let mut page = Socket::listening(&app, &ada, &tables).await;
    // Somebody else's comes first, and is not told.
    bob.elsewhere().sign_in().await.status(201);
    let phone = ada.elsewhere();
    phone.sign_in().await.status(201);
    let devices = phone.get("/sessions").await.status(200);
    let id = devices.body["items"][0]["id"].clone();
    let begun = page
        .until(|change| {
            // What went on before is told late, if at all; what is another's, never.
            assert_eq!(change["record"]["user_id"], json!(ada.id()));
            change["table"] == "sessions" && change["record"]["id"] == id
        })
        .await;
    assert_eq!(begun["type"], "INSERT");
    let told: Vec<&String> = begun["record"].as_object().unwrap().keys().collect();
    assert_eq!(told, ["created_at", "ended_at", "id", "user_id"]);
    let event = page
        .until(|change| change["table"] == "security_events")
        .await;
    assert_eq!(event["record"]["kind"], "signed_in");
    assert!(event["record"].get("address").is_none() && event["record"].get("data").is_none());
    phone.delete("/sessions/current").await.status(204);
    let ended = page
        .until(|change| change["type"] == "UPDATE" && change["record"]["id"] == id)
        .await;
    assert!(!ended["record"]["ended_at"].is_null());
}

#[tokio::test]
async fn the_frame_of_a_page_hears_that_who_one_is_has_changed_and_not_how() {
    let app = TestApp::live().await;
    let owner = app.owner("olga").await;
    let (ada, bob) = (app.member("ada").await, app.member("bob").await);
    let tables = ["identity.users", "identity.profiles", "identity.roles"];
    let mut page = Socket::listening(&app, &ada, &tables).await;
    // Somebody else's comes first, and is not told.
    for person in [&bob, &ada] {
        let body = json!({"display_name": "Somebody"});
        person.patch("/me", body).await.status(200);
    }
    let change = page.until(|change| change["table"] == "profiles").await;
    assert_eq!(change["record"], json!({"user_id": ada.id()}));
    let role = json!({"title": "Watch", "permissions": ["users.read"]});
    let made = owner.post("/roles", role).await.status(201);
    let name = made.body["name"].as_str().unwrap();
    let change = page.until(|change| change["table"] == "roles").await;
    assert_eq!(change["record"], json!({"name": name}));
    let granted = format!("/users/{}/roles/{name}", ada.id());
    owner.put(&granted, json!({})).await.status(204);
    page.until(|change| change["table"] == "users" && change["record"]["id"] == json!(ada.id()))
        .await;
}

#[tokio::test]
async fn a_page_of_another_site_opens_no_socket() {
    let app = TestApp::live().await;
    let ada = app.member("ada").await;
    let refused = Socket::open(&app, &ada.cookies(), "https://evil.example").await;
    assert_eq!(refused.err(), Some(403));
    let mut nobody = Socket::open(&app, "", &app.url).await.unwrap();
    assert_eq!(nobody.join(&["identity.users"]).await["status"], "error");
}

/// Whether somebody hears of a stranger's registration: told apart by a change of their own
/// row, which comes after it in the same stream.
async fn hears_of_strangers(app: &TestApp, socket: &mut Socket, person: &Person, n: u32) -> bool {
    let (stranger, own) = (format!("stranger{n}"), format!("own {n}"));
    app.registered(&stranger).await;
    let id = person.id();
    app.sql(&format!(
        "update identity.users set name = '{own}' where id = '{id}'"
    ))
    .await;
    let mut heard = false;
    loop {
        let change = socket.change().await;
        heard |= change["record"]["name"] == stranger.as_str();
        if change["record"]["name"] == own.as_str() {
            return heard;
        }
    }
}

#[tokio::test]
async fn a_suspension_closes_sockets_and_a_change_of_roles_is_heard_on_them() {
    let app = TestApp::live().await;
    let owner = app.owner("eva").await;
    let bob = app.member("bob").await;
    let role = format!("/users/{}/roles/editor", bob.id());
    owner.put(&role, json!({})).await.status(204);
    let mut desk = Socket::listening(&app, &bob, &["identity.users"]).await;
    assert!(hears_of_strangers(&app, &mut desk, &bob, 0).await);
    // The socket is asked again in its own time; that it is, and without a new sign-in, counts.
    owner.delete(&role).await.status(204);
    let mut n = 1;
    while hears_of_strangers(&app, &mut desk, &bob, n).await {
        n += 1;
        assert!(n < 200, "the socket still hears what its owner may not see");
    }
    owner.put(&role, json!({})).await.status(204);
    while !hears_of_strangers(&app, &mut desk, &bob, n + 1).await {
        n += 1;
        assert!(n < 400, "the socket does not hear what its owner may see");
    }
    let path = format!("/users/{}/suspension", bob.id());
    owner.put(&path, json!({"reason": "x"})).await.status(204);
    assert_eq!(desk.closed().await, 1008);
}

#[tokio::test]
async fn a_page_goes_on_from_the_list_it_has_read() {
    let app = TestApp::live().await;
    let owner = app.owner("eva").await;
    let listed = owner.get("/users").await.status(200);
    let cursor = listed.headers["x-realtime-cursor"]
        .to_str()
        .unwrap()
        .to_owned();
    app.registered("ada").await;
    // She is there before the page listens, and the page hears of her all the same.
    let mut ahead = Socket::listening(&app, &owner, &["identity.users"]).await;
    app.registered("bob").await;
    let named = |name: &'static str| move |change: &Value| change["record"]["name"] == name;
    ahead.until(named("bob")).await;
    let mut socket = Socket::open(&app, &owner.cookies(), &app.url)
        .await
        .unwrap();
    let reply = socket.resume(&["identity.users"], &cursor).await;
    assert_eq!(reply["status"], "ok", "{reply}");
    socket.until(named("ada")).await;
    socket.until(named("bob")).await;
}

#[tokio::test]
async fn row_level_security_binds_whoever_reads_live_tables_beside_the_server() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let ada = app.member("ada").await;
    let role = format!("reader_{}", app.database.name);
    app.sql(&format!(
        "create role {role}; grant usage on schema identity, kernel to {role};
         grant select on identity.users to {role}"
    ))
    .await;
    let seen = async |who: &Person, permissions: &str| -> i64 {
        let mut tx = app.app.db.begin().await.unwrap();
        for (name, value) in [
            ("role", role.as_str()),
            ("portico.caller", &who.id().to_string()),
            ("portico.permissions", permissions),
        ] {
            sqlx::query("select set_config($1, $2, true)")
                .bind(name)
                .bind(value)
                .execute(&mut *tx)
                .await
                .unwrap();
        }
        sqlx::query_scalar("select count(*) from identity.users")
            .fetch_one(&mut *tx)
            .await
            .unwrap()
    };
    assert_eq!(seen(&ada, "updates.read").await, 1);
    assert_eq!(seen(&owner, "updates.read,users.read").await, 2);
    // Every table that is live has its policy, and nobody has to remember it.
    let unguarded: Vec<String> = sqlx::query_scalar(
        "select t.schemaname || '.' || t.tablename
           from pg_publication_tables t
           join pg_class c on c.oid = (t.schemaname || '.' || t.tablename)::regclass
          where t.pubname = 'portico_live' and not c.relrowsecurity",
    )
    .fetch_all(app.app.db.pool())
    .await
    .unwrap();
    assert_eq!(unguarded, Vec::<String>::new());
    app.sql(&format!("drop owned by {role}; drop role {role}"))
        .await;
}

#[tokio::test]
async fn staff_hear_at_once_of_what_is_written_down() {
    let app = TestApp::live().await;
    let owner = app.owner("eva").await;
    let bob = app.member("bob").await;
    let mut log = Socket::listening(&app, &owner, &["kernel.audit"]).await;
    let path = format!("/users/{}/suspension", bob.id());
    owner.put(&path, json!({"reason": "x"})).await.status(204);
    let heard = log
        .until(|change| change["record"]["action"] == "user.suspended")
        .await;
    assert_eq!(heard["record"]["subject"], json!(bob.id()));
    assert_eq!(heard["record"]["actor"], json!(owner.id()));
}
