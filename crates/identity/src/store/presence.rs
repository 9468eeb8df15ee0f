//! Who is online, and who last was when.

use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) async fn set(
    db: &mut PgConnection,
    user: UserId,
    online: bool,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.presence (user_id, online, last_seen_at)
        select id, $2, $3 from identity.users where id = $1
        on conflict on constraint presence_pkey do update set online = $2, last_seen_at = $3
        "#,
        user as UserId,
        online,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// At start nobody is connected yet: what a crash left as online is not.
pub(crate) async fn clear(db: &mut PgConnection) -> sqlx::Result<u64> {
    let cleared = sqlx::query!("update identity.presence set online = false where online")
        .execute(db)
        .await?;
    Ok(cleared.rows_affected())
}
