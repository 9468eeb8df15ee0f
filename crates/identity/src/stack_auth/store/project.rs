//! The project.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) struct ProjectRow {
    pub(crate) id: Uuid,
    pub(crate) publishable_key: String,
    pub(crate) secret_key_hash: Vec<u8>,
    pub(crate) secret_key_sealed: String,
    pub(crate) secret_key_made_at: OffsetDateTime,
    pub(crate) previous_key_hash: Option<Vec<u8>>,
    pub(crate) previous_key_last_four: Option<String>,
    pub(crate) previous_key_made_at: Option<OffsetDateTime>,
}

/// Makes the project, if there is none yet.
pub(crate) async fn insert_first(
    db: &mut PgConnection,
    id: Uuid,
    publishable_key: &str,
    secret_hash: &[u8],
    secret_sealed: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.stack_project
            (id, publishable_key, secret_key_hash, secret_key_sealed)
        values ($1, $2, $3, $4)
        on conflict on constraint stack_project_pkey do nothing
        "#,
        id,
        publishable_key,
        secret_hash,
        secret_sealed,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn get(db: &mut PgConnection) -> sqlx::Result<ProjectRow> {
    sqlx::query_as!(
        ProjectRow,
        r#"
        select id, publishable_key, secret_key_hash, secret_key_sealed, secret_key_made_at,
            previous_key_hash, previous_key_last_four, previous_key_made_at
        from identity.stack_project
        "#,
    )
    .fetch_one(db)
    .await
}

/// Puts a new secret key in place of the one there is. With its last four characters, that one goes on
/// working beside the new one; without, it is worth nothing any more.
pub(crate) async fn set_secret(
    db: &mut PgConnection,
    hash: &[u8],
    sealed: &str,
    kept_last_four: Option<&str>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.stack_project
        set secret_key_hash = $1, secret_key_sealed = $2, secret_key_made_at = $4,
            previous_key_hash = case when $3::text is not null then secret_key_hash end,
            previous_key_last_four = $3,
            previous_key_made_at = case when $3::text is not null then secret_key_made_at end
        "#,
        hash,
        sealed,
        kept_last_four,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes the key before this one back; false if there is none.
pub(crate) async fn drop_previous(db: &mut PgConnection) -> sqlx::Result<bool> {
    let gone = sqlx::query!(
        r#"
        update identity.stack_project
        set previous_key_hash = null, previous_key_last_four = null, previous_key_made_at = null
        where previous_key_hash is not null
        "#,
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected() == 1)
}
