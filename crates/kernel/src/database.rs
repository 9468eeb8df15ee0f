//! The database: one pool for requests, one of direct connections for what needs a
//! session (migrations, listening, jobs) behind a transaction pooler, and the
//! migrations that run at start.

pub use crate::shelf::Lease;

use crate::{
    pooler,
    shelf::{self, Shelf},
};
use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sqlx::{
    Connection, PgConnection, PgPool, Postgres, SqlSafeStr, Transaction,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};

/// Where the database is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// Any PostgreSQL 15 or later; without it, a private cluster in the data folder.
    /// TLS is verified unless the URL says otherwise (`sslmode`).
    #[serde(serialize_with = "crate::config::mask_url")]
    pub url: Option<SecretString>,
    /// The same database past a transaction pooler; `url` unless said.
    #[serde(serialize_with = "crate::config::mask_url")]
    pub direct_url: Option<SecretString>,
    /// The most connections for requests; 16 unless said.
    pub connections: Option<u32>,
}

/// How to reach a database: through the pooler, if there is one, and past it.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// For requests.
    pub pooled: PgConnectOptions,
    /// For what needs a session.
    pub direct: PgConnectOptions,
    /// Whether a pooler stands before the first.
    pub pooler: bool,
}

impl Addresses {
    /// One address for both.
    pub fn single(options: PgConnectOptions) -> Self {
        Self {
            pooled: options.clone(),
            direct: options,
            pooler: false,
        }
    }

    /// The addresses of a configured external database.
    pub fn from_config(config: &DatabaseConfig) -> anyhow::Result<Option<Self>> {
        let Some(url) = &config.url else {
            return Ok(None);
        };
        let pooled = parse(url).context("DATABASE_URL")?;
        let direct = match &config.direct_url {
            Some(url) => parse(url).context("DIRECT_DATABASE_URL")?,
            None => pooled.clone(),
        };
        Ok(Some(Self {
            pooled,
            direct,
            pooler: config.direct_url.is_some(),
        }))
    }
}

fn parse(url: &SecretString) -> anyhow::Result<PgConnectOptions> {
    use sqlx::postgres::PgSslMode;
    let url = url.expose_secret();
    let options = PgConnectOptions::from_str(url).context("it is not a PostgreSQL URL")?;
    // Over a network the server must prove who it is, unless the operator said otherwise.
    let local = options.get_socket().is_some()
        || matches!(options.get_host(), "localhost" | "127.0.0.1" | "::1")
        || options.get_host().starts_with('/');
    if !local && !url.contains("sslmode=") {
        return Ok(options.ssl_mode(PgSslMode::VerifyFull));
    }
    Ok(options)
}

/// The pools of one server.
#[derive(Debug, Clone)]
pub struct Database {
    pool: PgPool,
    direct: PgPool,
    shelf: Shelf,
    past_pooler: bool,
}

impl Database {
    /// Connects. Fails if the database does not answer. A pooler that does not carry prepared
    /// statements is passed by.
    pub async fn connect(addresses: &Addresses, connections: u32) -> anyhow::Result<Self> {
        let past_pooler = addresses.pooler
            && !pooler::carries_statements(&addresses.pooled)
                .await
                .context("the database does not answer")?;
        let address = if past_pooler {
            tracing::warn!(
                "the pooler does not carry prepared statements (PgBouncer does from 1.21 on, with \
                 max_prepared_statements): requests use DIRECT_DATABASE_URL, over up to \
                 {connections} connections"
            );
            &addresses.direct
        } else {
            &addresses.pooled
        };
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .min_connections(2.min(connections))
            .acquire_timeout(shelf::PATIENCE)
            // A dead connection fails its query and is replaced; a ping for every
            // request would double the round trips.
            .test_before_acquire(false)
            .idle_timeout(Duration::from_mins(5))
            .connect_with(address.clone().application_name("portico"))
            .await;
        let pool = match pool {
            Ok(pool) => pool,
            Err(error) => return Err(reason(address, error).await),
        };
        let direct = PgPoolOptions::new()
            .max_connections(8)
            .min_connections(0)
            .acquire_timeout(Duration::from_secs(10))
            .idle_timeout(Duration::from_mins(1))
            .connect_lazy_with(addresses.direct.clone().application_name("portico direct"));
        let shelf = Shelf::new(pool.clone(), connections);
        Ok(Self {
            pool,
            direct,
            shelf,
            past_pooler,
        })
    }

    /// Whether there is a pooler that is not used, because it does not carry prepared
    /// statements.
    pub fn is_past_pooler(&self) -> bool {
        self.past_pooler
    }

    /// The pool for requests.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Connections with a session of their own.
    pub fn direct(&self) -> &PgPool {
        &self.direct
    }

    /// Begins a transaction: one verb, one transaction.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        match self.shelf.take().await {
            Some(connection) => Transaction::begin(connection, None).await,
            None => self.pool.begin().await,
        }
    }

    /// The same for queries whose best plan depends on their values, such as a list with
    /// many filters: the planner sees the values each time instead of one plan for all.
    pub async fn begin_planned(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        const PLANNED: &str = "begin; set local plan_cache_mode = force_custom_plan";
        match self.shelf.take().await {
            Some(connection) => Transaction::begin(connection, Some(PLANNED.into_sql_str())).await,
            None => self.pool.begin_with(PLANNED).await,
        }
    }

    /// A connection for reading outside a transaction.
    pub async fn acquire(&self) -> sqlx::Result<Lease> {
        self.shelf.lease().await
    }

    /// Closes both pools, waiting for what runs.
    pub async fn close(&self) {
        self.shelf.close();
        tokio::join!(self.pool.close(), self.direct.close());
    }
}

/// Why no connection came about: the pool tries again until its time is over, and then knows
/// no more than that.
async fn reason(address: &PgConnectOptions, error: sqlx::Error) -> anyhow::Error {
    let error = match (error, PgConnection::connect_with(address).await) {
        (sqlx::Error::PoolTimedOut, Err(cause)) => cause,
        (error, _) => error,
    };
    anyhow::Error::new(error).context("the database does not answer")
}

/// Brings the schema up to this version, under a lock, forward only.
///
/// Each migration is a transaction: one that fails leaves the schema, and so the
/// version of Portico that runs on it, as it was.
pub async fn migrate(db: &Database, migrator: &Migrator) -> anyhow::Result<()> {
    let mut migrator = Migrator {
        migrations: migrator.migrations.clone(),
        ..Migrator::DEFAULT
    };
    migrator.dangerous_set_table_name("kernel.migrations");
    let mut connection = db
        .direct
        .acquire()
        .await
        .context("the database does not answer")?;
    // The migrations' own table has to stand somewhere before the first of them runs. Two
    // servers that start together would both find no schema: one waits for the other.
    let mut tx = connection.begin().await?;
    sqlx::query("select pg_advisory_xact_lock(hashtext('portico migrations'))")
        .execute(&mut *tx)
        .await?;
    sqlx::query("create schema if not exists kernel")
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    let ran = migrator.run(&mut *connection).await;
    if ran.is_err() {
        // The lock is the session's: in the pool it would keep everybody else waiting.
        let _ = connection.close().await;
    }
    ran.map_err(explain)
}

/// How far the schema is: what is applied, and what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaState {
    /// The newest applied migration.
    pub version: Option<i64>,
    /// How many wait.
    pub pending: usize,
}

/// Looks how far the schema is.
pub async fn schema_state(db: &PgPool, migrator: &Migrator) -> sqlx::Result<SchemaState> {
    let there: bool = sqlx::query_scalar("select to_regclass('kernel.migrations') is not null")
        .fetch_one(db)
        .await?;
    let version: Option<i64> = if there {
        sqlx::query_scalar("select max(version) from kernel.migrations where success")
            .fetch_one(db)
            .await?
    } else {
        None
    };
    let pending = migrator
        .iter()
        .filter(|step| Some(step.version) > version)
        .count();
    Ok(SchemaState { version, pending })
}

fn explain(error: MigrateError) -> anyhow::Error {
    let advice = match &error {
        MigrateError::VersionMissing(_) => {
            "This database was migrated by a newer Portico. Start that version, or restore \
             the backup made before the upgrade."
        }
        MigrateError::VersionMismatch(_) => {
            "A migration that already ran was edited since. Restore its file: migrations only go forward."
        }
        _ => {
            "The migration was rolled back and the database is as it was: the version of \
             Portico that ran until now keeps working."
        }
    };
    anyhow::Error::new(error).context(advice)
}
