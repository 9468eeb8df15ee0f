//! A walk along the list's order, for what is searched: where many match, it soon holds a page.
//!
//! Invariant: so many people are looked at and no more, whatever the planner believes of a
//! search: those who match may all stand at the other end of the list.

use crate::{
    model::{Status, people::Filter, search::Found},
    store::people::{ByName, ByTime},
};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// People who are looked at first.
const LOOK: i64 = 250;
/// So many times as many are looked at where the first give hope of a page, and at once for one
/// or two letters, with which very many begin.
const FARTHER: i64 = 10;

/// A full page of those who match in one order; nothing where it was not found soon.
macro_rules! walk {
    ($name:ident, $spot:ident, $place:ty, [$key:tt, $past:tt, $order:tt, $found_order:tt]) => {
        pub(crate) async fn $name(
            db: &mut PgConnection,
            filter: &Filter,
            found: &Found,
            after: Option<($place, UserId)>,
            limit: i64,
        ) -> sqlx::Result<Option<Vec<$spot>>> {
            let Some(rough) = found.rough() else {
                return Ok(None);
            };
            let (place, id) = after.unzip();
            let begun = usize::from(found.short());
            for steps in [LOOK, LOOK * FARTHER].into_iter().skip(begun) {
                let met = sqlx::query_as!(
                    $spot,
                    r#"select u.id as "id: UserId", u.place as "place!" from (
                        select u.id, u.email_key, u.status, u.email_verified_at, u.created_at, "#
                        + $key
                        + r#" as place, lower(u.name) || E'\n' as line
                        from identity.users u
                        where u.status <> 'deleted' and u.erased_at is null and ("#
                        + $past
                        + r#") order by "#
                        + $order
                        + r#" limit $3) u
                        where u.line || u.email_key like $4
                            and ($5::text is null or u.line || u.email_key ~ $5
                                and u.line || regexp_replace(u.email_key, '\.[^.@]*$', '') ~ $5)
                            and ($7::text is null or u.status = $7)
                            and ($8::text is null or exists (
                                select from identity.user_roles held where held.user_id = u.id and held.role = $8
                            ))
                            and (not $9::boolean or exists (
                                select from identity.presence p where p.user_id = u.id and p.online
                            ))
                            and ($10::boolean is null or (u.email_verified_at is not null) = $10)
                            and ($11::boolean is null or $11 = exists (
                                select from identity.second_factors f where f.user_id = u.id
                            ))
                            and ($12::timestamptz is null or u.created_at >= $12)
                            and ($13::timestamptz is null or u.created_at < $13)
                        order by "#
                        + $found_order
                        + r#" limit $6"#,
                    place.clone(),
                    id as Option<UserId>,
                    steps,
                    rough,
                    found.expression(),
                    limit,
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
                let seen = i64::try_from(met.len()).unwrap_or(i64::MAX);
                if seen >= limit {
                    return Ok(Some(met));
                }
                if seen.saturating_mul(FARTHER) < limit {
                    break;
                }
            }
            Ok(None)
        }
    };
}

walk!(
    newest,
    ByTime,
    OffsetDateTime,
    [
        "u.created_at",
        "($1::timestamptz is null or (u.created_at, u.id) < ($1, $2))
            and ($13::timestamptz is null or u.created_at < $13)",
        "u.created_at desc, u.id desc",
        "u.place desc, u.id desc"
    ]
);
walk!(
    oldest,
    ByTime,
    OffsetDateTime,
    [
        "u.created_at",
        "($1::timestamptz is null or (u.created_at, u.id) > ($1, $2))
            and ($12::timestamptz is null or u.created_at >= $12)",
        "u.created_at, u.id",
        "u.place, u.id"
    ]
);
walk!(
    by_name,
    ByName,
    String,
    [
        "lower(u.name)",
        "$1::text is null or (lower(u.name), u.id) > ($1, $2)",
        "lower(u.name), u.id",
        "u.place, u.id"
    ]
);
walk!(
    by_name_backwards,
    ByName,
    String,
    [
        "lower(u.name)",
        "$1::text is null or (lower(u.name), u.id) < ($1, $2)",
        "lower(u.name) desc, u.id desc",
        "u.place desc, u.id desc"
    ]
);
