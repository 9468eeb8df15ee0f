//! Teams, who is in them, and what they may do there.

use crate::stack_auth::model::{Member, Team, TeamId};
use kernel::id::UserId;
use serde_json::Value;
use sqlx::PgConnection;

pub(crate) async fn is_member(
    db: &mut PgConnection,
    team: TeamId,
    user: UserId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from identity.stack_team_members where team_id = $1 and user_id = $2
        ) as "is!"
        "#,
        team as TeamId,
        user as UserId,
    )
    .fetch_one(db)
    .await
}

pub(crate) async fn insert(db: &mut PgConnection, team: TeamId, name: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into identity.stack_teams (id, display_name) values ($1, $2)",
        team as TeamId,
        name,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn get(db: &mut PgConnection, team: TeamId) -> sqlx::Result<Option<Team>> {
    sqlx::query_as!(
        Team,
        r#"
        select id as "id: TeamId", display_name, profile_image_url, client_metadata,
            client_read_only_metadata, server_metadata, created_at
        from identity.stack_teams where id = $1
        "#,
        team as TeamId,
    )
    .fetch_optional(db)
    .await
}

/// Somebody's teams, or all of them.
pub(crate) async fn list(db: &mut PgConnection, of: Option<UserId>) -> sqlx::Result<Vec<Team>> {
    sqlx::query_as!(
        Team,
        r#"
        select t.id as "id: TeamId", t.display_name, t.profile_image_url, t.client_metadata,
            t.client_read_only_metadata, t.server_metadata, t.created_at
        from identity.stack_teams t
        where $1::uuid is null or exists (
            select from identity.stack_team_members m where m.team_id = t.id and m.user_id = $1
        )
        order by t.created_at, t.id
        limit 10000
        "#,
        of as Option<UserId>,
    )
    .fetch_all(db)
    .await
}

/// What of a team is changed; an inner `None` clears, an outer one leaves alone.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) display_name: Option<String>,
    pub(crate) profile_image_url: Option<Option<String>>,
    pub(crate) client_metadata: Option<Option<Value>>,
    pub(crate) client_read_only_metadata: Option<Option<Value>>,
    pub(crate) server_metadata: Option<Option<Value>>,
}

pub(crate) async fn change(
    db: &mut PgConnection,
    team: TeamId,
    change: Change,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.stack_teams set
            display_name = coalesce($2, display_name),
            profile_image_url = case when $3 then $4 else profile_image_url end,
            client_metadata = case when $5 then $6 else client_metadata end,
            client_read_only_metadata = case when $7 then $8 else client_read_only_metadata end,
            server_metadata = case when $9 then $10 else server_metadata end
        where id = $1
        "#,
        team as TeamId,
        change.display_name,
        change.profile_image_url.is_some(),
        change.profile_image_url.flatten(),
        change.client_metadata.is_some(),
        change.client_metadata.flatten(),
        change.client_read_only_metadata.is_some(),
        change.client_read_only_metadata.flatten(),
        change.server_metadata.is_some(),
        change.server_metadata.flatten(),
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete(db: &mut PgConnection, team: TeamId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from identity.stack_teams where id = $1",
        team as TeamId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts somebody into a team; false if they are in it.
pub(crate) async fn join(db: &mut PgConnection, team: TeamId, user: UserId) -> sqlx::Result<bool> {
    let joined = sqlx::query!(
        r#"
        insert into identity.stack_team_members (team_id, user_id) values ($1, $2)
        on conflict on constraint stack_team_members_pkey do nothing
        "#,
        team as TeamId,
        user as UserId,
    )
    .execute(db)
    .await?;
    Ok(joined.rows_affected() == 1)
}

/// Takes somebody out of a team; false if they were not in it.
pub(crate) async fn leave(db: &mut PgConnection, team: TeamId, user: UserId) -> sqlx::Result<bool> {
    let left = sqlx::query!(
        "delete from identity.stack_team_members where team_id = $1 and user_id = $2",
        team as TeamId,
        user as UserId,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        update identity.stack_users set selected_team_id = null
        where user_id = $2 and selected_team_id = $1
        "#,
        team as TeamId,
        user as UserId,
    )
    .execute(db)
    .await?;
    Ok(left.rows_affected() == 1)
}

/// The members of a team, or one of them, or one person in all teams.
pub(crate) async fn members(
    db: &mut PgConnection,
    team: Option<TeamId>,
    user: Option<UserId>,
) -> sqlx::Result<Vec<Member>> {
    sqlx::query_as!(
        Member,
        r#"
        select m.team_id as "team: TeamId", m.user_id as "user: UserId",
            coalesce(m.display_name, p.display_name,
                case when coalesce(s.nameless, false) then null else u.name end) as display_name,
            coalesce(m.profile_image_url, s.profile_image_url) as profile_image_url
        from identity.stack_team_members m
        join identity.users u on u.id = m.user_id
        join identity.profiles p on p.user_id = m.user_id
        left join identity.stack_users s on s.user_id = m.user_id
        where ($1::uuid is null or m.team_id = $1) and ($2::uuid is null or m.user_id = $2)
        order by m.created_at, m.user_id
        limit 10000
        "#,
        team as Option<TeamId>,
        user as Option<UserId>,
    )
    .fetch_all(db)
    .await
}

pub(crate) async fn change_member(
    db: &mut PgConnection,
    team: TeamId,
    user: UserId,
    name: Option<Option<String>>,
    picture: Option<Option<String>>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.stack_team_members set
            display_name = case when $3 then $4 else display_name end,
            profile_image_url = case when $5 then $6 else profile_image_url end
        where team_id = $1 and user_id = $2
        "#,
        team as TeamId,
        user as UserId,
        name.is_some(),
        name.flatten(),
        picture.is_some(),
        picture.flatten(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What people were granted: whose, where, what.
pub(crate) async fn granted(
    db: &mut PgConnection,
    team: Option<TeamId>,
    user: Option<UserId>,
) -> sqlx::Result<Vec<(TeamId, UserId, String)>> {
    let rows = sqlx::query!(
        r#"
        select team_id as "team: TeamId", user_id as "user: UserId", permission
        from identity.stack_team_permissions
        where ($1::uuid is null or team_id = $1) and ($2::uuid is null or user_id = $2)
        order by team_id, user_id, permission
        limit 10000
        "#,
        team as Option<TeamId>,
        user as Option<UserId>,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.team, row.user, row.permission))
        .collect())
}

pub(crate) async fn grant(
    db: &mut PgConnection,
    team: TeamId,
    user: UserId,
    permission: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.stack_team_permissions (team_id, user_id, permission)
        values ($1, $2, $3)
        on conflict on constraint stack_team_permissions_pkey do nothing
        "#,
        team as TeamId,
        user as UserId,
        permission,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn revoke(
    db: &mut PgConnection,
    team: TeamId,
    user: UserId,
    permission: &str,
) -> sqlx::Result<bool> {
    let revoked = sqlx::query!(
        r#"
        delete from identity.stack_team_permissions
        where team_id = $1 and user_id = $2 and permission = $3
        "#,
        team as TeamId,
        user as UserId,
        permission,
    )
    .execute(db)
    .await?;
    Ok(revoked.rows_affected() == 1)
}
