//! People of the hosted project, and whom they are here.

use crate::model::{HostedId, Known, RunId};
use kernel::id::UserId;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A place in the order of looks.
pub(crate) async fn look(db: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select nextval('hosted_stack.looks') as "look!""#)
        .fetch_one(db)
        .await
}

/// Somebody's row, made if there is none, and locked.
pub(crate) async fn lock(
    db: &mut PgConnection,
    project: Uuid,
    id: HostedId,
    now: OffsetDateTime,
) -> sqlx::Result<Known> {
    sqlx::query!(
        r#"
        insert into hosted_stack.people (project_id, hosted_id, created_at) values ($1, $2, $3)
        on conflict on constraint people_pkey do nothing
        "#,
        project,
        id as HostedId,
        now,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query_as!(
        Known,
        r#"
        select user_id as "user: UserId", look, roles, suspended, refused, gone_at
        from hosted_stack.people
        where project_id = $1 and hosted_id = $2
        for update
        "#,
        project,
        id as HostedId,
    )
    .fetch_one(db)
    .await
}

/// What was noted of somebody, for a comparison that changes nothing.
pub(crate) async fn get(
    db: &mut PgConnection,
    project: Uuid,
    id: HostedId,
) -> sqlx::Result<Option<Known>> {
    sqlx::query_as!(
        Known,
        r#"
        select user_id as "user: UserId", look, roles, suspended, refused, gone_at
        from hosted_stack.people
        where project_id = $1 and hosted_id = $2
        "#,
        project,
        id as HostedId,
    )
    .fetch_optional(db)
    .await
}

/// Notes what a look came to.
pub(crate) async fn note(
    db: &mut PgConnection,
    project: Uuid,
    id: HostedId,
    known: &Known,
    refused: Option<&str>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update hosted_stack.people
        set user_id = $3, look = $4, roles = $5, suspended = $6, gone_at = $7, refused = $8,
            applied_at = $9
        where project_id = $1 and hosted_id = $2
        "#,
        project,
        id as HostedId,
        known.user as Option<UserId>,
        known.look,
        &known.roles,
        known.suspended,
        known.gone_at,
        refused,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether an account stands for somebody there already.
pub(crate) async fn is_taken(db: &mut PgConnection, user: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from hosted_stack.people where user_id = $1) as "taken!""#,
        user as UserId,
    )
    .fetch_one(db)
    .await
}

/// Who somebody here is there.
pub(crate) async fn hosted(
    db: &mut PgConnection,
    project: Uuid,
    user: UserId,
) -> sqlx::Result<Option<HostedId>> {
    sqlx::query_scalar!(
        r#"
        select hosted_id as "id: HostedId" from hosted_stack.people
        where project_id = $1 and user_id = $2
        "#,
        project,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

/// Notes who was there when a comparison passed.
pub(crate) async fn seen(
    db: &mut PgConnection,
    project: Uuid,
    ids: &[Uuid],
    run: RunId,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update hosted_stack.people set seen_run = $3
        where project_id = $1 and hosted_id = any($2)
        "#,
        project,
        ids,
        run as RunId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Those with an account whom a comparison did not meet there.
pub(crate) async fn unseen(
    db: &mut PgConnection,
    project: Uuid,
    run: RunId,
    before: OffsetDateTime,
    after: Option<HostedId>,
    limit: i64,
) -> sqlx::Result<Vec<HostedId>> {
    sqlx::query_scalar!(
        r#"
        select hosted_id as "id: HostedId" from hosted_stack.people
        where project_id = $1 and seen_run is distinct from $2 and gone_at is null
            and user_id is not null and created_at <= $3 and ($4::uuid is null or hosted_id > $4)
        order by hosted_id
        limit $5
        "#,
        project,
        run as RunId,
        before,
        after as Option<HostedId>,
        limit,
    )
    .fetch_all(db)
    .await
}

/// How many have an account here, and how many were refused one.
pub(crate) async fn totals(db: &mut PgConnection, project: Uuid) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"
        select count(*) filter (where user_id is not null and gone_at is null) as "linked!",
            count(*) filter (where user_id is null and refused is not null and gone_at is null)
                as "refused!"
        from hosted_stack.people where project_id = $1
        "#,
        project,
    )
    .fetch_one(db)
    .await?;
    Ok((row.linked, row.refused))
}

/// What is held about somebody here, as they may read it.
pub(crate) async fn holdings(db: &mut PgConnection, user: UserId) -> sqlx::Result<Value> {
    sqlx::query_scalar!(
        r#"
        select coalesce(jsonb_agg(jsonb_build_object(
            'project', p.project_id, 'id', p.hosted_id, 'since', p.created_at,
            'roles', p.roles, 'last_looked_at', p.applied_at
        )), '[]') as "held!"
        from hosted_stack.people p where p.user_id = $1
        "#,
        user as UserId,
    )
    .fetch_one(db)
    .await
}

/// Removes what names somebody. The row stays, so that the same person does not come again
/// by themselves.
pub(crate) async fn forget(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        with them as (select hosted_id from hosted_stack.people where user_id = $1),
            said as (delete from hosted_stack.inbox where hosted_id in (select hosted_id from them))
        delete from hosted_stack.drift where hosted_id in (select hosted_id from them)
        "#,
        user as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}
