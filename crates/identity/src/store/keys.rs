//! Signing keys.

use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) private_sealed: String,
    pub(crate) public_jwk: Value,
    /// Whether it is the one that signs.
    pub(crate) signs: bool,
}

/// Lets one server at a time make or change keys.
pub(crate) async fn lock(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("lock table identity.signing_keys in share row exclusive mode")
        .execute(db)
        .await?;
    Ok(())
}

/// The keys that verify now or sign next: the one that signs first, then the latest retired.
pub(crate) async fn current(db: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<Vec<Key>> {
    sqlx::query_as!(
        Key,
        r#"
        select kid, private_sealed, public_jwk,
            activated_at is not null and retired_at is null as "signs!"
        from identity.signing_keys
        where retired_at is null or retired_at > $1::timestamptz - interval '1 day'
        order by activated_at is not null and retired_at is null desc, created_at desc, kid desc
        "#,
        now,
    )
    .fetch_all(db)
    .await
}

pub(crate) async fn insert(
    db: &mut PgConnection,
    key: &Key,
    now: OffsetDateTime,
    signs: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.signing_keys
            (kid, private_sealed, public_jwk, created_at, activated_at)
        values ($1, $2, $3, $4, $5)
        "#,
        key.kid,
        key.private_sealed,
        key.public_jwk,
        now,
        signs.then_some(now),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The key that signs signs no more; what it signed stays good.
pub(crate) async fn retire(db: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.signing_keys set retired_at = $1
        where activated_at is not null and retired_at is null
        "#,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets the next key sign where none does; false if there is none to.
pub(crate) async fn activate_next(
    db: &mut PgConnection,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    sqlx::query!(
        r#"
        update identity.signing_keys set activated_at = $1
        where kid = (
            select kid from identity.signing_keys
            where activated_at is null and retired_at is null
            order by created_at, kid limit 1
        ) and not exists (
            select from identity.signing_keys
            where activated_at is not null and retired_at is null
        )
        "#,
        now,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query_scalar!(
        r#"
        select exists (
            select from identity.signing_keys
            where activated_at is not null and retired_at is null
        ) as "exists!"
        "#,
    )
    .fetch_one(db)
    .await
}

pub(crate) async fn has_next(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from identity.signing_keys where activated_at is null and retired_at is null
        ) as "exists!"
        "#,
    )
    .fetch_one(db)
    .await
}

/// Since when the key that signs does.
pub(crate) async fn signing_since(db: &mut PgConnection) -> sqlx::Result<Option<OffsetDateTime>> {
    let since = sqlx::query_scalar!(
        r#"
        select activated_at from identity.signing_keys
        where activated_at is not null and retired_at is null
        order by activated_at desc limit 1
        "#,
    )
    .fetch_optional(db)
    .await?;
    Ok(since.flatten())
}
