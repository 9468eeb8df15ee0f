//! How accounts stand, and what a change of it touches.

use crate::model::{Person, Status, people::PersonDetail};
use kernel::id::{SessionId, UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Somebody whom staff are about to act on, locked.
pub(crate) struct Target {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) status: Status,
    pub(crate) demo: bool,
    pub(crate) owner: bool,
    pub(crate) permissions: Vec<String>,
}

/// Locks an account that is not erased.
pub(crate) async fn lock(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Target>> {
    sqlx::query_as!(
        Target,
        r#"
        select u.id as "id: UserId", u.email, u.name, u.status as "status: Status", u.demo,
            exists (
                select from identity.user_roles r where r.user_id = u.id and r.role = 'owner'
            ) as "owner!",
            coalesce((
                select array_agg(distinct permission)
                from identity.user_roles ur
                join identity.roles role on role.name = ur.role
                cross join lateral unnest(role.permissions) as permission
                where ur.user_id = u.id
            ), '{}') as "permissions!"
        from identity.users u
        where u.id = $1 and u.erased_at is null
        for update of u
        "#,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

/// Lets changes of owners happen one after the other.
pub(crate) async fn lock_owners(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select name from identity.roles where name = 'owner' for update")
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Whether somebody else owns this place and may sign in. Demo people go with a click, so
/// they do not stand in for a real owner.
pub(crate) async fn another_owner(
    db: &mut PgConnection,
    than: UserId,
    demo: bool,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from identity.user_roles r
            join identity.users u on u.id = r.user_id
            where r.role = 'owner' and u.id <> $1 and u.status = 'active' and (not u.demo or $2)
        ) as "exists!"
        "#,
        than as UserId,
        demo,
    )
    .fetch_one(db)
    .await
}

pub(crate) async fn suspend(
    db: &mut PgConnection,
    user: UserId,
    reason: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.users
        set status = 'suspended', suspended_at = $3, suspended_reason = $2, updated_at = $3,
            status_before = status
        where id = $1
        "#,
        user as UserId,
        reason,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Back to what it was: from the trash to how it stood there, from suspension to active or,
/// where the person never came, to invited.
pub(crate) async fn restore(
    db: &mut PgConnection,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<Status> {
    sqlx::query_scalar!(
        r#"
        update identity.users
        set status = case
                when status = 'deleted' then coalesce(status_before, 'active')
                when status_before = 'invited' and email_verified_at is null then 'invited'
                else 'active'
            end,
            suspended_at = case when status = 'deleted' then suspended_at end,
            suspended_reason = case when status = 'deleted' then suspended_reason end,
            deleted_at = null, status_before = null, updated_at = $2
        where id = $1
        returning status as "status: Status"
        "#,
        user as UserId,
        now,
    )
    .fetch_one(db)
    .await
}

pub(crate) async fn delete(
    db: &mut PgConnection,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.users
        set status_before = status, status = 'deleted', deleted_at = $2, updated_at = $2
        where id = $1
        "#,
        user as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Who has been in the trash for long enough.
pub(crate) async fn overdue(
    db: &mut PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar!(
        r#"
        select id as "id: UserId" from identity.users
        where status = 'deleted' and erased_at is null and deleted_at < $1
        order by deleted_at
        limit $2
        for update skip locked
        "#,
        before,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Removes what names a person. The row stays without them, because the log and what others
/// wrote point at it.
pub(crate) async fn erase(
    db: &mut PgConnection,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        with passwords as (delete from identity.passwords where user_id = $1),
            registrations as (delete from identity.pending_registrations where user_id = $1),
            tokens as (delete from identity.one_time_tokens where user_id = $1),
            sessions as (delete from identity.sessions where user_id = $1),
            roles as (delete from identity.user_roles where user_id = $1),
            notes as (delete from identity.notes where user_id = $1),
            devices as (delete from identity.known_devices where user_id = $1),
            totp as (delete from identity.totp where user_id = $1),
            history as (delete from identity.password_history where user_id = $1),
            requests as (
                delete from identity.mail_requests r using identity.users u
                where u.id = $1 and r.email_key = u.email_key
            ),
            recovery as (delete from identity.recovery_codes where user_id = $1),
            challenges as (delete from identity.challenges where user_id = $1),
            views as (delete from identity.saved_views where owner = $1),
            seen as (
                update identity.security_events
                set identifier = null, address = null, device = null, data = '{}'
                where user_id = $1
            ),
            presence as (delete from identity.presence where user_id = $1),
            profiles as (
                update identity.profiles
                set display_name = null, time_zone = 'UTC', locale = 'en' where user_id = $1
            )
        update identity.users
        set email = 'erased-' || id || '@erased.invalid',
            email_key = 'erased-' || id || '@erased.invalid',
            name = 'Somebody who left', email_verified_at = null, suspended_reason = null,
            erased_at = $2, updated_at = $2
        where id = $1
        "#,
        user as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Sessions of a user that stand: what a change of their rights must reach.
pub(crate) async fn open_sessions(
    db: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<Vec<SessionId>> {
    sqlx::query_scalar!(
        r#"
        select id as "id: SessionId" from identity.sessions
        where user_id = $1 and ended_at is null
        "#,
        user as UserId,
    )
    .fetch_all(db)
    .await
}

pub(crate) async fn forget_password(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from identity.passwords where user_id = $1",
        user as UserId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes all that answers for a second factor, passkeys included; false if there is none.
pub(crate) async fn drop_second_factor(db: &mut PgConnection, user: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        with totp as (delete from identity.totp where user_id = $1 returning user_id),
            passkeys as (delete from identity.passkeys where user_id = $1 returning user_id),
            codes as (delete from identity.recovery_codes where user_id = $1),
            challenges as (delete from identity.challenges where user_id = $1),
            remembered as (
                update identity.known_devices set remembered_until = null where user_id = $1
            )
        select exists (select from totp) or exists (select from passkeys) as "dropped!"
        "#,
        user as UserId,
    )
    .fetch_one(db)
    .await
}

/// A person's page.
pub(crate) async fn detail(
    db: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<Option<PersonDetail>> {
    let Some(person) = super::people::get(db, user).await? else {
        return Ok(None);
    };
    let row = sqlx::query!(
        r#"
        select u.email_verified_at, p.display_name, p.time_zone, p.locale, u.suspended_at,
            u.suspended_reason, u.deleted_at,
            coalesce((
                select array_agg(distinct permission)
                from identity.user_roles ur
                join identity.roles role on role.name = ur.role
                cross join lateral unnest(role.permissions) as permission
                where ur.user_id = u.id
            ), '{}') as "permissions!"
        from identity.users u
        join identity.profiles p on p.user_id = u.id
        where u.id = $1
        "#,
        user as UserId,
    )
    .fetch_one(db)
    .await?;
    let person: Person = person;
    Ok(Some(PersonDetail {
        person,
        email_verified_at: row.email_verified_at,
        display_name: row.display_name,
        time_zone: row.time_zone,
        locale: row.locale,
        suspended_at: row.suspended_at,
        suspended_reason: row.suspended_reason,
        deleted_at: row.deleted_at,
        permissions: row.permissions,
    }))
}
