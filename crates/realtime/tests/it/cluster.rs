//! A PostgreSQL server of a test's own: with TLS and passwords, without logical decoding, to be
//! restarted. It listens on this machine only, and goes with its folder.

use std::{
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use kernel::postgres::{Error, PrivateCluster, Settings};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{ConnectOptions as _, Connection as _, postgres::PgConnectOptions};
use tokio::time::timeout;

use crate::server::PATIENCE;

/// A running server.
pub(crate) struct Cluster {
    folder: PathBuf,
    pub(crate) port: u16,
    running: Option<PrivateCluster>,
}

/// A certificate authority for one test, and the certificate of a server at `localhost`.
pub(crate) struct Papers {
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// One PostgreSQL folder at a time is made on this machine by a test: `initdb` is heavy.
static MAKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

impl Cluster {
    /// Makes a server with these settings, as `alter system` would set them.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let _making = MAKING.lock().await;
        let name = format!("portico-live-{}", uuid::Uuid::now_v7().simple());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        // Another may take it before the server does: rare, and then the test says so.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut cluster = Self {
            folder,
            port,
            running: None,
        };
        cluster.launch().await;
        let mut db = cluster.options("postgres").connect().await.unwrap();
        for (name, value) in settings {
            let value = value.replace('\'', "''");
            let set = format!("alter system set {name} = '{value}'");
            sqlx::raw_sql(sqlx::AssertSqlSafe(set))
                .execute(&mut db)
                .await
                .unwrap();
        }
        db.close().await.unwrap();
        cluster.restart().await;
        cluster
    }

    /// Puts a file beside the cluster that its server, and nobody else, may read.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        self.give(&path);
        path
    }

    fn give(&self, path: &Path) {
        if nix::unistd::getuid().is_root() {
            let owner = self
                .running
                .as_ref()
                .map_or("postgres", |running| running.user());
            let owner = nix::unistd::User::from_name(owner).unwrap().unwrap();
            nix::unistd::chown(path, Some(owner.uid), Some(owner.gid)).unwrap();
        }
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }

    /// Runs a statement as the superuser.
    pub(crate) async fn sql(&self, sql: &str) {
        let mut db = self.options("postgres").connect().await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&mut db)
            .await
            .unwrap();
        db.close().await.unwrap();
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await.unwrap();
        }
    }

    /// Asks it to stop, as an administrator does, and waits until it has; nobody is made to.
    pub(crate) async fn close(&mut self) {
        let running = PrivateCluster::attach(&self.folder.join("postgres")).unwrap();
        kill(Pid::from_raw(running.pid()), Signal::SIGINT).unwrap();
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        let closing = async {
            while PrivateCluster::attach(&self.folder.join("postgres")).is_some() {
                pause.tick().await;
            }
        };
        timeout(PATIENCE, closing).await.expect("it stops in time");
        self.running = None;
    }

    /// Has it take over as the standby of itself: what follows stands on another timeline, as after
    /// every fail-over.
    pub(crate) async fn fail_over(&mut self) {
        self.sql("alter system set restore_command = 'false'").await;
        self.close().await;
        let signal = self.folder.join("postgres/data/recovery.signal");
        fs::write(&signal, "").unwrap();
        self.give(&signal);
        self.launch().await;
        let mut db = self.options("postgres").connect().await.unwrap();
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        let recovering = async {
            while sqlx::query_scalar("select pg_is_in_recovery()")
                .fetch_one(&mut db)
                .await
                .unwrap()
            {
                pause.tick().await;
            }
        };
        timeout(PATIENCE, recovering).await.expect("it takes over");
    }

    pub(crate) async fn launch(&mut self) {
        let mut settings = Settings::new(self.folder.join("postgres"));
        settings.port = self.port;
        settings.extra = [
            ("fsync", "off"),
            ("shared_buffers", "16MB"),
            ("max_connections", "60"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        // A program that another test starts at this moment holds our lock until it is loaded.
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        let starting = async {
            loop {
                pause.tick().await;
                match PrivateCluster::start(settings.clone()).await {
                    Err(Error::InUse(_)) => {}
                    outcome => return outcome.unwrap(),
                }
            }
        };
        self.running = Some(timeout(PATIENCE, starting).await.expect("a lock in time"));
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.launch().await;
    }

    /// Over its socket, as its superuser.
    pub(crate) fn options(&self, database: &str) -> PgConnectOptions {
        self.running.as_ref().unwrap().options(database)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(running) = PrivateCluster::attach(&self.folder.join("postgres")) {
            let _ = kill(Pid::from_raw(running.pid()), Signal::SIGKILL);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Papers {
    pub(crate) fn new() -> Self {
        use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let signed = authority.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        Self {
            authority: signed.pem(),
            certificate: server.signed_by(&key, &issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}
