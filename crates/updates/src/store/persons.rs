//! What is held about one person.

use kernel::id::UserId;
use serde_json::Value;
use sqlx::PgConnection;

pub(crate) async fn received(db: &mut PgConnection, user: UserId) -> sqlx::Result<Value> {
    sqlx::query_scalar!(
        r#"
        select coalesce(jsonb_agg(jsonb_build_object(
            'title', u.title, 'published_at', r.published_at, 'delivered_at', r.delivered_at,
            'read_at', r.read_at, 'acknowledged_at', r.acknowledged_at, 'text', u.body
        ) order by r.published_at), '[]') as "received!"
        from updates.recipients r
        join updates.updates u on u.id = r.update_id
        where r.user_id = $1
        "#,
        user as UserId,
    )
    .fetch_one(db)
    .await
}

pub(crate) async fn written(db: &mut PgConnection, user: UserId) -> sqlx::Result<Value> {
    sqlx::query_scalar!(
        r#"
        select coalesce(jsonb_agg(jsonb_build_object(
            'title', title, 'published_at', published_at, 'text', body
        ) order by published_at), '[]') as "written!"
        from updates.updates
        where author_id = $1
        "#,
        user as UserId,
    )
    .fetch_one(db)
    .await
}

pub(crate) async fn forget(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from updates.recipients where user_id = $1",
        user as UserId
    )
    .execute(db)
    .await?;
    Ok(())
}
