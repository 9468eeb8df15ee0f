//! A folder with a cluster in it, and what is written there and read again.

use kernel::postgres::{PrivateCluster, Settings};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    time::{Duration, Instant},
};

/// A folder that any user may pass through, removed at the end together with a server that
/// a failed test left.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path =
            std::env::temp_dir().join(format!("portico-cluster-{}", uuid::Uuid::now_v7().simple()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.0.join("postgres")
    }

    pub(crate) async fn start(&self) -> PrivateCluster {
        PrivateCluster::start(Settings::new(self.root()))
            .await
            .unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(running) = PrivateCluster::attach(&self.root()) {
            let _ = kill(Pid::from_raw(running.pid()), Signal::SIGKILL);
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) async fn connect(cluster: &PrivateCluster) -> PgConnection {
    cluster.options("postgres").connect().await.unwrap()
}

pub(crate) async fn write(cluster: &PrivateCluster) {
    let mut db = connect(cluster).await;
    sqlx::raw_sql("create table kept (n int); insert into kept values (42)")
        .execute(&mut db)
        .await
        .unwrap();
    db.close().await.unwrap();
}

pub(crate) async fn read(cluster: &PrivateCluster) -> i32 {
    let mut db = connect(cluster).await;
    let n = sqlx::query_scalar("select n from kept")
        .fetch_one(&mut db)
        .await
        .unwrap();
    db.close().await.unwrap();
    n
}

pub(crate) async fn show(db: &mut PgConnection, setting: &str) -> String {
    sqlx::query_scalar("select current_setting($1)")
        .bind(setting)
        .fetch_one(db)
        .await
        .unwrap()
}

/// Waits until a process is gone: reaped, or a zombie.
pub(crate) fn wait_until_gone(pid: i32) {
    let begin = Instant::now();
    while fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "process {pid} does not end"
        );
        std::thread::yield_now();
    }
}
