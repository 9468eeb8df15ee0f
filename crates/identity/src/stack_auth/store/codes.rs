//! Codes that were mailed, and attempts that wait for something.

use crate::stack_auth::model::{Code, CodeId, CodeKind};
use kernel::id::UserId;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) struct NewCode<'a> {
    pub(crate) id: CodeId,
    pub(crate) kind: CodeKind,
    pub(crate) hash: &'a [u8],
    pub(crate) nonce_hash: Option<&'a [u8]>,
    pub(crate) user: Option<UserId>,
    pub(crate) email: Option<&'a str>,
    pub(crate) data: Value,
    pub(crate) now: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

pub(crate) async fn insert(db: &mut PgConnection, new: NewCode<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.stack_codes
            (id, kind, hash, nonce_hash, user_id, email, data, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        new.id as CodeId,
        new.kind.as_str(),
        new.hash,
        new.nonce_hash,
        new.user as Option<UserId>,
        new.email,
        new.data,
        new.now,
        new.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds and locks a code, used and expired ones too.
pub(crate) async fn lock(
    db: &mut PgConnection,
    kind: CodeKind,
    hash: &[u8],
) -> sqlx::Result<Option<Code>> {
    sqlx::query_as!(
        Code,
        r#"
        select id as "id: CodeId", user_id as "user: UserId", email, data, attempts, expires_at,
            used_at
        from identity.stack_codes
        where kind = $1 and hash = $2
        for update
        "#,
        kind.as_str(),
        hash,
    )
    .fetch_optional(db)
    .await
}

/// Uses a code up.
pub(crate) async fn consume(
    db: &mut PgConnection,
    id: CodeId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.stack_codes set used_at = $2 where id = $1",
        id as CodeId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Counts a wrong attempt at a code; how many there were.
pub(crate) async fn count_attempt(db: &mut PgConnection, id: CodeId) -> sqlx::Result<i16> {
    sqlx::query_scalar!(
        r#"
        update identity.stack_codes set attempts = attempts + 1 where id = $1
        returning attempts
        "#,
        id as CodeId,
    )
    .fetch_one(db)
    .await
}

/// Counts a wrong attempt at whatever codes have this nonce; the most that one of them had
/// before, or nothing if there is none.
pub(crate) async fn count_nonce(
    db: &mut PgConnection,
    kind: CodeKind,
    nonce_hash: &[u8],
) -> sqlx::Result<Option<i16>> {
    let counted = sqlx::query_scalar!(
        r#"
        update identity.stack_codes set attempts = attempts + 1
        where kind = $1 and nonce_hash = $2
        returning attempts
        "#,
        kind.as_str(),
        nonce_hash,
    )
    .fetch_all(db)
    .await?;
    Ok(counted.into_iter().max())
}

/// Makes somebody's earlier codes of a kind worthless.
pub(crate) async fn revoke(
    db: &mut PgConnection,
    kind: CodeKind,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.stack_codes set used_at = $3
        where kind = $1 and user_id = $2 and used_at is null
        "#,
        kind.as_str(),
        user as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets codes that are long over.
pub(crate) async fn sweep(db: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from identity.stack_codes where expires_at < $1",
        before
    )
    .execute(db)
    .await?;
    Ok(())
}
