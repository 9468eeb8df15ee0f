//! Security events as staff read them.

use crate::model::people::Happening;
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// What the log is narrowed to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Narrowed {
    pub(crate) kinds: Vec<String>,
    pub(crate) user: Option<UserId>,
    /// From which address.
    pub(crate) address: Option<String>,
    pub(crate) from: Option<OffsetDateTime>,
    pub(crate) until: Option<OffsetDateTime>,
}

/// Somebody's account and what happened at its door.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) id: Uuid,
    pub(crate) user: Option<UserId>,
    pub(crate) name: Option<String>,
    /// What was typed, where it led to no account.
    pub(crate) identifier: Option<String>,
    pub(crate) happening: Happening,
}

/// Events, the latest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    narrowed: &Narrowed,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<Seen>> {
    let (at, id) = after.unzip();
    let rows = sqlx::query!(
        r#"
        select e.id, e.created_at, e.kind, e.user_id as "user: UserId", u.name as "name?",
            e.identifier, e.address, e.device, e.data,
            (e.data ->> 'by')::uuid as "actor: UserId", a.name as "actor_name?"
        from identity.security_events e
        left join identity.users u on u.id = e.user_id
        left join identity.users a on a.id = (e.data ->> 'by')::uuid
        where (cardinality($1::text[]) = 0 or e.kind = any($1))
            and ($2::uuid is null or e.user_id = $2)
            and ($3::text is null or e.address = $3)
            and ($4::timestamptz is null or e.created_at >= $4)
            and ($5::timestamptz is null or e.created_at < $5)
            and ($6::timestamptz is null or (e.created_at, e.id) < ($6, $7))
        order by e.created_at desc, e.id desc
        limit $8
        "#,
        &narrowed.kinds,
        narrowed.user as Option<UserId>,
        narrowed.address,
        narrowed.from,
        narrowed.until,
        at,
        id,
        limit,
    )
    .fetch_all(db)
    .await?;
    let seen = rows.into_iter().map(|row| Seen {
        id: row.id,
        user: row.user,
        name: row.name,
        identifier: row.identifier,
        happening: Happening {
            id: row.id.to_string(),
            at: row.created_at,
            kind: row.kind,
            actor: row.actor,
            actor_name: row.actor_name,
            address: row.address,
            device: row.device,
            data: row.data,
        },
    });
    Ok(seen.collect())
}

/// How often each kind was seen since a time.
pub(crate) async fn figures(
    db: &mut PgConnection,
    since: OffsetDateTime,
) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"
        select kind, count(*) as "count!" from identity.security_events
        where created_at >= $1 group by kind order by kind
        "#,
        since,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.count)).collect())
}
