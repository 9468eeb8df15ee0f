//! Sessions and their refresh tokens.

use crate::model::{Session, Status};
use kernel::id::{SessionId, UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) struct NewSession<'a> {
    pub(crate) id: SessionId,
    pub(crate) user: UserId,
    pub(crate) device: &'a str,
    pub(crate) address: &'a str,
    pub(crate) now: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) method: &'a str,
}

pub(crate) async fn insert(db: &mut PgConnection, new: &NewSession<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.sessions
            (id, user_id, device, address, created_at, last_seen_at, expires_at, method,
                authenticated_at)
        values ($1, $2, $3, $4, $5, $5, $6, $7, $5)
        "#,
        new.id as SessionId,
        new.user as UserId,
        new.device,
        new.address,
        new.now,
        new.expires_at,
        new.method,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What makes a session stand: read at each request through a cache.
pub(crate) struct Standing {
    pub(crate) user: UserId,
    pub(crate) status: Status,
    pub(crate) permissions: Vec<String>,
    pub(crate) staff: bool,
    pub(crate) second_factor: bool,
    pub(crate) authenticated_at: OffsetDateTime,
    pub(crate) last_seen_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

pub(crate) async fn standing(
    db: &mut PgConnection,
    session: SessionId,
) -> sqlx::Result<Option<Standing>> {
    sqlx::query_as!(
        Standing,
        r#"
        select s.user_id as "user: UserId", u.status as "status: Status",
            coalesce((
                select array_agg(distinct permission)
                from identity.user_roles ur
                join identity.roles role on role.name = ur.role
                cross join lateral unnest(role.permissions) as permission
                where ur.user_id = u.id
            ), '{}') as "permissions!",
            exists (
                select from identity.user_roles ur
                join identity.roles role on role.name = ur.role
                where ur.user_id = u.id and role.staff
            ) as "staff!",
            exists (
                select from identity.second_factors f where f.user_id = u.id
            ) as "second_factor!",
            s.authenticated_at, s.last_seen_at, s.expires_at
        from identity.sessions s
        join identity.users u on u.id = s.user_id
        where s.id = $1 and s.ended_at is null
        "#,
        session as SessionId,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn list(db: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<Session>> {
    sqlx::query_as!(
        Session,
        r#"
        select id as "id: SessionId", device, address, created_at, last_seen_at
        from identity.sessions
        where user_id = $1 and ended_at is null
        order by last_seen_at desc, id desc
        limit 100
        "#,
        user as UserId,
    )
    .fetch_all(db)
    .await
}

/// Has a session that was just ended go on as another one, its owner having proved who they are.
pub(crate) async fn go_on_as(
    db: &mut PgConnection,
    session: SessionId,
    next: SessionId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        with before as (
            update identity.sessions set replaced_by = $2 where id = $1
            returning user_id, device, address, created_at, expires_at, method
        )
        insert into identity.sessions
            (id, user_id, device, address, created_at, last_seen_at, expires_at, method,
                authenticated_at)
        select $2, user_id, device, address, created_at, $3, expires_at, method, $3
        from before
        "#,
        session as SessionId,
        next as SessionId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The session as which one goes on that ended since then, if that stands.
pub(crate) async fn successor(
    db: &mut PgConnection,
    session: SessionId,
    user: UserId,
    since: OffsetDateTime,
) -> sqlx::Result<Option<SessionId>> {
    sqlx::query_scalar!(
        r#"
        select next.id as "id: SessionId"
        from identity.sessions s
        join identity.sessions next on next.id = s.replaced_by
        where s.id = $1 and s.user_id = $2 and s.ended_at >= $3 and next.ended_at is null
        "#,
        session as SessionId,
        user as UserId,
        since,
    )
    .fetch_optional(db)
    .await
}

/// Notes that the session's owner has proved again who they are.
pub(crate) async fn authenticated(
    db: &mut PgConnection,
    session: SessionId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.sessions set authenticated_at = $2 where id = $1",
        session as SessionId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The sessions of a user that are not over.
pub(crate) async fn standing_of(
    db: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<Vec<SessionId>> {
    sqlx::query_scalar!(
        r#"select id as "id: SessionId" from identity.sessions where user_id = $1 and ended_at is null"#,
        user as UserId,
    )
    .fetch_all(db)
    .await
}

/// Ends one session of a user; false if it is not theirs or over.
pub(crate) async fn end(
    db: &mut PgConnection,
    session: SessionId,
    user: UserId,
    because: &str,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let ended = sqlx::query!(
        r#"
        update identity.sessions set ended_at = $4, ended_because = $3
        where id = $1 and user_id = $2 and ended_at is null
        "#,
        session as SessionId,
        user as UserId,
        because,
        now,
    )
    .execute(db)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends every session of a user, or all but one.
pub(crate) async fn end_all(
    db: &mut PgConnection,
    user: UserId,
    kept: Option<SessionId>,
    because: &str,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<SessionId>> {
    sqlx::query_scalar!(
        r#"
        update identity.sessions set ended_at = $4, ended_because = $3
        where user_id = $1 and id is distinct from $2 and ended_at is null
        returning id as "id: SessionId"
        "#,
        user as UserId,
        kept as Option<SessionId>,
        because,
        now,
    )
    .fetch_all(db)
    .await
}

pub(crate) async fn seen(
    db: &mut PgConnection,
    session: SessionId,
    address: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.sessions set last_seen_at = $2, address = $3 where id = $1",
        session as SessionId,
        now,
        address,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn insert_refresh(
    db: &mut PgConnection,
    hash: &[u8],
    session: SessionId,
    parent: Option<&[u8]>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.refresh_tokens (hash, session_id, parent, created_at)
        values ($1, $2, $3, $4)
        "#,
        hash,
        session as SessionId,
        parent,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) struct Refresh {
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
    pub(crate) used_at: Option<OffsetDateTime>,
    pub(crate) child_used: bool,
    pub(crate) status: Status,
    pub(crate) last_seen_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

/// Finds and locks a refresh token of a session that stands.
pub(crate) async fn lock_refresh(
    db: &mut PgConnection,
    hash: &[u8],
) -> sqlx::Result<Option<Refresh>> {
    sqlx::query_as!(
        Refresh,
        r#"
        select t.session_id as "session: SessionId", s.user_id as "user: UserId", t.used_at,
            exists (
                select from identity.refresh_tokens child
                where child.parent = t.hash and child.used_at is not null
            ) as "child_used!",
            u.status as "status: Status", s.last_seen_at, s.expires_at
        from identity.refresh_tokens t
        join identity.sessions s on s.id = t.session_id
        join identity.users u on u.id = s.user_id
        where t.hash = $1 and s.ended_at is null
        for update of t, s
        "#,
        hash,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn use_refresh(
    db: &mut PgConnection,
    hash: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.refresh_tokens set used_at = coalesce(used_at, $2) where hash = $1",
        hash,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends what idled too long or is past its absolute end, and forgets tokens long used.
pub(crate) async fn sweep(
    db: &mut PgConnection,
    now: OffsetDateTime,
    idle_since: OffsetDateTime,
) -> sqlx::Result<u64> {
    let ended = sqlx::query!(
        r#"
        update identity.sessions set ended_at = $1, ended_because = 'expired'
        where ended_at is null and (expires_at < $1 or last_seen_at < $2)
        "#,
        now,
        idle_since,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        delete from identity.refresh_tokens t
        using identity.sessions s
        where s.id = t.session_id
            and (s.ended_at is not null or t.used_at < $1::timestamptz - interval '7 days')
        "#,
        now,
    )
    .execute(db)
    .await?;
    Ok(ended.rows_affected())
}
