//! The project that is trusted.

use kernel::id::UserId;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) struct Row {
    pub(crate) project_id: Uuid,
    pub(crate) api_url: String,
    pub(crate) server_key_sealed: String,
    pub(crate) webhook_secrets_sealed: String,
    pub(crate) sign_up: bool,
    pub(crate) link_verified_email: bool,
    pub(crate) rules: Value,
}

pub(crate) async fn get(db: &mut PgConnection) -> sqlx::Result<Option<Row>> {
    sqlx::query_as!(
        Row,
        r#"
        select project_id, api_url, server_key_sealed, webhook_secrets_sealed, sign_up,
            link_verified_email, rules
        from hosted_stack.project
        "#,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn put(
    db: &mut PgConnection,
    row: &Row,
    by: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into hosted_stack.project
            (project_id, api_url, server_key_sealed, webhook_secrets_sealed, sign_up,
                link_verified_email, rules, updated_by, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict on constraint project_pkey do update
        set project_id = $1, api_url = $2, server_key_sealed = $3, webhook_secrets_sealed = $4,
            sign_up = $5, link_verified_email = $6, rules = $7, updated_by = $8, updated_at = $9
        "#,
        row.project_id,
        row.api_url,
        row.server_key_sealed,
        row.webhook_secrets_sealed,
        row.sign_up,
        row.link_verified_email,
        row.rules,
        by as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Replaces a sealed value by the same under another key, where it still lies; each is like
/// no other.
pub(crate) async fn reseal(db: &mut PgConnection, before: &str, after: &str) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update hosted_stack.project
        set server_key_sealed =
                case server_key_sealed when $1 then $2 else server_key_sealed end,
            webhook_secrets_sealed =
                case webhook_secrets_sealed when $1 then $2 else webhook_secrets_sealed end
        where $1 in (server_key_sealed, webhook_secrets_sealed)
        "#,
        before,
        after,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete(db: &mut PgConnection) -> sqlx::Result<bool> {
    let gone = sqlx::query!("delete from hosted_stack.project")
        .execute(db)
        .await?;
    Ok(gone.rows_affected() == 1)
}
