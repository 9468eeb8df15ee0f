//! The private cluster: PostgreSQL under the data folder, started and stopped by us.
//!
//! Nobody has to install, secure or tune a database before the first run: one that is on
//! the machine is enough. Each cluster has checksums, a socket only its user and root can
//! reach, peer authentication (so no password exists), and `wal_level=logical`. It works
//! when started by root (PostgreSQL then runs as the user that owns the cluster) and by
//! anybody else. A server that outlived a killed Portico is taken over.
//!
//! It refuses to listen on TCP, to share a folder with a second server, to touch a folder
//! that holds something else, and to open data that another major version has written:
//! upgrades are the operator's decision. Linux only: it reads `/proc`.

mod binaries;
mod configuration;
mod error;
mod folders;
mod initdb;
mod owner;
mod server;
mod store;

pub use binaries::{Binaries, find_binaries};
pub use error::Error;

use folders::Folders;
use owner::Owner;
use server::{Server, Status};
use sqlx::{
    ConnectOptions, Connection,
    postgres::{PgConnectOptions, PgSslMode},
};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{sync::oneshot, task::spawn_blocking};

/// The role that peer authentication lets in.
const ROLE: &str = "postgres";

/// Which cluster, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its folder, `postgres` in the data folder. Made if it is missing.
    pub root: PathBuf,
    /// The folder with PostgreSQL's programs; by default the newest that are installed.
    pub binaries: Option<PathBuf>,
    /// Whom root runs a new cluster as.
    pub user: String,
    /// Only names the socket's file: nothing listens on a port.
    pub port: u16,
    /// Settings of PostgreSQL that win over ours, as in `postgresql.conf`.
    pub extra: Vec<(String, String)>,
}

impl Settings {
    /// The defaults for a cluster in this folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            binaries: None,
            user: ROLE.to_owned(),
            port: 5432,
            extra: Vec::new(),
        }
    }
}

/// A running private cluster. Dropping it leaves the server running, to be taken over;
/// [`PrivateCluster::stop`] stops it.
#[derive(Debug)]
pub struct PrivateCluster {
    parts: Arc<Parts>,
    running: Running,
    reattached: bool,
    pending_restart: Vec<String>,
    /// Held as long as we live.
    _lock: File,
}

#[derive(Debug)]
struct Parts {
    folders: Folders,
    owner: Owner,
    binaries: Binaries,
    server: Mutex<Server>,
}

/// Where a running server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    pid: i32,
    port: u16,
    socket: PathBuf,
}

impl Running {
    /// How to connect to this database of the cluster, as its superuser.
    pub fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket)
            .port(self.port)
            .username(ROLE)
            .database(database)
            // A socket has no TLS to ask for, and asking costs a round trip.
            .ssl_mode(PgSslMode::Disable)
    }

    /// The folder of the socket, for `psql --host`.
    pub fn socket_dir(&self) -> &Path {
        &self.socket
    }

    /// The first process of the server.
    pub const fn pid(&self) -> i32 {
        self.pid
    }
}

impl From<Status> for Running {
    fn from(status: Status) -> Self {
        Self {
            pid: status.pid,
            port: status.port,
            socket: status.socket,
        }
    }
}

impl PrivateCluster {
    /// Makes the cluster if there is none, takes over its server if one is running, or
    /// starts it. Returns when it takes connections. Given up half-way, it leaves no server
    /// behind.
    pub async fn start(settings: Settings) -> Result<Self, Error> {
        let (sender, receiver) = oneshot::channel();
        spawn_blocking(move || {
            if let Err(Ok(abandoned)) = sender.send(Self::start_blocking(&settings)) {
                let _ = abandoned.parts.server().stop();
            }
        });
        let mut cluster = receiver.await.map_err(|_| Error::Io {
            what: "starting the database".to_owned(),
            source: std::io::Error::other("the runtime is shutting down"),
        })??;
        if cluster.reattached {
            let mut connection = cluster.options(ROLE).connect().await?;
            cluster.pending_restart = store::pending_settings(&mut connection).await?;
            store::reload(&mut connection).await?;
            connection.close().await?;
        }
        Ok(cluster)
    }

    fn start_blocking(settings: &Settings) -> Result<Self, Error> {
        let folders = Folders::make(&settings.root)?;
        let owner = Owner::of(&folders.data, &settings.user)?;
        let lock = folders.lock()?;
        folders.open_to(&owner)?;
        owner.check_passage(&folders.root)?;
        let version = folders.version()?;
        let binaries = binaries::choose(settings.binaries.as_deref(), &folders.data, version)?;
        initdb::clear(&folders)?;
        if version.is_none() {
            initdb::make(&folders, &owner, &binaries)?;
        }
        owner.take(&folders.data)?;
        let socket = folders.socket(&owner, settings.port)?;
        let conf = configuration::server_conf(
            &folders.root,
            &folders.name,
            &socket,
            settings.port,
            &settings.extra,
        );
        folders.configure(&owner, &conf)?;

        let taken_over = take_over(&folders)?;
        let reattached = taken_over.is_some();
        let (server, running) = if let Some(found) = taken_over {
            found
        } else {
            let server = Server::launch(&folders, &owner, &binaries, &socket, settings.port)?;
            let running = Running {
                pid: server.pid(),
                port: settings.port,
                socket,
            };
            (server, running)
        };
        Ok(Self {
            parts: Arc::new(Parts {
                folders,
                owner,
                binaries,
                server: Mutex::new(server),
            }),
            running,
            reattached,
            pending_restart: Vec::new(),
            _lock: lock,
        })
    }

    /// Finds the server of a cluster that a running Portico holds: for commands beside it.
    /// It takes no lock and changes nothing. Nothing is found by a user who is neither root
    /// nor the cluster's.
    pub fn attach(root: &Path) -> Option<Running> {
        let folders = Folders::at(root).ok()?;
        Status::of(&folders)
            .filter(|status| status.ready)
            .map(Running::from)
    }

    /// Starts the server again if it has ended (somebody killed it, or the system did), and
    /// says whether it had. Connections to the old one are lost; the address stays.
    pub async fn ensure_running(&self) -> Result<bool, Error> {
        let parts = Arc::clone(&self.parts);
        let (socket, port) = (self.running.socket.clone(), self.running.port);
        blocking(move || {
            let mut server = parts.server();
            if server.ended().is_none() {
                return Ok(false);
            }
            *server = Server::launch(&parts.folders, &parts.owner, &parts.binaries, &socket, port)?;
            Ok(true)
        })
        .await
    }

    /// Stops the server: no new connections, open transactions rolled back, everything on disk.
    pub async fn stop(self) -> Result<(), Error> {
        let parts = Arc::clone(&self.parts);
        blocking(move || parts.server().stop()).await
    }

    /// How to connect to this database of the cluster, as its superuser.
    pub fn options(&self, database: &str) -> PgConnectOptions {
        self.running.options(database)
    }

    /// The folder of the socket, for `psql --host`.
    pub fn socket_dir(&self) -> &Path {
        &self.running.socket
    }

    /// The server's first process, the one that all others are started by.
    pub fn pid(&self) -> i32 {
        self.parts.server().pid()
    }

    /// The system user that the server runs as.
    pub fn user(&self) -> &str {
        &self.parts.owner.name
    }

    /// The programs it runs.
    pub fn binaries(&self) -> &Binaries {
        &self.parts.binaries
    }

    /// Whether a server that was already running was taken over.
    pub const fn reattached(&self) -> bool {
        self.reattached
    }

    /// After a take-over: the settings that will hold only after a restart.
    pub fn pending_restart(&self) -> &[String] {
        &self.pending_restart
    }
}

impl Parts {
    fn server(&self) -> std::sync::MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server that an earlier Portico left running. One whose socket is gone (a cleaned
/// /tmp) cannot be reached any more: it is stopped, to be started anew.
fn take_over(folders: &Folders) -> Result<Option<(Server, Running)>, Error> {
    let Some(status) = Status::of(folders) else {
        return Ok(None);
    };
    let mut server = Server::found(status.pid);
    if !status.socket_file().exists() && status.ready {
        server.stop()?;
        return Ok(None);
    }
    match server.wait_until_ready(folders, 0) {
        Ok(()) => Ok(Some((server, status.into()))),
        // It was on its way out when we found it.
        Err(Error::Ended { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Runs what blocks where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    spawn_blocking(work).await.map_err(|error| Error::Io {
        what: "working on the database".to_owned(),
        source: error.into(),
    })?
}
