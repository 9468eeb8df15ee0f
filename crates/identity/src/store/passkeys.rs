//! Passkeys of people.

use crate::model::{
    Name,
    passkeys::{PasskeyId, StoredPasskey},
};
use kernel::id::UserId;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) struct NewPasskey<'a> {
    pub(crate) id: PasskeyId,
    pub(crate) user: UserId,
    pub(crate) credential_id: &'a [u8],
    pub(crate) name: &'a Name,
    pub(crate) credential: &'a Value,
    pub(crate) synced: bool,
    /// At which address it works; nothing for our own.
    pub(crate) place: Option<&'a str>,
    pub(crate) now: OffsetDateTime,
}

/// Keeps a key; false if somebody has it already.
pub(crate) async fn insert(db: &mut PgConnection, new: &NewPasskey<'_>) -> sqlx::Result<bool> {
    let made = sqlx::query!(
        r#"
        insert into identity.passkeys (id, user_id, credential_id, name, credential, synced, created_at, place)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict on constraint passkeys_credential_id_key do nothing
        "#,
        new.id as PasskeyId,
        new.user as UserId,
        new.credential_id,
        new.name.as_str(),
        new.credential,
        new.synced,
        new.now,
        new.place,
    )
    .execute(db)
    .await?;
    Ok(made.rows_affected() == 1)
}

/// A user's keys, the first made first.
pub(crate) async fn list(db: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<StoredPasskey>> {
    sqlx::query_as!(
        StoredPasskey,
        r#"
        select id as "id: PasskeyId", name, synced, created_at, last_used_at
        from identity.passkeys
        where user_id = $1
        order by created_at, id
        "#,
        user as UserId,
    )
    .fetch_all(db)
    .await
}

/// The ids by which authenticators know a user's keys.
pub(crate) async fn credential_ids(
    db: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!(
        "select credential_id from identity.passkeys where user_id = $1",
        user as UserId,
    )
    .fetch_all(db)
    .await
}

/// Those of them that can answer at our own address.
pub(crate) async fn own_credential_ids(
    db: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!(
        "select credential_id from identity.passkeys where user_id = $1 and place is null",
        user as UserId,
    )
    .fetch_all(db)
    .await
}

/// Removes all keys of somebody; their names.
pub(crate) async fn delete_all(db: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "delete from identity.passkeys where user_id = $1 returning name",
        user as UserId,
    )
    .fetch_all(db)
    .await
}

/// A key that is about to be used.
pub(crate) struct Held {
    pub(crate) id: PasskeyId,
    pub(crate) user: UserId,
    pub(crate) credential: Value,
}

/// Finds a key and locks it: of two answers with one counter, the second sees the first.
pub(crate) async fn lock(
    db: &mut PgConnection,
    credential_id: &[u8],
) -> sqlx::Result<Option<Held>> {
    sqlx::query_as!(
        Held,
        r#"
        select id as "id: PasskeyId", user_id as "user: UserId", credential
        from identity.passkeys
        where credential_id = $1
        for update
        "#,
        credential_id,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn used(
    db: &mut PgConnection,
    id: PasskeyId,
    credential: &Value,
    synced: bool,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.passkeys set credential = $2, synced = $3, last_used_at = $4
        where id = $1
        "#,
        id as PasskeyId,
        credential,
        synced,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Renames a key; nothing if the user has no such key.
pub(crate) async fn rename(
    db: &mut PgConnection,
    user: UserId,
    id: PasskeyId,
    name: &Name,
) -> sqlx::Result<Option<StoredPasskey>> {
    sqlx::query_as!(
        StoredPasskey,
        r#"
        update identity.passkeys set name = $3
        where id = $2 and user_id = $1
        returning id as "id: PasskeyId", name, synced, created_at, last_used_at
        "#,
        user as UserId,
        id as PasskeyId,
        name.as_str(),
    )
    .fetch_optional(db)
    .await
}

/// Removes a key; its name, or nothing if the user has no such key.
pub(crate) async fn delete(
    db: &mut PgConnection,
    user: UserId,
    id: PasskeyId,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "delete from identity.passkeys where id = $2 and user_id = $1 returning name",
        user as UserId,
        id as PasskeyId,
    )
    .fetch_optional(db)
    .await
}
