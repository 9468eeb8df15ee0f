//! API keys of people and teams.

use crate::stack_auth::model::{ApiKey, ApiKeyId, TeamId};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) async fn insert(db: &mut PgConnection, key: &ApiKey, hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.stack_api_keys (id, hash, last_four, user_id, team_id, description,
            is_public, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        key.id as ApiKeyId,
        hash,
        key.last_four,
        key.user as Option<UserId>,
        key.team as Option<TeamId>,
        key.description,
        key.is_public,
        key.created_at,
        key.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The keys of a person or of a team.
pub(crate) async fn list(
    db: &mut PgConnection,
    user: Option<UserId>,
    team: Option<TeamId>,
) -> sqlx::Result<Vec<ApiKey>> {
    sqlx::query_as!(
        ApiKey,
        r#"
        select id as "id: ApiKeyId", last_four, user_id as "user: UserId",
            team_id as "team: TeamId", description, is_public, created_at, expires_at, revoked_at
        from identity.stack_api_keys
        where user_id = $1 or team_id = $2
        order by created_at, id
        limit 1000
        "#,
        user as Option<UserId>,
        team as Option<TeamId>,
    )
    .fetch_all(db)
    .await
}

pub(crate) async fn get(db: &mut PgConnection, id: ApiKeyId) -> sqlx::Result<Option<ApiKey>> {
    sqlx::query_as!(
        ApiKey,
        r#"
        select id as "id: ApiKeyId", last_four, user_id as "user: UserId",
            team_id as "team: TeamId", description, is_public, created_at, expires_at, revoked_at
        from identity.stack_api_keys
        where id = $1
        "#,
        id as ApiKeyId,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn by_hash(db: &mut PgConnection, hash: &[u8]) -> sqlx::Result<Option<ApiKey>> {
    sqlx::query_as!(
        ApiKey,
        r#"
        select id as "id: ApiKeyId", last_four, user_id as "user: UserId",
            team_id as "team: TeamId", description, is_public, created_at, expires_at, revoked_at
        from identity.stack_api_keys
        where hash = $1
        "#,
        hash,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn change(
    db: &mut PgConnection,
    id: ApiKeyId,
    description: Option<&str>,
    revoked_at: Option<OffsetDateTime>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.stack_api_keys set description = coalesce($2, description),
            revoked_at = coalesce(revoked_at, $3)
        where id = $1
        "#,
        id as ApiKeyId,
        description,
        revoked_at,
    )
    .execute(db)
    .await?;
    Ok(())
}
