//! Whom an update addresses, and how far it has come with each.

use crate::model::{Audience, Receipt, Recipient, UpdateId};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Addresses an update; how many people that are. The audience is selected inside the
/// database, through the view of people, whatever its size.
pub(crate) async fn address(
    db: &mut PgConnection,
    update: UpdateId,
    audience: &Audience,
    now: OffsetDateTime,
) -> sqlx::Result<i64> {
    let (users, role, tier) = narrowed(audience);
    let added = sqlx::query!(
        r#"
        insert into updates.recipients (update_id, user_id, published_at)
        select $1, p.id, $2
        from published.people p
        where p.status = 'active'
            and ($3::uuid[] is null or p.id = any($3))
            and ($4::text is null or exists (
                select from published.people_roles r where r.user_id = p.id and r.role = $4
            ))
            and ($5::text is null or exists (
                select from published.people_tiers t where t.user_id = p.id and t.tier = $5
            ))
        "#,
        update as UpdateId,
        now,
        users as Option<Vec<UserId>>,
        role,
        tier,
    )
    .execute(db)
    .await?;
    Ok(i64::try_from(added.rows_affected()).unwrap_or(i64::MAX))
}

/// How many people an audience holds now.
pub(crate) async fn preview(db: &mut PgConnection, audience: &Audience) -> sqlx::Result<i64> {
    let (users, role, tier) = narrowed(audience);
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from published.people p
        where p.status = 'active'
            and ($1::uuid[] is null or p.id = any($1))
            and ($2::text is null or exists (
                select from published.people_roles r where r.user_id = p.id and r.role = $2
            ))
            and ($3::text is null or exists (
                select from published.people_tiers t where t.user_id = p.id and t.tier = $3
            ))
        "#,
        users as Option<Vec<UserId>>,
        role,
        tier,
    )
    .fetch_one(db)
    .await
}

fn narrowed(audience: &Audience) -> (Option<Vec<UserId>>, Option<&str>, Option<&str>) {
    match audience {
        Audience::Everyone => (None, None, None),
        Audience::Users { users } => (Some(users.clone()), None, None),
        Audience::Role { role } => (None, Some(role), None),
        Audience::Tier { tier } => (None, None, Some(tier)),
    }
}

/// What a receipt changed.
pub(crate) struct Marked {
    pub(crate) delivered: bool,
    pub(crate) read: bool,
    pub(crate) acknowledged: bool,
}

/// Records how far an update has come with a reader. The first time counts; nothing if
/// the update does not address them.
pub(crate) async fn mark(
    db: &mut PgConnection,
    update: UpdateId,
    reader: UserId,
    receipt: Receipt,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Marked>> {
    sqlx::query_as!(
        Marked,
        r#"
        with before as (
            select delivered_at, read_at, acknowledged_at
            from updates.recipients
            where update_id = $1 and user_id = $2
            for update
        ), change as (
            update updates.recipients r
            set delivered_at = coalesce(r.delivered_at, $3),
                read_at = case when $4 then coalesce(r.read_at, $3) else r.read_at end,
                acknowledged_at =
                    case when $5 then coalesce(r.acknowledged_at, $3) else r.acknowledged_at end
            from before
            where r.update_id = $1 and r.user_id = $2
                and (before.delivered_at is null
                    or ($4 and before.read_at is null)
                    or ($5 and before.acknowledged_at is null))
        )
        select delivered_at is null as "delivered!",
            $4 and read_at is null as "read!",
            $5 and acknowledged_at is null as "acknowledged!"
        from before
        "#,
        update as UpdateId,
        reader as UserId,
        now,
        receipt >= Receipt::Read,
        receipt >= Receipt::Acknowledged,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn list(
    db: &mut PgConnection,
    update: UpdateId,
    after: Option<UserId>,
    limit: i64,
) -> sqlx::Result<Vec<Recipient>> {
    sqlx::query_as!(
        Recipient,
        r#"
        select r.user_id as "user: UserId", p.name as "name!", p.email as "email!",
            r.delivered_at, r.read_at, r.acknowledged_at
        from updates.recipients r
        join published.people p on p.id = r.user_id
        where r.update_id = $1 and ($2::uuid is null or r.user_id > $2)
        order by r.user_id
        limit $3
        "#,
        update as UpdateId,
        after as Option<UserId>,
        limit,
    )
    .fetch_all(db)
    .await
}
