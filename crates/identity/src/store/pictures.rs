//! Which files are the pictures of people.

use crate::actions::pictures::Avatar;
use kernel::{files::FileId, id::UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Sets a picture; the one before.
pub(crate) async fn set(
    db: &mut PgConnection,
    user: UserId,
    avatar: &Avatar,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Avatar>> {
    // Of two at once, each discards what it replaces.
    sqlx::query!(
        "select id from identity.users where id = $1 for update",
        user as UserId
    )
    .fetch_optional(&mut *db)
    .await?;
    let before = remove(&mut *db, user).await?;
    sqlx::query!(
        "insert into identity.avatars (user_id, large, small, changed_at) values ($1, $2, $3, $4)",
        user as UserId,
        avatar.large as FileId,
        avatar.small as FileId,
        now,
    )
    .execute(&mut *db)
    .await?;
    touch(db, user, now).await?;
    Ok(before)
}

/// Pages that show the person hear of it.
async fn touch(db: &mut PgConnection, user: UserId, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.users set updated_at = $2 where id = $1",
        user as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes a picture; which it was.
pub(crate) async fn remove(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Avatar>> {
    sqlx::query_as!(
        Avatar,
        r#"
        delete from identity.avatars where user_id = $1
        returning large as "large: FileId", small as "small: FileId"
        "#,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}
