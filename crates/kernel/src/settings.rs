//! Small facts about the installation that must survive a restart.

use crate::error::Result;
use serde_json::Value;
use sqlx::PgConnection;

/// What is kept under a key.
pub async fn get(db: &mut PgConnection, key: &str) -> Result<Option<Value>> {
    let value = sqlx::query_scalar!("select value from kernel.settings where key = $1", key)
        .fetch_optional(db)
        .await?;
    Ok(value)
}

/// Keeps a value under a key that has none; whoever was first stays.
pub async fn keep_first(db: &mut PgConnection, key: &str, value: &Value) -> Result<()> {
    sqlx::query!(
        r#"
        insert into kernel.settings (key, value) values ($1, $2)
        on conflict on constraint settings_pkey do nothing
        "#,
        key,
        value,
    )
    .execute(db)
    .await?;
    Ok(())
}
