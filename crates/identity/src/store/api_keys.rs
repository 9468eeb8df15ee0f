//! Keys for machines.

use crate::model::{Status, keys::ApiKey};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A key on its way in.
pub(crate) struct New<'a> {
    pub(crate) id: Uuid,
    pub(crate) name: &'a str,
    pub(crate) prefix: &'a str,
    pub(crate) hash: &'a [u8],
    pub(crate) permissions: &'a [String],
    pub(crate) made_by: UserId,
    pub(crate) now: OffsetDateTime,
    pub(crate) expires_at: Option<OffsetDateTime>,
}

pub(crate) async fn insert(db: &mut PgConnection, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.api_keys
            (id, name, prefix, hash, permissions, made_by, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        new.id,
        new.name,
        new.prefix,
        new.hash,
        new.permissions,
        new.made_by as UserId,
        new.now,
        new.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keys, the latest first; those that were taken back stay for a month.
pub(crate) async fn list(
    db: &mut PgConnection,
    before: Option<Uuid>,
    gone_since: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<ApiKey>> {
    sqlx::query_as!(
        ApiKey,
        r#"
        select k.id, k.name, k.prefix, k.permissions, k.made_by as "made_by: UserId",
            u.name as maker, k.created_at, k.expires_at, k.last_used_at, k.last_address, k.revoked_at
        from identity.api_keys k
        join identity.users u on u.id = k.made_by
        where ($1::uuid is null or k.id < $1) and (k.revoked_at is null or k.revoked_at > $2)
        order by k.id desc
        limit $3
        "#,
        before,
        gone_since,
        limit,
    )
    .fetch_all(db)
    .await
}

/// One key that stands, locked.
pub(crate) async fn lock(db: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<ApiKey>> {
    sqlx::query_as!(
        ApiKey,
        r#"
        select k.id, k.name, k.prefix, k.permissions, k.made_by as "made_by: UserId",
            u.name as maker, k.created_at, k.expires_at, k.last_used_at, k.last_address, k.revoked_at
        from identity.api_keys k
        join identity.users u on u.id = k.made_by
        where k.id = $1 and k.revoked_at is null
        for update of k
        "#,
        id,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn revoke(
    db: &mut PgConnection,
    id: Uuid,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.api_keys set revoked_at = $2 where id = $1",
        id,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What a key that works stands for, now.
pub(crate) struct Held {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) maker: UserId,
    pub(crate) status: Status,
    pub(crate) permissions: Vec<String>,
    /// What its maker may do.
    pub(crate) makers: Vec<String>,
    pub(crate) last_used_at: Option<OffsetDateTime>,
}

pub(crate) async fn held(
    db: &mut PgConnection,
    hash: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<Option<Held>> {
    sqlx::query_as!(
        Held,
        r#"
        select k.id, k.name, k.made_by as "maker: UserId", u.status as "status: Status",
            k.permissions, k.last_used_at,
            coalesce((
                select array_agg(distinct permission)
                from identity.user_roles ur
                join identity.roles role on role.name = ur.role
                cross join lateral unnest(role.permissions) as permission
                where ur.user_id = u.id
            ), '{}') as "makers!"
        from identity.api_keys k
        join identity.users u on u.id = k.made_by
        where k.hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)
        "#,
        hash,
        now,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn used(
    db: &mut PgConnection,
    id: Uuid,
    address: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.api_keys set last_used_at = $3, last_address = $2 where id = $1",
        id,
        address,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
