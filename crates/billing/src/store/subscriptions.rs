//! What people have subscribed to.

use crate::{
    model::payments::{LIVE, OPEN, Subscription},
    stripe::objects,
};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Writes what the provider said of a subscription; whether nothing newer was known.
pub(crate) async fn put(
    db: &mut PgConnection,
    said: &objects::Subscription,
    user: UserId,
    asked_at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let price = said.items.data.first().map(|item| item.price.id.as_str());
    let done = sqlx::query!(
        r#"
        insert into billing.subscriptions as s
            (id, user_id, price_id, status, period_ends_at, ends_at, created_at, asked_at)
        values ($1, $2, (select id from billing.prices where provider_id = $3), $4, $5, $6, $7, $8)
        on conflict (id) do update
        set price_id = excluded.price_id, status = excluded.status,
            period_ends_at = excluded.period_ends_at, ends_at = excluded.ends_at,
            asked_at = excluded.asked_at
        where s.asked_at <= excluded.asked_at
        "#,
        said.id,
        user as UserId,
        price,
        said.status,
        said.period_ends_at(),
        said.ends_at(),
        said.created,
        asked_at,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that the provider knows a subscription no more.
pub(crate) async fn gone(db: &mut PgConnection, id: &str) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar!(
        r#"
        update billing.subscriptions set status = 'canceled' where id = $1
        returning user_id as "user: UserId"
        "#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// What opens a tier for somebody: the newest that does.
pub(crate) struct Opening {
    pub(crate) id: String,
    pub(crate) tier: String,
    pub(crate) until: Option<OffsetDateTime>,
}

/// The newest subscription that opens a tier.
pub(crate) async fn opening(
    db: &mut PgConnection,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Opening>> {
    let open: Vec<String> = OPEN.iter().map(|&status| status.to_owned()).collect();
    sqlx::query_as!(
        Opening,
        r#"
        select s.id, t.key as tier, s.ends_at as until
        from billing.subscriptions s
        join billing.prices p on p.id = s.price_id
        join billing.tiers t on t.id = p.tier_id
        where s.user_id = $1 and s.status = any($2) and (s.ends_at is null or s.ends_at > $3)
        order by s.created_at desc, s.id desc
        limit 1
        "#,
        user as UserId,
        &open,
        now,
    )
    .fetch_optional(db)
    .await
}

/// The newest subscription that is one.
pub(crate) async fn live(
    db: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<Option<Subscription>> {
    let live: Vec<String> = LIVE.iter().map(|&status| status.to_owned()).collect();
    sqlx::query_as!(
        Subscription,
        r#"
        select s.id, t.key as "tier?", t.name as "name?", s.status, s.period_ends_at, s.ends_at,
            p.amount as "amount?", p.currency as "currency?", p."interval" as "interval?"
        from billing.subscriptions s
        left join billing.prices p on p.id = s.price_id
        left join billing.tiers t on t.id = p.tier_id
        where s.user_id = $1 and s.status = any($2)
        order by s.created_at desc, s.id desc
        limit 1
        "#,
        user as UserId,
        &live,
    )
    .fetch_optional(db)
    .await
}

/// What somebody has or had subscribed to, as they may read it.
pub(crate) async fn holdings(
    db: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<serde_json::Value> {
    sqlx::query_scalar!(
        r#"
        select coalesce(jsonb_agg(jsonb_build_object('tier', t.name, 'status', s.status,
            'since', s.created_at, 'ends_at', s.ends_at) order by s.created_at), '[]') as "held!"
        from billing.subscriptions s
        left join billing.prices p on p.id = s.price_id
        left join billing.tiers t on t.id = p.tier_id
        where s.user_id = $1
        "#,
        user as UserId,
    )
    .fetch_one(db)
    .await
}

/// Forgets what somebody had subscribed to.
pub(crate) async fn delete(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from billing.subscriptions where user_id = $1",
        user as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}
