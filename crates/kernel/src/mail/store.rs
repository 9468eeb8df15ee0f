//! All SQL of the mails.

use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;

use super::{
    model::{MailId, State},
    words::Words,
};
use crate::id::UserId;

/// A mail as it is written down.
pub(super) struct NewRow<'a> {
    pub(super) id: MailId,
    pub(super) cause: &'a str,
    pub(super) recipient: &'a str,
    pub(super) subject: &'a str,
    pub(super) subject_sealed: Option<&'a str>,
    pub(super) html: &'a str,
    pub(super) text: &'a str,
    pub(super) sealed: bool,
    pub(super) created_at: OffsetDateTime,
}

/// What an attempt needs.
pub(super) struct Claimed {
    pub(super) attempt: i32,
    pub(super) recipient: String,
    pub(super) subject: String,
    pub(super) subject_sealed: Option<String>,
    pub(super) html: Option<String>,
    pub(super) text: Option<String>,
    pub(super) sealed: bool,
    pub(super) created_at: OffsetDateTime,
}

/// A line of the viewer's list.
pub(super) struct Line {
    pub(super) id: MailId,
    pub(super) recipient: String,
    pub(super) subject: String,
    pub(super) state: State,
    pub(super) created_at: OffsetDateTime,
}

/// One mail, as the viewer shows it.
pub(super) struct Row {
    pub(super) id: MailId,
    pub(super) cause: String,
    pub(super) recipient: String,
    pub(super) subject: String,
    pub(super) subject_sealed: Option<String>,
    pub(super) html: Option<String>,
    pub(super) text: Option<String>,
    pub(super) sealed: bool,
    pub(super) state: State,
    pub(super) attempts: i32,
    pub(super) error: Option<String>,
    pub(super) created_at: OffsetDateTime,
}

/// Writes a mail down, unless its cause has one. False: it has.
pub(super) async fn insert(db: &mut PgConnection, row: &NewRow<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into kernel.mails (id, cause, recipient, subject, subject_sealed, html, body_text, sealed, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict on constraint mails_cause_key do nothing",
        row.id as MailId,
        row.cause,
        row.recipient,
        row.subject,
        row.subject_sealed,
        row.html,
        row.text,
        row.sealed,
        row.created_at,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a queued mail for one attempt. Of several that try, one gets it.
pub(super) async fn claim(
    db: &mut PgConnection,
    id: MailId,
    lease_until: OffsetDateTime,
) -> sqlx::Result<Option<Claimed>> {
    sqlx::query_as!(
        Claimed,
        r#"update kernel.mails
        set state = 'sending', attempts = attempts + 1, lease_until = $2
        where id = $1 and state = 'queued'
        returning attempts as attempt, recipient, subject, subject_sealed, html, body_text as text, sealed,
            created_at"#,
        id as MailId,
        lease_until,
    )
    .fetch_optional(db)
    .await
}

/// Gives up a mail whose attempt has certainly ended without a word. False: it has not.
pub(super) async fn abandon(
    db: &mut PgConnection,
    id: MailId,
    now: OffsetDateTime,
    why: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update kernel.mails
        set state = 'uncertain', lease_until = null, error = $3
        where id = $1 and state = 'sending' and lease_until <= $2",
        id as MailId,
        now,
        why,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Where a mail stands.
pub(super) async fn state(db: &mut PgConnection, id: MailId) -> sqlx::Result<Option<State>> {
    sqlx::query_scalar!(
        r#"select state as "state: State" from kernel.mails where id = $1"#,
        id as MailId,
    )
    .fetch_optional(db)
    .await
}

/// Ends an attempt with success; the bodies, which hold one-time links and codes, go.
pub(super) async fn sent(
    db: &mut PgConnection,
    id: MailId,
    attempt: i32,
    at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update kernel.mails
        set state = 'sent', sent_at = $3, lease_until = null, error = null, html = null, body_text = null,
            subject_sealed = null
        where id = $1 and attempts = $2 and state in ('sending', 'uncertain')",
        id as MailId,
        attempt,
        at,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends an attempt in the viewer.
pub(super) async fn caught(
    db: &mut PgConnection,
    id: MailId,
    at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update kernel.mails
        set state = 'caught', attempts = attempts + 1, sent_at = $2, error = null
        where id = $1 and state = 'queued'",
        id as MailId,
        at,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends an attempt without success. `to` is queued, failed or uncertain.
pub(super) async fn ended(
    db: &mut PgConnection,
    id: MailId,
    attempt: i32,
    to: State,
    error: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update kernel.mails
        set state = $3, lease_until = null, error = $4
        where id = $1 and attempts = $2 and state = 'sending'",
        id as MailId,
        attempt,
        to.as_str(),
        error,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Queues a mail that did not certainly arrive. False: it is in no such state.
pub(super) async fn requeue(db: &mut PgConnection, id: MailId) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update kernel.mails
        set state = 'queued', sent_at = null, error = null
        where id = $1 and state in ('queued', 'caught', 'failed', 'uncertain')",
        id as MailId,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The newest mails before `before`, to addresses that match `pattern` (lower case, LIKE).
pub(super) async fn list(
    db: &mut PgConnection,
    pattern: &str,
    before: Option<MailId>,
    limit: i64,
) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as!(
        Line,
        r#"select id as "id: MailId", recipient, subject, state as "state: State", created_at
        from kernel.mails
        where lower(recipient) like $1 and ($2::uuid is null or id < $2)
        order by id desc
        limit $3"#,
        pattern,
        before as Option<MailId>,
        limit,
    )
    .fetch_all(db)
    .await
}

/// One mail.
pub(super) async fn one(db: &mut PgConnection, id: MailId) -> sqlx::Result<Option<Row>> {
    sqlx::query_as!(
        Row,
        r#"select id as "id: MailId", cause, recipient, subject, subject_sealed, html, body_text as text, sealed,
            state as "state: State", attempts, error, created_at
        from kernel.mails
        where id = $1"#,
        id as MailId,
    )
    .fetch_optional(db)
    .await
}

/// The newest caught mails, to one address (in lower case) or to all.
pub(super) async fn caught_mails(
    db: &mut PgConnection,
    to: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"select id as "id: MailId", cause, recipient, subject, subject_sealed, html, body_text as text, sealed,
            state as "state: State", attempts, error, created_at
        from kernel.mails
        where state = 'caught' and ($1::text is null or lower(recipient) = $1)
        order by id desc
        limit $2"#,
        to,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The mails of an address, without their words.
pub(super) async fn sent_to(
    db: &mut PgConnection,
    address: &str,
) -> sqlx::Result<serde_json::Value> {
    sqlx::query_scalar!(
        r#"
        select coalesce(jsonb_agg(jsonb_build_object(
            'subject', subject, 'asked_for_at', created_at, 'sent_at', sent_at
        ) order by created_at), '[]') as "sent!"
        from kernel.mails
        where lower(recipient) = lower($1)
        "#,
        address,
    )
    .fetch_one(db)
    .await
}

/// Forgets the mails of an address, but for one that is leaving this very moment.
pub(super) async fn forget(db: &mut PgConnection, address: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from kernel.mails where lower(recipient) = lower($1) and state <> 'sending'",
        address,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What a mail says since somebody changed it.
pub(super) struct Kept {
    pub(super) template: String,
    pub(super) words: Json<Words>,
    pub(super) version: i32,
    pub(super) changed_by: UserId,
    pub(super) changed_at: OffsetDateTime,
}

pub(super) async fn all_words(db: &mut PgConnection) -> sqlx::Result<Vec<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"
        select template, words as "words: Json<Words>", version, changed_by as "changed_by: UserId", changed_at
        from kernel.mail_words
        "#,
    )
    .fetch_all(db)
    .await
}

pub(super) async fn words(db: &mut PgConnection, template: &str) -> sqlx::Result<Option<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"
        select template, words as "words: Json<Words>", version, changed_by as "changed_by: UserId", changed_at
        from kernel.mail_words
        where template = $1
        "#,
        template,
    )
    .fetch_optional(db)
    .await
}

/// Keeps words in the place of version `seen`, 0 being none. False: they are of another.
pub(super) async fn keep_words(
    db: &mut PgConnection,
    template: &str,
    words: &Words,
    seen: i32,
    by: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        insert into kernel.mail_words as held (template, words, version, changed_by, changed_at)
        select $1, $2, 1, $4, $5
        where $3::integer = 0 or exists (select from kernel.mail_words where template = $1)
        on conflict on constraint mail_words_pkey do update
        set words = excluded.words, version = held.version + 1, changed_by = excluded.changed_by,
            changed_at = excluded.changed_at
        where held.version = $3
        "#,
        template,
        Json(words) as Json<&Words>,
        seen,
        by as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets words of version `seen`; false if there are none of it.
pub(super) async fn forget_words(
    db: &mut PgConnection,
    template: &str,
    seen: i32,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from kernel.mail_words where template = $1 and version = $2",
        template,
        seen,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
