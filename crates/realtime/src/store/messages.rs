//! Messages that are kept for those who come later.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A message to keep, or one that was kept.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: Uuid,
    pub(crate) event: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) is_binary: bool,
}

/// Keeps a message, and of its channel no more than the newest `most`.
pub(crate) async fn keep(
    db: &mut PgConnection,
    topic: &str,
    message: &Message,
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
    most: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        with surplus as (
            delete from realtime.messages
            where topic = $2
              and id <= (
                select id from realtime.messages where topic = $2 order by id desc offset $8 limit 1
              )
        )
        insert into realtime.messages (id, topic, event, payload, is_binary, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        message.id,
        topic,
        message.event,
        message.payload,
        message.is_binary,
        now,
        expires_at,
        most - 1,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The newest messages of a channel since a moment, the oldest first.
pub(crate) async fn since(
    db: &mut PgConnection,
    topic: &str,
    since: OffsetDateTime,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<Message>> {
    let mut messages = sqlx::query_as!(
        Message,
        r#"
        select id, event, payload, is_binary
        from realtime.messages
        where topic = $1
          and created_at > $2
          and expires_at > $3
        order by id desc
        limit $4
        "#,
        topic,
        since,
        now,
        limit,
    )
    .fetch_all(db)
    .await?;
    messages.reverse();
    Ok(messages)
}

/// Forgets some messages whose time is over; says how many.
pub(crate) async fn sweep(
    db: &mut PgConnection,
    now: OffsetDateTime,
    most: i64,
) -> sqlx::Result<u64> {
    let swept = sqlx::query!(
        r#"
        delete from realtime.messages
        where id in (
            select id from realtime.messages where expires_at <= $1 order by expires_at limit $2
        )
        "#,
        now,
        most,
    )
    .execute(db)
    .await?;
    Ok(swept.rows_affected())
}
