//! Updates and their counts.

use crate::model::{NewUpdate, Update, UpdateId};
use kernel::id::UserId;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) struct Row<'a> {
    pub(crate) id: UpdateId,
    pub(crate) author: UserId,
    pub(crate) new: &'a NewUpdate,
    pub(crate) audience: Value,
    pub(crate) now: OffsetDateTime,
    pub(crate) demo: bool,
}

pub(crate) async fn insert(db: &mut PgConnection, row: &Row<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into updates.updates
            (id, author_id, title, body, audience, action_label, published_at, demo)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        row.id as UpdateId,
        row.author as UserId,
        row.new.title,
        row.new.body,
        row.audience,
        row.new.action_label,
        row.now,
        row.demo,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn set_recipient_count(
    db: &mut PgConnection,
    update: UpdateId,
    count: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update updates.updates set recipient_count = $2 where id = $1",
        update as UpdateId,
        count,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Moves the counts of an update.
pub(crate) async fn count(
    db: &mut PgConnection,
    update: UpdateId,
    delivered: bool,
    read: bool,
    acknowledged: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update updates.updates
        set delivered_count = delivered_count + $2,
            read_count = read_count + $3,
            acknowledged_count = acknowledged_count + $4
        where id = $1
        "#,
        update as UpdateId,
        i64::from(delivered),
        i64::from(read),
        i64::from(acknowledged),
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn get(db: &mut PgConnection, update: UpdateId) -> sqlx::Result<Option<Update>> {
    sqlx::query_as!(
        Update,
        r#"
        select u.id as "id: UpdateId", u.author_id as "author_id: UserId",
            a.name as "author_name?", u.title, u.body, u.audience, u.action_label,
            u.published_at, u.recipient_count as recipients, u.delivered_count as delivered,
            u.read_count as read, u.acknowledged_count as acknowledged
        from updates.updates u
        left join published.people a on a.id = u.author_id
        where u.id = $1
        "#,
        update as UpdateId,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn list(
    db: &mut PgConnection,
    after: Option<(OffsetDateTime, UpdateId)>,
    limit: i64,
) -> sqlx::Result<Vec<Update>> {
    let (time, id) = after.unzip();
    sqlx::query_as!(
        Update,
        r#"
        select u.id as "id: UpdateId", u.author_id as "author_id: UserId",
            a.name as "author_name?", u.title, u.body, u.audience, u.action_label,
            u.published_at, u.recipient_count as recipients, u.delivered_count as delivered,
            u.read_count as read, u.acknowledged_count as acknowledged
        from updates.updates u
        left join published.people a on a.id = u.author_id
        where $1::timestamptz is null or (u.published_at, u.id) < ($1, $2)
        order by u.published_at desc, u.id desc
        limit $3
        "#,
        time,
        id as Option<UpdateId>,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Deletes the demo tenant's updates, and receipts of people who are gone.
pub(crate) async fn remove_demo(db: &mut PgConnection) -> sqlx::Result<u64> {
    let gone = sqlx::query!("delete from updates.updates where demo")
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        r#"
        delete from updates.recipients r
        where not exists (select from published.people p where p.id = r.user_id)
        "#,
    )
    .execute(&mut *db)
    .await?;
    Ok(gone.rows_affected())
}
