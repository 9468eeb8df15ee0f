//! How names and addresses begin: one stretch of one index says who matches, in whatever order.
//!
//! Invariant: a page costs about the same however many match. Where there are many, the list
//! is walked for a while in its order, and soon holds a page of them; where they are few or
//! stand far apart, what begins so is sorted, from the index alone.

use crate::{
    model::search::{Beginning, Seen},
    store::people::{ByName, ByTime},
};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// One with many words may begin in several ways: so many rows are read for one person.
const WAYS: i64 = 3;

/// How many begin so, counted up to `most`.
pub(crate) async fn seen(
    db: &mut PgConnection,
    beginning: &Beginning,
    most: i64,
) -> sqlx::Result<Seen> {
    let row = sqlx::query!(
        r#"
        select count(*) as "beginnings!", count(distinct user_id) as "people!"
        from (
            select user_id from identity.user_words
            where word >= $1 and word < $2
            order by word
            limit $3::bigint + 1
        ) as seen
        "#,
        beginning.from(),
        beginning.until(),
        most,
    )
    .fetch_one(db)
    .await?;
    Ok(Seen {
        people: row.people.min(most),
        more: row.beginnings > most,
    })
}

/// Who begins so, where they are few.
pub(crate) async fn whose(
    db: &mut PgConnection,
    beginning: &Beginning,
) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar!(
        r#"
        select distinct user_id as "id: UserId" from identity.user_words
        where word >= $1 and word < $2
        "#,
        beginning.from(),
        beginning.until(),
    )
    .fetch_all(db)
    .await
}

/// How many begin so, however many.
pub(crate) async fn count(db: &mut PgConnection, beginning: &Beginning) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        select count(distinct user_id) as "count!" from identity.user_words
        where word >= $1 and word < $2
        "#,
        beginning.from(),
        beginning.until(),
    )
    .fetch_one(db)
    .await
}

/// Settles who is meant by a bulk run: everybody who begins so; how many.
pub(crate) async fn settle(
    db: &mut PgConnection,
    beginning: &Beginning,
    run: Uuid,
    but: &[UserId],
) -> sqlx::Result<u64> {
    let settled = sqlx::query!(
        r#"
        insert into identity.bulk_items (run_id, user_id)
        select distinct $3::uuid, user_id from identity.user_words
        where word >= $1 and word < $2 and user_id <> all($4::uuid[])
        "#,
        beginning.from(),
        beginning.until(),
        run,
        but as &[UserId],
    )
    .execute(db)
    .await?;
    Ok(settled.rows_affected())
}

/// A page of who begins so, in one order: of `many`, so many people are looked at first.
macro_rules! page {
    ($name:ident, $spot:ident, $place:ty, $walked:literal,
        [$key:tt, $past:tt, $order:tt, $found_order:tt], [$word_key:tt, $word_past:tt, $word_order:tt]) => {
        pub(crate) async fn $name(
            db: &mut PgConnection,
            beginning: &Beginning,
            many: bool,
            after: Option<($place, UserId)>,
            limit: i64,
        ) -> sqlx::Result<Vec<$spot>> {
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            let (mut place, mut id) = after.unzip();
            if many {
                let found = sqlx::query_as!(
                    $spot,
                    r#"select id as "id: UserId", place as "place!" from (select u.id, "#
                        + $key
                        + r#" as place, lower(u.name) || E'\n' || u.email_key as text
                        from identity.users u
                        where u.status <> 'deleted' and u.erased_at is null and ("#
                        + $past
                        + r#") order by "#
                        + $order
                        + r#" limit $3) as walked
                        where text like $4 and text ~ $5 order by "#
                        + $found_order
                        + r#" limit $6"#,
                    place,
                    id as Option<UserId>,
                    $walked,
                    beginning.rough(),
                    beginning.expression(),
                    limit,
                )
                .fetch_all(&mut *db)
                .await?;
                if found.len() >= most {
                    return Ok(found);
                }
            }
            let (mut found, rows) = (Vec::<$spot>::new(), limit.saturating_mul(WAYS));
            loop {
                let read = sqlx::query_as!(
                    $spot,
                    r#"select user_id as "id: UserId", "#
                        + $word_key
                        + r#" as "place!" from identity.user_words
                        where word >= $3 and word < $4 and ("#
                        + $word_past
                        + r#") order by "#
                        + $word_order
                        + r#" limit $5"#,
                    place,
                    id as Option<UserId>,
                    beginning.from(),
                    beginning.until(),
                    rows,
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
    2_000,
    [
        "u.created_at",
        "$1::timestamptz is null or (u.created_at, u.id) < ($1, $2)",
        "u.created_at desc, u.id desc",
        "place desc, id desc"
    ],
    [
        "created_at",
        "$1::timestamptz is null or (created_at, user_id) < ($1, $2)",
        "created_at desc, user_id desc"
    ]
);
page!(
    oldest,
    ByTime,
    OffsetDateTime,
    2_000,
    [
        "u.created_at",
        "$1::timestamptz is null or (u.created_at, u.id) > ($1, $2)",
        "u.created_at, u.id",
        "place, id"
    ],
    [
        "created_at",
        "$1::timestamptz is null or (created_at, user_id) > ($1, $2)",
        "created_at, user_id"
    ]
);
// People who follow each other by name lie far apart: fewer of them are looked at.
page!(
    by_name,
    ByName,
    String,
    500,
    [
        "lower(u.name)",
        "$1::text is null or (lower(u.name), u.id) > ($1, $2)",
        "lower(u.name), u.id",
        "place, id"
    ],
    [
        "name_key",
        "$1::text is null or (name_key, user_id) > ($1, $2)",
        "name_key, user_id"
    ]
);
page!(
    by_name_backwards,
    ByName,
    String,
    500,
    [
        "lower(u.name)",
        "$1::text is null or (lower(u.name), u.id) < ($1, $2)",
        "lower(u.name) desc, u.id desc",
        "place desc, id desc"
    ],
    [
        "name_key",
        "$1::text is null or (name_key, user_id) < ($1, $2)",
        "name_key desc, user_id desc"
    ]
);
