//! Accounts, profiles, passwords and who holds which role.

use crate::model::{Account, Email, Name, ProfileChange, Status};
use kernel::files::FileId;
use kernel::id::{SessionId, UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Makes an account with its profile; nothing if the address has one already.
pub(crate) async fn insert(
    db: &mut PgConnection,
    email: &Email,
    name: &Name,
    now: OffsetDateTime,
    demo: bool,
) -> sqlx::Result<Option<UserId>> {
    let made = sqlx::query_scalar!(
        r#"
        with account as (
            insert into identity.users (id, email, email_key, name, demo, created_at)
            values ($1, $2, $3, $4, $5, $6)
            on conflict on constraint users_email_key_key do nothing
            returning id
        )
        insert into identity.profiles (user_id)
        select id from account
        returning user_id as "id: UserId"
        "#,
        UserId::new() as UserId,
        email.address.as_str(),
        email.key,
        name.as_str(),
        demo,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(made)
}

pub(crate) async fn grant(
    db: &mut PgConnection,
    user: UserId,
    role: &str,
    by: Option<UserId>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.user_roles (user_id, role, granted_by) values ($1, $2, $3)
        on conflict on constraint user_roles_pkey do nothing
        "#,
        user as UserId,
        role,
        by as Option<UserId>,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The account of an address, and whether the address is proved.
pub(crate) async fn by_email(
    db: &mut PgConnection,
    email: &Email,
) -> sqlx::Result<Option<(UserId, bool)>> {
    let found = sqlx::query!(
        r#"
        select id as "id: UserId", email_verified_at is not null as "verified!"
        from identity.users where email_key = $1
        "#,
        email.key
    )
    .fetch_optional(db)
    .await?;
    Ok(found.map(|row| (row.id, row.verified)))
}

/// What a sign-in looks at.
pub(crate) struct Credentials {
    pub(crate) id: UserId,
    pub(crate) hash: Option<String>,
}

pub(crate) async fn credentials(
    db: &mut PgConnection,
    email_key: &str,
) -> sqlx::Result<Option<Credentials>> {
    sqlx::query_as!(
        Credentials,
        r#"
        select u.id as "id: UserId", coalesce(p.hash, (
                -- Not good for a sign-in: only to tell its owner what is still to do.
                select r.password_hash from identity.pending_registrations r
                where r.user_id = u.id order by r.created_at desc limit 1
            )) as "hash?"
        from identity.users u
        left join identity.passwords p on p.user_id = u.id
        where u.email_key = $1
        "#,
        email_key,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn status(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Status>> {
    sqlx::query_scalar!(
        r#"select status as "status: Status" from identity.users where id = $1"#,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn get(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        Account,
        r#"
        select u.id as "id: UserId", u.email, u.email_verified_at, u.name,
            p.display_name, p.time_zone, p.locale,
            coalesce(r.roles, '{}') as "roles!",
            coalesce(r.permissions, '{}') as "permissions!",
            coalesce(r.staff, false) as "staff!",
            a.large as "picture?: FileId", a.small as "picture_small?: FileId"
        from identity.users u
        join identity.profiles p on p.user_id = u.id
        left join identity.avatars a on a.user_id = u.id
        left join lateral (
            select array_agg(distinct ur.role) as roles,
                array_agg(distinct permission) filter (where permission is not null) as permissions,
                bool_or(role.staff) as staff
            from identity.user_roles ur
            join identity.roles role on role.name = ur.role
            left join lateral unnest(role.permissions) as permission on true
            where ur.user_id = u.id
        ) r on true
        where u.id = $1
        "#,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn update_profile(
    db: &mut PgConnection,
    user: UserId,
    change: &ProfileChange,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.profiles
        set display_name = coalesce($2, display_name),
            time_zone = coalesce($3, time_zone),
            locale = coalesce($4, locale),
            completed_at = coalesce(completed_at, $5)
        where user_id = $1
        "#,
        user as UserId,
        change.display_name.as_ref().map(Name::as_str),
        change.time_zone,
        change.locale,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks an account, so that what is counted for it is counted once.
pub(crate) async fn lock(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "select id from identity.users where id = $1 for update",
        user as UserId
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}

/// Marks the address as proved; false if it was already.
pub(crate) async fn verify_email(
    db: &mut PgConnection,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let marked = sqlx::query!(
        r#"
        update identity.users
        set email_verified_at = $2, updated_at = $2,
            -- Who was invited and registered instead has come all the same.
            status = case when status = 'invited' then 'active' else status end
        where id = $1 and email_verified_at is null
        "#,
        user as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(marked.rows_affected() == 1)
}

pub(crate) async fn has_owner(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from identity.user_roles r
            join identity.users u on u.id = r.user_id
            where r.role = 'owner' and not u.demo
        ) as "exists!"
        "#,
    )
    .fetch_one(db)
    .await
}

/// Deletes demo people; how many, and the sessions that went with them.
pub(crate) async fn remove_demo(db: &mut PgConnection) -> sqlx::Result<(u64, Vec<SessionId>)> {
    let sessions = sqlx::query_scalar!(
        r#"
        select s.id as "id: SessionId"
        from identity.sessions s
        join identity.users u on u.id = s.user_id
        where u.demo and s.ended_at is null
        "#,
    )
    .fetch_all(&mut *db)
    .await?;
    let gone = sqlx::query!("delete from identity.users where demo")
        .execute(db)
        .await?;
    Ok((gone.rows_affected(), sessions))
}

pub(crate) async fn demo_present(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from identity.users where demo) as "exists!""#)
        .fetch_one(db)
        .await
}

pub(crate) async fn none_yet(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select not exists (select from identity.users) as "none!""#)
        .fetch_one(db)
        .await
}
