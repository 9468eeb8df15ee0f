//! Changes of address, and the links that agree to them.

use crate::model::{
    Email,
    email_change::{ChangeId, EmailChange, Side},
};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Asks for a change; one that was open is given up.
pub(crate) async fn insert(
    db: &mut PgConnection,
    id: ChangeId,
    user: UserId,
    new: &Email,
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> sqlx::Result<()> {
    end_open(&mut *db, user, now).await?;
    sqlx::query!(
        r#"
        insert into identity.email_changes
            (id, user_id, old_email, new_email, new_email_key, created_at, expires_at)
        select $1, u.id, u.email, $3, $4, $5, $6 from identity.users u where u.id = $2
        "#,
        id as ChangeId,
        user as UserId,
        new.address.as_str(),
        new.key,
        now,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives up what is open; whether anything was.
pub(crate) async fn end_open(
    db: &mut PgConnection,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let ended = sqlx::query!(
        r#"
        update identity.email_changes set ended_at = $2
        where user_id = $1 and done_at is null and ended_at is null
        "#,
        user as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(ended.rows_affected() > 0)
}

macro_rules! change {
    ($condition:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            EmailChange,
            r#"
            select c.id as "id: ChangeId", c.user_id as "user: UserId", u.name, c.old_email,
                c.new_email, c.new_email_key, c.created_at, c.expires_at, c.old_confirmed_at,
                c.new_confirmed_at, c.done_at, c.ended_at
            from identity.email_changes c
            join identity.users u on u.id = c.user_id
            where "# + $condition,
            $($argument),+
        )
    };
}

/// The change that waits, if one does.
pub(crate) async fn open(
    db: &mut PgConnection,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<Option<EmailChange>> {
    change!(
        "c.user_id = $1 and c.done_at is null and c.ended_at is null and c.expires_at > $2",
        user as UserId,
        now
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn get(db: &mut PgConnection, id: ChangeId) -> sqlx::Result<Option<EmailChange>> {
    change!("c.id = $1", id as ChangeId)
        .fetch_optional(db)
        .await
}

/// Locks a change, so that its two sides come one after the other.
pub(crate) async fn lock(db: &mut PgConnection, id: ChangeId) -> sqlx::Result<Option<EmailChange>> {
    change!("c.id = $1 for update of c", id as ChangeId)
        .fetch_optional(db)
        .await
}

pub(crate) async fn insert_token(
    db: &mut PgConnection,
    hash: &[u8],
    purpose: &str,
    change: &EmailChange,
    expires_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.one_time_tokens (hash, purpose, user_id, expires_at, email_change_id)
        values ($1, $2, $3, $4, $5)
        "#,
        hash,
        purpose,
        change.user as UserId,
        expires_at,
        change.id as ChangeId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What an unused link is for.
pub(crate) async fn of_token(
    db: &mut PgConnection,
    hash: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<Option<(String, ChangeId)>> {
    let found = sqlx::query!(
        r#"
        select purpose, email_change_id as "change!: ChangeId"
        from identity.one_time_tokens
        where hash = $1 and email_change_id is not null and used_at is null and expires_at > $2
        "#,
        hash,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.map(|row| (row.purpose, row.change)))
}

pub(crate) async fn confirm(
    db: &mut PgConnection,
    id: ChangeId,
    side: Side,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.email_changes
        set old_confirmed_at = case when $2 then coalesce(old_confirmed_at, $3) else old_confirmed_at end,
            new_confirmed_at = case when $2 then new_confirmed_at else coalesce(new_confirmed_at, $3) end
        where id = $1
        "#,
        id as ChangeId,
        side == Side::Old,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives an account another address; false if somebody else has it.
pub(crate) async fn set_address(
    db: &mut PgConnection,
    user: UserId,
    email: &Email,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let changed = sqlx::query!(
        r#"
        update identity.users
        set email = $2, email_key = $3, email_verified_at = $4, updated_at = $4
        where id = $1 and not exists (
            select from identity.users other where other.email_key = $3 and other.id <> $1
        )
        "#,
        user as UserId,
        email.address.as_str(),
        email.key,
        now,
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() == 1)
}

pub(crate) async fn done(
    db: &mut PgConnection,
    id: ChangeId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.email_changes set done_at = $2 where id = $1",
        id as ChangeId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn end(
    db: &mut PgConnection,
    id: ChangeId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.email_changes set ended_at = $2 where id = $1",
        id as ChangeId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes every unused link of an account worthless: they went to an address that is no
/// longer its own.
pub(crate) async fn revoke_links(
    db: &mut PgConnection,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.one_time_tokens set used_at = $2 where user_id = $1 and used_at is null",
        user as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
