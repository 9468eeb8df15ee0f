//! Staff in members' places.

use crate::model::{
    Status,
    impersonation::{Impersonation, Mode},
};
use kernel::id::{ImpersonationId, SessionId, UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) struct New<'a> {
    pub(crate) id: ImpersonationId,
    pub(crate) user: UserId,
    pub(crate) by: UserId,
    pub(crate) session: SessionId,
    pub(crate) reason: &'a str,
    pub(crate) mode: Mode,
    pub(crate) hash: &'a [u8],
    pub(crate) now: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

pub(crate) async fn insert(db: &mut PgConnection, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.impersonations
            (id, user_id, by_user, by_session, reason, mode, token_hash, started_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        new.id as ImpersonationId,
        new.user as UserId,
        new.by as UserId,
        new.session as SessionId,
        new.reason,
        new.mode as Mode,
        new.hash,
        new.now,
        new.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks who acts and whom they act for, always in the order of their ids: two who begin with
/// each other at once wait one for the other, and not both.
pub(crate) async fn lock_pair(db: &mut PgConnection, by: UserId, user: UserId) -> sqlx::Result<()> {
    let mut pair = [by, user];
    pair.sort_unstable();
    for id in pair {
        if id == user {
            sqlx::query!(
                "select id from identity.users where id = $1 for update",
                id as UserId,
            )
            .fetch_optional(&mut *db)
            .await?;
        } else {
            sqlx::query!(
                "select id from identity.users where id = $1 for key share",
                id as UserId,
            )
            .fetch_optional(&mut *db)
            .await?;
        }
    }
    Ok(())
}

/// Locks a session that is not over, so that it does not end meanwhile; false if there is none.
/// Its owner is locked before, as by whoever suspends them.
pub(crate) async fn lock_session(
    db: &mut PgConnection,
    session: SessionId,
    user: UserId,
) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"
        select id as "id: SessionId" from identity.sessions
        where id = $1 and user_id = $2 and ended_at is null
        for update
        "#,
        session as SessionId,
        user as UserId,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// What is known of an impersonation: read at each request through a cache.
pub(crate) struct Held {
    pub(crate) hash: Vec<u8>,
    pub(crate) by: UserId,
    pub(crate) by_name: String,
    pub(crate) session: Option<SessionId>,
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) status: Status,
    pub(crate) permissions: Vec<String>,
    pub(crate) staff: bool,
    pub(crate) second_factor: bool,
    pub(crate) mode: Mode,
    pub(crate) reason: Option<String>,
    pub(crate) started_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) ended_at: Option<OffsetDateTime>,
}

pub(crate) async fn held(db: &mut PgConnection, id: ImpersonationId) -> sqlx::Result<Option<Held>> {
    sqlx::query_as!(
        Held,
        r#"
        select i.token_hash as hash, i.by_user as "by: UserId", staff.name as by_name,
            i.by_session as "session: SessionId", i.user_id as "user: UserId", u.name,
            u.status as "status: Status",
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
            i.mode as "mode: Mode", i.reason, i.started_at, i.expires_at, i.ended_at
        from identity.impersonations i
        join identity.users u on u.id = i.user_id
        join identity.users staff on staff.id = i.by_user
        where i.id = $1
        "#,
        id as ImpersonationId,
    )
    .fetch_optional(db)
    .await
}

/// An impersonation whose end is to be written down.
pub(crate) struct Over {
    pub(crate) id: ImpersonationId,
    pub(crate) user: UserId,
    pub(crate) by: UserId,
    pub(crate) how: Option<String>,
    pub(crate) started_at: OffsetDateTime,
    pub(crate) ended_at: Option<OffsetDateTime>,
}

/// Ends one that is not over, and has its end written down by the caller.
pub(crate) async fn end(
    db: &mut PgConnection,
    id: ImpersonationId,
    how: &str,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Over>> {
    sqlx::query_as!(
        Over,
        r#"
        update identity.impersonations set ended_at = $3, ended_how = $2, noted_at = $3
        where id = $1 and ended_at is null
        returning id as "id: ImpersonationId", user_id as "user: UserId", by_user as "by: UserId",
            ended_how as how, started_at, ended_at
        "#,
        id as ImpersonationId,
        how,
        now,
    )
    .fetch_optional(db)
    .await
}

/// The one of a session that is not over.
pub(crate) async fn open_of(
    db: &mut PgConnection,
    session: SessionId,
) -> sqlx::Result<Option<ImpersonationId>> {
    sqlx::query_scalar!(
        r#"
        select id as "id: ImpersonationId" from identity.impersonations
        where by_session = $1 and ended_at is null
        "#,
        session as SessionId,
    )
    .fetch_optional(db)
    .await
}

/// Those whose time is over, or that ended with something else, and whose end nobody has
/// written down yet. From now on it is the caller's to do.
pub(crate) async fn take_over(
    db: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<Over>> {
    sqlx::query_as!(
        Over,
        r#"
        update identity.impersonations i
        set ended_at = coalesce(i.ended_at, i.expires_at), ended_how = coalesce(i.ended_how, 'time_over'),
            noted_at = $1
        from (
            select id from identity.impersonations
            where noted_at is null and (ended_at is not null or expires_at <= $1)
            order by expires_at
            limit $2
            for update skip locked
        ) due
        where i.id = due.id
        returning i.id as "id: ImpersonationId", i.user_id as "user: UserId", i.by_user as "by: UserId",
            i.ended_how as how, i.started_at, i.ended_at
        "#,
        now,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Who acted in somebody's place, the latest first.
pub(crate) async fn of_person(
    db: &mut PgConnection,
    user: UserId,
    before: Option<ImpersonationId>,
    limit: i64,
) -> sqlx::Result<Vec<Impersonation>> {
    sqlx::query_as!(
        Impersonation,
        r#"
        select i.id as "id: ImpersonationId", i.by_user as "by: UserId", staff.name as by_name,
            i.mode as "mode: Mode", i.reason, i.started_at, i.expires_at, i.ended_at
        from identity.impersonations i
        join identity.users staff on staff.id = i.by_user
        where i.user_id = $1 and ($2::uuid is null or i.id < $2)
        order by i.id desc
        limit $3
        "#,
        user as UserId,
        before as Option<ImpersonationId>,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Forgets those that are over for longer than the operator keeps such things.
pub(crate) async fn sweep(db: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<u64> {
    let swept = sqlx::query!(
        "delete from identity.impersonations where noted_at < $1",
        before
    )
    .execute(db)
    .await?;
    Ok(swept.rows_affected())
}
