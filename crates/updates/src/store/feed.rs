//! A reader's feed.

use crate::model::{FeedItem, UpdateId, Waiting};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) async fn list(
    db: &mut PgConnection,
    reader: UserId,
    unread_only: bool,
    after: Option<(OffsetDateTime, UpdateId)>,
    limit: i64,
) -> sqlx::Result<Vec<FeedItem>> {
    let (time, id) = after.unzip();
    sqlx::query_as!(
        FeedItem,
        r#"
        select u.id as "id: UpdateId", a.name as "author_name?", u.title,
            left(u.body, 280) as "text!", u.action_label, u.published_at,
            r.read_at, r.acknowledged_at
        from updates.recipients r
        join updates.updates u on u.id = r.update_id
        left join published.people a on a.id = u.author_id
        where r.user_id = $1
            and ($2::timestamptz is null or (r.published_at, r.update_id) < ($2, $3))
            and (not $4 or r.read_at is null)
        order by r.published_at desc, r.update_id desc
        limit $5
        "#,
        reader as UserId,
        time,
        id as Option<UpdateId>,
        unread_only,
        limit,
    )
    .fetch_all(db)
    .await
}

pub(crate) async fn get(
    db: &mut PgConnection,
    reader: UserId,
    update: UpdateId,
) -> sqlx::Result<Option<FeedItem>> {
    sqlx::query_as!(
        FeedItem,
        r#"
        select u.id as "id: UpdateId", a.name as "author_name?", u.title,
            u.body as text, u.action_label, u.published_at, r.read_at, r.acknowledged_at
        from updates.recipients r
        join updates.updates u on u.id = r.update_id
        left join published.people a on a.id = u.author_id
        where r.user_id = $1 and r.update_id = $2
        "#,
        reader as UserId,
        update as UpdateId,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn waiting(db: &mut PgConnection, reader: UserId) -> sqlx::Result<Waiting> {
    sqlx::query_as!(
        Waiting,
        r#"
        select
            count(*) filter (where r.read_at is null) as "unread!",
            count(*) filter (where u.action_label is not null and r.acknowledged_at is null)
                as "actions!"
        from updates.recipients r
        join updates.updates u on u.id = r.update_id
        where r.user_id = $1 and (r.read_at is null or r.acknowledged_at is null)
        "#,
        reader as UserId,
    )
    .fetch_one(db)
    .await
}
