//! Files of people on their way in.

use crate::model::import::{Import, ImportId, Line, Mapping};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) async fn insert(
    db: &mut PgConnection,
    id: ImportId,
    actor: UserId,
    file_name: &str,
    columns: &[String],
    rows: i32,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.imports (id, actor, file_name, columns, rows, created_at)
        values ($1, $2, $3, $4, $5, $6)
        "#,
        id as ImportId,
        actor as UserId,
        file_name,
        columns,
        rows,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Stages lines. Cells travel as JSON: PostgreSQL's arrays of arrays must be rectangular
/// and lose their inner bounds in `unnest`.
pub(crate) async fn stage(
    db: &mut PgConnection,
    id: ImportId,
    lines: &[(i32, Vec<String>)],
) -> sqlx::Result<()> {
    let numbers: Vec<i32> = lines.iter().map(|(line, _)| *line).collect();
    let cells: Vec<serde_json::Value> = lines
        .iter()
        .map(|(_, cells)| serde_json::Value::from(cells.clone()))
        .collect();
    sqlx::query!(
        r#"
        insert into identity.import_rows (import_id, line, cells)
        select $1, staged.line, array(select jsonb_array_elements_text(staged.cells))
        from unnest($2::integer[], $3::jsonb[]) as staged (line, cells)
        on conflict on constraint import_rows_pkey do nothing
        "#,
        id as ImportId,
        &numbers,
        &cells,
    )
    .execute(db)
    .await?;
    Ok(())
}

macro_rules! import {
    ($name:ident, $lock:tt) => {
        pub(crate) async fn $name(
            db: &mut PgConnection,
            id: ImportId,
        ) -> sqlx::Result<Option<Import>> {
            sqlx::query_as!(
                Import,
                r#"
                select i.id as "id: ImportId", i.actor as "actor: UserId", i.file_name, i.columns,
                    i.rows, i.state, i.good, i.faulty, i.invite, i.made, i.created_at, i.finished_at,
                    case
                        when i.state = 'done' then i.made
                        when i.state = 'running' then
                            coalesce((select p.through from identity.import_progress p where p.import_id = i.id), 0)
                    end as through
                from identity.imports i where i.id = $1
                "# + $lock,
                id as ImportId,
            )
            .fetch_optional(db)
            .await
        }
    };
}

import!(get, "");
import!(lock, " for update");

/// Lines in their order; `faulty` only those that cannot be taken over.
pub(crate) async fn lines(
    db: &mut PgConnection,
    id: ImportId,
    faulty: bool,
    after: i32,
    limit: i64,
) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as!(
        Line,
        r#"
        select line, cells, problem from identity.import_rows
        where import_id = $1 and line > $3 and (not $2 or problem is not null)
        order by line
        limit $4
        "#,
        id as ImportId,
        faulty,
        after,
        limit,
    )
    .fetch_all(db)
    .await
}

/// What was read of lines: address, its key, name, role, and what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) lines: Vec<i32>,
    pub(crate) emails: Vec<Option<String>>,
    pub(crate) keys: Vec<Option<String>>,
    pub(crate) names: Vec<Option<String>>,
    pub(crate) roles: Vec<Option<String>>,
    pub(crate) problems: Vec<Option<String>>,
}

pub(crate) async fn write_read(
    db: &mut PgConnection,
    id: ImportId,
    read: &Read,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.import_rows r
        set email = n.email, email_key = n.email_key, name = n.name, role = n.role,
            problem = n.problem
        from unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
            as n (line, email, email_key, name, role, problem)
        where r.import_id = $1 and r.line = n.line
        "#,
        id as ImportId,
        &read.lines,
        &read.emails as &[Option<String>],
        &read.keys as &[Option<String>],
        &read.names as &[Option<String>],
        &read.roles as &[Option<String>],
        &read.problems as &[Option<String>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks addresses that stand in the file twice, and those that have an account.
pub(crate) async fn mark_repeated(db: &mut PgConnection, id: ImportId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.import_rows r
        set problem = case when first.line < r.line then 'twice' else 'taken' end
        from (
            select email_key, min(line) as line from identity.import_rows
            where import_id = $1 and problem is null group by email_key
        ) first
        left join identity.users u on u.email_key = first.email_key
        where r.import_id = $1 and r.problem is null and r.email_key = first.email_key
            and (first.line < r.line or u.id is not null)
        "#,
        id as ImportId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down what a check found.
pub(crate) async fn checked(
    db: &mut PgConnection,
    id: ImportId,
    mapping: &Mapping,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.imports i
        set state = 'checked', email_column = $2, name_column = $3, role_column = $4,
            default_role = $5, good = found.good, faulty = found.faulty
        from (
            select count(*) filter (where problem is null)::integer as good,
                count(problem)::integer as faulty
            from identity.import_rows where import_id = $1
        ) found
        where i.id = $1
        "#,
        id as ImportId,
        mapping.email,
        mapping.name,
        mapping.role,
        mapping.default_role,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn set_state(
    db: &mut PgConnection,
    id: ImportId,
    state: &str,
    invite: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.imports set state = $2, invite = $3 where id = $1",
        id as ImportId,
        state,
        invite,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The last of the next good lines after this one, at most so many of them.
pub(crate) async fn last_of_next(
    db: &mut PgConnection,
    id: ImportId,
    after: i32,
    most: i64,
) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar!(
        r#"
        select max(line) from (
            select line from identity.import_rows
            where import_id = $1 and line > $2 and problem is null
            order by line
            limit $3
        ) next
        "#,
        id as ImportId,
        after,
        most,
    )
    .fetch_one(db)
    .await
}

/// Notes how many are through: on another connection than the one that takes them over.
pub(crate) async fn note_progress(
    db: &mut PgConnection,
    id: ImportId,
    through: i32,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.import_progress (import_id, through, noted_at) values ($1, $2, $3)
        on conflict on constraint import_progress_pkey do update
        set through = excluded.through, noted_at = excluded.noted_at
        "#,
        id as ImportId,
        through,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which lines of a file are taken over, by whom and when.
pub(crate) struct Portion {
    pub(crate) id: ImportId,
    pub(crate) after: i32,
    pub(crate) until: i32,
    pub(crate) by: UserId,
    pub(crate) now: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) invite: bool,
}

/// Makes the accounts of the good lines of a portion, with profiles, roles and invitations; how
/// many. Who got an account meanwhile is passed over and marked.
pub(crate) async fn take_over(db: &mut PgConnection, portion: &Portion) -> sqlx::Result<i64> {
    let Portion {
        id,
        after,
        until,
        by,
        now,
        expires_at,
        invite,
    } = *portion;
    sqlx::query!(
        r#"
        update identity.import_rows set user_id = gen_random_uuid()
        where import_id = $1 and line > $2 and line <= $3 and problem is null
        "#,
        id as ImportId,
        after,
        until,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        insert into identity.users (id, email, email_key, name, status, created_at, updated_at)
        select user_id, email, email_key, name, 'invited', $2, $2
        from identity.import_rows
        where import_id = $1 and line > $3 and line <= $4 and user_id is not null
        on conflict on constraint users_email_key_key do nothing
        "#,
        id as ImportId,
        now,
        after,
        until,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        update identity.import_rows r set user_id = null, problem = 'taken'
        where r.import_id = $1 and r.line > $2 and r.line <= $3 and r.user_id is not null
            and not exists (select from identity.users u where u.id = r.user_id)
        "#,
        id as ImportId,
        after,
        until,
    )
    .execute(&mut *db)
    .await?;
    let made = sqlx::query_scalar!(
        r#"
        with made as (
            select user_id, role from identity.import_rows
            where import_id = $1 and line > $6 and line <= $7 and user_id is not null
        ), profiles as (
            insert into identity.profiles (user_id) select user_id from made
        ), roles as (
            insert into identity.user_roles (user_id, role, granted_by)
            select user_id, role, $2 from made
        ), invitations as (
            insert into identity.invitations (id, user_id, invited_by, created_at, sent_at, expires_at)
            select gen_random_uuid(), user_id, $2, $3, case when $5::boolean then $3::timestamptz end,
                case when $5 then $4::timestamptz else $3 end
            from made
        )
        select count(*) as "count!" from made
        "#,
        id as ImportId,
        by as UserId,
        now,
        expires_at,
        invite,
        after,
        until,
    )
    .fetch_one(db)
    .await?;
    Ok(made)
}

pub(crate) async fn finish(
    db: &mut PgConnection,
    id: ImportId,
    state: &str,
    made: i32,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.imports
        set state = $2, made = $3, finished_at = $4,
            faulty = (
                select count(*)::integer from identity.import_rows
                where import_id = $1 and problem is not null
            )
        where id = $1
        "#,
        id as ImportId,
        state,
        made,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Invitations that an import made, a page of them: their mails are asked for one by one.
pub(crate) async fn invitations(
    db: &mut PgConnection,
    id: ImportId,
    after: i32,
    limit: i64,
) -> sqlx::Result<Vec<(i32, crate::model::keys::InvitationId)>> {
    let rows = sqlx::query!(
        r#"
        select r.line, i.id as "id: crate::model::keys::InvitationId"
        from identity.import_rows r
        join identity.invitations i on i.user_id = r.user_id
        where r.import_id = $1 and r.line > $2
        order by r.line
        limit $3
        "#,
        id as ImportId,
        after,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.line, row.id)).collect())
}

/// Forgets files that are long through or were left.
pub(crate) async fn sweep(db: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<u64> {
    sqlx::query!(
        "delete from identity.import_progress where noted_at < $1",
        before,
    )
    .execute(&mut *db)
    .await?;
    let swept = sqlx::query!("delete from identity.imports where created_at < $1", before)
        .execute(db)
        .await?;
    Ok(swept.rows_affected())
}
