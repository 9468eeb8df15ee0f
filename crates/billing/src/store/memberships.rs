//! Who holds which tier.

use crate::model::{Grant, Holder, Membership, TierId};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// What somebody holds now.
pub(crate) async fn get(
    db: &mut PgConnection,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Membership>> {
    sqlx::query_as!(
        Membership,
        r#"
        select t.key as tier, t.name, t.description, m.since, m.until, m.reason
        from billing.memberships m
        join billing.tiers t on t.id = m.tier_id
        where m.user_id = $1 and (m.until is null or m.until > $2)
        "#,
        user as UserId,
        now,
    )
    .fetch_optional(db)
    .await
}

/// What somebody holds, as they may read it.
pub(crate) async fn holdings(
    db: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<serde_json::Value> {
    sqlx::query_scalar!(
        r#"
        select coalesce(jsonb_agg(jsonb_build_object(
            'tier', t.name, 'since', m.since, 'until', m.until, 'reason', m.reason
        )), '[]') as "held!"
        from billing.memberships m
        join billing.tiers t on t.id = m.tier_id
        where m.user_id = $1
        "#,
        user as UserId,
    )
    .fetch_one(db)
    .await
}

/// Whether somebody has an account.
pub(crate) async fn is_known(db: &mut PgConnection, user: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from published.people p where p.id = $1) as "known!""#,
        user as UserId,
    )
    .fetch_one(db)
    .await
}

/// Takes away what somebody holds; which tier that was.
pub(crate) async fn delete(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<TierId>> {
    sqlx::query_scalar!(
        r#"delete from billing.memberships where user_id = $1 returning tier_id as "tier: TierId""#,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

/// Gives somebody a tier, who holds none.
pub(crate) async fn insert(
    db: &mut PgConnection,
    user: UserId,
    tier: TierId,
    grant: &Grant,
    by: Option<UserId>,
    since: OffsetDateTime,
    demo: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into billing.memberships
            (user_id, tier_id, since, until, granted_by, reason, demo)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        user as UserId,
        tier as TierId,
        since,
        grant.until,
        by as Option<UserId>,
        grant.reason,
        demo,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What somebody holds, and what they pay it by.
pub(crate) struct Paid {
    pub(crate) tier: String,
    pub(crate) until: Option<OffsetDateTime>,
    pub(crate) subscription: Option<String>,
}

/// What somebody holds, and what they pay it by.
pub(crate) async fn paid(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Paid>> {
    sqlx::query_as!(
        Paid,
        r#"
        select t.key as tier, m.until, m.subscription_id as subscription
        from billing.memberships m
        join billing.tiers t on t.id = m.tier_id
        where m.user_id = $1
        "#,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

/// Sets when what somebody holds ends.
pub(crate) async fn set_end(
    db: &mut PgConnection,
    user: UserId,
    until: Option<OffsetDateTime>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update billing.memberships set until = $2 where user_id = $1",
        user as UserId,
        until,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes by what somebody pays for what they hold: it ends with that.
pub(crate) async fn set_subscription(
    db: &mut PgConnection,
    user: UserId,
    subscription: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update billing.memberships set subscription_id = $2 where user_id = $1",
        user as UserId,
        subscription,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// One at a time for each person, so that two grants do not meet.
pub(crate) async fn lock(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('billing.membership:' || $1::uuid, 0))",
        user as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which tier somebody holds, locked: what ends memberships locks them before tiers, too.
pub(crate) async fn held(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<TierId>> {
    sqlx::query_scalar!(
        r#"
        select tier_id as "tier: TierId" from billing.memberships
        where user_id = $1
        for update
        "#,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

/// Takes away some that have come to their end; who held which.
pub(crate) async fn end(
    db: &mut PgConnection,
    now: OffsetDateTime,
    most: i64,
) -> sqlx::Result<Vec<(UserId, TierId)>> {
    let rows = sqlx::query!(
        r#"
        delete from billing.memberships
        where user_id in (
            select user_id from billing.memberships
            where until <= $1
            order by until
            limit $2
            for update skip locked
        )
        returning user_id as "user: UserId", tier_id as "tier: TierId"
        "#,
        now,
        most,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user, row.tier)).collect())
}

/// Who holds a tier, by id.
pub(crate) async fn holders(
    db: &mut PgConnection,
    tier: TierId,
    after: Option<UserId>,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<Holder>> {
    sqlx::query_as!(
        Holder,
        r#"
        select m.user_id as "user: UserId", p.name as "name!", p.email as "email!",
            m.since, m.until
        from billing.memberships m
        join published.people p on p.id = m.user_id
        where m.tier_id = $1 and ($2::uuid is null or m.user_id > $2)
            and (m.until is null or m.until > $3)
        order by m.user_id
        limit $4
        "#,
        tier as TierId,
        after as Option<UserId>,
        now,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Takes away what the demo tenant's people hold; who held which.
pub(crate) async fn remove_demo(db: &mut PgConnection) -> sqlx::Result<Vec<TierId>> {
    sqlx::query_scalar!(
        r#"delete from billing.memberships where demo returning tier_id as "tier: TierId""#,
    )
    .fetch_all(db)
    .await
}
