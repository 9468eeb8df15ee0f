//! Accounts at providers.

use crate::model::providers::LinkedProvider;
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Whom an account at a provider signs in, and notes that it does.
pub(crate) async fn used(
    db: &mut PgConnection,
    provider: &str,
    subject: &str,
    email: Option<&str>,
    now: OffsetDateTime,
) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar!(
        r#"
        update identity.provider_accounts
        set last_used_at = $4, email = coalesce($3, email)
        where provider = $1 and subject = $2 and allow_sign_in
        returning user_id as "user_id: UserId"
        "#,
        provider,
        subject,
        email,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Whose an account at a provider is.
pub(crate) async fn holder(
    db: &mut PgConnection,
    provider: &str,
    subject: &str,
) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar!(
        r#"
        select user_id as "user_id: UserId" from identity.provider_accounts
        where provider = $1 and subject = $2
        "#,
        provider,
        subject,
    )
    .fetch_optional(db)
    .await
}

/// Links; false if either side has a link already.
pub(crate) async fn insert(
    db: &mut PgConnection,
    provider: &str,
    subject: &str,
    user: UserId,
    email: Option<&str>,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let made = sqlx::query!(
        r#"
        insert into identity.provider_accounts
            (provider, subject, user_id, email, created_at, last_used_at)
        values ($1, $2, $3, $4, $5, $5)
        on conflict do nothing
        "#,
        provider,
        subject,
        user as UserId,
        email,
        now,
    )
    .execute(db)
    .await?;
    Ok(made.rows_affected() == 1)
}

/// What a user is linked to, the first first.
pub(crate) async fn list(db: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<LinkedProvider>> {
    sqlx::query_as!(
        LinkedProvider,
        r#"
        select provider, email, created_at, last_used_at
        from identity.provider_accounts
        where user_id = $1
        order by created_at, provider
        "#,
        user as UserId,
    )
    .fetch_all(db)
    .await
}

/// Unlinks; false if there was no link.
pub(crate) async fn delete(
    db: &mut PgConnection,
    user: UserId,
    provider: &str,
) -> sqlx::Result<bool> {
    let gone = sqlx::query!(
        "delete from identity.provider_accounts where user_id = $1 and provider = $2",
        user as UserId,
        provider,
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected() == 1)
}

/// Whether there is a way to sign in by oneself: a password, a passkey or a provider that is
/// still configured. Locks the account, so that two removals at once cannot take the last two.
pub(crate) async fn has_way_in(
    db: &mut PgConnection,
    user: UserId,
    providers: &[String],
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        "select id from identity.users where id = $1 for update",
        user as UserId,
    )
    .fetch_optional(&mut *db)
    .await?;
    sqlx::query_scalar!(
        r#"
        select exists (select from identity.passwords where user_id = $1)
            or exists (select from identity.passkeys where user_id = $1)
            or exists (
                select from identity.provider_accounts
                where user_id = $1 and provider = any($2) and allow_sign_in
            ) as "has!"
        "#,
        user as UserId,
        providers,
    )
    .fetch_one(db)
    .await
}
