//! Passwords and those before them.

use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) struct Held {
    pub(crate) hash: String,
    pub(crate) changed_at: OffsetDateTime,
}

pub(crate) async fn get(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Held>> {
    sqlx::query_as!(
        Held,
        "select hash, changed_at from identity.passwords where user_id = $1",
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

/// The hashes of the password and of those before it, the latest first.
pub(crate) async fn last(
    db: &mut PgConnection,
    user: UserId,
    count: i64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        select hash as "hash!" from (
            select hash, changed_at as at from identity.passwords where user_id = $1
            union all
            select hash, created_at from identity.password_history where user_id = $1
        ) held
        order by at desc
        limit $2
        "#,
        user as UserId,
        count,
    )
    .fetch_all(db)
    .await
}

/// Sets a password; the one it replaces joins the history, of which `kept` stay.
pub(crate) async fn set(
    db: &mut PgConnection,
    user: UserId,
    hash: &str,
    kept: i64,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.password_history (user_id, hash, created_at)
        select user_id, hash, changed_at from identity.passwords where user_id = $1
        "#,
        user as UserId,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        insert into identity.passwords (user_id, hash, changed_at) values ($1, $2, $3)
        on conflict on constraint passwords_pkey do update set hash = $2, changed_at = $3
        "#,
        user as UserId,
        hash,
        now,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        delete from identity.password_history
        where user_id = $1 and ctid not in (
            select ctid from identity.password_history
            where user_id = $1 order by created_at desc limit $2
        )
        "#,
        user as UserId,
        kept,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The same password at another cost; only while it is still that one.
pub(crate) async fn rehash(
    db: &mut PgConnection,
    user: UserId,
    before: &str,
    after: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.passwords set hash = $3 where user_id = $1 and hash = $2",
        user as UserId,
        before,
        after,
    )
    .execute(db)
    .await?;
    Ok(())
}
