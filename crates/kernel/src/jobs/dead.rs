//! Dead letters: jobs that failed for good, until somebody retries or discards them.

use crate::{
    error::{Error, Result},
    page::{Page, PageQuery},
};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

/// A job that failed for good.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DeadLetter {
    /// Its id.
    pub id: Uuid,
    /// The job's name.
    pub task: String,
    /// Why the last attempt failed.
    pub error: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was given up.
    #[serde(with = "time::serde::rfc3339")]
    pub failed_at: OffsetDateTime,
}

/// What the job said. The library keeps it as Rust would print it: `TaskError("no relay")`.
fn plain(kept: &str) -> String {
    let quoted = ["TaskError(", "TaskPanic("].iter().find_map(|kind| {
        let inner = kept.strip_prefix(kind)?.strip_suffix(')')?;
        inner.strip_prefix('"')?.strip_suffix('"')
    });
    let Some(quoted) = quoted else {
        return kept.to_owned();
    };
    let (mut text, mut letters) = (String::new(), quoted.chars());
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('0') => text.push('\0'),
            Some('u') => {
                let code: String = letters
                    .by_ref()
                    .skip(1)
                    .take_while(|letter| *letter != '}')
                    .collect();
                text.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
            }
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

/// Moves a job that failed for good out of the queue.
pub(super) async fn bury(db: &PgPool, job: i64, error: &str) -> sqlx::Result<()> {
    sqlx::query(
        r"
        with gone as (
            delete from graphile_worker._private_jobs as job
            using graphile_worker._private_tasks as task
            where job.id = $1 and task.id = job.task_id
            returning job.id, task.identifier, job.payload, job.attempts
        )
        insert into kernel.dead_letters (id, job_id, task, payload, error, attempts)
        select $2, id, identifier, payload::jsonb, $3, attempts from gone
        on conflict on constraint dead_letters_job_id_key do nothing
        ",
    )
    .bind(job)
    .bind(Uuid::now_v7())
    .bind(plain(error))
    .execute(db)
    .await?;
    Ok(())
}

/// Buries what a process that died could not; how many.
pub async fn sweep_dead(db: &PgPool) -> Result<usize> {
    let left: Vec<(i64, Option<String>)> = sqlx::query_as(
        r"
        select id, last_error from graphile_worker._private_jobs
        where attempts >= max_attempts and locked_at is null
        limit 1000
        ",
    )
    .fetch_all(db)
    .await?;
    for (job, error) in &left {
        bury(
            db,
            *job,
            error
                .as_deref()
                .unwrap_or("the server stopped in its last attempt"),
        )
        .await?;
    }
    Ok(left.len())
}

/// Dead letters, newest first.
pub async fn list_dead(db: &mut PgConnection, page: &PageQuery) -> Result<Page<DeadLetter>> {
    let limit = page.limit()?;
    let (time, id) = page.after::<(OffsetDateTime, Uuid)>()?.unzip();
    let rows = sqlx::query_as!(
        DeadLetter,
        r#"
        select id, task, error, attempts, failed_at
        from kernel.dead_letters
        where $1::timestamptz is null or (failed_at, id) < ($1, $2::uuid)
        order by failed_at desc, id desc
        limit $3
        "#,
        time,
        id,
        limit + 1,
    )
    .fetch_all(db)
    .await?;
    Ok(Page::of(
        rows,
        limit,
        |row| (row.failed_at, row.id),
        |row| row,
    ))
}

/// Puts a dead letter back into the queue with all its attempts.
pub async fn retry_dead(db: &mut PgConnection, id: Uuid) -> Result<()> {
    let letter = sqlx::query!(
        "delete from kernel.dead_letters where id = $1 returning task, payload, attempts",
        id
    )
    .fetch_optional(&mut *db)
    .await?
    .ok_or(Error::NotFound("dead letter"))?;
    sqlx::query("select graphile_worker.add_job($1, $2::json, max_attempts => $3)")
        .bind(letter.task)
        .bind(letter.payload)
        .bind(i16::try_from(letter.attempts).unwrap_or(i16::MAX).max(1))
        .execute(db)
        .await?;
    Ok(())
}

/// Gives a dead letter up.
pub async fn discard_dead(db: &mut PgConnection, id: Uuid) -> Result<()> {
    let gone = sqlx::query!("delete from kernel.dead_letters where id = $1", id)
        .execute(db)
        .await?;
    if gone.rows_affected() == 0 {
        Err(Error::NotFound("dead letter"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_failure_is_told_in_its_own_words() {
        for said in [
            "the relay is away",
            "it said \"no\"\nand hung up: C:\\ \u{1b}[0m é",
            "",
        ] {
            assert_eq!(plain(&format!("TaskError({said:?})")), said);
            assert_eq!(plain(&format!("TaskPanic({said:?})")), said);
        }
        assert_eq!(plain("TaskAborted"), "TaskAborted");
        assert_eq!(plain("TaskError(odd"), "TaskError(odd");
    }
}
