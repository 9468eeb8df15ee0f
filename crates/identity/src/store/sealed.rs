//! What the vault has sealed for long, wherever it lies. Questions and mails that live for
//! minutes or days are left to run out.

use kernel::id::UserId;
use sqlx::PgConnection;

/// How many values are under older keys than the one whose values begin like this.
pub(crate) async fn left(db: &mut PgConnection, prefix: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        select (select count(*) from identity.totp
                where not starts_with(secret_sealed, $1))
            + (select count(*) from identity.signing_keys
                where not starts_with(private_sealed, $1))
            + (select count(*) from identity.stack_project
                where not starts_with(secret_key_sealed, $1)) as "left!"
        "#,
        prefix,
    )
    .fetch_one(db)
    .await
}

/// The next secrets of authenticator apps that are under older keys.
pub(crate) async fn totp(
    db: &mut PgConnection,
    prefix: &str,
    after: Option<UserId>,
    limit: i64,
) -> sqlx::Result<Vec<(UserId, String)>> {
    let rows = sqlx::query!(
        r#"
        select user_id as "user: UserId", secret_sealed
        from identity.totp
        where not starts_with(secret_sealed, $1) and ($2::uuid is null or user_id > $2)
        order by user_id
        limit $3
        "#,
        prefix,
        after as Option<UserId>,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.user, row.secret_sealed))
        .collect())
}

/// Replaces a secret by the same under another key; only while it is still that one.
pub(crate) async fn put_totp(
    db: &mut PgConnection,
    user: UserId,
    before: &str,
    after: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.totp set secret_sealed = $3 where user_id = $1 and secret_sealed = $2",
        user as UserId,
        before,
        after,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The installation's own secrets that are under older keys: few.
pub(crate) async fn own(db: &mut PgConnection, prefix: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        select private_sealed as "sealed!" from identity.signing_keys
        where not starts_with(private_sealed, $1)
        union all
        select secret_key_sealed from identity.stack_project
        where not starts_with(secret_key_sealed, $1)
        "#,
        prefix,
    )
    .fetch_all(db)
    .await
}

/// The same as [`put_totp`]. A sealed value is like no other, so it names its own row.
pub(crate) async fn put_own(db: &mut PgConnection, before: &str, after: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.signing_keys set private_sealed = $2 where private_sealed = $1",
        before,
        after,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update identity.stack_project set secret_key_sealed = $2 where secret_key_sealed = $1",
        before,
        after,
    )
    .execute(db)
    .await?;
    Ok(())
}
