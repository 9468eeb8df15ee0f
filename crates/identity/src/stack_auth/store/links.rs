//! Accounts at providers, with what their owners let them be used for.

use crate::stack_auth::model::{Link, LinkId};
use kernel::id::UserId;
use sqlx::PgConnection;

/// Somebody's, the first first; of one provider, or of all.
pub(crate) async fn list(
    db: &mut PgConnection,
    user: UserId,
    provider: Option<&str>,
) -> sqlx::Result<Vec<Link>> {
    sqlx::query_as!(
        Link,
        r#"
        select id as "id: LinkId", user_id as "user: UserId", provider, subject, email,
            allow_sign_in, allow_connected_accounts
        from identity.provider_accounts
        where user_id = $1 and ($2::text is null or provider = $2)
        order by created_at, provider
        "#,
        user as UserId,
        provider,
    )
    .fetch_all(db)
    .await
}

/// One of somebody's, locked.
pub(crate) async fn lock(
    db: &mut PgConnection,
    user: UserId,
    id: LinkId,
) -> sqlx::Result<Option<Link>> {
    sqlx::query_as!(
        Link,
        r#"
        select id as "id: LinkId", user_id as "user: UserId", provider, subject, email,
            allow_sign_in, allow_connected_accounts
        from identity.provider_accounts
        where user_id = $1 and id = $2
        for update
        "#,
        user as UserId,
        id as LinkId,
    )
    .fetch_optional(db)
    .await
}

/// Writes down what a link is from now on; false if somebody has that account there already.
pub(crate) async fn change(db: &mut PgConnection, link: &Link) -> sqlx::Result<bool> {
    let changed = sqlx::query!(
        r#"
        update identity.provider_accounts a
        set subject = $2, email = $3, allow_sign_in = $4, allow_connected_accounts = $5
        where a.id = $1 and not exists (
            select from identity.provider_accounts b
            where b.provider = a.provider and b.subject = $2 and b.id <> a.id
        )
        "#,
        link.id as LinkId,
        link.subject,
        link.email,
        link.allow_sign_in,
        link.allow_connected_accounts,
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Keeps a link that a server makes; false if either side has one already.
pub(crate) async fn insert(db: &mut PgConnection, link: &Link) -> sqlx::Result<bool> {
    let made = sqlx::query!(
        r#"
        insert into identity.provider_accounts
            (id, user_id, provider, subject, email, allow_sign_in, allow_connected_accounts)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict do nothing
        "#,
        link.id as LinkId,
        link.user as UserId,
        link.provider,
        link.subject,
        link.email,
        link.allow_sign_in,
        link.allow_connected_accounts,
    )
    .execute(db)
    .await?;
    Ok(made.rows_affected() == 1)
}

pub(crate) async fn delete(db: &mut PgConnection, id: LinkId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from identity.provider_accounts where id = $1",
        id as LinkId,
    )
    .execute(db)
    .await?;
    Ok(())
}
