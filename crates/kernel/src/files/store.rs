//! The SQL of files.

use super::model::{File, FileId};
use crate::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Makes a file visible.
pub(super) async fn insert(db: &mut PgConnection, file: &File) -> sqlx::Result<()> {
    sqlx::query!(
        "
        insert into kernel.files (id, owner, purpose, name, media_type, size, sha256, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        ",
        file.id.0,
        file.owner.0,
        file.purpose,
        file.name,
        file.media_type,
        file.size.cast_signed(),
        file.sha256,
        file.created_at,
    )
    .execute(db)
    .await
    .map(drop)
}

/// A file that is not deleted.
pub(super) async fn find(db: &mut PgConnection, id: FileId) -> sqlx::Result<Option<File>> {
    let row = sqlx::query!(
        "
        select owner, purpose, name, media_type, size, sha256, created_at
        from kernel.files
        where id = $1 and deleted_at is null
        ",
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| File {
        id,
        owner: UserId(row.owner),
        purpose: row.purpose,
        name: row.name,
        media_type: row.media_type,
        size: row.size.cast_unsigned(),
        sha256: row.sha256,
        created_at: row.created_at,
    }))
}

/// The files of somebody that are not deleted, the first first.
pub(super) async fn of(db: &mut PgConnection, owner: UserId) -> sqlx::Result<Vec<File>> {
    let rows = sqlx::query!(
        "
        select id, purpose, name, media_type, size, sha256, created_at
        from kernel.files
        where owner = $1 and deleted_at is null
        order by id
        ",
        owner.0,
    )
    .fetch_all(db)
    .await?;
    let files = rows.into_iter().map(|row| File {
        id: FileId(row.id),
        owner,
        purpose: row.purpose,
        name: row.name,
        media_type: row.media_type,
        size: row.size.cast_unsigned(),
        sha256: row.sha256,
        created_at: row.created_at,
    });
    Ok(files.collect())
}

/// Deletes the files of somebody; how many.
pub(super) async fn mark_all_deleted(
    db: &mut PgConnection,
    owner: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    sqlx::query!(
        "update kernel.files set deleted_at = $2 where owner = $1 and deleted_at is null",
        owner.0,
        now,
    )
    .execute(db)
    .await
    .map(|done| done.rows_affected())
}

/// Deletes a file; says whether it was there.
pub(super) async fn mark_deleted(
    db: &mut PgConnection,
    id: FileId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    sqlx::query!(
        "update kernel.files set deleted_at = $2 where id = $1 and deleted_at is null",
        id.0,
        now,
    )
    .execute(db)
    .await
    .map(|done| done.rows_affected() == 1)
}

/// Files that were deleted before this time, oldest first.
pub(super) async fn deleted_before(
    db: &mut PgConnection,
    time: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "
        select id
        from kernel.files
        where deleted_at < $1
        order by deleted_at
        limit $2
        ",
        time,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Forgets deleted files, whose bytes are gone.
pub(super) async fn forget(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<u64> {
    sqlx::query!(
        "delete from kernel.files where id = any($1) and deleted_at is not null",
        ids
    )
    .execute(db)
    .await
    .map(|done| done.rows_affected())
}

/// Those of these ids that have a row, deleted or not.
pub(super) async fn known(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("select id from kernel.files where id = any($1)", ids)
        .fetch_all(db)
        .await
}
