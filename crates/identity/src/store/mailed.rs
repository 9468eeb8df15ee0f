//! Requests for mails that let somebody in.

use crate::model::{Status, entry::RequestId};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub(crate) struct NewRequest<'a> {
    pub(crate) id: RequestId,
    pub(crate) purpose: &'a str,
    pub(crate) email_key: &'a str,
    pub(crate) browser: Option<&'a [u8]>,
    pub(crate) device: &'a str,
    pub(crate) address: &'a str,
    pub(crate) next: Option<&'a str>,
    pub(crate) now: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

pub(crate) async fn insert(db: &mut PgConnection, new: &NewRequest<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.mail_requests
            (id, purpose, email_key, browser, device, address, created_at, expires_at, next)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict on constraint mail_requests_browser_key do update
        set id = excluded.id, purpose = excluded.purpose, email_key = excluded.email_key,
            device = excluded.device, address = excluded.address, user_id = null, code = null,
            attempts = 0, created_at = excluded.created_at, expires_at = excluded.expires_at,
            used_at = null, next = excluded.next
        "#,
        new.id as RequestId,
        new.purpose,
        new.email_key,
        new.browser,
        new.device,
        new.address,
        new.now,
        new.expires_at,
        new.next,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// To whom the mail goes, if the address has an account and the request still counts.
pub(crate) struct Addressee {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) status: Status,
    pub(crate) device: String,
    pub(crate) next: Option<String>,
}

pub(crate) async fn addressee(
    db: &mut PgConnection,
    id: RequestId,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Addressee>> {
    sqlx::query_as!(
        Addressee,
        r#"
        select u.id as "user: UserId", u.name, u.email, u.status as "status: Status", r.device, r.next
        from identity.mail_requests r
        join identity.users u on u.email_key = r.email_key
        where r.id = $1 and r.used_at is null and r.expires_at > $2
        "#,
        id as RequestId,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Notes the code that goes out, and whose it is.
pub(crate) async fn set_code(
    db: &mut PgConnection,
    id: RequestId,
    user: UserId,
    code: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update identity.mail_requests set user_id = $2, code = $3 where id = $1",
        id as RequestId,
        user as UserId,
        code,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A request whose code is being tried.
pub(crate) struct Tried {
    pub(crate) id: RequestId,
    pub(crate) user: Option<UserId>,
    pub(crate) code: Option<Vec<u8>>,
    pub(crate) email_key: String,
}

/// Counts a try of the browser's code; nothing if it is over or was tried too often.
pub(crate) async fn try_code(
    db: &mut PgConnection,
    purpose: &str,
    browser: &[u8],
    most: i16,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Tried>> {
    sqlx::query_as!(
        Tried,
        r#"
        update identity.mail_requests set attempts = attempts + 1
        where browser = $1 and purpose = $2 and used_at is null and expires_at > $3
            and attempts < $4
        returning id as "id: RequestId", user_id as "user: UserId", code, email_key
        "#,
        browser,
        purpose,
        now,
        most,
    )
    .fetch_optional(db)
    .await
}

/// Uses a request up; false if somebody else was first.
pub(crate) async fn consume(
    db: &mut PgConnection,
    id: RequestId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let used = sqlx::query!(
        "update identity.mail_requests set used_at = $2 where id = $1 and used_at is null",
        id as RequestId,
        now,
    )
    .execute(db)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Makes what waits for an account worthless.
pub(crate) async fn revoke(
    db: &mut PgConnection,
    purpose: &str,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update identity.mail_requests set used_at = $3
        where purpose = $1 and user_id = $2 and used_at is null
        "#,
        purpose,
        user as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets requests that are over.
pub(crate) async fn sweep(db: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<u64> {
    let swept = sqlx::query!(
        "delete from identity.mail_requests where expires_at < $1",
        before
    )
    .execute(db)
    .await?;
    Ok(swept.rows_affected())
}
