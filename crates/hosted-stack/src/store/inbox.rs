//! Webhooks as they came.

use crate::model::{HostedId, Told};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// A webhook, without what it says about people.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) hosted_id: Option<HostedId>,
    pub(crate) state: String,
    pub(crate) attempts: i32,
    pub(crate) problem: Option<String>,
    pub(crate) sent_at: OffsetDateTime,
    pub(crate) received_at: OffsetDateTime,
    pub(crate) settled_at: Option<OffsetDateTime>,
}

/// Keeps a webhook; false if it came before.
pub(crate) async fn insert(
    db: &mut PgConnection,
    id: &str,
    told: &Told,
    body: &str,
    sent_at: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let state = if told.about.is_some() || told.concerns_all {
        "waiting"
    } else {
        "ignored"
    };
    let made = sqlx::query!(
        r#"
        insert into hosted_stack.inbox
            (id, kind, hosted_id, body, state, sent_at, received_at, settled_at)
        values ($1, $2, $3, $4, $5, $6, $7, case when $5 = 'ignored' then $7::timestamptz end)
        on conflict on constraint inbox_pkey do nothing
        "#,
        id,
        told.kind,
        told.about as Option<HostedId>,
        body,
        state,
        sent_at,
        now,
    )
    .execute(db)
    .await?;
    Ok(made.rows_affected() == 1)
}

/// What a webhook said, if it is still to be applied.
pub(crate) async fn open(db: &mut PgConnection, id: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select body from hosted_stack.inbox where id = $1 and state in ('waiting', 'failed')",
        id,
    )
    .fetch_optional(db)
    .await
}

/// Notes how an attempt ended.
pub(crate) async fn settle(
    db: &mut PgConnection,
    id: &str,
    state: &str,
    problem: Option<&str>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update hosted_stack.inbox
        set state = $2, problem = $3, attempts = attempts + 1,
            settled_at = case when $2 = 'waiting' then null else $4::timestamptz end
        where id = $1 and state in ('waiting', 'failed')
        "#,
        id,
        state,
        problem,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Has a webhook that failed for good wait again; whether there is such a one.
pub(crate) async fn again(db: &mut PgConnection, id: &str) -> sqlx::Result<bool> {
    let found = sqlx::query!(
        r#"
        update hosted_stack.inbox set state = 'waiting', settled_at = null
        where id = $1 and state = 'failed'
        "#,
        id,
    )
    .execute(db)
    .await?;
    Ok(found.rows_affected() == 1)
}

/// The latest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    state: Option<&str>,
    after: Option<(OffsetDateTime, String)>,
    limit: i64,
) -> sqlx::Result<Vec<Event>> {
    let (at, id) = after.unzip();
    sqlx::query_as!(
        Event,
        r#"
        select id, kind, hosted_id as "hosted_id: HostedId", state, attempts, problem, sent_at,
            received_at, settled_at
        from hosted_stack.inbox
        where ($1::text is null or state = $1)
            and ($2::timestamptz is null or (received_at, id) < ($2, $3))
        order by received_at desc, id desc
        limit $4
        "#,
        state,
        at,
        id,
        limit,
    )
    .fetch_all(db)
    .await
}

/// When the latest came, how many wait, and how many failed.
pub(crate) async fn totals(
    db: &mut PgConnection,
) -> sqlx::Result<(Option<OffsetDateTime>, i64, i64)> {
    let row = sqlx::query!(
        r#"
        select (select max(received_at) from hosted_stack.inbox) as latest,
            (select count(*) from hosted_stack.inbox where state = 'waiting') as "waiting!",
            (select count(*) from hosted_stack.inbox where state = 'failed') as "failed!"
        "#,
    )
    .fetch_one(db)
    .await?;
    Ok((row.latest, row.waiting, row.failed))
}

/// Forgets what was settled before.
pub(crate) async fn sweep(db: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from hosted_stack.inbox where received_at < $1 and state in ('applied', 'ignored')",
        before,
    )
    .execute(db)
    .await?;
    Ok(())
}
