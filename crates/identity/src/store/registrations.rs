//! Registrations whose address is not proved yet.

use crate::model::{Name, RegistrationId};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) async fn insert(
    db: &mut PgConnection,
    id: RegistrationId,
    user: UserId,
    name: &Name,
    password_hash: &str,
    browser: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.pending_registrations 
            (id, user_id, name, password_hash, browser, created_at)
        values ($1, $2, $3, $4, $5, $6)
        "#,
        id as RegistrationId,
        user as UserId,
        name.as_str(),
        password_hash,
        browser,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// To whom its link goes, if it still counts: with which name, to which address.
pub(crate) struct Addressee {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
}

pub(crate) async fn addressee(
    db: &mut PgConnection,
    id: RegistrationId,
) -> sqlx::Result<Option<Addressee>> {
    sqlx::query_as!(
        Addressee,
        r#"
        select r.user_id as "user: UserId", r.name, u.email
        from identity.pending_registrations r
        join identity.users u on u.id = r.user_id
        where r.id = $1 and u.email_verified_at is null
        "#,
        id as RegistrationId,
    )
    .fetch_optional(db)
    .await
}

/// Whether the registration was made in the browser that holds this token.
pub(crate) async fn made_by(
    db: &mut PgConnection,
    id: RegistrationId,
    browser: &[u8],
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from identity.pending_registrations where id = $1 and browser = $2
        ) as "exists!"
        "#,
        id as RegistrationId,
        browser,
    )
    .fetch_one(db)
    .await
}

/// The hash of the password that this registration chose.
pub(crate) async fn password(
    db: &mut PgConnection,
    id: RegistrationId,
    user: UserId,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select password_hash from identity.pending_registrations where id = $1 and user_id = $2",
        id as RegistrationId,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

/// Gives the account the name that this registration asked for, and forgets all of the account's
/// registrations with their links.
pub(crate) async fn apply(
    db: &mut PgConnection,
    id: RegistrationId,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.users u set name = r.name, updated_at = $3
        from identity.pending_registrations r
        where r.id = $1 and u.id = $2 and r.user_id = u.id and u.name <> r.name
        "#,
        id as RegistrationId,
        user as UserId,
        now,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from identity.pending_registrations where user_id = $1",
        user as UserId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets all of an account's registrations with their links: the address was proved another
/// way, so nothing that was asked for under it counts.
pub(crate) async fn forget(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from identity.pending_registrations where user_id = $1",
        user as UserId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets registrations that nobody finished.
pub(crate) async fn sweep(db: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<u64> {
    let swept = sqlx::query!(
        "delete from identity.pending_registrations where created_at < $1",
        before
    )
    .execute(db)
    .await?;
    Ok(swept.rows_affected())
}
