//! Nothing is lost and nothing comes twice, whatever breaks.
//!
//! While a writer commits numbered rows, the server is killed with SIGKILL and started again,
//! PostgreSQL is restarted, and the network is cut: between clients and server, and between server
//! and PostgreSQL. Each client keeps its cursor as a page does, and forgets a change that it knows
//! when it comes again after a break. In the end each has every row of its own, once, and no
//! other. `PORTICO_TEST_LOSS_ROUNDS` makes it longer.

use std::{
    collections::{BTreeSet, HashSet},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use kernel::{Clock, Principal, id::UserId, live::Signals, tasks::Tasks};
use realtime::{Config, Ports, Realtime};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, PgPool, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use crate::{
    cluster::Cluster,
    server::{PATIENCE, People, TABLES, ports},
};

/// The users whose rows are written in turn; each has a client, and one sees all of `news`.
const OWNERS: usize = 3;
/// The first of the last rows; its remainder is that of the first owner.
const LAST: i64 = 3_000_000;
/// How long all is well between two breaks, and how long one lasts.
const CALM: Duration = Duration::from_millis(1_500);
const BREAK: Duration = Duration::from_millis(500);

fn owner(nth: usize) -> UserId {
    UserId(uuid::Uuid::from_u128(
        0x0192_0000_0000_7000_8000_0000_0000_0000 + nth as u128,
    ))
}

/// The server of the test, in a process of its own: it runs until it is killed.
#[tokio::test]
#[ignore = "started by the loss test"]
async fn as_a_server() {
    #[expect(clippy::disallowed_methods, reason = "how the test tells it")]
    let (Ok(address), Ok(slot)) = (
        std::env::var("PORTICO_TEST_LOSS_DATABASE"),
        std::env::var("PORTICO_TEST_LOSS_SLOT"),
    ) else {
        return;
    };
    let people = Arc::new(People::default());
    for nth in 0..=OWNERS {
        let name = format!("owner{nth}");
        let somebody = people.add(&name, &[]);
        let user = owner(nth);
        people.set(&name, Principal { user, ..somebody });
    }
    let options: PgConnectOptions = address.parse().unwrap();
    let mut config = Config::new(options, TABLES.to_vec());
    config.slot_name = slot;
    config.publication = "test_live".into();
    let tasks = Tasks::new();
    let ports: Ports = ports(people, Signals::default());
    let realtime = Realtime::new(config, ports, &tasks, Clock::system()).unwrap();
    realtime.start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening {}", listener.local_addr().unwrap().port());
    let app = axum::Router::new().nest("/realtime/v1", realtime.router());
    axum::serve(listener, app).await.unwrap();
}

struct Server(Child, u16);

impl Server {
    async fn start(address: &str, slot: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "loss::as_a_server", "--ignored", "--nocapture"])
            .env("PORTICO_TEST_LOSS_DATABASE", address)
            .env("PORTICO_TEST_LOSS_SLOT", slot)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = timeout(PATIENCE, async {
            loop {
                let line = lines.next_line().await.unwrap().expect("the server's port");
                // The harness writes the test's name before it, without an end of line.
                if let Some((_, port)) = line.split_once("listening ") {
                    return port.trim().parse().unwrap();
                }
            }
        });
        Self(child, port.await.expect("a server in time"))
    }

    async fn kill(&mut self) {
        self.0.kill().await.unwrap();
    }
}

/// A network cable: what goes through it can be cut.
struct Cable {
    port: u16,
    to: AtomicU16,
    cut: std::sync::Mutex<CancellationToken>,
    broken: AtomicBool,
}

impl Cable {
    async fn lay(to: u16, tasks: &Tasks) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cable = Arc::new(Self {
            port: listener.local_addr().unwrap().port(),
            to: AtomicU16::new(to),
            cut: std::sync::Mutex::default(),
            broken: AtomicBool::new(false),
        });
        let (laid, all) = (Arc::clone(&cable), tasks.clone());
        let stop = tasks.token();
        tasks.spawn("cable", async move {
            loop {
                let accepted = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let (mut near, _) = accepted.unwrap();
                if laid.broken.load(Ordering::Relaxed) {
                    continue;
                }
                let cut = laid.cut.lock().unwrap().clone();
                let (to, stop) = (laid.to.load(Ordering::Relaxed), stop.clone());
                all.spawn("wire", async move {
                    let Ok(mut far) = TcpStream::connect(("127.0.0.1", to)).await else {
                        return;
                    };
                    tokio::select! {
                        () = cut.cancelled() => {}
                        () = stop.cancelled() => {}
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                    }
                });
            }
        });
        cable
    }

    /// Breaks every connection and refuses new ones for a while.
    async fn cut(&self, pause: Duration) {
        self.broken.store(true, Ordering::Relaxed);
        std::mem::take(&mut *self.cut.lock().unwrap()).cancel();
        sleep(pause).await;
        self.broken.store(false, Ordering::Relaxed);
    }
}

/// What a client has, and how it got it. The last of them hears the news, which is for everyone;
/// the others their own orders.
struct Client {
    nth: usize,
    name: String,
    ready: Arc<AtomicUsize>,
    cursor: Option<String>,
    have: BTreeSet<i64>,
    /// Came again on the very connection on which it was told before: never allowed.
    doubled: Vec<i64>,
    /// Came again after a break, because the break came before the cursor did: known, forgotten.
    repeated: usize,
    gaps: usize,
    breaks: usize,
}

impl Client {
    fn new(nth: usize, ready: Arc<AtomicUsize>) -> Self {
        Self {
            nth,
            name: format!("owner{nth}"),
            ready,
            cursor: None,
            have: BTreeSet::new(),
            doubled: Vec::new(),
            repeated: 0,
            gaps: 0,
            breaks: 0,
        }
    }

    fn is_mine(&self, id: i64) -> bool {
        self.nth == OWNERS || usize::try_from(id).unwrap() % OWNERS == self.nth
    }

    fn last(&self) -> i64 {
        LAST + i64::try_from(self.nth.min(OWNERS - 1)).unwrap()
    }

    fn is_done(&self) -> bool {
        self.have.contains(&self.last())
    }

    /// Lives through breaks until it has been told its last row.
    async fn live(mut self, port: u16) -> Self {
        while !self.is_done() {
            // Whatever breaks it: it comes again.
            let _broken = self.connection(port).await;
            self.breaks += 1;
            sleep(Duration::from_millis(50)).await;
        }
        self
    }

    async fn connection(
        &mut self,
        port: u16,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let address = format!("ws://127.0.0.1:{port}/realtime/v1/websocket?vsn=2.0.0");
        let connecting = tokio_tungstenite::connect_async(address);
        let (mut socket, _) = timeout(Duration::from_secs(5), connecting).await??;
        let resume = self
            .cursor
            .as_ref()
            .map_or(json!({}), |since| json!({"since": since}));
        let table = if self.nth == OWNERS { "news" } else { "orders" };
        let binding = json!({"event": "*", "schema": "shop", "table": table});
        let join = json!(["1", "1", "realtime:x", "phx_join", {
            "config": {"postgres_changes": [binding]},
            "access_token": self.name, "resume": resume,
        }]);
        socket.send(Message::text(join.to_string())).await?;
        let mut here = HashSet::new();
        let mut joined = false;
        while !self.is_done() {
            // A client sends heartbeats; this one gives up on a connection that says nothing.
            let message = timeout(Duration::from_secs(10), socket.next()).await?;
            let Message::Text(text) = message.ok_or("closed")?? else {
                continue;
            };
            let [_, _, _, event, payload]: [Value; 5] = serde_json::from_str(&text)?;
            match event.as_str() {
                Some("phx_reply") => {
                    if payload["status"] != "ok" {
                        return Err("refused".into());
                    }
                    joined = true;
                }
                Some("system") if payload["extension"] == "resume" => {
                    match payload["cursor"].as_str() {
                        Some(cursor) => {
                            if self.cursor.replace(cursor.to_owned()).is_none() {
                                self.ready.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                        None => self.gaps += 1,
                    }
                }
                Some("postgres_changes") => {
                    assert!(joined, "a change before the answer to the join");
                    let id = payload["data"]["record"]["id"].as_i64().ok_or("an id")?;
                    assert!(self.is_mine(id), "{} was told {id}", self.name);
                    if !here.insert(id) {
                        self.doubled.push(id);
                    }
                    if !self.have.insert(id) {
                        self.repeated += 1;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Writes numbered rows until told to stop; says how many. A row whose commit was not answered is
/// written again under its number, if it is not there.
async fn write(db: PgPool, stop: CancellationToken) -> i64 {
    let mut id = 0;
    while !stop.is_cancelled() {
        if insert(&db, id).await.is_ok() {
            id += 1;
        } else {
            sleep(Duration::from_millis(20)).await;
        }
    }
    id
}

/// One transaction: an order of its owner, and news of it for all.
async fn insert(db: &PgPool, id: i64) -> sqlx::Result<()> {
    let nth = usize::try_from(id).unwrap() % OWNERS;
    let mut tx = db.begin().await?;
    sqlx::query(
        "insert into shop.orders (id, owner, title) values ($1, $2, 'x') on conflict do nothing",
    )
    .bind(i32::try_from(id).unwrap())
    .bind(owner(nth))
    .execute(&mut *tx)
    .await?;
    sqlx::query("insert into shop.news values ($1, 'x') on conflict do nothing")
        .bind(id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn nothing_is_lost_and_nothing_comes_twice_whatever_breaks() {
    #[expect(clippy::disallowed_methods, reason = "the long form of the test")]
    let rounds = std::env::var("PORTICO_TEST_LOSS_ROUNDS").map_or(1, |n| n.parse().unwrap());
    let mut cluster = Cluster::start(&[("listen_addresses", "127.0.0.1")]).await;
    let access = cluster.file(
        "hba.conf",
        "local all all trust\nhost all all 127.0.0.1/32 trust\n",
    );
    let hba = format!("alter system set hba_file = '{}'", access.display());
    cluster.sql(&hba).await;
    cluster.restart().await;
    let mut db = cluster.options("postgres").connect().await.unwrap();
    sqlx::raw_sql(include_str!("schema.sql"))
        .execute(&mut db)
        .await
        .unwrap();
    drop(db);

    let tasks = Tasks::new();
    let to_database = Cable::lay(cluster.port, &tasks).await;
    let address = format!(
        "postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable",
        to_database.port
    );
    let slot = "portico_live_loss";
    let mut server = Server::start(&address, slot).await;
    let to_server = Cable::lay(server.1, &tasks).await;

    // They are there before the first row, as a page is that has just read an empty list.
    let (ready, mut clients) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
    for nth in 0..=OWNERS {
        let (port, ready) = (to_server.port, Arc::clone(&ready));
        let client = Client::new(nth, ready);
        clients.spawn(client.live(port));
    }
    eventually(|| ready.load(Ordering::Relaxed) > OWNERS).await;

    let (pool, stop) = (
        PgPool::connect_lazy_with(cluster.options("postgres")),
        CancellationToken::new(),
    );
    let mut writer = JoinSet::new();
    writer.spawn(write(pool.clone(), stop.clone()));
    for _ in 0..rounds {
        sleep(CALM).await;
        server.kill().await;
        sleep(BREAK).await;
        server = Server::start(&address, slot).await;
        to_server.to.store(server.1, Ordering::Relaxed);
        sleep(CALM).await;
        cluster.restart().await;
        sleep(CALM).await;
        to_server.cut(BREAK).await;
        sleep(CALM).await;
        to_database.cut(BREAK).await;
    }
    sleep(CALM).await;
    stop.cancel();
    let written = writer.join_next().await.unwrap().unwrap();
    // The last row of each: what was committed before it was told before it.
    for nth in 0..OWNERS {
        insert(&pool, LAST + i64::try_from(nth).unwrap())
            .await
            .unwrap();
    }
    pool.close().await;
    let mut outcomes = Vec::new();
    while let Some(client) = timeout(PATIENCE * 2, clients.join_next())
        .await
        .expect("in time")
    {
        outcomes.push(client.unwrap());
    }
    tasks.stop(Duration::from_secs(5)).await;
    for client in &outcomes {
        println!(
            "{}: {} of {written} rows over {} breaks, {} known already, {} gaps",
            client.name,
            client.have.len() - 1,
            client.breaks,
            client.repeated,
            client.gaps,
        );
    }
    for client in outcomes {
        let expected: BTreeSet<i64> = (0..written)
            .chain((0..OWNERS).map(|nth| LAST + i64::try_from(nth).unwrap()))
            .filter(|id| client.is_mine(*id))
            .filter(|id| *id <= client.last())
            .collect();
        let missing: Vec<_> = expected.difference(&client.have).collect();
        assert!(missing.is_empty(), "{} misses {missing:?}", client.name);
        assert_eq!(client.have, expected, "{}", client.name);
        assert_eq!(client.doubled, Vec::<i64>::new(), "{}", client.name);
        assert_eq!(client.gaps, 0, "{}", client.name);
        assert!(client.breaks >= 2 * rounds, "{} was not tried", client.name);
    }
}

async fn eventually(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "in vain");
        sleep(Duration::from_millis(20)).await;
    }
}
