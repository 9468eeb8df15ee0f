//! Bulk runs and those whom they are about.

use crate::model::bulk::{BulkRun, Refusal};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) async fn insert(
    db: &mut PgConnection,
    run: Uuid,
    (actor, permissions): (UserId, &[String]),
    (action, argument): (&str, Option<&str>),
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.bulk_runs (id, actor, permissions, action, argument, total, created_at)
        values ($1, $2, $3, $4, $5, 0, $6)
        "#,
        run,
        actor as UserId,
        permissions,
        action,
        argument,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Settles people picked by hand; who is not there is left out.
pub(crate) async fn pick(db: &mut PgConnection, run: Uuid, people: &[UserId]) -> sqlx::Result<u64> {
    let picked = sqlx::query!(
        r#"
        insert into identity.bulk_items (run_id, user_id)
        select $1, id from identity.users where id = any($2) and erased_at is null
        "#,
        run,
        people as &[UserId],
    )
    .execute(db)
    .await?;
    Ok(picked.rows_affected())
}

/// Settles those to whom another run was done.
pub(crate) async fn settle_done(db: &mut PgConnection, run: Uuid, of: Uuid) -> sqlx::Result<u64> {
    let settled = sqlx::query!(
        r#"
        insert into identity.bulk_items (run_id, user_id)
        select $1, user_id from identity.bulk_items where run_id = $2 and outcome = 'done'
        "#,
        run,
        of,
    )
    .execute(db)
    .await?;
    Ok(settled.rows_affected())
}

pub(crate) async fn set_total(db: &mut PgConnection, run: Uuid, total: i32) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.bulk_runs set total = $2 where id = $1",
        run,
        total
    )
    .execute(db)
    .await?;
    Ok(())
}

macro_rules! run {
    ($name:ident, $lock:tt) => {
        pub(crate) async fn $name(
            db: &mut PgConnection,
            run: Uuid,
        ) -> sqlx::Result<Option<BulkRun>> {
            sqlx::query_as!(
                BulkRun,
                r#"
                select id, actor as "actor: UserId", action, argument, total, done, refused,
                    permissions, created_at, finished_at
                from identity.bulk_runs where id = $1
                "#
                    + $lock,
                run,
            )
            .fetch_optional(db)
            .await
        }
    };
}

run!(get, "");
run!(lock, " for update");

/// The next ones whose turn it is, in the order of their ids: two runs lock alike.
pub(crate) async fn open(
    db: &mut PgConnection,
    run: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar!(
        r#"
        select user_id as "id: UserId" from identity.bulk_items
        where run_id = $1 and outcome is null
        order by user_id
        limit $2
        "#,
        run,
        limit,
    )
    .fetch_all(db)
    .await
}

pub(crate) async fn outcome(
    db: &mut PgConnection,
    run: Uuid,
    user: UserId,
    outcome: &str,
    detail: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.bulk_items set outcome = $3, detail = $4
        where run_id = $1 and user_id = $2
        "#,
        run,
        user as UserId,
        outcome,
        detail,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn advance(
    db: &mut PgConnection,
    run: Uuid,
    done: i32,
    refused: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.bulk_runs set done = done + $2, refused = refused + $3 where id = $1",
        run,
        done,
        refused,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn finish(
    db: &mut PgConnection,
    run: Uuid,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.bulk_runs set finished_at = $2 where id = $1",
        run,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Those to whom it was not done.
pub(crate) async fn refusals(
    db: &mut PgConnection,
    run: Uuid,
    after: Option<UserId>,
    limit: i64,
) -> sqlx::Result<Vec<Refusal>> {
    sqlx::query_as!(
        Refusal,
        r#"
        select i.user_id as "user: UserId", u.name, u.email, i.outcome as "code!", i.detail
        from identity.bulk_items i
        join identity.users u on u.id = i.user_id
        where i.run_id = $1 and i.outcome <> 'done' and ($2::uuid is null or i.user_id > $2)
        order by i.user_id
        limit $3
        "#,
        run,
        after as Option<UserId>,
        limit,
    )
    .fetch_all(db)
    .await
}
