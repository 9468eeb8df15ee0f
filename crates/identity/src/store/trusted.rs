//! What another place that is trusted with identity says of people, and sessions that stand for
//! ones there.

use crate::model::{Name, Status};
use kernel::id::{SessionId, UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Somebody, as far as another place may say otherwise.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) verified: bool,
    pub(crate) status: Status,
    pub(crate) roles: Vec<String>,
}

/// Somebody who is not erased; whoever asks holds the lock on the account.
pub(crate) async fn get(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Person>> {
    sqlx::query_as!(
        Person,
        r#"
        select u.name, u.email, u.email_verified_at is not null as "verified!",
            u.status as "status: Status",
            coalesce((
                select array_agg(r.role order by r.role)
                from identity.user_roles r where r.user_id = u.id
            ), '{}') as "roles!"
        from identity.users u
        where u.id = $1 and u.erased_at is null
        for update of u
        "#,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn rename(
    db: &mut PgConnection,
    user: UserId,
    name: &Name,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.users set name = $2, updated_at = $3 where id = $1",
        user as UserId,
        name.as_str(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which of these roles there are.
pub(crate) async fn there(db: &mut PgConnection, roles: &[String]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select name from identity.roles where name = any($1) order by name for share",
        roles,
    )
    .fetch_all(db)
    .await
}

/// A session that stands for another place's.
pub(crate) struct Standing {
    pub(crate) id: SessionId,
    pub(crate) user: UserId,
    pub(crate) method: String,
}

/// The latest open session that was begun so.
pub(crate) async fn session(
    db: &mut PgConnection,
    method: &str,
) -> sqlx::Result<Option<(SessionId, UserId)>> {
    let row = sqlx::query!(
        r#"
        select id as "id: SessionId", user_id as "user_id: UserId"
        from identity.sessions
        where method = $1 and method like 'hosted:%' and ended_at is null
        order by id desc
        limit 1
        "#,
        method,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.id, row.user_id)))
}

/// Open sessions that stand for another place's, by id.
pub(crate) async fn sessions(
    db: &mut PgConnection,
    after: Option<SessionId>,
    limit: i64,
) -> sqlx::Result<Vec<Standing>> {
    sqlx::query_as!(
        Standing,
        r#"
        select id as "id: SessionId", user_id as "user: UserId", method as "method!"
        from identity.sessions
        where method like 'hosted:%' and ended_at is null and ($1::uuid is null or id > $1)
        order by id
        limit $2
        "#,
        after as Option<SessionId>,
        limit,
    )
    .fetch_all(db)
    .await
}
