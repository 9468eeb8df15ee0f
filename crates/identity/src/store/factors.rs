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
            exists (select from identity.passkeys where user_id = $1) as "passkey!",
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
