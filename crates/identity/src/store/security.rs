//! Security events.

use crate::model::security::{SecurityEvent, SecurityEventId};
use kernel::id::UserId;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) async fn insert(
    db: &mut PgConnection,
    id: SecurityEventId,
    event: &SecurityEvent<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let data = match &event.data {
        Value::Null => json!({}),
        data => data.clone(),
    };
    sqlx::query!(
        r#"
        insert into identity.security_events
            (id, kind, user_id, identifier, address, device, data, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        id as SecurityEventId,
        event.kind.as_str(),
        event.user as Option<UserId>,
        event.identifier,
        event.from.map(|from| from.to_string()),
        event.device,
        data,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets what is older than the operator keeps.
pub(crate) async fn sweep(db: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<u64> {
    let swept = sqlx::query!(
        "delete from identity.security_events where created_at < $1",
        before
    )
    .execute(db)
    .await?;
    Ok(swept.rows_affected())
}

/// A security event, and the owner who is to hear of it.
pub(crate) struct Told {
    pub(crate) kind: String,
    pub(crate) device: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) data: Value,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) name: String,
    pub(crate) email: String,
}

pub(crate) async fn told(db: &mut PgConnection, id: SecurityEventId) -> sqlx::Result<Option<Told>> {
    sqlx::query_as!(
        Told,
        r#"
        select e.kind, e.device, e.address, e.data, e.created_at, u.name, u.email
        from identity.security_events e
        join identity.users u on u.id = e.user_id
        where e.id = $1 and u.email_verified_at is not null
        "#,
        id as SecurityEventId,
    )
    .fetch_optional(db)
    .await
}
