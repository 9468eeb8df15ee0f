//! The replication slot: made when missing, made anew when lost, never left to fill the disk.
//!
//! A slot holds back PostgreSQL's log until its reader has acknowledged it, so it is created only
//! when there is something to read, and checked against the server's limit while it runs.

use anyhow::{Context as _, Result, bail};
use sqlx::PgConnection;

/// The slot as it was found or made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    /// Everything that commits after this place in the log will be read.
    pub(crate) confirmed: u64,
    /// It was made just now, so nothing before it can be read.
    pub(crate) made: bool,
}

/// How the slot fares.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Condition {
    /// Bytes of log between the server's end and what the slot has confirmed.
    pub(crate) held_back: i64,
    /// Bytes that may still be written before the slot is lost; none where there is no limit.
    pub(crate) safe: Option<i64>,
}

/// Finds the slot, or makes it. Fails where this server cannot stream.
pub(crate) async fn ensure(db: &mut PgConnection, name: &str, publication: &str) -> Result<Slot> {
    let level: String = sqlx::query_scalar("select current_setting('wal_level')")
        .fetch_one(&mut *db)
        .await?;
    if level != "logical" {
        bail!("wal_level is {level}; the change stream needs `logical` (and a restart after it)");
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
            create(db, name).await
        }
        Some((_, false, ..)) => bail!("the slot {name} is not ours: another plugin or database"),
        Some((confirmed, ..)) => Ok(Slot {
            confirmed: parse(&confirmed)?,
            made: false,
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

/// Looks after the slot. A message written into the log lets a quiet database's slot move on.
pub(crate) async fn tend(db: &mut PgConnection, name: &str) -> Result<Condition> {
    sqlx::query("select pg_logical_emit_message(false, 'portico.heartbeat', '')")
        .execute(&mut *db)
        .await?;
    let found: Option<(i64, Option<i64>)> = sqlx::query_as(
        "select (pg_current_wal_lsn() - confirmed_flush_lsn)::bigint, safe_wal_size
           from pg_replication_slots where slot_name = $1",
    )
    .bind(name)
    .fetch_optional(db)
    .await?;
    let (held_back, safe) = found.context("the replication slot is gone")?;
    Ok(Condition { held_back, safe })
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
