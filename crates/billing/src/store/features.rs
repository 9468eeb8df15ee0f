//! Features, and which tier opens which.

use crate::model::{Benefit, Feature, FeatureRow, Opened, TierId};
use sqlx::PgConnection;
use std::collections::HashMap;

pub(crate) async fn list(db: &mut PgConnection) -> sqlx::Result<Vec<FeatureRow>> {
    sqlx::query_as!(
        FeatureRow,
        r#"
        select f.key, f.name, f.description,
            (select count(*) from billing.tier_features t where t.feature = f.key) as "tiers!"
        from billing.features f
        order by f.key
        limit 500
        "#,
    )
    .fetch_all(db)
    .await
}

/// Writes a feature, new or known.
pub(crate) async fn put(db: &mut PgConnection, feature: &Feature, demo: bool) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into billing.features (key, name, description, demo)
        values ($1, $2, $3, $4)
        on conflict (key) do update set name = excluded.name, description = excluded.description
        "#,
        feature.key.0,
        feature.name,
        feature.description,
        demo,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes a feature, unless a tier opens it: then the database refuses.
pub(crate) async fn delete(db: &mut PgConnection, key: &str) -> sqlx::Result<bool> {
    let gone = sqlx::query!("delete from billing.features where key = $1", key)
        .execute(db)
        .await?;
    Ok(gone.rows_affected() > 0)
}

/// The features of these keys that do not exist.
pub(crate) async fn missing(db: &mut PgConnection, keys: &[String]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        select k.key as "key!"
        from unnest($1::text[]) as k(key)
        where not exists (select from billing.features f where f.key = k.key)
        "#,
        keys,
    )
    .fetch_all(db)
    .await
}

/// Replaces what a tier opens.
pub(crate) async fn open(
    db: &mut PgConnection,
    tier: TierId,
    opened: &[Opened],
) -> sqlx::Result<()> {
    let keys: Vec<String> = opened.iter().map(|one| one.feature.clone()).collect();
    let amounts: Vec<Option<i64>> = opened.iter().map(|one| one.amount).collect();
    sqlx::query!(
        "delete from billing.tier_features where tier_id = $1 and feature <> all($2)",
        tier as TierId,
        &keys,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        insert into billing.tier_features (tier_id, feature, amount)
        select $1, o.feature, o.amount
        from unnest($2::text[], $3::bigint[]) as o(feature, amount)
        on conflict (tier_id, feature) do update set amount = excluded.amount
        "#,
        tier as TierId,
        &keys,
        &amounts as &[Option<i64>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What a tier opens, in words.
pub(crate) async fn benefits(db: &mut PgConnection, tier: &str) -> sqlx::Result<Vec<Benefit>> {
    sqlx::query_as!(
        Benefit,
        r#"
        select f.key, f.name, f.description, o.amount
        from billing.tiers t
        join billing.tier_features o on o.tier_id = t.id
        join billing.features f on f.key = o.feature
        where t.key = $1
        order by f.name, f.key
        "#,
        tier,
    )
    .fetch_all(db)
    .await
}

/// What the offered tiers open, in words, by tier.
pub(crate) async fn words(db: &mut PgConnection) -> sqlx::Result<HashMap<TierId, Vec<Benefit>>> {
    let rows = sqlx::query!(
        r#"
        select o.tier_id as "tier: TierId", f.key, f.name, f.description, o.amount
        from billing.tier_features o
        join billing.features f on f.key = o.feature
        where exists (
            select from billing.prices p where p.tier_id = o.tier_id and p.archived_at is null
        )
        order by o.tier_id, f.name, f.key
        "#,
    )
    .fetch_all(db)
    .await?;
    let mut words = HashMap::<_, Vec<_>>::new();
    for row in rows {
        words.entry(row.tier).or_default().push(Benefit {
            key: row.key,
            name: row.name,
            description: row.description,
            amount: row.amount,
        });
    }
    Ok(words)
}
