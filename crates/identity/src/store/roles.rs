//! Roles and who holds them.

use crate::model::people::{HOLDERS, NewRole, Role};
use kernel::{Permission, id::UserId};
use sqlx::PgConnection;

/// Every role. Holders are counted up to a limit: a place may have a million members.
pub(crate) async fn list(db: &mut PgConnection) -> sqlx::Result<Vec<Role>> {
    sqlx::query_as!(
        Role,
        r#"
        select r.name, r.title, r.description, r.permissions, r.staff, r.built_in,
            (select count(*) from (
                select from identity.user_roles ur where ur.role = r.name limit $1::bigint + 1
            ) as held) as "holders!"
        from identity.roles r
        order by r.built_in desc, cardinality(r.permissions) = 1 desc,
            cardinality(r.permissions) desc, lower(r.title), r.name
        "#,
        HOLDERS,
    )
    .fetch_all(db)
    .await
}

/// One role, locked against change; `holders` counts as in the list.
pub(crate) async fn lock(db: &mut PgConnection, name: &str) -> sqlx::Result<Option<Role>> {
    sqlx::query_as!(
        Role,
        r#"
        select r.name, r.title, r.description, r.permissions, r.staff, r.built_in,
            (select count(*) from (
                select from identity.user_roles ur where ur.role = r.name limit $2::bigint + 1
            ) as held) as "holders!"
        from identity.roles r
        where r.name = $1
        for update
        "#,
        name,
        HOLDERS,
    )
    .fetch_optional(db)
    .await
}

fn names(role: &NewRole) -> Vec<String> {
    role.permissions
        .iter()
        .map(Permission::as_str)
        .map(str::to_owned)
        .collect()
}

/// Makes a role; false if the name is taken.
pub(crate) async fn insert(
    db: &mut PgConnection,
    name: &str,
    role: &NewRole,
) -> sqlx::Result<bool> {
    let made = sqlx::query!(
        r#"
        insert into identity.roles (name, title, description, permissions, staff)
        values ($1, $2, $3, $4, $5)
        on conflict on constraint roles_pkey do nothing
        "#,
        name,
        role.title,
        role.description,
        &names(role),
        role.staff,
    )
    .execute(db)
    .await?;
    Ok(made.rows_affected() == 1)
}

pub(crate) async fn update(db: &mut PgConnection, name: &str, role: &NewRole) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.roles set title = $2, description = $3, permissions = $4, staff = $5
        where name = $1
        "#,
        name,
        role.title,
        role.description,
        &names(role),
        role.staff,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives the holders of one role another instead; how many.
pub(crate) async fn move_holders(
    db: &mut PgConnection,
    from: &str,
    to: &str,
    by: UserId,
) -> sqlx::Result<u64> {
    let moved = sqlx::query!(
        r#"
        insert into identity.user_roles (user_id, role, granted_by)
        select user_id, $2, $3 from identity.user_roles where role = $1
        on conflict on constraint user_roles_pkey do nothing
        "#,
        from,
        to,
        by as UserId,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("delete from identity.user_roles where role = $1", from)
        .execute(db)
        .await?;
    Ok(moved.rows_affected())
}

pub(crate) async fn delete(db: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from identity.roles where name = $1", name)
        .execute(db)
        .await?;
    Ok(())
}

/// Whether a user holds a role.
pub(crate) async fn holds(db: &mut PgConnection, user: UserId, role: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from identity.user_roles where user_id = $1 and role = $2
        ) as "holds!"
        "#,
        user as UserId,
        role,
    )
    .fetch_one(db)
    .await
}

/// Takes a role from a user; false if they did not hold it.
pub(crate) async fn revoke(db: &mut PgConnection, user: UserId, role: &str) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        "delete from identity.user_roles where user_id = $1 and role = $2",
        user as UserId,
        role,
    )
    .execute(db)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Moves the row that sockets watch, so that a change of roles is seen live.
pub(crate) async fn touch(
    db: &mut PgConnection,
    user: UserId,
    now: time::OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.users set updated_at = $2 where id = $1",
        user as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Holders of a role who are here now: their sockets must hear of a change.
pub(crate) async fn online_holders(db: &mut PgConnection, role: &str) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar!(
        r#"
        select p.user_id as "id: UserId"
        from identity.presence p
        join identity.user_roles r on r.user_id = p.user_id and r.role = $1
        where p.online
        "#,
        role,
    )
    .fetch_all(db)
    .await
}
