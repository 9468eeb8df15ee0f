//! The list of people, as staff search it.

use crate::model::{Person, Status};
use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// What the list is narrowed to.
#[derive(Debug, Default)]
pub(crate) struct Filter<'a> {
    pub(crate) search: Option<&'a str>,
    pub(crate) status: Option<Status>,
    pub(crate) role: Option<&'a str>,
    /// Only who is here now.
    pub(crate) online: bool,
}

impl Filter<'_> {
    /// A pattern for `like`, with its special characters taken literally.
    fn pattern(&self) -> Option<String> {
        let text = self.search?.trim().to_lowercase();
        if text.is_empty() {
            return None;
        }
        let literal = text
            .replace('\\', r"\\")
            .replace('%', r"\%")
            .replace('_', r"\_");
        Some(format!("%{literal}%"))
    }
}

/// One page of the list. The macros check plain text only, so each order is a query of its
/// own, which is also what lets each use its index.
macro_rules! page {
    ($name:ident, $place:ty, $cast:tt, $past:tt, $order:tt) => {
        pub(crate) async fn $name(
            db: &mut PgConnection,
            filter: &Filter<'_>,
            after: Option<($place, UserId)>,
            limit: i64,
        ) -> sqlx::Result<Vec<Person>> {
            let (place, id) = after.unzip();
            sqlx::query_as!(
                Person,
                r#"
                select u.id as "id: UserId", u.email, u.name, u.status as "status: Status",
                    coalesce(
                        (select array_agg(r.role order by r.role)
                            from identity.user_roles r where r.user_id = u.id),
                        '{}'
                    ) as "roles!",
                    coalesce(p.online, false) as "online!", p.last_seen_at as "last_seen_at?",
                    u.created_at
                from identity.users u
                left join identity.presence p on p.user_id = u.id
                where ($3::text is null or lower(u.name) like $3 or u.email_key like $3)
                    and ($4::text is null or u.status = $4)
                    and ($5::text is null or exists (
                        select from identity.user_roles r where r.user_id = u.id and r.role = $5
                    ))
                    and (not $7 or p.online)
                    and ($1::"# + $cast + " is null or (" + $past + ")) order by " + $order + " limit $6",
                place,
                id as Option<UserId>,
                filter.pattern(),
                filter.status as Option<Status>,
                filter.role,
                limit,
                filter.online,
            )
            .fetch_all(db)
            .await
        }
    };
}

page!(
    newest,
    OffsetDateTime,
    "timestamptz",
    "(u.created_at, u.id) < ($1, $2)",
    "u.created_at desc, u.id desc"
);
page!(
    oldest,
    OffsetDateTime,
    "timestamptz",
    "(u.created_at, u.id) > ($1, $2)",
    "u.created_at, u.id"
);
page!(
    by_name,
    String,
    "text",
    "(lower(u.name), u.id) > ($1, $2)",
    "lower(u.name), u.id"
);
page!(
    by_name_backwards,
    String,
    "text",
    "(lower(u.name), u.id) < ($1, $2)",
    "lower(u.name) desc, u.id desc"
);

pub(crate) async fn count(db: &mut PgConnection, filter: &Filter<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from identity.users u
        where ($1::text is null or lower(u.name) like $1 or u.email_key like $1)
            and ($2::text is null or u.status = $2)
            and ($3::text is null or exists (
                select from identity.user_roles r where r.user_id = u.id and r.role = $3
            ))
            and (not $4 or exists (
                select from identity.presence p where p.user_id = u.id and p.online
            ))
        "#,
        filter.pattern(),
        filter.status as Option<Status>,
        filter.role,
        filter.online,
    )
    .fetch_one(db)
    .await
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
            coalesce(p.online, false) as "online!", p.last_seen_at as "last_seen_at?", u.created_at
        from identity.users u
        left join identity.presence p on p.user_id = u.id
        where u.id = $1
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
            (select count(*) from identity.users) as "people!",
            (select count(*) from identity.presence where online) as "online!"
        "#,
    )
    .fetch_one(db)
    .await?;
    Ok((row.people, row.online))
}
