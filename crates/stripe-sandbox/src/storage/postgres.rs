//! Keeps the rows in PostgreSQL, in one table of its own schema. Refuses a second sandbox on the same schema.

use anyhow::{Context, ensure};
use async_trait::async_trait;
use sqlx::types::Json;
use sqlx::{PgPool, Postgres as Pg, Row as _, pool::PoolConnection};
use tokio::sync::Mutex;

use super::Keep;
use crate::core::json::Value;
use crate::core::state::Row;

/// The advisory lock's number: the letters `stripesb`.
const LOCK: i64 = 0x7374_7269_7065_7362;

pub(super) struct Postgres {
    pool: PgPool,
    /// The connection that holds the lock, for as long as the sandbox lives.
    holder: Mutex<Option<PoolConnection<Pg>>>,
}

impl Postgres {
    pub(super) fn new(pool: PgPool) -> Self {
        Self {
            pool,
            holder: Mutex::new(None),
        }
    }

    async fn prepare(&self) -> anyhow::Result<()> {
        let mut holder = self.holder.lock().await;
        if holder.is_some() {
            return Ok(());
        }
        let mut connection = self
            .pool
            .acquire()
            .await
            .context("no connection for the sandbox")?;
        let (mine,): (bool,) = sqlx::query_as("select pg_try_advisory_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut *connection)
            .await?;
        ensure!(mine, "another sandbox uses this database");
        sqlx::query("create schema if not exists stripe_sandbox")
            .execute(&mut *connection)
            .await?;
        sqlx::query(
            "create table if not exists stripe_sandbox.objects (
                id text primary key,
                kind text not null,
                seq bigint not null,
                body jsonb not null,
                written_at timestamptz not null default now()
            )",
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query(
            "create index if not exists objects_kind_seq_idx on stripe_sandbox.objects (kind, seq)",
        )
        .execute(&mut *connection)
        .await?;
        *holder = Some(connection);
        Ok(())
    }
}

#[async_trait]
impl Keep for Postgres {
    fn wants_rows(&self) -> bool {
        true
    }

    async fn load(&self) -> anyhow::Result<Vec<Row>> {
        self.prepare().await?;
        let found =
            sqlx::query("select id, kind, seq, body from stripe_sandbox.objects order by seq")
                .fetch_all(&self.pool)
                .await?;
        found
            .into_iter()
            .map(|row| {
                Ok(Row {
                    id: row.try_get("id")?,
                    kind: row.try_get("kind")?,
                    seq: row.try_get("seq")?,
                    body: Some(row.try_get::<Json<Value>, _>("body")?.0),
                })
            })
            .collect()
    }

    async fn commit(&self, rows: Vec<Row>) -> anyhow::Result<()> {
        let (mut ids, mut kinds, mut seqs, mut bodies, mut gone) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            match row.body {
                Some(body) => {
                    ids.push(row.id);
                    kinds.push(row.kind);
                    seqs.push(row.seq);
                    bodies.push(Json(body));
                }
                None => gone.push(row.id),
            }
        }
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "insert into stripe_sandbox.objects (id, kind, seq, body)
            select * from unnest($1::text[], $2::text[], $3::bigint[], $4::jsonb[])
            on conflict (id) do update set kind = excluded.kind, body = excluded.body, written_at = now()",
        )
        .bind(ids)
        .bind(kinds)
        .bind(seqs)
        .bind(bodies)
        .execute(&mut *tx)
        .await?;
        if !gone.is_empty() {
            sqlx::query("delete from stripe_sandbox.objects where id = any($1)")
                .bind(gone)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn clear(&self) -> anyhow::Result<()> {
        self.prepare().await?;
        sqlx::query("delete from stripe_sandbox.objects")
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn release(&self) {
        if let Some(mut connection) = self.holder.lock().await.take() {
            // Given back in words: after a close, the server lets go of it some time later, and the next sandbox would
            // be refused meanwhile.
            let unlock = sqlx::query("select pg_advisory_unlock($1)").bind(LOCK);
            if let Err(error) = unlock.execute(&mut *connection).await {
                tracing::warn!(%error, "the sandbox's lock could not be given back");
            }
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "the sandbox's connection could not be closed");
            }
        }
    }
}
