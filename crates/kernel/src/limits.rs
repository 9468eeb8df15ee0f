//! Rate limits shared by all nodes: the generic cell rate algorithm (ITU-T I.371), one
//! instant a key in an unlogged table. A crash forgets them, which is harmless.

use crate::{
    clock::Clock,
    error::{Error, Result},
};
use sqlx::PgPool;
use std::time::Duration;
use time::OffsetDateTime;

/// So many at once, then one for each `every`.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// How many may come together.
    pub burst: u32,
    /// The time that each of them costs.
    pub every: Duration,
}

/// Counts acts against quotas.
#[derive(Debug, Clone)]
pub struct Limits {
    db: PgPool,
    clock: Clock,
}

impl Limits {
    /// Limits kept in this database.
    pub fn new(db: PgPool, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// Takes one from the quota of `key`, or fails with the time to come back.
    pub async fn take(&self, key: &str, quota: Quota) -> Result<()> {
        let now = self.clock.now();
        let cost = quota.every.as_secs_f64();
        // The bucket is full again at `full_at`; an act moves that instant by its cost
        // and is refused if it would lie further away than the burst allows.
        let full_at = sqlx::query_scalar!(
            r#"
            insert into kernel.rate_limits as held (key, full_at)
            values ($1, $2::timestamptz + make_interval(secs => $3))
            on conflict (key) do update
            set full_at = greatest(held.full_at, $2) + make_interval(secs => $3)
            where greatest(held.full_at, $2) + make_interval(secs => $3)
                <= $2 + make_interval(secs => $3 * $4)
            returning full_at
            "#,
            key,
            now,
            cost,
            f64::from(quota.burst),
        )
        .fetch_optional(&self.db)
        .await?;
        if full_at.is_some() {
            return Ok(());
        }
        let held: Option<OffsetDateTime> =
            sqlx::query_scalar!("select full_at from kernel.rate_limits where key = $1", key)
                .fetch_optional(&self.db)
                .await?;
        let allowed_from = held.unwrap_or(now) - quota.every * quota.burst.saturating_sub(1);
        let retry_after = Duration::try_from(allowed_from - now).unwrap_or(Duration::ZERO);
        Err(Error::TooMany { retry_after })
    }

    /// Gives back what a success should not cost.
    pub async fn reset(&self, key: &str) -> Result<()> {
        sqlx::query!("delete from kernel.rate_limits where key = $1", key)
            .execute(&self.db)
            .await?;
        Ok(())
    }

    /// Forgets buckets that are full again.
    pub async fn sweep(&self) -> Result<u64> {
        let swept = sqlx::query!(
            "delete from kernel.rate_limits where full_at < $1",
            self.clock.now()
        )
        .execute(&self.db)
        .await?;
        Ok(swept.rows_affected())
    }
}
