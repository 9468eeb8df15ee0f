//! Who was asked to join.

use crate::model::keys::{Invitation, InvitationId};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Makes an account out of one that waits to be accepted.
pub(crate) async fn mark_invited(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.users set status = 'invited' where id = $1",
        user as UserId
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn insert(
    db: &mut PgConnection,
    id: InvitationId,
    user: UserId,
    by: UserId,
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.invitations (id, user_id, invited_by, created_at, sent_at, expires_at)
        values ($1, $2, $3, $4, $4, $5)
        "#,
        id as InvitationId,
        user as UserId,
        by as UserId,
        now,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

macro_rules! invitations {
    ($macro:ident, $rest:tt, $($argument:expr),*) => {
        sqlx::$macro!(
            Invitation,
            r#"
            select i.id as "id: InvitationId", i.user_id as "user: UserId", u.email, u.name,
                coalesce((
                    select array_agg(r.role order by r.role)
                    from identity.user_roles r where r.user_id = u.id
                ), '{}') as "roles!",
                a.name as "inviter?", i.created_at, i.sent_at, i.expires_at
            from identity.invitations i
            join identity.users u on u.id = i.user_id
            left join identity.users a on a.id = i.invited_by
            where i.accepted_at is null and u.status = 'invited'
            "# + $rest,
            $($argument),*
        )
    };
}

/// Those that wait, the latest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    before: Option<InvitationId>,
    limit: i64,
) -> sqlx::Result<Vec<Invitation>> {
    invitations!(
        query_as,
        " and ($1::uuid is null or i.id < $1) order by i.id desc limit $2",
        before as Option<InvitationId>,
        limit
    )
    .fetch_all(db)
    .await
}

/// One that waits, locked.
pub(crate) async fn lock(
    db: &mut PgConnection,
    id: InvitationId,
) -> sqlx::Result<Option<Invitation>> {
    invitations!(
        query_as,
        " and i.id = $1 for update of i, u",
        id as InvitationId
    )
    .fetch_optional(db)
    .await
}

/// The one of an account, locked.
pub(crate) async fn of_user(
    db: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<Option<Invitation>> {
    invitations!(
        query_as,
        " and i.user_id = $1 for update of i, u",
        user as UserId
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn resent(
    db: &mut PgConnection,
    id: InvitationId,
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.invitations set sent_at = $2, expires_at = $3 where id = $1",
        id as InvitationId,
        now,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Opens the account that waited.
pub(crate) async fn accept(
    db: &mut PgConnection,
    user: UserId,
    name: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.invitations set accepted_at = $2 where user_id = $1",
        user as UserId,
        now,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        update identity.users
        set status = 'active', name = $2, email_verified_at = coalesce(email_verified_at, $3),
            updated_at = $3
        where id = $1
        "#,
        user as UserId,
        name,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes an account that nobody ever came to.
pub(crate) async fn remove_account(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from identity.users where id = $1 and status = 'invited'",
        user as UserId
    )
    .execute(db)
    .await?;
    Ok(())
}
