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

/// What is kept at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most {
    /// Messages of a channel.
    pub(crate) of_channel: i64,
    /// Messages of whoever says them.
    pub(crate) of_sender: i64,
    /// Their bytes.
    pub(crate) bytes_of_sender: i64,
}

/// Keeps a message, and no more than the newest of its channel and of its sender. A sender may
/// say things on any number of channels, so a bound of each would be none of all.
pub(crate) async fn keep(
    db: &mut PgConnection,
    topic: &str,
    sender: Uuid,
    message: &Message,
    (now, expires_at): (OffsetDateTime, OffsetDateTime),
    most: Most,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        with surplus as (
            delete from realtime.messages
            where topic = $2
              and id <= (
                select id from realtime.messages where topic = $2 order by id desc offset $8 limit 1
              )
        ),
        theirs as (
            select id, row_number() over newest as nth, sum(octet_length(payload)) over newest as bytes
            from realtime.messages
            where sender = $9
            window newest as (order by id desc)
        ),
        too_much as (
            delete from realtime.messages
            where id in (select id from theirs where nth > $10 or bytes > $11)
        )
        insert into realtime.messages
            (id, topic, event, payload, is_binary, created_at, expires_at, sender)
        values ($1, $2, $3, $4, $5, $6, $7, $9)
        "#,
        message.id,
        topic,
        message.event,
        message.payload,
        message.is_binary,
        now,
        expires_at,
        most.of_channel - 1,
        sender,
        most.of_sender - 1,
        most.bytes_of_sender - i64::try_from(message.payload.len()).unwrap_or(i64::MAX),
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

/// A message as whoever said it reads it.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) topic: String,
    pub(crate) event: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) is_binary: bool,
    pub(crate) created_at: OffsetDateTime,
}

/// Everything of one sender that is kept, the oldest first. There is a bound to it.
pub(crate) async fn of_sender(db: &mut PgConnection, sender: Uuid) -> sqlx::Result<Vec<Said>> {
    sqlx::query_as!(
        Said,
        r#"
        select topic, event, payload, is_binary, created_at
        from realtime.messages
        where sender = $1
        order by id
        "#,
        sender,
    )
    .fetch_all(db)
    .await
}

/// Forgets everything of one sender.
pub(crate) async fn forget_sender(db: &mut PgConnection, sender: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from realtime.messages where sender = $1", sender)
        .execute(db)
        .await?;
    Ok(())
}
