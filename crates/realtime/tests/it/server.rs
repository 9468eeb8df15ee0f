//! Real servers on a real PostgreSQL.

use std::{
    collections::HashMap,
    env,
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{Router, body::Body, http::Request, middleware::Next, serve::ListenerExt as _};
use kernel::{
    Clock, Permission, Principal,
    id::{SessionId, UserId},
    live::{Channel, Rule, Signals, Table, Who},
    tasks::Tasks,
};
use realtime::{
    Admitted, Authenticator, BusConfig, Config, DeclaredChannels, Denied, Online, Ports, Realtime,
    Seen,
};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection, PgPool, postgres::PgConnectOptions};
use time::OffsetDateTime;
use tokio::{sync::mpsc, time::timeout};

pub(crate) use crate::client::Client;

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

/// The private channels of the tests.
const CHANNELS: &[Channel] = &[Channel {
    name: "user:{user}:*",
    read: Who::Owner,
    write: Who::Owner,
}];

/// Long enough for a busy machine; nothing waits for it when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Who may sign in, by token.
#[derive(Default)]
pub(crate) struct People {
    tokens: Mutex<HashMap<String, Admitted>>,
    /// Whoever could say who somebody is does not answer.
    away: AtomicBool,
    /// How often that was asked in vain.
    asked: AtomicUsize,
}

impl People {
    pub(crate) fn away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    pub(crate) fn asked_in_vain(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn known(&self) -> Result<(), Denied> {
        if self.away.load(Ordering::Relaxed) {
            self.asked.fetch_add(1, Ordering::Relaxed);
            return Err(Denied::Unavailable);
        }
        Ok(())
    }

    pub(crate) fn add(&self, name: &str, permissions: &[Permission]) -> Principal {
        let principal = Principal {
            user: UserId::new(),
            session: SessionId::new(),
            permissions: permissions.iter().copied().collect(),
            authenticated_at: OffsetDateTime::UNIX_EPOCH,
            second_factor_due: false,
            acting: None,
        };
        self.set(name, principal);
        principal
    }

    pub(crate) fn set(&self, name: &str, principal: Principal) {
        self.set_until(name, principal, 4_000_000_000);
    }

    /// The same with a token that is over at a moment, in seconds since 1970.
    pub(crate) fn set_until(&self, name: &str, principal: Principal, until: i64) {
        let expires_at = OffsetDateTime::from_unix_timestamp(until).unwrap();
        let admitted = Admitted {
            principal,
            expires_at,
        };
        self.tokens.lock().unwrap().insert(name.into(), admitted);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.tokens.lock().unwrap().remove(name);
    }
}

#[async_trait]
impl Authenticator for People {
    async fn by_token(&self, token: &str) -> Result<Admitted, Denied> {
        self.known()?;
        let known = self.tokens.lock().unwrap().get(token).copied();
        known.ok_or_else(|| match token {
            "ended" => Denied::Refused,
            dotted if dotted.contains('.') => Denied::Forged,
            _ => Denied::Malformed,
        })
    }

    async fn refresh(&self, session: SessionId) -> Result<Admitted, Denied> {
        self.known()?;
        let people = self.tokens.lock().unwrap();
        let of_session = |admitted: &&Admitted| admitted.principal.session == session;
        let known = people.values().find(of_session).copied();
        let mut admitted = known.ok_or(Denied::Refused)?;
        // A session outlives its tokens.
        admitted.expires_at = OffsetDateTime::from_unix_timestamp(4_000_000_000).unwrap();
        Ok(admitted)
    }
}

struct Told(mpsc::UnboundedSender<(UserId, Seen)>);

#[async_trait]
impl Online for Told {
    async fn seen(&self, users: &[(UserId, Seen)]) -> bool {
        for told in users {
            let _ = self.0.send(*told);
        }
        true
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) people: Arc<People>,
    pub(crate) signals: Signals,
    pub(crate) db: PgPool,
    pub(crate) realtime: Realtime,
    pub(crate) presence: tokio::sync::Mutex<mpsc::UnboundedReceiver<(UserId, Seen)>>,
    pub(crate) slot: String,
    pub(crate) address: String,
    pub(crate) tasks: Tasks,
}

fn address() -> PgConnectOptions {
    #[expect(clippy::disallowed_methods, reason = "where tests find their database")]
    let url = env::var("PORTICO_TEST_DATABASE_URL");
    url.expect("PORTICO_TEST_DATABASE_URL is set (script/db prints it)")
        .parse()
        .unwrap()
}

/// Runs a test against a server with its own database and slot, and removes both whatever happens.
pub(crate) async fn run<T: Future<Output = ()> + Send + 'static>(
    test: impl FnOnce(Arc<Server>) -> T + Send + 'static,
) {
    run_set(|_| {}, test).await;
}

/// The same with other settings.
pub(crate) async fn run_set<T: Future<Output = ()> + Send + 'static>(
    set: impl Fn(&mut Config) + Send,
    test: impl FnOnce(Arc<Server>) -> T + Send + 'static,
) {
    let world = World::new(address()).await;
    let server = world.server(&set).await;
    world.end(test(server)).await;
}

/// The same on another PostgreSQL server.
pub(crate) async fn run_on<T: Future<Output = ()> + Send + 'static>(
    server: PgConnectOptions,
    test: impl FnOnce(Arc<Server>) -> T + Send + 'static,
) {
    let world = World::new(server).await;
    let server = world.server(&|_: &mut Config| {}).await;
    world.end(test(server)).await;
}

/// What a server needs that is told of nobody's coming and going.
pub(crate) fn ports(people: Arc<People>, signals: Signals) -> Ports {
    Ports {
        authenticator: people,
        online: Arc::new(Told(mpsc::unbounded_channel().0)),
        channels: Arc::new(DeclaredChannels(CHANNELS.to_vec())),
        signals,
    }
}

/// Whether the change stream can be read at this address; if not, why. The database is made at
/// the `direct` one, and left to whoever owns that server.
pub(crate) async fn probe(
    direct: &PgConnectOptions,
    options: PgConnectOptions,
) -> Result<(), String> {
    let world = World::new(direct.clone()).await;
    // The slot is there, so that it is the replication connection that fails, or does not.
    sqlx::query("select pg_create_logical_replication_slot($1, 'pgoutput')")
        .bind(&world.name)
        .execute(&world.db)
        .await
        .unwrap();
    let tasks = Tasks::new();
    let mut config = Config::new(options.database(&world.name), TABLES.to_vec());
    config.slot_name.clone_from(&world.name);
    config.publication = "test_live".into();
    let ports = ports(Arc::clone(&world.people), Signals::default());
    let realtime = Realtime::new(config, ports, &tasks, Clock::system()).unwrap();
    realtime.start();
    let outcome = timeout(PATIENCE, async {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        loop {
            pause.tick().await;
            let health = realtime.health();
            if health.streaming {
                return Ok(());
            }
            if let Some(failure) = health.failure {
                return Err(failure);
            }
        }
    });
    let outcome = outcome.await.expect("an outcome in time");
    tasks.stop(PATIENCE).await;
    outcome
}

/// The same with two servers on one database.
pub(crate) async fn run_two<T: Future<Output = ()> + Send + 'static>(
    bus: BusConfig,
    test: impl FnOnce(Arc<Server>, Arc<Server>) -> T + Send + 'static,
) {
    let world = World::new(address()).await;
    let set = move |config: &mut Config| {
        config.bus = bus.clone();
        config.beat = Duration::from_millis(500);
    };
    let (one, two) = (world.server(&set).await, world.server(&set).await);
    for server in [&one, &two] {
        until(|| server.realtime.health().servers == 1).await;
    }
    world.end(test(one, two)).await;
}

/// Waits until something holds.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    timeout(PATIENCE, async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("in time");
}

/// The same for what takes many seconds: nobody spins meanwhile.
pub(crate) async fn until_slowly(holds: impl Fn() -> bool) {
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    timeout(PATIENCE * 3, async {
        while !holds() {
            pause.tick().await;
        }
    })
    .await
    .expect("in time");
}

/// A database and the servers on it.
struct World {
    name: String,
    server: PgConnectOptions,
    options: PgConnectOptions,
    db: PgPool,
    people: Arc<People>,
    servers: Mutex<Vec<Arc<Server>>>,
}

impl World {
    async fn new(server: PgConnectOptions) -> Self {
        let name = format!("live_{}", uuid::Uuid::now_v7().simple());
        let mut admin = PgConnection::connect_with(&server).await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("create database {name}"));
        sqlx::query(create).execute(&mut admin).await.unwrap();
        let options = server.clone().database(&name);
        let db = PgPool::connect_with(options.clone()).await.unwrap();
        for schema in [
            include_str!("schema.sql"),
            include_str!("../../../../migrations/20261125205500_realtime_create.sql"),
            include_str!("../../../../migrations/20261126083900_realtime_name_senders.sql"),
        ] {
            sqlx::raw_sql(schema).execute(&db).await.unwrap();
        }
        Self {
            name,
            server,
            options,
            db,
            people: Arc::default(),
            servers: Mutex::default(),
        }
    }

    /// Starts a server.
    async fn server(&self, set: &(impl Fn(&mut Config) + Send)) -> Arc<Server> {
        let count = self.servers.lock().unwrap().len();
        let mut config = Config::new(self.options.clone(), TABLES.to_vec());
        config.slot_name = format!("{}_{count}", self.name);
        config.publication = "test_live".into();
        config.allowed_origins = vec!["https://own.example".into()];
        config.offline_grace = Duration::from_millis(50);
        config.limits.messages_per_second = 50;
        set(&mut config);
        let slot = config.slot_name.clone();
        let (tasks, signals) = (Tasks::new(), Signals::default());
        let (told, presence) = mpsc::unbounded_channel();
        let ports = Ports {
            authenticator: self.people.clone(),
            online: Arc::new(Told(told)),
            channels: Arc::new(DeclaredChannels(CHANNELS.to_vec())),
            signals: signals.clone(),
        };
        let realtime = Realtime::new(config, ports, &tasks, Clock::system()).unwrap();
        realtime.start();
        timeout(PATIENCE, realtime.streaming()).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Arc::new(Server {
            people: self.people.clone(),
            signals,
            db: self.db.clone(),
            realtime: realtime.clone(),
            presence: tokio::sync::Mutex::new(presence),
            slot,
            address: listener.local_addr().unwrap().to_string(),
            tasks: tasks.clone(),
        });
        let app = app(&realtime, &self.people);
        let stopping = tasks.token();
        tasks.spawn("test.http", async move {
            // As the real server does: a frame does not wait for the answer to the one before.
            let listener = listener.tap_io(|socket| socket.set_nodelay(true).unwrap());
            let serve = axum::serve(listener, app);
            let serve = serve.with_graceful_shutdown(stopping.cancelled_owned());
            serve.await.unwrap();
        });
        self.servers.lock().unwrap().push(server.clone());
        server
    }

    /// Runs the test, and removes everything.
    async fn end(self, test: impl Future<Output = ()> + Send + 'static) {
        #[expect(clippy::disallowed_methods, reason = "a panic must not keep the slot")]
        let outcome = tokio::spawn(test).await;
        let mut admin = PgConnection::connect_with(&self.server).await.unwrap();
        let servers = std::mem::take(&mut *self.servers.lock().unwrap());
        for server in servers {
            server.tasks.stop(PATIENCE).await;
            sqlx::query("select pg_terminate_backend(active_pid, 10000) from pg_replication_slots where slot_name = $1")
                .bind(&server.slot)
                .execute(&mut admin)
                .await
                .unwrap();
            server.realtime.forget_slot().await.unwrap();
        }
        self.db.close().await;
        let drop = sqlx::AssertSqlSafe(format!("drop database {} with (force)", self.name));
        sqlx::query(drop).execute(&mut admin).await.unwrap();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic.into_panic());
        }
    }
}

/// The host's part: a cookie becomes a principal.
fn app(realtime: &Realtime, people: &Arc<People>) -> Router {
    let cookies = people.clone();
    let layer = axum::middleware::from_fn(move |mut request: Request<Body>, next: Next| {
        let cookies = cookies.clone();
        async move {
            let cookie = request
                .headers()
                .get("cookie")
                .and_then(|c| c.to_str().ok());
            if let Some(name) = cookie.map(ToOwned::to_owned)
                && let Some(admitted) = cookies.tokens.lock().unwrap().get(&name)
            {
                request.extensions_mut().insert(admitted.principal);
            }
            next.run(request).await
        }
    });
    let routes = realtime.router().merge(realtime.http());
    Router::new().nest("/realtime/v1", routes).layer(layer)
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
            Ok((socket, _)) => Ok(Client::new(socket, vsn == "2.0.0")),
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
