//! The list of people, as staff search it.
//!
//! Invariant: a page costs the same among a thousand as among a million. Each order is a
//! query of its own along its index, counts stop at a limit, and the planner sees the values
//! (`Database::begin_planned`), because one plan for every filter would be wrong for most. A
//! pattern that begins with `%` stands anywhere, another at the beginning of a word: the
//! index knows both, and one plan has only what its pattern needs.

use crate::model::{Person, Status, people::Filter};
use kernel::{files::FileId, id::UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A query over the people that a filter lets through. The macros of sqlx check plain text
/// only: what all of them share stands here once, and takes the parameters 1 to 8.
macro_rules! narrowed {
    ($from:tt, $macro:ident, [$($out:tt)?], $filter:expr, $head:tt, [$($tail:tt),+], [$($more:expr),*]) => {
        sqlx::$macro!(
            $($out,)?
            $head + $from + r#"
                and u.erased_at is null
                and ($1::text is null or (lower(u.name) || E'\n' || u.email_key) like $1
                    or $1 not like '\%%' and (
                        (lower(u.name) || E'\n' || u.email_key) like '% ' || $1
                        or (lower(u.name) || E'\n' || u.email_key) like E'%\n' || $1
                    ))
                and u.status = coalesce($2, u.status)
                and ($2::text is not null or u.status <> 'deleted')
                and ($5::boolean is null or (u.email_verified_at is not null) = $5)
                and ($7::timestamptz is null or u.created_at >= $7)
                and ($8::timestamptz is null or u.created_at < $8)
            "# $(+ $tail)+,
            $filter.pattern(),
            $filter.status as Option<Status>,
            $filter.role,
            $filter.online,
            $filter.verified,
            $filter.second_factor,
            $filter.joined_from,
            $filter.joined_until,
            $($more),*
        )
    };
}

/// The same, begun at what narrows most. PostgreSQL makes a join of `exists` only where it
/// stands alone, not beside an `or`: so the holders of a role, those with a second factor and
/// those who are here are queries of their own. A second factor is what the policy for staff
/// takes for one (`store::sessions::standing`): an app, or a passkey of our own host.
macro_rules! people {
    ($db:expr, $fetch:ident, $filter:ident, $($rest:tt)+) => {
        if $filter.role.is_some() {
            narrowed!(
                " from identity.user_roles held
                join identity.users u on u.id = held.user_id
                left join identity.presence p on p.user_id = u.id
                where held.role = $3 and (not $4::boolean or p.online)
                    and ($6::boolean is null or $6 = (exists (
                        select from identity.totp t
                        where t.user_id = u.id and t.confirmed_at is not null
                    ) or exists (
                        select from identity.passkeys k
                        where k.user_id = u.id and k.place is null
                    )))",
                $($rest)+
            )
            .$fetch($db)
            .await
        } else if $filter.second_factor == Some(true) {
            narrowed!(
                " from identity.users u
                left join identity.presence p on p.user_id = u.id
                where exists (
                    select from (
                        select user_id from identity.totp where confirmed_at is not null
                        union all
                        select user_id from identity.passkeys where place is null
                    ) factor
                    where factor.user_id = u.id
                )
                    and $6::boolean and $3::text is null and (not $4::boolean or p.online)",
                $($rest)+
            )
            .$fetch($db)
            .await
        } else if $filter.online {
            narrowed!(
                " from identity.presence p
                join identity.users u on u.id = p.user_id
                where p.online and $4::boolean and $3::text is null
                    and ($6::boolean is null or $6 = (exists (
                        select from identity.totp t
                        where t.user_id = u.id and t.confirmed_at is not null
                    ) or exists (
                        select from identity.passkeys k
                        where k.user_id = u.id and k.place is null
                    )))",
                $($rest)+
            )
            .$fetch($db)
            .await
        } else {
            narrowed!(
                " from identity.users u
                left join identity.presence p on p.user_id = u.id
                where $3::text is null and not $4::boolean
                    and ($6::boolean is null or $6 = (exists (
                        select from identity.totp t
                        where t.user_id = u.id and t.confirmed_at is not null
                    ) or exists (
                        select from identity.passkeys k
                        where k.user_id = u.id and k.place is null
                    )))",
                $($rest)+
            )
            .$fetch($db)
            .await
        }
    };
}

/// One page of the list, in one order.
macro_rules! page {
    ($name:ident, $place:ty, $past:tt, $order:tt) => {
        pub(crate) async fn $name(
            db: &mut PgConnection,
            filter: &Filter,
            after: Option<($place, UserId)>,
            limit: i64,
        ) -> sqlx::Result<Vec<Person>> {
            let (place, id) = after.unzip();
            people!(
                db,
                fetch_all,
                filter,
                query_as,
                [Person],
                filter,
                r#"
                select u.id as "id: UserId", u.email, u.name, u.status as "status: Status",
                    coalesce(
                        (select array_agg(r.role order by r.role)
                            from identity.user_roles r where r.user_id = u.id),
                        '{}'
                    ) as "roles!",
                    u.email_verified_at is not null as "verified!",
                    exists (
                        select from identity.totp t
                        where t.user_id = u.id and t.confirmed_at is not null
                    ) or exists (
                        select from identity.passkeys k
                        where k.user_id = u.id and k.place is null
                    ) as "second_factor!",
                    (select a.small from identity.avatars a where a.user_id = u.id) as "picture: FileId",
                    coalesce(p.online, false) as "online!", coalesce(p.away, false) as "away!", p.last_seen_at as "last_seen_at?",
                    u.created_at
                "#,
                [" and (", $past, ") order by ", $order, " limit $11"],
                [place, id as Option<UserId>, limit]
            )
        }
    };
}

page!(
    newest,
    OffsetDateTime,
    "$9::timestamptz is null or (u.created_at, u.id) < ($9, $10)",
    "u.created_at desc, u.id desc"
);
page!(
    oldest,
    OffsetDateTime,
    "$9::timestamptz is null or (u.created_at, u.id) > ($9, $10)",
    "u.created_at, u.id"
);
page!(
    by_name,
    String,
    "$9::text is null or (lower(u.name), u.id) > ($9, $10)",
    "lower(u.name), u.id"
);
page!(
    by_name_backwards,
    String,
    "$9::text is null or (lower(u.name), u.id) < ($9, $10)",
    "lower(u.name) desc, u.id desc"
);

/// How many match, counted up to `most` and one.
pub(crate) async fn count(db: &mut PgConnection, filter: &Filter, most: i64) -> sqlx::Result<i64> {
    people!(
        db,
        fetch_one,
        filter,
        query_scalar,
        [],
        filter,
        r#"select count(*) as "count!" from (select"#,
        [" limit $9::bigint + 1) as matching"],
        [most]
    )
}

/// How many match, however many that is.
pub(crate) async fn count_all(db: &mut PgConnection, filter: &Filter) -> sqlx::Result<i64> {
    people!(
        db,
        fetch_one,
        filter,
        query_scalar,
        [],
        filter,
        r#"select count(*) as "count!""#,
        [""],
        []
    )
}

/// Settles who is meant by a bulk run: everybody whom the filter lets through; how many.
pub(crate) async fn settle(
    db: &mut PgConnection,
    filter: &Filter,
    run: Uuid,
    but: &[UserId],
) -> sqlx::Result<u64> {
    let settled = people!(
        db,
        execute,
        filter,
        query,
        [],
        filter,
        r#"insert into identity.bulk_items (run_id, user_id) select $9, u.id"#,
        [" and u.id <> all($10::uuid[])"],
        [run, but as &[UserId]]
    )?;
    Ok(settled.rows_affected())
}

pub(crate) async fn get(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Person>> {
    sqlx::query_as!(
        Person,
        r#"
        select u.id as "id: UserId", u.email, u.name, u.status as "status: Status",
            coalesce(
                (select array_agg(r.role order by r.role) from identity.user_roles r where r.user_id = u.id),
                '{}'
            ) as "roles!",
            u.email_verified_at is not null as "verified!",
            exists (
                select from identity.totp t where t.user_id = u.id and t.confirmed_at is not null
            ) or exists (
                select from identity.passkeys k where k.user_id = u.id and k.place is null
            ) as "second_factor!",
            (select a.small from identity.avatars a where a.user_id = u.id) as "picture: FileId",
            coalesce(p.online, false) as "online!", coalesce(p.away, false) as "away!", p.last_seen_at as "last_seen_at?", u.created_at
        from identity.users u
        left join identity.presence p on p.user_id = u.id
        where u.id = $1 and u.erased_at is null
        "#,
        user as UserId,
    )
    .fetch_optional(db)
    .await
}

/// How many people there are, and how many of them are online.
pub(crate) async fn totals(db: &mut PgConnection) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"
        select
            (select count(*) from identity.users where status <> 'deleted') as "people!",
            (select count(*) from identity.presence where online) as "online!"
        "#,
    )
    .fetch_one(db)
    .await?;
    Ok((row.people, row.online))
}
