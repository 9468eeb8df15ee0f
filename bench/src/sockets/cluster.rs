//! A PostgreSQL cluster as Portico makes one, with two live tables: one for everybody, and one of
//! which each row is somebody's.

use anyhow::Context;
use kernel::postgres::{PrivateCluster, Settings};
use std::path::{Path, PathBuf};
use tokio::task::spawn_local;
use tokio_postgres::{Client, Config, NoTls};

/// The publication that the server reads.
pub(super) const PUBLICATION: &str = "bench_live";
/// The server's slot.
pub(super) const SLOT: &str = "bench_live";

/// Rows as the product has them: some text, some numbers, some times.
const SCHEMA: &str = "
    create schema bench;
    create table bench.news (
        id uuid primary key default gen_random_uuid(), owner uuid, stamp text not null,
        title text not null default 'A title of the usual length', count int not null default 7,
        read_at timestamptz, created_at timestamptz not null default now()
    );
    create table bench.orders (like bench.news including all);
    alter table bench.news replica identity full;
    alter table bench.orders replica identity full;
    create publication bench_live for table bench.news, bench.orders;";

pub(super) struct Cluster {
    running: PrivateCluster,
    socket: PathBuf,
}

impl Cluster {
    pub(super) async fn start(data: &Path) -> anyhow::Result<Self> {
        let running = PrivateCluster::start(Settings::new(data.join("changes"))).await?;
        let socket = running.socket_dir().to_owned();
        let cluster = Self { running, socket };
        let local = tokio::task::LocalSet::new();
        let made = async {
            let db = connect(&cluster.socket).await?;
            db.batch_execute(SCHEMA).await.context("the live tables")
        };
        local.run_until(made).await?;
        Ok(cluster)
    }

    pub(super) fn socket(&self) -> String {
        self.socket.display().to_string()
    }

    pub(super) fn pid(&self) -> i32 {
        self.running.pid()
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        Ok(self.running.stop().await?)
    }
}

/// A connection, served in this thread.
pub(super) async fn connect(socket: &Path) -> anyhow::Result<Client> {
    let (client, connection) = Config::new()
        .host_path(socket)
        .port(5432)
        .user("postgres")
        .dbname("postgres")
        .application_name("portico bench")
        .connect(NoTls)
        .await
        .context("the cluster does not answer")?;
    spawn_local(connection);
    Ok(client)
}
