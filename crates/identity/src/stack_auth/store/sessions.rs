//! Refresh tokens of this face, and sessions as it shows them.

use crate::{model::Status, stack_auth::model::Session};
use kernel::id::{SessionId, UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) async fn insert_refresh(
    db: &mut PgConnection,
    hash: &[u8],
    session: SessionId,
    impersonation: bool,
    agent: &str,
    network: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.stack_refresh_tokens (hash, session_id, impersonation, agent, network)
        values ($1, $2, $3, $4, $5)
        "#,
        hash,
        session as SessionId,
        impersonation,
        agent,
        network,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) struct Refresh {
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
    pub(crate) status: Status,
    pub(crate) last_seen_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) agent: String,
    pub(crate) network: String,
}

/// The session that a refresh token opens, if it was not ended.
pub(crate) async fn by_refresh(
    db: &mut PgConnection,
    hash: &[u8],
) -> sqlx::Result<Option<Refresh>> {
    sqlx::query_as!(
        Refresh,
        r#"
        select s.id as "session: SessionId", s.user_id as "user: UserId",
            u.status as "status: Status", s.last_seen_at, s.expires_at, t.agent, t.network
        from identity.stack_refresh_tokens t
        join identity.sessions s on s.id = t.session_id
        join identity.users u on u.id = s.user_id
        where t.hash = $1 and s.ended_at is null
        "#,
        hash,
    )
    .fetch_optional(db)
    .await
}

/// Notes from where a token was used.
pub(crate) async fn used_from(
    db: &mut PgConnection,
    session: SessionId,
    agent: &str,
    network: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.stack_refresh_tokens set agent = $2, network = $3
        where session_id = $1 and (agent <> $2 or network <> $3)
        "#,
        session as SessionId,
        agent,
        network,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Somebody's signed-in devices, of this face and of the first-party one.
pub(crate) async fn list(db: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<Session>> {
    sqlx::query_as!(
        Session,
        r#"
        select s.id as "id: SessionId", s.user_id as "user: UserId", s.created_at,
            s.last_seen_at as last_used_at, s.address, s.device,
            coalesce(t.impersonation, false) as "impersonation!"
        from identity.sessions s
        left join identity.stack_refresh_tokens t on t.session_id = s.id
        where s.user_id = $1 and s.ended_at is null
        order by s.created_at, s.id
        limit 100
        "#,
        user as UserId,
    )
    .fetch_all(db)
    .await
}

/// Whose session it is, if it stands.
pub(crate) async fn owner(
    db: &mut PgConnection,
    session: SessionId,
) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar!(
        r#"
        select user_id as "id: UserId" from identity.sessions where id = $1 and ended_at is null
        "#,
        session as SessionId,
    )
    .fetch_optional(db)
    .await
}

/// When somebody's session ends in any case, if it stands.
pub(crate) async fn expiry(
    db: &mut PgConnection,
    session: SessionId,
    user: UserId,
) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!(
        r#"
        select expires_at from identity.sessions
        where id = $1 and user_id = $2 and ended_at is null
        for update
        "#,
        session as SessionId,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}
