//! What the server is asked about itself.

use sqlx::PgConnection;

/// The settings in the files that the running server has not taken up: they need a restart.
pub(super) async fn pending_settings(db: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    // This view reads the files as they are now, without a reload that would have to be waited for.
    sqlx::query_scalar!(
        r#"select distinct name as "name!"
             from pg_file_settings
            where error is not null
              and name is not null
            order by 1"#
    )
    .fetch_all(db)
    .await
}

/// Takes up the settings that need no restart.
pub(super) async fn reload(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query_scalar!("select pg_reload_conf()")
        .fetch_one(db)
        .await
        .map(drop)
}
