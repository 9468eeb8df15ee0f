//! How names and addresses begin: one stretch of one index says who matches, in whatever order.
//!
//! Invariant: a page costs about the same however many match. By name, what begins with the
//! same three letters stands in order; else what begins so is sorted, from the index alone.
//! Where there are many, `walk` is asked first.

use crate::{
    model::{
        Status,
        search::{Beginning, Seen},
    },
    store::people::{ByName, ByTime},
};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// One with many words may begin in several ways: so many rows are read for one person.
const WAYS: i64 = 3;

/// Of those who begin with the same three letters, so many are looked at first, and so many
/// where these give hope of a page.
const LOOK: i64 = 250;
const FAR: i64 = 2_000;

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
            where word >= $1 and word < $2 and ($4::text is null or status = $4)
            order by word
            limit $3::bigint + 1
        ) as seen
        "#,
        beginning.from(),
        beginning.until(),
        most,
        beginning.status() as Option<Status>,
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
        where word >= $1 and word < $2 and ($3::text is null or status = $3)
        "#,
        beginning.from(),
        beginning.until(),
        beginning.status() as Option<Status>,
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
            and ($5::text is null or status = $5)
        "#,
        beginning.from(),
        beginning.until(),
        run,
        but as &[UserId],
        beginning.status() as Option<Status>,
    )
    .execute(db)
    .await?;
    Ok(settled.rows_affected())
}

/// A page of who begins so, in one order.
macro_rules! page {
    ($name:ident, $spot:ident, $place:ty, [$key:tt, $past:tt, $order:tt]) => {
        pub(crate) async fn $name(
            db: &mut PgConnection,
            beginning: &Beginning,
            after: Option<($place, UserId)>,
            limit: i64,
        ) -> sqlx::Result<Vec<$spot>> {
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            let (mut place, mut id) = after.unzip();
            let (mut found, rows) = (Vec::<$spot>::new(), limit.saturating_mul(WAYS));
            loop {
                let read = sqlx::query_as!(
                    $spot,
                    r#"select user_id as "id: UserId", "#
                        + $key
                        + r#" as "place!" from identity.user_words
                        where word >= $3 and word < $4 and ($6::text is null or status = $6) and ("#
                        + $past
                        + r#") order by "#
                        + $order
                        + r#" limit $5"#,
                    place,
                    id as Option<UserId>,
                    beginning.from(),
                    beginning.until(),
                    rows,
                    beginning.status() as Option<Status>,
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
        "created_at desc, user_id desc"
    ]
);
page!(
    oldest,
    ByTime,
    OffsetDateTime,
    [
        "created_at",
        "$1::timestamptz is null or (created_at, user_id) > ($1, $2)",
        "created_at, user_id"
    ]
);
page!(
    by_name,
    ByName,
    String,
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
    [
        "name_key",
        "$1::text is null or (name_key, user_id) < ($1, $2)",
        "name_key desc, user_id desc"
    ]
);

/// A full page by name of very many, read in its order from those who begin with the same three
/// letters; nothing where it was not found soon.
macro_rules! start {
    ($name:ident, $past:tt, $order:tt) => {
        pub(crate) async fn $name(
            db: &mut PgConnection,
            beginning: &Beginning,
            after: Option<(String, UserId)>,
            limit: i64,
        ) -> sqlx::Result<Option<Vec<ByName>>> {
            let Some(start) = beginning.start() else {
                return Ok(None);
            };
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            let (place, id) = after.unzip();
            for steps in [LOOK, FAR] {
                let mut met = sqlx::query_as!(
                    ByName,
                    r#"select user_id as "id: UserId", name_key as "place!" from (
                        select word, user_id, name_key, status from identity.user_words
                        where left(word, 3) = $3 and ("#
                        + $past
                        + r#") order by "#
                        + $order
                        + r#" limit $4) as begun
                        where word >= $5 and word < $6 and ($8::text is null or status = $8) order by "#
                        + $order
                        + r#" limit $7"#,
                    place.clone(),
                    id as Option<UserId>,
                    start,
                    steps,
                    beginning.from(),
                    beginning.until(),
                    limit.saturating_mul(WAYS),
                    beginning.status() as Option<Status>,
                )
                .fetch_all(&mut *db)
                .await?;
                met.dedup_by_key(|spot| spot.id);
                if met.len() >= most {
                    met.truncate(most);
                    return Ok(Some(met));
                }
                let hope = i64::try_from(met.len()).unwrap_or(i64::MAX);
                if hope.saturating_mul(FAR / LOOK) < limit {
                    break;
                }
            }
            Ok(None)
        }
    };
}

start!(
    start_by_name,
    "$1::text is null or (name_key, user_id) > ($1, $2)",
    "name_key, user_id"
);
start!(
    start_by_name_backwards,
    "$1::text is null or (name_key, user_id) < ($1, $2)",
    "name_key desc, user_id desc"
);
