//! The product's roles, as far as this face grants them.

use kernel::id::UserId;
use sqlx::PgConnection;

pub(crate) async fn exists(db: &mut PgConnection, role: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from identity.roles where name = $1) as "exists!""#,
        role
    )
    .fetch_one(db)
    .await
}

pub(crate) async fn revoke(db: &mut PgConnection, user: UserId, role: &str) -> sqlx::Result<bool> {
    let revoked = sqlx::query!(
        "delete from identity.user_roles where user_id = $1 and role = $2",
        user as UserId,
        role,
    )
    .execute(db)
    .await?;
    Ok(revoked.rows_affected() == 1)
}
