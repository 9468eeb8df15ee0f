//! Comparisons of both sides, and what they found.

use crate::model::{Difference, HostedId, RunId};
use kernel::id::UserId;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;

/// A comparison.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) id: RunId,
    pub(crate) mends: bool,
    pub(crate) started_at: OffsetDateTime,
    pub(crate) finished_at: Option<OffsetDateTime>,
    pub(crate) cursor: Option<String>,
    pub(crate) seen: i64,
    pub(crate) missing_here: i64,
    pub(crate) missing_there: i64,
    pub(crate) differing: i64,
    pub(crate) mended: i64,
    pub(crate) problem: Option<String>,
}

/// Somebody who is not the same on both sides.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) hosted_id: HostedId,
    pub(crate) user_id: Option<UserId>,
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) fields: Json<Vec<Difference>>,
    pub(crate) mended: bool,
    pub(crate) problem: Option<String>,
}

/// Starts one; false if another is on its way.
pub(crate) async fn insert(
    db: &mut PgConnection,
    run: RunId,
    mends: bool,
    by: Option<UserId>,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let made = sqlx::query!(
        r#"
        insert into hosted_stack.runs (id, mends, asked_by, started_at) values ($1, $2, $3, $4)
        on conflict do nothing
        "#,
        run as RunId,
        mends,
        by as Option<UserId>,
        now,
    )
    .execute(db)
    .await?;
    Ok(made.rows_affected() == 1)
}

/// The latest first.
pub(crate) async fn list(db: &mut PgConnection, only: Option<RunId>) -> sqlx::Result<Vec<Run>> {
    sqlx::query_as!(
        Run,
        r#"
        select id as "id: RunId", mends, started_at, finished_at, cursor, seen, missing_here,
            missing_there, differing, mended, problem
        from hosted_stack.runs
        where $1::uuid is null or id = $1
        order by started_at desc, id desc
        limit 20
        "#,
        only as Option<RunId>,
    )
    .fetch_all(db)
    .await
}

/// Notes how far one has come.
pub(crate) async fn save(db: &mut PgConnection, run: &Run) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update hosted_stack.runs
        set finished_at = $2, cursor = $3, seen = $4, missing_here = $5, missing_there = $6,
            differing = $7, mended = $8, problem = $9
        where id = $1
        "#,
        run.id as RunId,
        run.finished_at,
        run.cursor,
        run.seen,
        run.missing_here,
        run.missing_there,
        run.differing,
        run.mended,
        run.problem,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes somebody; false if they were noted before a break.
pub(crate) async fn find(db: &mut PgConnection, run: RunId, found: &Found) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into hosted_stack.drift
            (run_id, hosted_id, user_id, kind, name, email, fields, mended, problem)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict on constraint drift_pkey do nothing
        "#,
        run as RunId,
        found.hosted_id as HostedId,
        found.user_id as Option<UserId>,
        found.kind,
        found.name,
        found.email,
        serde_json::json!(found.fields.0),
        found.mended,
        found.problem,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What one found, by id.
pub(crate) async fn drift(
    db: &mut PgConnection,
    run: RunId,
    after: Option<HostedId>,
    limit: i64,
) -> sqlx::Result<Vec<Found>> {
    sqlx::query_as!(
        Found,
        r#"
        select hosted_id as "hosted_id: HostedId", user_id as "user_id: UserId", kind, name, email,
            fields as "fields: Json<Vec<Difference>>", mended, problem
        from hosted_stack.drift
        where run_id = $1 and ($2::uuid is null or hosted_id > $2)
        order by hosted_id
        limit $3
        "#,
        run as RunId,
        after as Option<HostedId>,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Forgets comparisons of before.
pub(crate) async fn sweep(db: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from hosted_stack.runs where finished_at < $1",
        before,
    )
    .execute(db)
    .await?;
    Ok(())
}
