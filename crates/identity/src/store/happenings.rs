//! What an account went through, by person and over all.

use crate::model::people::Happening;
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Security events of a person, the latest first, up to and including `until`.
pub(crate) async fn of_person(
    db: &mut PgConnection,
    user: UserId,
    until: Option<OffsetDateTime>,
    limit: i64,
) -> sqlx::Result<Vec<Happening>> {
    sqlx::query_as!(
        Happening,
        r#"
        select e.id::text as "id!", e.created_at as at, e.kind,
            (e.data ->> 'by')::uuid as "actor: UserId", a.name as "actor_name?",
            e.address, e.device,
            case when i.id is null then e.data else e.data || jsonb_build_object(
                'reason', i.reason, 'started_at', i.started_at,
                'ended_at', coalesce(i.ended_at, i.expires_at)
            ) end as "data!"
        from identity.security_events e
        left join identity.users a on a.id = (e.data ->> 'by')::uuid
        left join identity.impersonations i
            on e.kind = 'impersonated' and i.id = (e.data ->> 'impersonation')::uuid
        where e.user_id = $1 and ($2::timestamptz is null or e.created_at <= $2)
        order by e.created_at desc, e.id desc
        limit $3
        "#,
        user as UserId,
        until,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The names of these people.
pub(crate) async fn names(
    db: &mut PgConnection,
    people: &[UserId],
) -> sqlx::Result<Vec<(UserId, String)>> {
    let rows = sqlx::query!(
        r#"select id as "id: UserId", name from identity.users where id = any($1)"#,
        people as &[UserId],
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
