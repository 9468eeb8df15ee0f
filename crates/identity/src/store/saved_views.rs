//! Saved views of the list of people.

use crate::actions::saved_views::SavedView;
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// The user's own and what others share, by title.
pub(crate) async fn list(db: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<SavedView>> {
    sqlx::query_as!(
        SavedView,
        r#"
        select v.id, v.title, v.query, v.shared, v.owner = $1 as "own!", u.name as owner
        from identity.saved_views v
        join identity.users u on u.id = v.owner
        where v.owner = $1 or v.shared
        order by v.owner <> $1, lower(v.title), v.id
        limit 300
        "#,
        user as UserId,
    )
    .fetch_all(db)
    .await
}

pub(crate) async fn count(db: &mut PgConnection, user: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from identity.saved_views where owner = $1"#,
        user as UserId,
    )
    .fetch_one(db)
    .await
}

pub(crate) async fn insert(
    db: &mut PgConnection,
    id: Uuid,
    user: UserId,
    title: &str,
    query: &str,
    shared: bool,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.saved_views (id, owner, title, query, shared, created_at)
        values ($1, $2, $3, $4, $5, $6)
        "#,
        id,
        user as UserId,
        title,
        query,
        shared,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn remove_titled(
    db: &mut PgConnection,
    user: UserId,
    title: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from identity.saved_views where owner = $1 and lower(title) = lower($2)",
        user as UserId,
        title,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn remove(db: &mut PgConnection, user: UserId, view: Uuid) -> sqlx::Result<bool> {
    let gone = sqlx::query!(
        "delete from identity.saved_views where owner = $1 and id = $2",
        user as UserId,
        view,
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected() == 1)
}
