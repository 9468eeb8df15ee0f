//! What tiers cost.

use crate::model::{
    TierId,
    payments::{Cost, Interval, Price, PriceId, Wanted},
};
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;

/// What is offered, by tier.
pub(crate) async fn offered(db: &mut PgConnection) -> sqlx::Result<Vec<(TierId, Vec<Price>)>> {
    let rows = sqlx::query!(
        r#"
        select tier_id as "tier: TierId",
            jsonb_agg(jsonb_build_object('id', id, 'interval', "interval", 'currency', currency,
                'amount', amount) order by "interval") as "prices!: Json<Vec<Price>>"
        from billing.prices
        where archived_at is null
        group by tier_id
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tier, row.prices.0))
        .collect())
}

/// What a tier costs at this interval now.
pub(crate) async fn current(
    db: &mut PgConnection,
    tier: TierId,
    interval: Interval,
) -> sqlx::Result<Option<(PriceId, Cost)>> {
    let row = sqlx::query!(
        r#"
        select id as "id: PriceId", currency, amount from billing.prices
        where tier_id = $1 and "interval" = $2 and archived_at is null
        "#,
        tier as TierId,
        interval.text(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let cost = Cost {
            currency: row.currency,
            amount: row.amount,
        };
        (row.id, cost)
    }))
}

/// Offers a price; the one before must be archived.
pub(crate) async fn insert(
    db: &mut PgConnection,
    price: PriceId,
    tier: TierId,
    interval: Interval,
    cost: &Cost,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into billing.prices (id, tier_id, "interval", currency, amount, created_at)
        values ($1, $2, $3, $4, $5, $6)
        "#,
        price as PriceId,
        tier as TierId,
        interval.text(),
        cost.currency,
        cost.amount,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Offers a price no more; whether it was.
pub(crate) async fn archive(
    db: &mut PgConnection,
    tier: TierId,
    interval: Interval,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update billing.prices set archived_at = $3
        where tier_id = $1 and "interval" = $2 and archived_at is null
        "#,
        tier as TierId,
        interval.text(),
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A price that can be bought.
pub(crate) async fn wanted(db: &mut PgConnection, price: PriceId) -> sqlx::Result<Option<Wanted>> {
    sqlx::query_as!(
        Wanted,
        r#"
        select p.id as "id: PriceId", p.provider_id, p."interval", p.currency, p.amount,
            t.id as "tier: TierId", t.name as tier_name
        from billing.prices p
        join billing.tiers t on t.id = p.tier_id
        where p.id = $1 and p.archived_at is null and t.archived_at is null
        "#,
        price as PriceId,
    )
    .fetch_optional(db)
    .await
}

/// Notes what the provider calls a price.
pub(crate) async fn link(
    db: &mut PgConnection,
    price: PriceId,
    provider_id: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update billing.prices set provider_id = $2 where id = $1",
        price as PriceId,
        provider_id,
    )
    .execute(db)
    .await?;
    Ok(())
}
