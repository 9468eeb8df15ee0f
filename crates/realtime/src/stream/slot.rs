//! The replication slot: made when missing, made anew when lost.
//!
//! A slot holds back PostgreSQL's log until its reader has acknowledged it, so it is created only
//! when there is something to read; `care.rs` watches it from then on.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::time::timeout;

/// The slot as it was found or made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    /// Everything that commits after this place in the log will be read.
    pub(crate) confirmed: u64,
    /// It was made just now, so nothing before it can be read.
    pub(crate) made: bool,
    /// It took the place of one that PostgreSQL had given up.
    pub(crate) lost: bool,
}

/// The log of this server does not tell of rows.
#[derive(Debug)]
pub(crate) struct NotLogical(String);

impl std::error::Error for NotLogical {}

impl std::fmt::Display for NotLogical {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "wal_level is {}, not logical", self.0)
    }
}

/// Whether the log of this server tells of rows.
pub(crate) async fn is_logical(db: &mut PgConnection) -> Result<bool> {
    let level: String = sqlx::query_scalar("select current_setting('wal_level')")
        .fetch_one(db)
        .await?;
    Ok(level == "logical")
}

/// How long a new connection may take that only asks whether there can be one.
const ANSWER: Duration = Duration::from_secs(2);

/// Finds the slot, or makes it. Fails where this server cannot stream.
pub(crate) async fn ensure(db: &mut PgConnection, name: &str, publication: &str) -> Result<Slot> {
    let level: String = sqlx::query_scalar("select current_setting('wal_level')")
        .fetch_one(&mut *db)
        .await?;
    if level != "logical" {
        return Err(NotLogical(level).into());
    }
    let tables: i64 =
        sqlx::query_scalar("select count(*) from pg_publication_tables where pubname = $1")
            .bind(publication)
            .fetch_one(&mut *db)
            .await?;
    if tables == 0 {
        bail!("the publication {publication} has no tables yet");
    }
    let found: Option<(String, bool, Option<String>, bool)> = sqlx::query_as(
        "select confirmed_flush_lsn::text,
                coalesce(plugin = 'pgoutput' and database = current_database(), false),
                wal_status, active
           from pg_replication_slots
          where slot_name = $1 and confirmed_flush_lsn is not null
          union all
         select '0/0', false, wal_status, active
           from pg_replication_slots
          where slot_name = $1 and confirmed_flush_lsn is null",
    )
    .bind(name)
    .fetch_optional(&mut *db)
    .await?;
    match found {
        Some((_, _, Some(status), false)) if status == "lost" => {
            tracing::error!(
                slot = name,
                "the replication slot was lost: PostgreSQL removed log it still needed \
                 (max_slot_wal_keep_size); it is made anew and every client is told to refetch",
            );
            drop_slot(db, name).await?;
            let made = create(db, name).await?;
            Ok(Slot { lost: true, ..made })
        }
        Some((_, false, ..)) => bail!("the slot {name} is not ours: another plugin or database"),
        Some((confirmed, ..)) => Ok(Slot {
            confirmed: parse(&confirmed)?,
            made: false,
            lost: false,
        }),
        None => create(db, name).await,
    }
}

async fn create(db: &mut PgConnection, name: &str) -> Result<Slot> {
    let confirmed: String = sqlx::query_scalar(
        "select lsn::text from pg_create_logical_replication_slot($1, 'pgoutput')",
    )
    .bind(name)
    .fetch_one(db)
    .await
    .context("the replication slot could not be made")?;
    tracing::info!(slot = name, at = confirmed, "replication slot made");
    Ok(Slot {
        confirmed: parse(&confirmed)?,
        made: true,
        lost: false,
    })
}

/// Removes the slot. Fails while somebody reads it.
pub(crate) async fn drop_slot(db: &mut PgConnection, name: &str) -> Result<()> {
    sqlx::query(
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1",
    )
    .bind(name)
    .execute(db)
    .await?;
    Ok(())
}

/// Whether PostgreSQL lets nobody in any more because it stops.
pub(crate) async fn is_stopping(db: &PgPool) -> bool {
    let options = db.connect_options();
    match timeout(ANSWER, PgConnection::connect_with(&options)).await {
        // `cannot_connect_now`.
        Ok(Err(sqlx::Error::Database(error))) => error.code().as_deref() == Some("57P03"),
        Ok(Ok(connection)) => {
            let _ = timeout(ANSWER, connection.close()).await;
            false
        }
        _ => false,
    }
}

/// Writes into the log, so that a quiet database's slot moves on, and whoever reads it hears that
/// the connection lives. In a transaction, because only a commit is sure to be written out.
pub(crate) async fn beat(db: &mut PgConnection) -> Result<()> {
    sqlx::query("select pg_logical_emit_message(true, 'portico.heartbeat', '')")
        .execute(db)
        .await?;
    Ok(())
}

/// The number of this database in its cluster.
pub(crate) async fn database(db: &mut PgConnection) -> Result<u32> {
    let oid: i64 = sqlx::query_scalar(
        "select oid::bigint from pg_database where datname = current_database()",
    )
    .fetch_one(db)
    .await?;
    Ok(u32::try_from(oid)?)
}

/// The end of the log now: what commits later is news.
pub(crate) async fn head(db: &mut PgConnection) -> Result<u64> {
    let head: String = sqlx::query_scalar("select pg_current_wal_insert_lsn()::text")
        .fetch_one(db)
        .await?;
    parse(&head)
}

fn parse(lsn: &str) -> Result<u64> {
    Ok(pgwire_replication::Lsn::parse(lsn)?.as_u64())
}
