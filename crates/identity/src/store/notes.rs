//! What staff note about people.

use crate::model::people::{Note, NoteId};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) async fn insert(
    db: &mut PgConnection,
    id: NoteId,
    user: UserId,
    author: UserId,
    body: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.notes (id, user_id, author, body, created_at)
        values ($1, $2, $3, $4, $5)
        "#,
        id as NoteId,
        user as UserId,
        author as UserId,
        body,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes about a person, the latest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    user: UserId,
    before: Option<NoteId>,
    limit: i64,
) -> sqlx::Result<Vec<Note>> {
    sqlx::query_as!(
        Note,
        r#"
        select n.id as "id: NoteId", n.author as "author: UserId", a.name as "author_name?",
            n.body, n.created_at
        from identity.notes n
        left join identity.users a on a.id = n.author
        where n.user_id = $1 and ($2::uuid is null or n.id < $2)
        order by n.id desc
        limit $3
        "#,
        user as UserId,
        before as Option<NoteId>,
        limit,
    )
    .fetch_all(db)
    .await
}

pub(crate) async fn delete(
    db: &mut PgConnection,
    user: UserId,
    note: NoteId,
) -> sqlx::Result<bool> {
    let gone = sqlx::query!(
        "delete from identity.notes where user_id = $1 and id = $2",
        user as UserId,
        note as NoteId,
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected() == 1)
}
