//! People's addresses. The primary one is the account's own: the account says whether it is proved.

use crate::{
    model::Email,
    stack_auth::model::{Channel, ChannelId},
};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Gives the account's own address its row, if it has none yet.
pub(crate) async fn ensure_primary(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.stack_contact_channels (id, user_id, value, value_key, used_for_auth)
        select $1, id, email, email_key, true from identity.users
        where id = $2 and email_key not like '%@no-address.invalid'
        on conflict do nothing
        "#,
        ChannelId::new() as ChannelId,
        user as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn list(db: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<Channel>> {
    sqlx::query_as!(
        Channel,
        r#"
        select c.id as "id: ChannelId", c.user_id as "user: UserId", c.value, c.value_key,
            (c.value_key = u.email_key) as "primary!",
            (case when c.value_key = u.email_key then u.email_verified_at is not null
                else c.verified_at is not null end) as "verified!",
            c.used_for_auth
        from identity.stack_contact_channels c
        join identity.users u on u.id = c.user_id
        where c.user_id = $1
        order by c.value_key <> u.email_key, c.created_at, c.id
        "#,
        user as UserId,
    )
    .fetch_all(db)
    .await
}

/// Adds an address; nothing if the person has it already or somebody else signs in with it.
pub(crate) async fn insert(
    db: &mut PgConnection,
    user: UserId,
    email: &Email,
    verified_at: Option<OffsetDateTime>,
    used_for_auth: bool,
) -> sqlx::Result<Option<ChannelId>> {
    sqlx::query_scalar!(
        r#"
        insert into identity.stack_contact_channels
            (id, user_id, value, value_key, verified_at, used_for_auth)
        values ($1, $2, $3, $4, $5, $6)
        on conflict do nothing
        returning id as "id: ChannelId"
        "#,
        ChannelId::new() as ChannelId,
        user as UserId,
        email.address.as_str(),
        email.key,
        verified_at,
        used_for_auth,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn set_used_for_auth(
    db: &mut PgConnection,
    id: ChannelId,
    used: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.stack_contact_channels set used_for_auth = $2 where id = $1",
        id as ChannelId,
        used,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn set_value(
    db: &mut PgConnection,
    id: ChannelId,
    email: &Email,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.stack_contact_channels
        set value = $2, value_key = $3, verified_at = null
        where id = $1 and value_key <> $3
        "#,
        id as ChannelId,
        email.address.as_str(),
        email.key,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn set_verified(
    db: &mut PgConnection,
    id: ChannelId,
    at: Option<OffsetDateTime>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.stack_contact_channels set verified_at = $2 where id = $1",
        id as ChannelId,
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete(db: &mut PgConnection, id: ChannelId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from identity.stack_contact_channels where id = $1",
        id as ChannelId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Who signs in with an address that is not their primary one, and has proved it.
pub(crate) async fn signs_in(db: &mut PgConnection, email: &Email) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar!(
        r#"
        select user_id as "id: UserId" from identity.stack_contact_channels
        where value_key = $1 and used_for_auth and verified_at is not null
        "#,
        email.key,
    )
    .fetch_optional(db)
    .await
}

/// Whether somebody else has the address: as their account's, or to sign in with.
pub(crate) async fn taken(
    db: &mut PgConnection,
    email: &Email,
    by_other_than: UserId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from identity.users where email_key = $1 and id <> $2
        ) or exists (
            select from identity.stack_contact_channels
            where value_key = $1 and used_for_auth and user_id <> $2
        ) as "taken!"
        "#,
        email.key,
        by_other_than as UserId,
    )
    .fetch_one(db)
    .await
}

/// Makes an address the account's own; the one before stays as another of the person.
pub(crate) async fn make_primary(
    db: &mut PgConnection,
    user: UserId,
    email: &Email,
    verified_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.stack_contact_channels c set verified_at = u.email_verified_at
        from identity.users u
        where u.id = $1 and c.user_id = u.id and c.value_key = u.email_key
        "#,
        user as UserId,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        update identity.users
        set email = $2, email_key = $3, email_verified_at = $4, updated_at = $5
        where id = $1
        "#,
        user as UserId,
        email.address.as_str(),
        email.key,
        verified_at,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
