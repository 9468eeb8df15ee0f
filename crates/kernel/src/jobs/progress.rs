//! How far a long job has come, for whoever waits for it.

use crate::error::Result;
use sqlx::PgPool;
use uuid::Uuid;

/// The record of one run.
#[derive(Debug, Clone)]
pub struct Progress {
    db: PgPool,
    id: Uuid,
}

impl Progress {
    pub(super) async fn begin(db: &PgPool, task: &str, total: Option<i64>) -> Result<Self> {
        let id = Uuid::now_v7();
        sqlx::query!(
            "insert into kernel.job_progress (id, task, total) values ($1, $2, $3)",
            id,
            task,
            total,
        )
        .execute(db)
        .await?;
        Ok(Self { db: db.clone(), id })
    }

    /// The id under which others read it.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// So much is done.
    pub async fn done(&self, done: i64, note: &str) -> Result<()> {
        sqlx::query!(
            "update kernel.job_progress set done = $2, note = $3, updated_at = now() where id = $1",
            self.id,
            done,
            note,
        )
        .execute(&self.db)
        .await?;
        Ok(())
    }

    /// All is done.
    pub async fn finish(&self, note: &str) -> Result<()> {
        sqlx::query!(
            r#"
            update kernel.job_progress
            set note = $2, finished_at = now(), updated_at = now(), done = coalesce(total, done)
            where id = $1
            "#,
            self.id,
            note,
        )
        .execute(&self.db)
        .await?;
        Ok(())
    }
}
