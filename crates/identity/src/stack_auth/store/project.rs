//! The project.

use sqlx::PgConnection;
use uuid::Uuid;

pub(crate) struct ProjectRow {
    pub(crate) id: Uuid,
    pub(crate) publishable_key: String,
    pub(crate) secret_key_hash: Vec<u8>,
    pub(crate) secret_key_sealed: String,
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
        select id, publishable_key, secret_key_hash, secret_key_sealed
        from identity.stack_project
        "#,
    )
    .fetch_one(db)
    .await
}

pub(crate) async fn set_secret(
    db: &mut PgConnection,
    hash: &[u8],
    sealed: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.stack_project set secret_key_hash = $1, secret_key_sealed = $2",
        hash,
        sealed,
    )
    .execute(db)
    .await?;
    Ok(())
}
