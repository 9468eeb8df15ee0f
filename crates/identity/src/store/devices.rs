//! Browsers that an account was used from.

use crate::model::factors::{DeviceId, RememberedDevice};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) struct Known {
    pub(crate) id: DeviceId,
    pub(crate) remembered_until: Option<OffsetDateTime>,
}

/// The browser that holds one of these tokens, if the account was used from it.
pub(crate) async fn find(
    db: &mut PgConnection,
    user: UserId,
    hashes: &[Vec<u8>],
) -> sqlx::Result<Option<Known>> {
    sqlx::query_as!(
        Known,
        r#"
        select id as "id: DeviceId", remembered_until
        from identity.known_devices
        where user_id = $1 and hash = any($2)
        order by remembered_until desc nulls last
        limit 1
        "#,
        user as UserId,
        hashes,
    )
    .fetch_optional(db)
    .await
}

/// What the account's earlier devices say about one that holds no token.
pub(crate) struct Likeness {
    /// The account was used before, from anywhere.
    pub(crate) any: bool,
    /// From the same kind of device in the same network.
    pub(crate) same: bool,
    /// From the same network.
    pub(crate) network: bool,
}

pub(crate) async fn likeness(
    db: &mut PgConnection,
    user: UserId,
    device: &str,
    network: &str,
) -> sqlx::Result<Likeness> {
    sqlx::query_as!(
        Likeness,
        r#"
        select count(*) > 0 as "any!",
            coalesce(bool_or(device = $2 and network = $3), false) as "same!",
            coalesce(bool_or(network = $3), false) as "network!"
        from identity.known_devices
        where user_id = $1
        "#,
        user as UserId,
        device,
        network,
    )
    .fetch_one(db)
    .await
}

pub(crate) struct NewDevice<'a> {
    pub(crate) user: UserId,
    pub(crate) hash: &'a [u8],
    pub(crate) device: &'a str,
    pub(crate) address: &'a str,
    pub(crate) network: &'a str,
    pub(crate) now: OffsetDateTime,
    pub(crate) remembered_until: Option<OffsetDateTime>,
}

/// Notes a browser; of an account's many, those unseen for longest are forgotten.
pub(crate) async fn insert(db: &mut PgConnection, new: &NewDevice<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.known_devices
            (id, user_id, hash, device, address, network, created_at, last_seen_at, remembered_until)
        values ($1, $2, $3, $4, $5, $6, $7, $7, $8)
        "#,
        DeviceId::new() as DeviceId,
        new.user as UserId,
        new.hash,
        new.device,
        new.address,
        new.network,
        new.now,
        new.remembered_until,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        delete from identity.known_devices
        where id in (
            select id from identity.known_devices where user_id = $1
            order by last_seen_at desc, id desc offset 50
        )
        "#,
        new.user as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn seen(
    db: &mut PgConnection,
    id: DeviceId,
    address: &str,
    network: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.known_devices set address = $2, network = $3, last_seen_at = $4
        where id = $1
        "#,
        id as DeviceId,
        address,
        network,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets one browser of an account; false if there is none.
pub(crate) async fn remove(
    db: &mut PgConnection,
    user: UserId,
    id: DeviceId,
) -> sqlx::Result<bool> {
    let removed = sqlx::query!(
        "delete from identity.known_devices where user_id = $1 and id = $2",
        user as UserId,
        id as DeviceId,
    )
    .execute(db)
    .await?;
    Ok(removed.rows_affected() == 1)
}

/// Forgets browsers long unseen: their cookies are over too.
pub(crate) async fn sweep(db: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<u64> {
    let swept = sqlx::query!(
        "delete from identity.known_devices where last_seen_at < $1",
        before
    )
    .execute(db)
    .await?;
    Ok(swept.rows_affected())
}

/// No browser of the account stands in for the second factor any more, but those that hold
/// one of these tokens.
pub(crate) async fn stop_remembering(
    db: &mut PgConnection,
    user: UserId,
    kept: &[Vec<u8>],
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.known_devices set remembered_until = null
        where user_id = $1 and remembered_until is not null and hash <> all($2)
        "#,
        user as UserId,
        kept,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The browsers that stand in for the second factor; `hashes` are those of the one that asks.
pub(crate) async fn remembered(
    db: &mut PgConnection,
    user: UserId,
    hashes: &[Vec<u8>],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<RememberedDevice>> {
    sqlx::query_as!(
        RememberedDevice,
        r#"
        select id as "id: DeviceId", device, address, last_seen_at,
            remembered_until as "until!", hash = any($2) as "current!"
        from identity.known_devices
        where user_id = $1 and remembered_until > $3
        order by last_seen_at desc, id desc
        "#,
        user as UserId,
        hashes,
        now,
    )
    .fetch_all(db)
    .await
}

/// Whether the account was used from a browser that holds one of these tokens.
pub(crate) async fn holds(
    db: &mut PgConnection,
    email_key: &str,
    hashes: &[Vec<u8>],
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from identity.known_devices d
            join identity.users u on u.id = d.user_id
            where u.email_key = $1 and d.hash = any($2)
        ) as "exists!"
        "#,
        email_key,
        hashes,
    )
    .fetch_one(db)
    .await
}
