//! Which database: the configured one, or a private cluster in the data folder.

use crate::config::Config;
use anyhow::{Context, bail};
use kernel::{
    database::Addresses,
    postgres::{PrivateCluster, Running, Settings},
    tasks::Tasks,
};
use sqlx::{ConnectOptions, Connection};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// The database's name in a private cluster.
const NAME: &str = "portico";
/// How often we look whether PostgreSQL lives.
const CHECK: Duration = Duration::from_secs(2);

/// A database, and the cluster that is ours to stop, if it is one of ours.
#[derive(Debug)]
pub struct Home {
    /// How to reach it.
    pub addresses: Addresses,
    /// The private cluster.
    pub cluster: Option<Arc<PrivateCluster>>,
}

/// The folder of the private cluster.
pub fn folder(config: &Config) -> PathBuf {
    config.data.join("postgres")
}

/// Finds the configured database, or starts the private cluster.
pub async fn open(config: &Config) -> anyhow::Result<Home> {
    if let Some(addresses) = Addresses::from_config(&config.database)? {
        return Ok(Home {
            addresses,
            cluster: None,
        });
    }
    let cluster = PrivateCluster::start(Settings::new(absolute(config)?)).await?;
    if let Err(error) = create(cluster.options("postgres")).await {
        // Started for us, and of no use.
        let _ = cluster.stop().await;
        return Err(error);
    }
    Ok(Home {
        addresses: Addresses::single(cluster.options(NAME)),
        cluster: Some(Arc::new(cluster)),
    })
}

/// For a command beside a running server: attaches to its cluster, or starts it for a
/// while. The second is ours to stop.
pub async fn visit(config: &Config) -> anyhow::Result<Home> {
    if config.database.url.is_none()
        && let Some(running) = attach(config)?
    {
        return Ok(Home {
            addresses: Addresses::single(running.options(NAME)),
            cluster: None,
        });
    }
    open(config).await
}

impl Home {
    /// Starts the cluster's server again whenever it dies, until the tasks end.
    pub fn watch(&self, tasks: &Tasks) {
        let Some(cluster) = self.cluster.clone() else {
            return;
        };
        let token = tasks.token();
        tasks.spawn("private cluster", async move {
            loop {
                tokio::select! {
                    () = token.cancelled() => return,
                    () = tokio::time::sleep(CHECK) => {}
                }
                match cluster.ensure_running().await {
                    Ok(false) => {}
                    Ok(true) => tracing::warn!("PostgreSQL had died and was started again"),
                    Err(error) => tracing::error!(%error, "PostgreSQL has died and does not start"),
                }
            }
        });
    }

    /// Stops the cluster if it was started for us.
    pub async fn close(self) -> anyhow::Result<()> {
        match self.cluster.map(Arc::try_unwrap) {
            Some(Ok(cluster)) => Ok(cluster.stop().await?),
            Some(Err(_)) => bail!("the private cluster is still in use and was left running"),
            None => Ok(()),
        }
    }
}

fn attach(config: &Config) -> anyhow::Result<Option<Running>> {
    Ok(PrivateCluster::attach(&absolute(config)?))
}

fn absolute(config: &Config) -> anyhow::Result<PathBuf> {
    let folder = folder(config);
    std::path::absolute(&folder).with_context(|| format!("{} is no path", folder.display()))
}

async fn create(options: sqlx::postgres::PgConnectOptions) -> anyhow::Result<()> {
    let mut connection = options.connect().await.context("the private cluster")?;
    let there: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = 'portico')")
            .fetch_one(&mut connection)
            .await?;
    if !there
        && let Err(error) = sqlx::query("create database portico")
            .execute(&mut connection)
            .await
    {
        // Somebody else may have been first.
        let duplicate = error
            .as_database_error()
            .is_some_and(|e| e.code().as_deref() == Some("42P04"));
        if !duplicate {
            bail!(error);
        }
    }
    connection.close().await?;
    Ok(())
}
