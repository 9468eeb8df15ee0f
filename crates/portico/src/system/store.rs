//! The little SQL that names people beside what the kernel keeps.

use kernel::id::UserId;
use sqlx::PgConnection;
use std::collections::HashMap;

/// The names of these people.
pub(super) async fn names(
    db: &mut PgConnection,
    people: &[UserId],
) -> sqlx::Result<HashMap<UserId, String>> {
    let rows = sqlx::query!(
        r#"select id as "id!: UserId", name as "name!" from published.people where id = any($1)"#,
        people as &[UserId],
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
