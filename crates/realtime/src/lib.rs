//! Realtime: the database's changes, broadcasts and presence, on every screen that may see them.
//!
//! It speaks the Supabase Realtime protocol, so its official clients work unmodified, and is fed
//! by PostgreSQL's log through a logical replication slot. A change's way through it:
//! [`stream`] reads and decodes it, [`hub`] finds who asked for it and may see it, [`socket`]
//! writes it; [`protocol`] is the shape of the frames. Broadcasts and presence go by way of
//! [`cluster`], which makes one of several servers, over a [`bus`].
//!
//! Owns `realtime.messages`: what was said on private channels and is kept for a while. It refuses to know any domain: which tables are live and who may see their rows
//! is declared beside each domain's SQL (`kernel::live`) and passed in.

#![expect(
    deprecated,
    reason = "sqlx 0.9.0 warns at each date that chrono is in the tree too, even when told to prefer `time`"
)]

mod actions;
mod bus;
mod cluster;
mod config;
mod hub;
pub mod jobs;
mod ports;
mod protocol;
mod resume;
mod routes;
mod senders;
mod socket;
mod store;
mod stream;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use axum::{Router, http::HeaderValue, routing::get};
use kernel::{Clock, live::Signals, tasks::Tasks};
use serde::Serialize;
use sqlx::{PgConnection, PgPool, postgres::PgPoolOptions};
use tokio::sync::{broadcast::error::RecvError, mpsc};
use tokio_util::sync::CancellationToken;

pub use actions::kept::Kept;
pub use bus::BusConfig;
pub use config::{Config, Limits, SLOT_FAMILY};
pub use ports::{
    Access, Admitted, Authenticator, Channels, DeclaredChannels, Denied, Online, Seen,
};

use bus::{Bus, PostgresBus, RedisBus};
use cluster::Cluster;
use hub::{
    Hub,
    online::{self, Graces, Movement},
    outbox::Room,
};
use resume::{Ring, Snapshot};
use senders::Senders;
use socket::{admission::Admission, networks::Networks};
pub use stream::care::{SlotCondition, slots};
use stream::{
    care,
    journal::Journal,
    reader::{Largest, Reader},
    route::Route,
    slot,
    status::Status,
};

/// Reads bytes in every way in which a client's bytes are read, for `fuzz/`.
#[cfg(feature = "fuzz")]
pub fn read_frames(bytes: &[u8]) {
    protocol::read_all(bytes);
}

/// What realtime needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// Tells who somebody is.
    pub authenticator: Arc<dyn Authenticator>,
    /// Is told who is connected.
    pub online: Arc<dyn Online>,
    /// Decides who may use a channel; [`DeclaredChannels`] is the rule.
    pub channels: Arc<dyn Channels>,
    /// Sign-outs and changes of role.
    pub signals: Signals,
}

/// Realtime, as built by [`Realtime::new`] and run by [`Realtime::start`].
#[derive(Clone)]
pub struct Realtime {
    pub(crate) shared: Arc<Shared>,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) hub: Arc<Hub>,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) admission: Admission,
    pub(crate) networks: Arc<Networks>,
    pub(crate) senders: Senders,
    pub(crate) room: Arc<Room>,
    pub(crate) status: Arc<Status>,
    pub(crate) limits: Limits,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) channels: Arc<dyn Channels>,
    pub(crate) clock: Clock,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: Tasks,
    pub(crate) config: Config,
    pub(crate) db: PgPool,
    route: Route,
    online: Arc<dyn Online>,
    signals: Signals,
    movements: mpsc::UnboundedSender<Movement>,
    /// Taken by the task that counts them.
    moved: Mutex<Option<mpsc::UnboundedReceiver<Movement>>>,
    started: AtomicBool,
}

/// How realtime fares.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// Changes are being read.
    pub streaming: bool,
    /// Why not, if they are not.
    pub failure: Option<String>,
    /// Milliseconds between the commit and the delivery of the last transaction.
    pub lag_ms: i64,
    /// Bytes of log that the slot holds back.
    pub slot_held_back_bytes: i64,
    /// Bytes that may still be written before the slot is lost; none where there is no limit.
    pub slot_safe_bytes: Option<i64>,
    /// Changes are read from a journal that triggers write, because `wal_level` is not logical.
    pub journal: bool,
    /// More than half of what the slot may hold back is used, or it is lost.
    pub slot_endangered: bool,
    /// What slots are in danger, this server's and those of others, in words.
    pub slots_endangered: Vec<String>,
    /// When changes were last lost since this server started, and why.
    pub last_gap: Option<String>,
    /// Open sockets.
    pub sockets: usize,
    /// Other servers that are heard.
    pub servers: usize,
}

impl Health {
    /// How the change stream fares, in a sentence.
    pub fn summary(&self) -> String {
        let mut text = match &self.failure {
            Some(failure) => failure.clone(),
            None if !self.streaming => "reading what happened while this server was away".into(),
            None => format!("{} ms behind", self.lag_ms),
        };
        if self.journal {
            let why = "wal_level is not logical, so triggers write the changes down";
            text = format!("{text}; {why}, which costs writers");
        }
        for slot in &self.slots_endangered {
            text = format!("{text}; {slot}");
        }
        if let Some(gap) = &self.last_gap {
            text = format!("{text}; {gap}");
        }
        text
    }
}

impl Realtime {
    /// Prepares realtime. Nothing runs and nothing is connected before [`Realtime::start`].
    ///
    /// # Errors
    /// When the database's address cannot be used for replication.
    pub fn new(config: Config, ports: Ports, tasks: &Tasks, clock: Clock) -> Result<Self> {
        let route = Route::new(&config.database, &config.slot_name, &config.publication)?;
        let db = PgPoolOptions::new()
            .max_connections(6)
            .connect_lazy_with(config.database.clone());
        let (movements, moved) = mpsc::unbounded_channel();
        let ring = Ring::new(config.replay_window, config.replay_bytes);
        let hub = Arc::new(Hub::new(&config.tables, ring));
        let limits = config.limits.clone();
        let shared = Shared {
            cluster: Arc::new(cluster(&config, &hub)?),
            hub,
            admission: Admission::new(limits.admissions, limits.admission_queue),
            networks: Networks::new(limits.sockets_per_network),
            senders: Senders::new(limits.messages_per_second),
            room: Arc::new(Room {
                frames: limits.outbox_frames,
                bytes: limits.outbox_bytes,
                waiting: Arc::default(),
                everybody: limits.waiting_bytes,
            }),
            status: Arc::default(),
            limits,
            authenticator: ports.authenticator,
            channels: ports.channels,
            clock,
            stop: tasks.token(),
            db,
            route,
            config,
            online: ports.online,
            signals: ports.signals,
            tasks: tasks.clone(),
            movements,
            moved: Mutex::new(Some(moved)),
            started: AtomicBool::new(false),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Serves `/websocket` below wherever it is nested (`/realtime/v1`, `/socket`).
    pub fn router(&self) -> Router {
        Router::new()
            .route("/websocket", get(socket::upgrade::open))
            .with_state(self.clone())
    }

    /// Serves broadcasts over HTTP below wherever it is nested (`/realtime/v1`, and the root for
    /// clients that were told `/socket`).
    pub fn http(&self) -> Router {
        routes::router(self.clone())
    }

    /// Starts reading changes and heeding signals; once.
    pub fn start(&self) {
        let shared = &self.shared;
        if shared.started.swap(true, Ordering::Relaxed) {
            return;
        }
        let reader = Reader {
            route: shared.route.clone(),
            tasks: shared.tasks.clone(),
            db: shared.db.clone(),
            sink: Arc::clone(&shared.hub),
            status: Arc::clone(&shared.status),
            clock: shared.clock.clone(),
            stop: shared.stop.clone(),
            window: shared.config.replay_window,
            largest: Largest {
                changes: shared.limits.transaction_changes,
                bytes: shared.limits.transaction_bytes,
            },
        };
        let care = care::look_after(
            shared.db.clone(),
            shared.config.slot_name.clone(),
            shared.config.slot_family.clone(),
            Arc::clone(&shared.status),
            shared.stop.clone(),
        );
        shared.tasks.spawn("realtime.slot", care);
        let journal = Journal {
            db: shared.db.clone(),
            sink: Arc::clone(&shared.hub),
            status: Arc::clone(&shared.status),
            clock: shared.clock.clone(),
            stop: shared.stop.clone(),
            publication: shared.config.publication.clone(),
            window: shared.config.replay_window,
            largest: reader.largest,
        };
        shared
            .tasks
            .spawn("realtime.stream", stream::read(reader, journal));
        shared.start_sockets();
    }

    /// How realtime fares, for the health report.
    pub fn health(&self) -> Health {
        let shared = &self.shared;
        let condition = shared.status.condition();
        let mut slots = shared.status.others();
        if condition.endangered() {
            slots.insert(0, condition.clone());
        }
        Health {
            streaming: *shared.status.watch().borrow(),
            failure: shared.status.failure(),
            lag_ms: shared.status.lag_ms(),
            slot_held_back_bytes: condition.held_back,
            slot_safe_bytes: condition.safe,
            journal: shared.status.is_journal(),
            slot_endangered: condition.endangered(),
            slots_endangered: slots.iter().map(SlotCondition::summary).collect(),
            last_gap: shared.status.last_gap(),
            sockets: shared.hub.sockets.count(),
            servers: shared.cluster.others(),
        }
    }

    /// Waits until changes are being read.
    pub async fn streaming(&self) {
        let mut streaming = self.shared.status.watch();
        // The sender lives as long as `self`.
        let _ = streaming.wait_for(|streaming| *streaming).await;
    }

    /// Where a list stands that is read after this returned: what commits later, or is not
    /// visible yet, is told to a channel that is joined with it. `None` while that is not known.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cursor(&self, db: &mut PgConnection) -> Result<Option<String>> {
        // In this order: what is not visible to the query has not been passed by the stream.
        let Some(mut cursor) = self.shared.hub.ring.cursor() else {
            return Ok(None);
        };
        let snapshot: String = sqlx::query_scalar("select pg_current_snapshot()::text")
            .fetch_one(db)
            .await?;
        cursor.snapshot = Snapshot::parse(&snapshot);
        Ok(Some(cursor.to_string()))
    }

    /// Removes this server's replication slot, for a server that will not come back. Its stream
    /// must have stopped.
    ///
    /// # Errors
    /// When the database cannot be reached, or the slot is being read.
    pub async fn forget_slot(&self) -> Result<()> {
        let mut db = self.shared.db.acquire().await?;
        slot::drop_slot(&mut db, &self.shared.config.slot_name).await
    }
}

/// This server among the others.
fn cluster(config: &Config, hub: &Arc<Hub>) -> Result<Cluster> {
    // The random half of a fresh id, so that a server that starts again is another.
    let node = uuid::Uuid::new_v4().as_u64_pair().1;
    let bus: Option<Arc<dyn Bus>> = match &config.bus {
        BusConfig::Local => None,
        BusConfig::Postgres => Some(Arc::new(PostgresBus::new(&config.database, node))),
        BusConfig::Redis(url) => {
            let name = config.database.get_database().unwrap_or("portico");
            Some(Arc::new(RedisBus::new(url, name)?))
        }
    };
    Ok(Cluster::new(Arc::clone(hub), node, bus, config.beat))
}

impl Shared {
    /// Starts what serves sockets: signals, the clock, presence, the other servers.
    fn start_sockets(self: &Arc<Self>) {
        let (tasks, stop) = (&self.tasks, || self.stop.clone());
        tasks.spawn("realtime.signals", Arc::clone(self).heed_signals());
        tasks.spawn("realtime.clock", Arc::clone(self).keep_time());
        let hub = Arc::clone(&self.hub);
        let stopped = stop();
        tasks.spawn("realtime.presence", async move {
            hub.topics.tell(stopped).await;
        });
        tasks.spawn("realtime.speak", Arc::clone(&self.cluster).speak(stop()));
        tasks.spawn("realtime.hear", Arc::clone(&self.cluster).hear(stop()));
        let moved = self
            .moved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(moved) = moved {
            let graces = Graces {
                away: self.config.away_grace,
                offline: self.config.offline_grace,
                beat: self.config.beat,
            };
            let online = Arc::clone(&self.online);
            tasks.spawn(
                "realtime.online",
                online::watch(moved, online, graces, stop()),
            );
        }
    }

    /// The one clock of all sockets, and what all of them are told.
    async fn keep_time(self: Arc<Self>) {
        let mut streaming = self.status.watch();
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                _ = second.tick() => {
                    let now = self.hub.seconds();
                    self.hub.sockets.tick(now, self.limits.idle_seconds);
                }
                Ok(()) = streaming.changed() => self.hub.sockets.stream_changed(),
            }
        }
        self.hub.sockets.close_all();
    }

    /// Whether a browser's page may use the browser's session here. A request without an origin
    /// comes from no page.
    pub(crate) fn is_own_page(&self, origin: Option<&HeaderValue>) -> bool {
        let Some(origin) = origin else {
            return true;
        };
        let allowed = &self.config.allowed_origins;
        allowed
            .iter()
            .any(|own| own.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
    }

    /// Reports a socket's opening or closing to those who count them.
    pub(crate) fn moved(&self, movement: Movement) {
        // Nobody counts once the server stops.
        let _ = self.movements.send(movement);
    }

    async fn heed_signals(self: Arc<Self>) {
        let mut signals = self.signals.subscribe();
        loop {
            let signal = tokio::select! {
                () = self.stop.cancelled() => return,
                signal = signals.recv() => signal,
            };
            match signal {
                Ok(signal) => self.hub.sockets.signal(signal),
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "signals were missed; every socket is asked again");
                    self.hub.sockets.reauthenticate_all();
                }
                Err(RecvError::Closed) => return,
            }
        }
    }
}

impl std::fmt::Debug for Realtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Realtime")
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}
