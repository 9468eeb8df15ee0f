//! The SQL of the journal: making and removing it, cutting it into portions, reading them.

use anyhow::{Context as _, Result};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use time::OffsetDateTime;

use super::pgoutput::Described;

/// A portion: what is told together. All rows up to an id of transactions before a number, less
/// those of the portion before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Portion {
    pub(super) place: i64,
    pub(super) last_id: i64,
    pub(super) before: i64,
}

/// A row as a trigger wrote it down.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) xid: i64,
    pub(super) at: OffsetDateTime,
    pub(super) relation: i64,
    pub(super) kind: String,
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

/// Makes the journal and puts its triggers on the published tables. Returns its name: another
/// after it was removed and made again.
pub(super) async fn make(db: &mut PgConnection, publication: &str) -> Result<String> {
    let mut tx = db.begin().await?;
    sqlx::query("select pg_advisory_xact_lock(hashtext('portico journal'))")
        .execute(&mut *tx)
        .await?;
    let there: bool = sqlx::query_scalar("select to_regclass('realtime.journal') is not null")
        .fetch_one(&mut *tx)
        .await?;
    sqlx::raw_sql(include_str!("journal.sql"))
        .execute(&mut *tx)
        .await
        .context("the journal cannot be made")?;
    if !there {
        let name = uuid::Uuid::now_v7();
        let comment = AssertSqlSafe(format!("comment on table realtime.journal is '{name}'"));
        sqlx::query(comment).execute(&mut *tx).await?;
    }
    let untold: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', t.schemaname, t.tablename)
           from pg_publication_tables t
          where t.pubname = $1 and not exists (
              select from pg_trigger g
               where g.tgrelid = format('%I.%I', t.schemaname, t.tablename)::regclass
                 and g.tgname = 'portico_journal')",
    )
    .bind(publication)
    .fetch_all(&mut *tx)
    .await?;
    for table in untold {
        // The name was quoted by PostgreSQL itself.
        let triggers = AssertSqlSafe(format!(
            "create trigger portico_journal after insert or update or delete on {table}
                 for each row execute function realtime.write_journal();
             create trigger portico_journal_truncate after truncate on {table}
                 for each statement execute function realtime.write_journal()"
        ));
        sqlx::raw_sql(triggers).execute(&mut *tx).await?;
    }
    let name: String =
        sqlx::query_scalar("select obj_description('realtime.journal'::regclass, 'pg_class')")
            .fetch_one(&mut *tx)
            .await?;
    tx.commit().await?;
    Ok(name)
}

/// Removes the journal where the log itself can be read: its triggers cost every writer.
pub(super) async fn remove(db: &mut PgConnection) -> Result<()> {
    let there: bool = sqlx::query_scalar("select to_regclass('realtime.journal') is not null")
        .fetch_one(&mut *db)
        .await?;
    if there {
        tracing::info!("PostgreSQL's own log can be read: the journal is removed");
        sqlx::raw_sql(
            "drop function realtime.write_journal cascade;
             drop table realtime.journal, realtime.journal_portions",
        )
        .execute(db)
        .await?;
    }
    Ok(())
}

/// The portions that are known, from the oldest on.
pub(super) async fn portions(db: &mut PgConnection, after: i64) -> Result<Vec<Portion>> {
    let found: Vec<(i64, i64, i64)> = sqlx::query_as(
        "select place, last_id, before::text::bigint
           from realtime.journal_portions where place > $1 order by place",
    )
    .bind(after)
    .fetch_all(db)
    .await?;
    let portions = found.into_iter().map(|(place, last_id, before)| Portion {
        place,
        last_id,
        before,
    });
    Ok(portions.collect())
}

/// Cuts the next portion, if there is one and no other server was faster.
///
/// Rows are told in the order in which they were written down, which is that of a row's own
/// changes, as far as the first that may still be followed by an earlier one: one of a
/// transaction not yet before all that run.
pub(super) async fn cut(db: &mut PgConnection, known: Portion) -> Result<()> {
    let before: i64 =
        sqlx::query_scalar("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            .fetch_one(&mut *db)
            .await?;
    sqlx::query(
        "with fresh as (
             select id, xid from realtime.journal
              where id > $1 or xid >= $2::text::xid8
         ), held as (
             select min(id) as id from fresh where xid >= $3::text::xid8
         ), portion as (
             select max(fresh.id) as last_id, min(fresh.id) as first_id
               from fresh, held
              where fresh.xid < $3::text::xid8 and (held.id is null or fresh.id < held.id)
         )
         insert into realtime.journal_portions (place, last_id, before)
         select $4, greatest(portion.last_id, $1), $3::text::xid8
           from portion, held
          where portion.last_id is not null and (held.id is null or held.id > $1)
             on conflict do nothing",
    )
    .bind(known.last_id)
    .bind(known.before.to_string())
    .bind(before.to_string())
    .bind(known.place + 1)
    .execute(db)
    .await?;
    Ok(())
}

/// The rows of a portion.
pub(super) async fn rows(
    db: &mut PgConnection,
    before: Portion,
    portion: Portion,
) -> Result<Vec<Row>> {
    let rows = sqlx::query_as(
        "select xid::text::bigint as xid, at, relation::bigint as relation, kind, old, new
           from realtime.journal
          where id <= $3 and xid < $4::text::xid8
            and (id > $1 or xid >= $2::text::xid8)
          order by id",
    )
    .bind(before.last_id)
    .bind(before.before.to_string())
    .bind(portion.last_id)
    .bind(portion.before.to_string())
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Forgets what is older than so many seconds, except the last portion of it, on which the next
/// joins.
pub(super) async fn forget(db: &mut PgConnection, seconds: f64) -> Result<()> {
    sqlx::query(
        "with base as (
             select place, last_id, before from realtime.journal_portions
              where at < now() - make_interval(secs => $1) order by place desc limit 1
         ), rows as (
             delete from realtime.journal using base
              where id <= base.last_id and xid < base.before
         )
         delete from realtime.journal_portions using base
          where journal_portions.place < base.place",
    )
    .bind(seconds)
    .execute(db)
    .await?;
    Ok(())
}

/// Describes a table as the log would, and says of each column of its rows whether it is
/// published.
pub(super) async fn describe(
    db: &mut PgConnection,
    oid: u32,
    publication: &str,
) -> Result<Option<(Described, Vec<bool>)>> {
    let found: Vec<(String, String, String, i64, bool)> = sqlx::query_as(
        "select n.nspname::text, c.relname::text, a.attname::text, a.atttypid::bigint,
                coalesce(a.attname = any (t.attnames), false)
           from pg_class c
           join pg_namespace n on n.oid = c.relnamespace
           join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           left join pg_publication_tables t
             on t.pubname = $2 and t.schemaname = n.nspname and t.tablename = c.relname
          where c.oid::bigint = $1 order by a.attnum",
    )
    .bind(i64::from(oid))
    .bind(publication)
    .fetch_all(db)
    .await?;
    let Some((schema, name, ..)) = found.first().cloned() else {
        return Ok(None);
    };
    let shown = found.iter().map(|(.., shown)| *shown).collect();
    let columns = found.into_iter().filter(|(.., shown)| *shown);
    let columns = columns.map(|(_, _, name, oid, _)| Ok((name, u32::try_from(oid)?)));
    let described = Described {
        oid,
        schema,
        name,
        columns: columns.collect::<Result<_>>()?,
    };
    Ok(Some((described, shown)))
}
