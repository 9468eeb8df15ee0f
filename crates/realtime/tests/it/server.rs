//! A real server on a real PostgreSQL, and a client that speaks frames.

use std::{
    collections::HashMap,
    env,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::{Router, body::Body, http::Request, middleware::Next};
use futures_util::{SinkExt as _, StreamExt as _};
use kernel::{
    Clock, Permission, Principal,
    id::{SessionId, UserId},
    live::{Rule, Signals, Table},
    tasks::Tasks,
};
use realtime::{Admitted, Authenticator, Config, Online, OwnChannels, Ports, Realtime};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, PgPool, postgres::PgConnectOptions};
use time::OffsetDateTime;
use tokio::{net::TcpStream, sync::mpsc, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

/// The tables of the tests.
pub(crate) const TABLES: &[Table] = &[
    Table {
        schema: "shop",
        name: "orders",
        rules: &[
            Rule::Owner { column: "owner" },
            Rule::Permission(Permission::UsersRead),
        ],
    },
    Table {
        schema: "shop",
        name: "news",
        rules: &[Rule::Everyone],
    },
];

/// Long enough for a busy machine; nothing waits for it when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Who may sign in, by token.
#[derive(Default)]
pub(crate) struct People(Mutex<HashMap<String, Admitted>>);

impl People {
    pub(crate) fn add(&self, name: &str, permissions: &[Permission]) -> Principal {
        let principal = Principal {
            user: UserId::new(),
            session: SessionId::new(),
            permissions: permissions.iter().copied().collect(),
            authenticated_at: OffsetDateTime::UNIX_EPOCH,
            second_factor_due: false,
        };
        self.set(name, principal);
        principal
    }

    pub(crate) fn set(&self, name: &str, principal: Principal) {
        let expires_at = OffsetDateTime::from_unix_timestamp(4_000_000_000).unwrap();
        let admitted = Admitted {
            principal,
            expires_at,
        };
        self.0.lock().unwrap().insert(name.into(), admitted);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.0.lock().unwrap().remove(name);
    }
}

#[async_trait]
impl Authenticator for People {
    async fn by_token(&self, token: &str) -> Option<Admitted> {
        self.0.lock().unwrap().get(token).copied()
    }

    async fn refresh(&self, session: SessionId) -> Option<Admitted> {
        let people = self.0.lock().unwrap();
        people
            .values()
            .find(|a| a.principal.session == session)
            .copied()
    }
}

struct Told(mpsc::UnboundedSender<(UserId, bool)>);

#[async_trait]
impl Online for Told {
    async fn came_online(&self, user: UserId) {
        let _ = self.0.send((user, true));
    }
    async fn went_offline(&self, user: UserId) {
        let _ = self.0.send((user, false));
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) people: Arc<People>,
    pub(crate) signals: Signals,
    pub(crate) db: PgPool,
    pub(crate) realtime: Realtime,
    pub(crate) presence: tokio::sync::Mutex<mpsc::UnboundedReceiver<(UserId, bool)>>,
    pub(crate) slot: String,
    address: String,
}

fn address() -> PgConnectOptions {
    #[expect(clippy::disallowed_methods, reason = "where tests find their database")]
    let url = env::var("PORTICO_TEST_DATABASE_URL");
    url.expect("PORTICO_TEST_DATABASE_URL is set (script/db prints it)")
        .parse()
        .unwrap()
}

/// Runs a test against a server with its own database and slot, and removes both whatever happens.
#[expect(
    clippy::too_many_lines,
    reason = "one test, from its database to the end of its server, in order"
)]
pub(crate) async fn run<T: Future<Output = ()> + Send + 'static>(
    test: impl FnOnce(Arc<Server>) -> T + Send + 'static,
) {
    let name = format!("live_{}", uuid::Uuid::now_v7().simple());
    let mut admin = PgConnection::connect_with(&address()).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("create database {name}"));
    sqlx::query(create).execute(&mut admin).await.unwrap();
    let options = address().database(&name);
    let db = PgPool::connect_with(options.clone()).await.unwrap();
    sqlx::raw_sql(include_str!("schema.sql"))
        .execute(&db)
        .await
        .unwrap();

    let tasks = Tasks::new();
    let (people, signals) = (Arc::new(People::default()), Signals::default());
    let (told, presence) = mpsc::unbounded_channel();
    let mut config = Config::new(options, TABLES.to_vec());
    config.slot_name.clone_from(&name);
    config.publication = "test_live".into();
    config.allowed_origins = vec!["https://own.example".into()];
    config.offline_grace = Duration::from_millis(50);
    config.limits.messages_per_second = 50;
    let ports = Ports {
        authenticator: people.clone(),
        online: Arc::new(Told(told)),
        channels: Arc::new(OwnChannels),
        signals: signals.clone(),
    };
    let realtime = Realtime::new(config, ports, &tasks, Clock::system()).unwrap();
    realtime.start();
    timeout(PATIENCE, realtime.streaming()).await.unwrap();

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // The host's part: a cookie becomes a principal.
    let cookies = people.clone();
    let app =
        Router::new()
            .nest("/realtime/v1", realtime.router())
            .layer(axum::middleware::from_fn(
                move |mut request: Request<Body>, next: Next| {
                    let cookies = cookies.clone();
                    async move {
                        let cookie = request
                            .headers()
                            .get("cookie")
                            .and_then(|c| c.to_str().ok());
                        if let Some(name) = cookie.map(ToOwned::to_owned)
                            && let Some(admitted) = cookies.by_token(&name).await
                        {
                            request.extensions_mut().insert(admitted.principal);
                        }
                        next.run(request).await
                    }
                },
            ));
    let stopping = tasks.token();
    tasks.spawn("test.http", async move {
        let serve = axum::serve(listener, app).with_graceful_shutdown(stopping.cancelled_owned());
        serve.await.unwrap();
    });
    let server = Arc::new(Server {
        people,
        signals,
        db: db.clone(),
        realtime: realtime.clone(),
        presence: tokio::sync::Mutex::new(presence),
        slot: name.clone(),
        address,
    });
    #[expect(clippy::disallowed_methods, reason = "a panic must not keep the slot")]
    let outcome = tokio::spawn(test(server)).await;

    tasks.stop(PATIENCE).await;
    db.close().await;
    sqlx::query("select pg_terminate_backend(active_pid, 10000) from pg_replication_slots where slot_name = $1")
        .bind(&name)
        .execute(&mut admin)
        .await
        .unwrap();
    realtime.forget_slot().await.unwrap();
    let drop = sqlx::AssertSqlSafe(format!("drop database {name} with (force)"));
    sqlx::query(drop).execute(&mut admin).await.unwrap();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic.into_panic());
    }
}

impl Server {
    pub(crate) async fn sql(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.db).await.unwrap();
    }

    pub(crate) async fn order(&self, id: i32, owner: UserId, title: &str) {
        sqlx::query("insert into shop.orders (id, owner, title) values ($1, $2, $3)")
            .bind(id)
            .bind(owner)
            .bind(title)
            .execute(&self.db)
            .await
            .unwrap();
    }

    /// Opens a socket; `headers` as `name: value`.
    pub(crate) async fn open(
        &self,
        vsn: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Client, u16> {
        use tokio_tungstenite::tungstenite::{Error, client::IntoClientRequest};
        let address = format!(
            "ws://{}/realtime/v1/websocket?apikey=x&vsn={vsn}",
            self.address
        );
        let mut request = address.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => Ok(Client {
                socket,
                references: 0,
                two: vsn == "2.0.0",
            }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    /// Opens a socket and joins a channel as somebody.
    pub(crate) async fn join(&self, token: &str, topic: &str, config: Value) -> Client {
        let mut client = self.open("2.0.0", &[]).await.unwrap();
        let reply = client.join(topic, token, config).await;
        assert_eq!(reply["status"], "ok", "{reply}");
        client
    }
}

/// A client of the protocol.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    references: u64,
    two: bool,
}

/// A received frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) reference: Value,
    pub(crate) topic: String,
    pub(crate) event: String,
    pub(crate) payload: Value,
}

impl Client {
    pub(crate) async fn raw(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// Sends a frame; returns its reference.
    pub(crate) async fn push(&mut self, topic: &str, event: &str, payload: Value) -> String {
        self.references += 1;
        let reference = self.references.to_string();
        let frame = if self.two {
            json!(["1", reference, topic, event, payload])
        } else {
            json!({"join_ref": "1", "ref": reference, "topic": topic, "event": event, "payload": payload})
        };
        self.raw(Message::text(frame.to_string())).await;
        reference
    }

    /// Sends a frame and waits for its answer.
    pub(crate) async fn ask(&mut self, topic: &str, event: &str, payload: Value) -> Value {
        let reference = self.push(topic, event, payload).await;
        self.until(|frame| frame.event == "phx_reply" && frame.reference == reference.as_str())
            .await
    }

    pub(crate) async fn join(&mut self, topic: &str, token: &str, config: Value) -> Value {
        let payload = json!({"config": config, "access_token": token});
        self.ask(topic, "phx_join", payload).await
    }

    /// The next frame; `Err` with the close code when the server closed.
    pub(crate) async fn next(&mut self) -> Result<Frame, u16> {
        loop {
            let message = timeout(PATIENCE, self.socket.next())
                .await
                .expect("a frame in time");
            let message = message.expect("an open socket").unwrap();
            return Ok(match message {
                Message::Text(text) if self.two => {
                    let [_, reference, topic, event, payload]: [Value; 5] =
                        serde_json::from_str(&text).unwrap();
                    Frame {
                        reference,
                        topic: topic.as_str().unwrap().into(),
                        event: event.as_str().unwrap().into(),
                        payload,
                    }
                }
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    Frame {
                        reference: frame["ref"].clone(),
                        topic: frame["topic"].as_str().unwrap().into(),
                        event: frame["event"].as_str().unwrap().into(),
                        payload: frame["payload"].clone(),
                    }
                }
                Message::Binary(bytes) => {
                    assert_eq!(bytes[0], 4);
                    let (topic, event) = (usize::from(bytes[1]), usize::from(bytes[2]));
                    let text = |range: std::ops::Range<usize>| {
                        String::from_utf8(bytes[range].to_vec()).unwrap()
                    };
                    let payload = text(5 + topic + event..bytes.len());
                    let name = text(5 + topic..5 + topic + event);
                    let payload: Value = serde_json::from_str(&payload).unwrap();
                    Frame {
                        reference: Value::Null,
                        topic: text(5..5 + topic),
                        event: "broadcast".into(),
                        payload: json!({"type": "broadcast", "event": name, "payload": payload}),
                    }
                }
                Message::Close(frame) => return Err(frame.map_or(0, |frame| frame.code.into())),
                _ => continue,
            });
        }
    }

    /// Waits for a frame and returns its payload; what comes before it is skipped.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Value {
        loop {
            let frame = self.next().await.expect("not closed");
            if wanted(&frame) {
                return frame.payload;
            }
        }
    }

    /// The next change.
    pub(crate) async fn change(&mut self) -> Value {
        self.until(|frame| frame.event == "postgres_changes").await["data"].take()
    }

    pub(crate) async fn system(&mut self) -> Value {
        self.until(|frame| frame.event == "system").await
    }

    /// Waits until the server closes; returns the code.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}
