//! Second factors, and the sign-ins that wait for one.

use crate::model::entry::Factor;
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// What can answer for a second factor. Recovery codes stand in for another, never alone. A
/// passkey answers too where there is an app, and alone where `required` says that this
/// account has to have a second factor.
pub(crate) async fn of(
    db: &mut PgConnection,
    user: UserId,
    required: bool,
) -> sqlx::Result<Vec<Factor>> {
    let held = sqlx::query!(
        r#"
        select
            exists (
                select from identity.totp where user_id = $1 and confirmed_at is not null
            ) as "totp!",
            exists (
                select from identity.passkeys where user_id = $1 and place is null
            ) as "passkey!",
            exists (
                select from identity.recovery_codes where user_id = $1 and used_at is null
            ) as "recovery!"
        "#,
        user as UserId,
    )
    .fetch_one(db)
    .await?;
    let mut factors = Vec::new();
    if held.totp {
        factors.push(Factor::Totp);
    }
    if held.passkey && (held.totp || required) {
        factors.push(Factor::Passkey);
    }
    if held.recovery && !factors.is_empty() {
        factors.push(Factor::RecoveryCode);
    }
    Ok(factors)
}

/// Notes a sign-in that waits; earlier ones of the account that are over go.
pub(crate) async fn insert_challenge(
    db: &mut PgConnection,
    hash: &[u8],
    user: UserId,
    method: &str,
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from identity.challenges where user_id = $1 and expires_at < $2",
        user as UserId,
        now,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        insert into identity.challenges (hash, user_id, method, created_at, expires_at)
        values ($1, $2, $3, $4, $5)
        "#,
        hash,
        user as UserId,
        method,
        now,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Counts a try at a sign-in that waits; whose it is and how it began.
pub(crate) async fn try_challenge(
    db: &mut PgConnection,
    hash: &[u8],
    most: i16,
    now: OffsetDateTime,
) -> sqlx::Result<Option<(UserId, String)>> {
    let tried = sqlx::query!(
        r#"
        update identity.challenges set attempts = attempts + 1
        where hash = $1 and used_at is null and expires_at > $2 and attempts < $3
        returning user_id as "user: UserId", method
        "#,
        hash,
        now,
        most,
    )
    .fetch_optional(db)
    .await?;
    Ok(tried.map(|row| (row.user, row.method)))
}

/// Who waits, if somebody does.
pub(crate) async fn waiting(
    db: &mut PgConnection,
    hash: &[u8],
    most: i16,
    now: OffsetDateTime,
) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar!(
        r#"
        select user_id as "user: UserId" from identity.challenges
        where hash = $1 and used_at is null and expires_at > $2 and attempts < $3
        "#,
        hash,
        now,
        most,
    )
    .fetch_optional(db)
    .await
}

/// Uses a waiting sign-in up; false if somebody else was first.
pub(crate) async fn consume_challenge(
    db: &mut PgConnection,
    hash: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let used = sqlx::query!(
        "update identity.challenges set used_at = $2 where hash = $1 and used_at is null",
        hash,
        now,
    )
    .execute(db)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Forgets sign-ins that waited in vain.
pub(crate) async fn sweep(db: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<u64> {
    let swept = sqlx::query!(
        "delete from identity.challenges where expires_at < $1",
        before
    )
    .execute(db)
    .await?;
    Ok(swept.rows_affected())
}

/// Puts a secret in place that does not count yet; false if one that counts is there.
pub(crate) async fn start_totp(
    db: &mut PgConnection,
    user: UserId,
    sealed: &str,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let started = sqlx::query!(
        r#"
        insert into identity.totp (user_id, secret_sealed, created_at) values ($1, $2, $3)
        on conflict on constraint totp_pkey do update
        set secret_sealed = $2, created_at = $3, last_step = null
        where totp.confirmed_at is null
        "#,
        user as UserId,
        sealed,
        now,
    )
    .execute(db)
    .await?;
    Ok(started.rows_affected() == 1)
}

/// The sealed secret, of an app that counts or of one that does not yet.
pub(crate) async fn totp_secret(
    db: &mut PgConnection,
    user: UserId,
    confirmed: bool,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"
        select secret_sealed from identity.totp
        where user_id = $1 and (confirmed_at is not null) = $2
        "#,
        user as UserId,
        confirmed,
    )
    .fetch_optional(db)
    .await
}

/// Takes a time step's code; false if that step, or a later one, was taken before.
pub(crate) async fn take_step(
    db: &mut PgConnection,
    user: UserId,
    step: i64,
) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        r#"
        update identity.totp set last_step = $2
        where user_id = $1 and (last_step is null or last_step < $2)
        "#,
        user as UserId,
        step,
    )
    .execute(db)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Makes the app count; false if one does already.
pub(crate) async fn confirm_totp(
    db: &mut PgConnection,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let confirmed = sqlx::query!(
        "update identity.totp set confirmed_at = $2 where user_id = $1 and confirmed_at is null",
        user as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(confirmed.rows_affected() == 1)
}

pub(crate) async fn totp_since(
    db: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<Option<OffsetDateTime>> {
    let since = sqlx::query_scalar!(
        "select confirmed_at from identity.totp where user_id = $1",
        user as UserId,
    )
    .fetch_optional(db)
    .await?;
    Ok(since.flatten())
}

/// Takes the app away; false if none counts.
pub(crate) async fn remove_totp(db: &mut PgConnection, user: UserId) -> sqlx::Result<bool> {
    let removed = sqlx::query!(
        "delete from identity.totp where user_id = $1 and confirmed_at is not null",
        user as UserId,
    )
    .execute(db)
    .await?;
    Ok(removed.rows_affected() == 1)
}

pub(crate) async fn insert_recovery(
    db: &mut PgConnection,
    user: UserId,
    hash: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into identity.recovery_codes (user_id, hash, created_at) values ($1, $2, $3)",
        user as UserId,
        hash,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn clear_recovery(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from identity.recovery_codes where user_id = $1",
        user as UserId
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn recovery_left(db: &mut PgConnection, user: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "left!" from identity.recovery_codes
        where user_id = $1 and used_at is null
        "#,
        user as UserId,
    )
    .fetch_one(db)
    .await
}

/// Uses a recovery code up; false if it is none, or was used.
pub(crate) async fn use_recovery(
    db: &mut PgConnection,
    user: UserId,
    hash: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let spent = sqlx::query!(
        r#"
        update identity.recovery_codes set used_at = $3
        where user_id = $1 and hash = $2 and used_at is null
        "#,
        user as UserId,
        hash,
        now,
    )
    .execute(db)
    .await?;
    Ok(spent.rows_affected() == 1)
}
