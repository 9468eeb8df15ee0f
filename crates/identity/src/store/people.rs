//! The list of people, as staff search it.
//!
//! Invariant: a page costs the same among a thousand as among a million. Each order is a
//! query of its own along its index and says who stands on the page, before anything more is
//! read of them; counts stop at a limit; and the planner sees the values
//! (`Database::begin_planned`), because one plan for every filter would be wrong for most.
//! Whom a search finds is gathered and then sorted: a walk until they fill a page (`walk`) has
//! an end, and one that the planner chooses has none.

use crate::model::{Person, Status, people::Filter, search::Found};
use kernel::{files::FileId, id::UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Where somebody stands in a list that is ordered by time.
#[derive(Debug, Clone)]
pub(crate) struct ByTime {
    pub(crate) id: UserId,
    pub(crate) place: OffsetDateTime,
}

/// Where somebody stands in a list that is ordered by name.
#[derive(Debug, Clone)]
pub(crate) struct ByName {
    pub(crate) id: UserId,
    pub(crate) place: String,
}

/// A query over the people that a filter lets through. The macros of sqlx check plain text
/// only: what all of them share stands here once, and takes the parameters 1 to 10.
macro_rules! narrowed {
    ($from:tt, $macro:ident, [$($out:tt)?], ($filter:expr, $found:expr), [$first:tt $(, $head:tt)*], [$($tail:tt),+], [$($more:expr),*]) => {
        sqlx::$macro!(
            $($out,)?
            $first $(+ $head)* + $from + r#"
                and u.erased_at is null
                and ($1::text is null or (lower(u.name) || E'\n' || u.email_key) like $1)
                and ($9::text is null
                    or (lower(u.name) || E'\n' || regexp_replace(u.email_key, '\.[^.@]*$', '')) ~ $9)
                and ($10::uuid[] is null or u.id = any($10))
                and ($2::text is null or u.status = $2)
                and ($2::text is not null or u.status <> 'deleted')
                and ($5::boolean is null or (u.email_verified_at is not null) = $5)
                and ($7::timestamptz is null or u.created_at >= $7)
                and ($8::timestamptz is null or u.created_at < $8)
            "# $(+ $tail)+,
            $found.rough(),
            $filter.status as Option<Status>,
            $filter.role,
            $filter.online,
            $filter.verified,
            $filter.second_factor,
            $filter.joined_from,
            $filter.joined_until,
            $found.expression(),
            $found.few() as Option<&[UserId]>,
            $($more),*
        )
    };
}

/// The same, begun at what narrows most. PostgreSQL makes a join of `exists` only where it
/// stands alone, not beside an `or`: so the holders of a role, those with a second factor and
/// those who are here are queries of their own.
macro_rules! people {
    ($db:expr, $fetch:ident, $filter:ident, $($rest:tt)+) => {
        if $filter.role.is_some() {
            narrowed!(
                " from identity.user_roles held
                join identity.users u on u.id = held.user_id
                left join identity.presence p on p.user_id = u.id
                where held.role = $3 and (not $4::boolean or p.online)
                    and ($6::boolean is null or $6 = exists (
                        select from identity.second_factors f where f.user_id = u.id
                    ))",
                $($rest)+
            )
            .$fetch($db)
            .await
        } else if $filter.second_factor == Some(true) {
            narrowed!(
                " from identity.users u
                left join identity.presence p on p.user_id = u.id
                where exists (select from identity.second_factors f where f.user_id = u.id)
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
                    and ($6::boolean is null or $6 = exists (
                        select from identity.second_factors f where f.user_id = u.id
                    ))",
                $($rest)+
            )
            .$fetch($db)
            .await
        } else {
            narrowed!(
                " from identity.users u
                where $3::text is null and not $4::boolean
                    and ($6::boolean is null or $6 = exists (
                        select from identity.second_factors f where f.user_id = u.id
                    ))",
                $($rest)+
            )
            .$fetch($db)
            .await
        }
    };
}

/// Who stands on one page of the list, in one order: along it, and of those whom a search finds.
macro_rules! page {
    ([$name:ident, $found_name:ident], $spot:ident, $place:ty, $key:tt, $past:tt, $order:tt, $found_order:tt) => {
        pub(crate) async fn $name(
            db: &mut PgConnection,
            filter: &Filter,
            found: &Found,
            after: Option<($place, UserId)>,
            limit: i64,
        ) -> sqlx::Result<Vec<$spot>> {
            let (place, id) = after.unzip();
            people!(
                db,
                fetch_all,
                filter,
                query_as,
                [$spot],
                (filter, found),
                [r#"select u.id as "id: UserId", "#, $key, r#" as "place!""#],
                [" and (", $past, ") order by ", $order, " limit $13"],
                [place, id as Option<UserId>, limit]
            )
        }

        pub(crate) async fn $found_name(
            db: &mut PgConnection,
            filter: &Filter,
            found: &Found,
            after: Option<($place, UserId)>,
            limit: i64,
        ) -> sqlx::Result<Vec<$spot>> {
            let (place, id) = after.unzip();
            people!(
                db,
                fetch_all,
                filter,
                query_as,
                [$spot],
                (filter, found),
                [
                    r#"select id as "id: UserId", place as "place!" from (select u.id, "#,
                    $key,
                    " as place"
                ],
                [
                    " and (",
                    $past,
                    ") offset 0) as found order by ",
                    $found_order,
                    " limit $13"
                ],
                [place, id as Option<UserId>, limit]
            )
        }
    };
}

page!(
    [newest, found_newest],
    ByTime,
    OffsetDateTime,
    "u.created_at",
    "$11::timestamptz is null or (u.created_at, u.id) < ($11, $12)",
    "u.created_at desc, u.id desc",
    "place desc, id desc"
);
page!(
    [oldest, found_oldest],
    ByTime,
    OffsetDateTime,
    "u.created_at",
    "$11::timestamptz is null or (u.created_at, u.id) > ($11, $12)",
    "u.created_at, u.id",
    "place, id"
);
page!(
    [by_name, found_by_name],
    ByName,
    String,
    "lower(u.name)",
    "$11::text is null or (lower(u.name), u.id) > ($11, $12)",
    "lower(u.name), u.id",
    "place, id"
);
page!(
    [by_name_backwards, found_by_name_backwards],
    ByName,
    String,
    "lower(u.name)",
    "$11::text is null or (lower(u.name), u.id) < ($11, $12)",
    "lower(u.name) desc, u.id desc",
    "place desc, id desc"
);

/// How many match, counted up to `most` and one.
pub(crate) async fn count(
    db: &mut PgConnection,
    filter: &Filter,
    found: &Found,
    most: i64,
) -> sqlx::Result<i64> {
    people!(
        db,
        fetch_one,
        filter,
        query_scalar,
        [],
        (filter, found),
        [r#"select count(*) as "count!" from (select"#],
        [" limit $11::bigint + 1) as matching"],
        [most]
    )
}

/// How many match, however many that is.
pub(crate) async fn count_all(
    db: &mut PgConnection,
    filter: &Filter,
    found: &Found,
) -> sqlx::Result<i64> {
    people!(
        db,
        fetch_one,
        filter,
        query_scalar,
        [],
        (filter, found),
        [r#"select count(*) as "count!""#],
        [""],
        []
    )
}

/// Settles who is meant by a bulk run: everybody whom the filter lets through; how many.
pub(crate) async fn settle(
    db: &mut PgConnection,
    filter: &Filter,
    found: &Found,
    run: Uuid,
    but: &[UserId],
) -> sqlx::Result<u64> {
    let settled = people!(
        db,
        execute,
        filter,
        query,
        [],
        (filter, found),
        [r#"insert into identity.bulk_items (run_id, user_id) select $11, u.id"#],
        [" and u.id <> all($12::uuid[])"],
        [run, but as &[UserId]]
    )?;
    Ok(settled.rows_affected())
}

/// These people, in this order; who is not there is left out.
pub(crate) async fn these(db: &mut PgConnection, people: &[UserId]) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as!(
        Person,
        r#"
        select u.id as "id: UserId", u.email, u.name, u.status as "status: Status",
            coalesce(
                (select array_agg(r.role order by r.role) from identity.user_roles r where r.user_id = u.id),
                '{}'
            ) as "roles!",
            u.email_verified_at is not null as "verified!",
            exists (select from identity.second_factors f where f.user_id = u.id) as "second_factor!",
            (select a.small from identity.avatars a where a.user_id = u.id) as "picture: FileId",
            coalesce(p.online, false) as "online!", coalesce(p.away, false) as "away!",
            p.last_seen_at as "last_seen_at?", u.created_at
        from unnest($1::uuid[]) with ordinality as wanted (id, at)
        join identity.users u on u.id = wanted.id
        left join identity.presence p on p.user_id = u.id
        where u.erased_at is null
        order by wanted.at
        "#,
        people as &[UserId],
    )
    .fetch_all(db)
    .await
}

pub(crate) async fn get(db: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Person>> {
    Ok(these(db, &[user]).await?.pop())
}

/// How many people there are, and how many of them are online.
pub(crate) async fn totals(db: &mut PgConnection) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"
        select
            (select count(*) from identity.users where status <> 'deleted' and erased_at is null) as "people!",
            (select count(*) from identity.presence where online) as "online!"
        "#,
    )
    .fetch_one(db)
    .await?;
    Ok((row.people, row.online))
}
