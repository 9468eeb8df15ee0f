//! One-time tokens: links in mails, and the set-up link.

use crate::model::RegistrationId;
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) async fn insert(
    db: &mut PgConnection,
    hash: &[u8],
    purpose: &str,
    user: Option<UserId>,
    registration: Option<RegistrationId>,
    expires_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.one_time_tokens (hash, purpose, user_id, expires_at, registration_id)
        values ($1, $2, $3, $4, $5)
        "#,
        hash,
        purpose,
        user as Option<UserId>,
        expires_at,
        registration as Option<RegistrationId>,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What an unused token stands for, with whose name and address.
pub(crate) struct Pending {
    pub(crate) user: Option<UserId>,
    pub(crate) registration: Option<RegistrationId>,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
}

pub(crate) async fn peek(
    db: &mut PgConnection,
    hash: &[u8],
    purpose: &str,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Pending>> {
    sqlx::query_as!(
        Pending,
        r#"
        select t.user_id as "user: UserId", t.registration_id as "registration: RegistrationId",
            u.email as "email?", coalesce(r.name, u.name) as "name?"
        from identity.one_time_tokens t
        left join identity.users u on u.id = t.user_id
        left join identity.pending_registrations r on r.id = t.registration_id
        where t.hash = $1 and t.purpose = $2 and t.used_at is null and t.expires_at > $3
        "#,
        hash,
        purpose,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Uses a token up; false if somebody else was first or it is over.
pub(crate) async fn consume(
    db: &mut PgConnection,
    hash: &[u8],
    purpose: &str,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let used = sqlx::query!(
        r#"
        update identity.one_time_tokens set used_at = $3
        where hash = $1 and purpose = $2 and used_at is null and expires_at > $3
        "#,
        hash,
        purpose,
        now,
    )
    .execute(db)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Makes earlier tokens of a purpose (and a user, if one is given) worthless.
pub(crate) async fn revoke(
    db: &mut PgConnection,
    purpose: &str,
    user: Option<UserId>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.one_time_tokens set used_at = $3
        where purpose = $1 and used_at is null and user_id is not distinct from $2
        "#,
        purpose,
        user as Option<UserId>,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets tokens that are long over.
pub(crate) async fn sweep(db: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<u64> {
    let swept = sqlx::query!(
        "delete from identity.one_time_tokens where expires_at < $1",
        before
    )
    .execute(db)
    .await?;
    Ok(swept.rows_affected())
}
