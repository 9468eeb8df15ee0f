//! Very many who begin so, among those whom the rest of a filter lets through.
//!
//! Invariant: nobody is sorted but from the index of beginnings, and nobody is looked up after
//! the page is full. Where hardly anybody passes the rest of the filter, that is many look-ups:
//! it is for where more do than a list counts.

use crate::{
    model::{Status, people::Filter, search::Beginning},
    store::people::{ByName, ByTime},
};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

macro_rules! page {
    ($name:ident, $spot:ident, $place:ty, [$key:tt, $past:tt, $order:tt, $found_order:tt]) => {
        pub(crate) async fn $name(
            db: &mut PgConnection,
            filter: &Filter,
            beginning: &Beginning,
            after: Option<($place, UserId)>,
            limit: i64,
        ) -> sqlx::Result<Vec<$spot>> {
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            let (mut place, mut id) = after.unzip();
            // Some begin in several ways; but each further row may be many look-ups.
            let (mut found, rows) = (Vec::<$spot>::new(), limit + limit / 4);
            loop {
                let read = sqlx::query_as!(
                    $spot,
                    r#"select b.user_id as "id: UserId", b.place as "place!" from (
                        select user_id, "#
                        + $key
                        + r#" as place from identity.user_words
                        where word >= $3 and word < $4 and ($6::text is null or status = $6) and ("#
                        + $past
                        + r#") order by "#
                        + $order
                        + r#" offset 0) b
                        cross join lateral (
                            select from identity.users u
                            where u.id = b.user_id and u.erased_at is null
                                and ($7::text is null or exists (
                                    select from identity.user_roles held where held.user_id = u.id and held.role = $7
                                ))
                                and (not $8::boolean or exists (
                                    select from identity.presence p where p.user_id = u.id and p.online
                                ))
                                and ($9::boolean is null or (u.email_verified_at is not null) = $9)
                                and ($10::boolean is null or $10 = exists (
                                    select from identity.second_factors f where f.user_id = u.id
                                ))
                                and ($11::timestamptz is null or u.created_at >= $11)
                                and ($12::timestamptz is null or u.created_at < $12)
                            offset 0
                        ) passes
                        order by "#
                        + $found_order
                        + r#" limit $5"#,
                    place,
                    id as Option<UserId>,
                    beginning.from(),
                    beginning.until(),
                    rows,
                    filter.status as Option<Status>,
                    filter.role,
                    filter.online,
                    filter.verified,
                    filter.second_factor,
                    filter.joined_from,
                    filter.joined_until,
                )
                .fetch_all(&mut *db)
                .await?;
                let over = i64::try_from(read.len()).unwrap_or(0) < rows;
                found.extend(read);
                found.dedup_by_key(|spot| spot.id);
                if over || found.len() >= most {
                    found.truncate(most);
                    return Ok(found);
                }
                (place, id) = found
                    .last()
                    .cloned()
                    .map(|spot| (spot.place, spot.id))
                    .unzip();
            }
        }
    };
}

page!(
    newest,
    ByTime,
    OffsetDateTime,
    [
        "created_at",
        "$1::timestamptz is null or (created_at, user_id) < ($1, $2)",
        "created_at desc, user_id desc",
        "b.place desc, b.user_id desc"
    ]
);
page!(
    oldest,
    ByTime,
    OffsetDateTime,
    [
        "created_at",
        "$1::timestamptz is null or (created_at, user_id) > ($1, $2)",
        "created_at, user_id",
        "b.place, b.user_id"
    ]
);
page!(
    by_name,
    ByName,
    String,
    [
        "name_key",
        "$1::text is null or (name_key, user_id) > ($1, $2)",
        "name_key, user_id",
        "b.place, b.user_id"
    ]
);
page!(
    by_name_backwards,
    ByName,
    String,
    [
        "name_key",
        "$1::text is null or (name_key, user_id) < ($1, $2)",
        "name_key desc, user_id desc",
        "b.place desc, b.user_id desc"
    ]
);
