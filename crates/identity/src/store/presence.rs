//! Who is online or away, on which server, and who last was when.
//!
//! Servers are told from each other by name, and whether one lives is judged by the database's
//! clock, because theirs may differ.

use kernel::id::UserId;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Takes the users' rows, so that two servers do not settle the same person at once.
pub(crate) async fn lock(
    db: &mut PgConnection,
    users: &[UserId],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.presence (user_id, online, last_seen_at)
        select id, false, $2
        from identity.users
        where id = any($1)
        on conflict on constraint presence_pkey do nothing
        "#,
        users as &[UserId],
        now,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        select user_id
        from identity.presence
        where user_id = any($1)
        order by user_id
        for update
        "#,
        users as &[UserId],
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// What users have open on a server, by position: anything, and anything that is looked at.
pub(crate) async fn connect(
    db: &mut PgConnection,
    server: &str,
    users: &[UserId],
    open: &[bool],
    away: &[bool],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        with said as (
            select user_id, open, away
            from unnest($2::uuid[], $3::bool[], $4::bool[]) as s (user_id, open, away)
        ), closed as (
            delete from identity.presence_connections c
            using said
            where c.server = $1
              and c.user_id = said.user_id
              and not said.open
            returning c.user_id
        ), seen as (
            update identity.presence p
            set last_seen_at = $5
            from closed
            where p.user_id = closed.user_id
        )
        insert into identity.presence_connections (user_id, server, away)
        select said.user_id, $1, said.away
        from said
        join identity.users u on u.id = said.user_id
        where said.open
        on conflict on constraint presence_connections_pkey do update set away = excluded.away
        "#,
        server,
        users as &[UserId],
        open,
        away,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says of each user what their connections on all servers come to. Rows that would stay as they
/// are stay untouched, so nobody is told of them.
pub(crate) async fn settle(
    db: &mut PgConnection,
    users: &[UserId],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        with found as (
            select p.user_id, count(c.server) > 0 as online, coalesce(bool_and(c.away), false) as away
            from identity.presence p
            left join identity.presence_connections c on c.user_id = p.user_id
            where p.user_id = any($1)
            group by p.user_id
        )
        update identity.presence p
        set
            online = found.online,
            away = found.away,
            last_seen_at = case when found.online then $2 else p.last_seen_at end
        from found
        where found.user_id = p.user_id
          and (p.online, p.away) is distinct from (found.online, found.away)
        "#,
        users as &[UserId],
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A server lives. True if it was not known (any more).
pub(crate) async fn beat(db: &mut PgConnection, server: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        insert into identity.presence_servers (server, beat_at)
        values ($1, now())
        on conflict on constraint presence_servers_pkey do update set beat_at = now()
        returning (xmax = 0) as "inserted!"
        "#,
        server,
    )
    .fetch_one(db)
    .await
}

/// When somebody was last seen, for demo data.
pub(crate) async fn last_seen(
    db: &mut PgConnection,
    user: UserId,
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into identity.presence (user_id, online, last_seen_at)
        values ($1, false, $2)
        on conflict on constraint presence_pkey do update set last_seen_at = $2
        "#,
        user as UserId,
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets what a server had open; says whose. They were last seen when it was.
pub(crate) async fn forget_server(
    db: &mut PgConnection,
    server: &str,
) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar!(
        r#"
        with gone as (
            delete from identity.presence_servers where server = $1 returning server, beat_at
        ), seen as (
            update identity.presence p
            set last_seen_at = greatest(p.last_seen_at, gone.beat_at)
            from gone
            join identity.presence_connections c on c.server = gone.server
            where p.user_id = c.user_id
        )
        select c.user_id as "user_id: UserId"
        from identity.presence_connections c
        join gone on gone.server = c.server
        "#,
        server,
    )
    .fetch_all(db)
    .await
}

/// The same for every server that has been silent for so many seconds.
pub(crate) async fn forget_silent(
    db: &mut PgConnection,
    seconds: f64,
) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar!(
        r#"
        with gone as (
            delete from identity.presence_servers
            where beat_at < now() - make_interval(secs => $1)
            returning server, beat_at
        ), seen as (
            update identity.presence p
            set last_seen_at = greatest(p.last_seen_at, gone.beat_at)
            from gone
            join identity.presence_connections c on c.server = gone.server
            where p.user_id = c.user_id
        )
        select c.user_id as "user_id: UserId"
        from identity.presence_connections c
        join gone on gone.server = c.server
        "#,
        seconds,
    )
    .fetch_all(db)
    .await
}
