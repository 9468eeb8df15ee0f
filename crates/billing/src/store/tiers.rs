//! Tiers and how many hold them.

use super::prices;
use crate::model::{Key, Opened, Tier, TierId, TierText};
use sqlx::{PgConnection, types::Json};
use std::collections::HashMap;
use time::OffsetDateTime;

struct Row {
    id: TierId,
    key: String,
    name: String,
    description: String,
    position: i32,
    holders: i64,
    archived_at: Option<OffsetDateTime>,
    features: Json<Vec<Opened>>,
}

impl From<Row> for Tier {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            key: row.key,
            name: row.name,
            description: row.description,
            position: row.position,
            holders: row.holders,
            archived_at: row.archived_at,
            features: row.features.0,
            prices: Vec::new(),
        }
    }
}

/// Every tier, or one: by place, the archived last.
pub(crate) async fn list(db: &mut PgConnection, only: Option<TierId>) -> sqlx::Result<Vec<Tier>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select t.id as "id: TierId", t.key, t.name, t.description, t.position,
            t.holder_count as holders, t.archived_at,
            coalesce((
                select jsonb_agg(jsonb_build_object('feature', o.feature, 'amount', o.amount)
                    order by o.feature)
                from billing.tier_features o
                where o.tier_id = t.id
            ), '[]') as "features!: Json<Vec<Opened>>"
        from billing.tiers t
        where $1::uuid is null or t.id = $1
        order by t.archived_at is not null, t.position, t.name, t.id
        limit 200
        "#,
        only as Option<TierId>,
    )
    .fetch_all(&mut *db)
    .await?;
    let mut prices: HashMap<_, _> = prices::offered(db).await?.into_iter().collect();
    let whole = |row: Row| Tier {
        prices: prices.remove(&row.id).unwrap_or_default(),
        ..row.into()
    };
    Ok(rows.into_iter().map(whole).collect())
}

/// Makes a tier; whether its key was free.
pub(crate) async fn insert(
    db: &mut PgConnection,
    tier: TierId,
    key: &Key,
    said: &TierText,
    demo: bool,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let made = sqlx::query!(
        r#"
        insert into billing.tiers (id, key, name, description, position, demo, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $7)
        on conflict (key) do nothing
        "#,
        tier as TierId,
        key.0,
        said.name,
        said.description,
        said.position,
        demo,
        now,
    )
    .execute(db)
    .await?;
    Ok(made.rows_affected() > 0)
}

/// Changes a tier; whether there is such a one.
pub(crate) async fn update(
    db: &mut PgConnection,
    tier: TierId,
    said: &TierText,
    archived: bool,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let changed = sqlx::query!(
        r#"
        update billing.tiers
        set name = $2, description = $3, position = $4, updated_at = $6,
            archived_at = case when $5 then coalesce(archived_at, $6) end
        where id = $1
        "#,
        tier as TierId,
        said.name,
        said.description,
        said.position,
        archived,
        now,
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() > 0)
}

/// Notes that something about a tier changes, which others wait for; whether there is such a
/// one.
pub(crate) async fn touch(
    db: &mut PgConnection,
    tier: TierId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let changed = sqlx::query!(
        "update billing.tiers set updated_at = $2 where id = $1",
        tier as TierId,
        now,
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() > 0)
}

/// A tier by its key, locked so that its count moves in turn; whether it is archived. With it,
/// in the order of ids, the one that somebody held before.
pub(crate) async fn lock(
    db: &mut PgConnection,
    key: &str,
    held: Option<TierId>,
) -> sqlx::Result<Option<(TierId, bool)>> {
    let rows = sqlx::query!(
        r#"
        select id as "id: TierId", key, archived_at is not null as "archived!"
        from billing.tiers
        where key = $1 or id = $2
        order by id
        for no key update
        "#,
        key,
        held as Option<TierId>,
    )
    .fetch_all(db)
    .await?;
    let asked = rows.into_iter().find(|row| row.key == key);
    Ok(asked.map(|row| (row.id, row.archived)))
}

/// Moves how many hold a tier.
pub(crate) async fn count(db: &mut PgConnection, tier: TierId, by: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update billing.tiers set holder_count = holder_count + $2 where id = $1",
        tier as TierId,
        by,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes the demo tenant's tiers and features that nobody else holds or opens.
pub(crate) async fn remove_demo(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        delete from billing.tiers t
        where t.demo and not exists (select from billing.memberships m where m.tier_id = t.id)
            and not exists (
                select from billing.prices p
                join billing.subscriptions s on s.price_id = p.id
                where p.tier_id = t.id
            )
        "#,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        delete from billing.features f
        where f.demo and not exists (select from billing.tier_features o where o.feature = f.key)
        "#,
    )
    .execute(db)
    .await?;
    Ok(())
}
