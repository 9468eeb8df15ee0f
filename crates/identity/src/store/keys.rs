//! Signing keys.

use serde_json::Value;
use sqlx::PgConnection;

pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) private_sealed: String,
    pub(crate) public_jwk: Value,
}

/// Lets one server at a time make the first key.
pub(crate) async fn lock(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("lock table identity.signing_keys in share row exclusive mode")
        .execute(db)
        .await?;
    Ok(())
}

/// The keys that still verify, newest first.
pub(crate) async fn current(db: &mut PgConnection) -> sqlx::Result<Vec<Key>> {
    sqlx::query_as!(
        Key,
        r#"
        select kid, private_sealed, public_jwk
        from identity.signing_keys
        where retired_at is null or retired_at > now() - interval '1 day'
        order by retired_at is not null, created_at desc, kid desc
        "#,
    )
    .fetch_all(db)
    .await
}

pub(crate) async fn insert(db: &mut PgConnection, key: &Key) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into identity.signing_keys (kid, private_sealed, public_jwk) values ($1, $2, $3)",
        key.kid,
        key.private_sealed,
        key.public_jwk,
    )
    .execute(db)
    .await?;
    Ok(())
}
