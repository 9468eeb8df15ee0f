//! Copies of people's data, and who has asked to leave.

use crate::model::privacy::{DataExport, ExportId};
use kernel::{files::FileId, id::UserId};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) async fn insert_export(
    db: &mut PgConnection,
    id: ExportId,
    user: UserId,
    total: i32,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into identity.data_exports (id, user_id, total, created_at) values ($1, $2, $3, $4)",
        id as ExportId,
        user as UserId,
        total,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The latest copy of somebody's data.
pub(crate) async fn latest_export(
    db: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<Option<DataExport>> {
    sqlx::query_as!(
        DataExport,
        r#"
        select id as "id: ExportId", user_id as "user: UserId", created_at, done, total,
            file_id as "file: FileId", size, finished_at, expires_at
        from identity.data_exports
        where user_id = $1
        order by created_at desc, id desc
        limit 1
        "#,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn export(
    db: &mut PgConnection,
    id: ExportId,
) -> sqlx::Result<Option<DataExport>> {
    sqlx::query_as!(
        DataExport,
        r#"
        select id as "id: ExportId", user_id as "user: UserId", created_at, done, total,
            file_id as "file: FileId", size, finished_at, expires_at
        from identity.data_exports
        where id = $1
        "#,
        id as ExportId,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn export_progress(
    db: &mut PgConnection,
    id: ExportId,
    done: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.data_exports set done = $2 where id = $1",
        id as ExportId,
        done,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The copy is whole; false if it was already, or nobody waits for it any more.
pub(crate) async fn export_done(
    db: &mut PgConnection,
    id: ExportId,
    file: FileId,
    size: i64,
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update identity.data_exports
        set file_id = $2, size = $3, done = total, finished_at = $4, expires_at = $5
        where id = $1 and finished_at is null
        "#,
        id as ExportId,
        file as FileId,
        size,
        now,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the files off copies that are over; which they were.
pub(crate) async fn expire_exports(
    db: &mut PgConnection,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<FileId>> {
    sqlx::query_scalar!(
        r#"
        with over as (
            select id, file_id from identity.data_exports
            where file_id is not null and expires_at <= $1
            for update skip locked
        ), gone as (
            update identity.data_exports e set file_id = null
            from over where e.id = over.id
        )
        select file_id as "file!: FileId" from over
        "#,
        now,
    )
    .fetch_all(db)
    .await
}

/// All that this domain holds about somebody. No secret and no hash of one is in it.
pub(crate) async fn holdings(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Value>> {
    sqlx::query_scalar!(
        r#"
        select jsonb_build_object(
            'account', jsonb_build_object(
                'id', u.id, 'email', u.email, 'email_confirmed_at', u.email_verified_at,
                'name', u.name, 'display_name', p.display_name, 'time_zone', p.time_zone,
                'language', p.locale, 'status', u.status, 'joined_at', u.created_at,
                'last_seen_at', (select last_seen_at from identity.presence where user_id = u.id)
            ),
            'roles', (select coalesce(jsonb_agg(jsonb_build_object('role', role, 'since', granted_at) order by role), '[]')
                from identity.user_roles where user_id = u.id),
            'devices', (select coalesce(jsonb_agg(jsonb_build_object('device', device, 'address', address,
                'signed_in_at', created_at, 'last_seen_at', last_seen_at, 'ended_at', ended_at) order by created_at), '[]')
                from identity.sessions where user_id = u.id),
            'passkeys', (select coalesce(jsonb_agg(jsonb_build_object('name', name, 'added_at', created_at,
                'last_used_at', last_used_at) order by created_at), '[]')
                from identity.passkeys where user_id = u.id),
            'linked_accounts', (select coalesce(jsonb_agg(jsonb_build_object('provider', provider, 'email', email,
                'linked_at', created_at) order by created_at), '[]')
                from identity.provider_accounts where user_id = u.id),
            'security', (select coalesce(jsonb_agg(jsonb_build_object('what', kind, 'at', created_at,
                'address', address, 'device', device, 'details', data) order by created_at), '[]')
                from identity.security_events where user_id = u.id),
            'changes_of_address', (select coalesce(jsonb_agg(jsonb_build_object('from', old_email, 'to', new_email,
                'asked_at', created_at, 'done_at', done_at) order by created_at), '[]')
                from identity.email_changes where user_id = u.id),
            'staff_in_your_place', (select coalesce(jsonb_agg(jsonb_build_object('who', staff.name, 'why', i.reason,
                'from', i.started_at, 'until', coalesce(i.ended_at, i.expires_at), 'could_change', i.mode = 'write')
                order by i.id), '[]')
                from identity.impersonations i join identity.users staff on staff.id = i.by_user
                where i.user_id = u.id),
            'notes_of_staff', (select coalesce(jsonb_agg(jsonb_build_object('note', body, 'at', created_at) order by created_at), '[]')
                from identity.notes where user_id = u.id)
        ) as "holdings!"
        from identity.users u
        left join identity.profiles p on p.user_id = u.id
        where u.id = $1
        "#,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn depart(
    db: &mut PgConnection,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.departures (user_id, requested_at) values ($1, $2)
        on conflict on constraint departures_pkey do update set requested_at = excluded.requested_at
        "#,
        user as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a departure back; whether there was one.
pub(crate) async fn stay(db: &mut PgConnection, user: UserId) -> sqlx::Result<bool> {
    let back = sqlx::query!(
        "delete from identity.departures where user_id = $1",
        user as UserId
    )
    .execute(db)
    .await?;
    Ok(back.rows_affected() == 1)
}

/// Erases what an account holds beyond its name: ways in, devices, pictures, traces.
pub(crate) async fn erase(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        with passkeys as (delete from identity.passkeys where user_id = $1),
            providers as (delete from identity.provider_accounts where user_id = $1),
            totp as (delete from identity.totp where user_id = $1),
            codes as (delete from identity.recovery_codes where user_id = $1),
            devices as (delete from identity.known_devices where user_id = $1),
            challenges as (delete from identity.challenges where user_id = $1),
            ceremonies as (delete from identity.ceremonies where user_id = $1),
            changes as (delete from identity.email_changes where user_id = $1),
            exports as (delete from identity.data_exports where user_id = $1),
            avatars as (delete from identity.avatars where user_id = $1),
            impersonations as (
                update identity.impersonations set reason = null where user_id = $1
            ),
            departures as (delete from identity.departures where user_id = $1)
        update identity.security_events
        set identifier = null, address = null, device = null, data = '{}'
        where user_id = $1
        "#,
        user as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}
