//! Invitations to teams: codes whose data names the team.

use crate::stack_auth::model::{CodeId, CodeKind, Invitation, TeamId};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

const KIND: &str = CodeKind::TeamInvitation.as_str();

/// The invitations of a team that wait, or those to an address that somebody has proved.
pub(crate) async fn list(
    db: &mut PgConnection,
    team: Option<TeamId>,
    to: Option<UserId>,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Invitation>> {
    sqlx::query_as!(
        Invitation,
        r#"
        select c.id as "id: CodeId", t.id as "team: TeamId", t.display_name as team_name,
            c.email as "email!", c.expires_at
        from identity.stack_codes c
        join identity.stack_teams t on t.id = (c.data ->> 'team_id')::uuid
        where c.kind = $1 and c.used_at is null and c.expires_at > $4
            and ($2::uuid is null or t.id = $2)
            and ($3::uuid is null or exists (
                select from identity.users u
                where u.id = $3 and u.email_verified_at is not null
                    and u.email_key = lower(c.email)
            ) or exists (
                select from identity.stack_contact_channels a
                where a.user_id = $3 and a.verified_at is not null
                    and a.value_key = lower(c.email)
            ))
        order by c.created_at, c.id
        limit 1000
        "#,
        KIND,
        team as Option<TeamId>,
        to as Option<UserId>,
        now,
    )
    .fetch_all(db)
    .await
}
