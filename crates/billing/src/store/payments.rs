//! What was paid.

use crate::{
    model::payments::{Payment, PaymentId, PaymentStatus},
    stripe::objects::PaymentIntent,
};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

/// After every payment.
const END: OffsetDateTime = datetime!(9999-12-31 0:00 UTC);

/// What is known of a payment beside its intent.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) refunded: i64,
    pub(crate) description: Option<String>,
    pub(crate) card: Option<String>,
    pub(crate) failure: Option<String>,
    pub(crate) invoice_number: Option<String>,
    pub(crate) invoice_url: Option<String>,
}

/// How a payment stood. One at a time for each payment, also before its row is there, until the
/// transaction ends.
pub(crate) async fn stood(
    db: &mut PgConnection,
    provider_id: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('billing.payment:' || $1::text, 0))",
        provider_id,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query_scalar!(
        "select status from billing.payments where provider_id = $1",
        provider_id,
    )
    .fetch_optional(db)
    .await
}

/// Writes what the provider said of a payment; its id, if nothing newer was known.
pub(crate) async fn put(
    db: &mut PgConnection,
    said: &PaymentIntent,
    user: UserId,
    status: PaymentStatus,
    known: &Known,
    asked_at: OffsetDateTime,
) -> sqlx::Result<Option<PaymentId>> {
    sqlx::query_scalar!(
        r#"
        insert into billing.payments as p
            (id, provider_id, user_id, status, currency, amount, refunded, description, card,
             failure, invoice_number, invoice_url, created_at, asked_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        on conflict (provider_id) do update
        set status = excluded.status, amount = excluded.amount, refunded = excluded.refunded,
            description = excluded.description, card = excluded.card, failure = excluded.failure,
            invoice_number = excluded.invoice_number, invoice_url = excluded.invoice_url,
            asked_at = excluded.asked_at
        where p.asked_at <= excluded.asked_at
        returning p.id as "id: PaymentId"
        "#,
        PaymentId::new() as PaymentId,
        said.id,
        user as UserId,
        status.text(),
        said.currency,
        said.amount,
        known.refunded.clamp(0, said.amount),
        known.description,
        known.card,
        known.failure,
        known.invoice_number,
        known.invoice_url,
        said.created,
        asked_at,
    )
    .fetch_optional(db)
    .await
}

/// Where a list goes on; its beginning is after every payment that there can be.
fn place(after: Option<(OffsetDateTime, PaymentId)>) -> (OffsetDateTime, PaymentId) {
    after.unwrap_or((END, PaymentId(Uuid::max())))
}

/// Everybody's, the latest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    after: Option<(OffsetDateTime, PaymentId)>,
    limit: i64,
) -> sqlx::Result<Vec<Payment>> {
    let (at, id) = place(after);
    sqlx::query_as!(
        Payment,
        r#"
        select id as "id!: PaymentId", user_id as "user!: UserId", name as "name?",
            email as "email?", status as "status!", currency as "currency!",
            amount as "amount!", refunded as "refunded!", description, card, failure,
            invoice_number, invoice_url, created_at as "created_at!"
        from billing.shown_payments
        where (created_at, id) < ($1, $2)
        order by created_at desc, id desc
        limit $3
        "#,
        at,
        id as PaymentId,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Everybody's that stand so, the latest first.
pub(crate) async fn list_by_status(
    db: &mut PgConnection,
    status: PaymentStatus,
    after: Option<(OffsetDateTime, PaymentId)>,
    limit: i64,
) -> sqlx::Result<Vec<Payment>> {
    let (at, id) = place(after);
    sqlx::query_as!(
        Payment,
        r#"
        select id as "id!: PaymentId", user_id as "user!: UserId", name as "name?",
            email as "email?", status as "status!", currency as "currency!",
            amount as "amount!", refunded as "refunded!", description, card, failure,
            invoice_number, invoice_url, created_at as "created_at!"
        from billing.shown_payments
        where (created_at, id) < ($1, $2) and status = $4
        order by created_at desc, id desc
        limit $3
        "#,
        at,
        id as PaymentId,
        limit,
        status.text(),
    )
    .fetch_all(db)
    .await
}

/// One person's, the latest first.
pub(crate) async fn list_of(
    db: &mut PgConnection,
    user: UserId,
    status: Option<PaymentStatus>,
    after: Option<(OffsetDateTime, PaymentId)>,
    limit: i64,
) -> sqlx::Result<Vec<Payment>> {
    let (at, id) = place(after);
    sqlx::query_as!(
        Payment,
        r#"
        select id as "id!: PaymentId", user_id as "user!: UserId", name as "name?",
            email as "email?", status as "status!", currency as "currency!",
            amount as "amount!", refunded as "refunded!", description, card, failure,
            invoice_number, invoice_url, created_at as "created_at!"
        from billing.shown_payments
        where (created_at, id) < ($1, $2)
            and user_id = $4 and ($5::text is null or status = $5)
        order by created_at desc, id desc
        limit $3
        "#,
        at,
        id as PaymentId,
        limit,
        user as UserId,
        status.map(PaymentStatus::text),
    )
    .fetch_all(db)
    .await
}

/// What somebody paid, as they may read it.
pub(crate) async fn holdings(
    db: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<serde_json::Value> {
    sqlx::query_scalar!(
        r#"
        select coalesce(jsonb_agg(jsonb_build_object('at', created_at, 'amount', amount,
            'currency', currency, 'refunded', refunded, 'status', status, 'for', description,
            'card', card, 'invoice', invoice_number) order by created_at), '[]') as "held!"
        from billing.payments
        where user_id = $1
        "#,
        user as UserId,
    )
    .fetch_one(db)
    .await
}

/// Forgets what somebody paid.
pub(crate) async fn delete(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from billing.payments where user_id = $1",
        user as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}
