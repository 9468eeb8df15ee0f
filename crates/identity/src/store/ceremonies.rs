//! Questions that wait for an answer: passkeys, and sign-ins at a provider.

use kernel::id::UserId;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) async fn insert(
    db: &mut PgConnection,
    hash: &[u8],
    purpose: &str,
    user: Option<UserId>,
    state: &Value,
    expires_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.ceremonies (hash, purpose, user_id, state, expires_at)
        values ($1, $2, $3, $4, $5)
        "#,
        hash,
        purpose,
        user as Option<UserId>,
        state,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Who was asked what.
pub(crate) struct Asked {
    pub(crate) user: Option<UserId>,
    pub(crate) state: Value,
}

/// Uses a question up; nothing if it was answered, is too old, or was for something else.
pub(crate) async fn take(
    db: &mut PgConnection,
    hash: &[u8],
    purpose: &str,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Asked>> {
    sqlx::query_as!(
        Asked,
        r#"
        delete from identity.ceremonies
        where hash = $1 and purpose = $2 and expires_at > $3
        returning user_id as "user: UserId", state
        "#,
        hash,
        purpose,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Uses a question up like [`take`], and remembers until then that it was used.
pub(crate) async fn spend(
    db: &mut PgConnection,
    hash: &[u8],
    purpose: &str,
    used: &str,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> sqlx::Result<Option<Asked>> {
    sqlx::query_as!(
        Asked,
        r#"
        update identity.ceremonies set purpose = $3, expires_at = $5
        where hash = $1 and purpose = $2 and expires_at > $4
        returning user_id as "user: UserId", state
        "#,
        hash,
        purpose,
        used,
        now,
        until,
    )
    .fetch_optional(db)
    .await
}

/// Notes what came of a question that was used; false if somebody has used it again meanwhile.
pub(crate) async fn note(
    db: &mut PgConnection,
    hash: &[u8],
    used: &str,
    state: &Value,
) -> sqlx::Result<bool> {
    let noted = sqlx::query!(
        "update identity.ceremonies set state = $3 where hash = $1 and purpose = $2",
        hash,
        used,
        state,
    )
    .execute(db)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Forgets what nobody answered.
pub(crate) async fn sweep(db: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<u64> {
    let swept = sqlx::query!("delete from identity.ceremonies where expires_at < $1", now)
        .execute(db)
        .await?;
    Ok(swept.rows_affected())
}
