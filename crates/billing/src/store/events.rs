//! Web hooks, and where they are sent.

use crate::{model::payments::About, stripe::objects::Event};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Keeps a web hook; false if it came before.
pub(crate) async fn insert(
    db: &mut PgConnection,
    event: &Event,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let about = About::of(event);
    let made = sqlx::query!(
        r#"
        insert into billing.provider_events (id, kind, about, object_id, sent_at, received_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (id) do nothing
        "#,
        event.id,
        event.kind,
        about.map(|(about, _)| about.text()),
        about.map(|(_, id)| id),
        event.created,
        now,
    )
    .execute(db)
    .await?;
    Ok(made.rows_affected() > 0)
}

/// Whom a web hook has us ask about, if that was not done yet.
pub(crate) async fn open(db: &mut PgConnection, id: &str) -> sqlx::Result<Option<(About, String)>> {
    let row = sqlx::query!(
        r#"
        select about as "about!", object_id as "object!" from billing.provider_events
        where id = $1 and applied_at is null and about is not null
        "#,
        id,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.and_then(|row| Some((About::parse(&row.about)?, row.object))))
}

/// Notes that a web hook is done with.
pub(crate) async fn applied(
    db: &mut PgConnection,
    id: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update billing.provider_events set applied_at = $2 where id = $1",
        id,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Up to when the provider's list of events was read whole.
pub(crate) async fn looked(db: &mut PgConnection) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!("select min(looked_at) from billing.provider_endpoints")
        .fetch_one(db)
        .await
}

/// Notes that the provider's list of events was read whole.
pub(crate) async fn look(db: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("update billing.provider_endpoints set looked_at = $1", now)
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets what was sent long ago.
pub(crate) async fn sweep(db: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from billing.provider_events where sent_at < $1",
        before,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Where web hooks are sent, and the sealed secret of each.
pub(crate) async fn endpoints(db: &mut PgConnection) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "select id, secret_sealed from billing.provider_endpoints order by created_at"
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.secret_sealed))
        .collect())
}

/// Keeps the one place where web hooks are sent.
pub(crate) async fn set_endpoint(
    db: &mut PgConnection,
    id: &str,
    secret: &str,
) -> sqlx::Result<()> {
    sqlx::query!("delete from billing.provider_endpoints")
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "insert into billing.provider_endpoints (id, secret_sealed) values ($1, $2)",
        id,
        secret,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps a secret under another key of the vault.
pub(crate) async fn reseal(db: &mut PgConnection, id: &str, sealed: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update billing.provider_endpoints set secret_sealed = $2 where id = $1",
        id,
        sealed,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The database's clock: whoever asks the provider later says so, on whatever server.
pub(crate) async fn asking(db: &mut PgConnection) -> sqlx::Result<OffsetDateTime> {
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#)
        .fetch_one(db)
        .await
}
