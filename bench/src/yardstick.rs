//! What the two compared routes cost with nothing around them: the same statements on the
//! same cluster, the same JSON, and no limits, no log, no counting. Below `/api/v1/` it does
//! what a handler for somebody who is signed in does at the least: it checks the token's
//! signature and end, at each request, and whose rows are read is what the token says.
//! Below `/open/` it asks nobody who they are. Nobody could run a business on either; they
//! are what Portico's layers are measured against.
//!
//! Invariant: the statements are those of `updates/src/store/feed.rs` and
//! `identity/src/store/accounts.rs`. Before anything is measured, `bench run` compares
//! the answers of both servers, so that a change there is noticed here.

use anyhow::Context;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use axum::{
    Json, Router,
    extract::{FromRef, FromRequestParts, Query, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::{
    net::Ipv4Addr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use time::OffsetDateTime;
use tokio_postgres::{Client, Config, NoTls, Row, Statement, types::ToSql};
use uuid::Uuid;

/// As many as Portico's pool has.
const CONNECTIONS: usize = 16;

const FEED: &str = "
    select u.id, a.name as author_name, u.title, left(u.body, 280) as text, u.action_label,
        u.published_at, r.read_at, r.acknowledged_at
    from updates.recipients r
    join updates.updates u on u.id = r.update_id
    left join published.people a on a.id = u.author_id
    where r.user_id = $1
        and ($2::timestamptz is null or (r.published_at, r.update_id) < ($2, $3))
        and (not $4 or r.read_at is null)
    order by r.published_at desc, r.update_id desc
    limit $5";

const ME: &str = "
    select u.id, u.email, u.email_verified_at, u.name,
        p.display_name, p.time_zone, p.locale,
        coalesce(r.roles, '{}') as roles,
        coalesce(r.permissions, '{}') as permissions,
        coalesce(r.staff, false) as staff
    from identity.users u
    join identity.profiles p on p.user_id = u.id
    left join lateral (
        select array_agg(distinct ur.role) as roles,
            array_agg(distinct permission) filter (where permission is not null) as permissions,
            bool_or(role.staff) as staff
        from identity.user_roles ur
        join identity.roles role on role.name = ur.role
        left join lateral unnest(role.permissions) as permission on true
        where ur.user_id = u.id
    ) r on true
    where u.id = $1";

/// A connection with its statements prepared. Requests share it: tokio-postgres sends the
/// next statement without waiting for the answer to the one before.
struct Prepared {
    client: Client,
    feed: Statement,
    me: Statement,
}

#[derive(Clone)]
struct Yardstick {
    connections: Arc<[Prepared]>,
    next: Arc<AtomicUsize>,
    user: Uuid,
    key: Arc<ParsedPublicKey>,
}

impl Yardstick {
    fn connection(&self) -> &Prepared {
        &self.connections[self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len()]
    }
}

/// Whose rows are read.
struct Caller(Uuid);

#[derive(Deserialize)]
struct Claims {
    sub: Uuid,
    exp: i64,
}

impl<S: Sync> FromRequestParts<S> for Caller
where
    Yardstick: FromRef<S>,
{
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, StatusCode> {
        let yardstick = Yardstick::from_ref(state);
        if parts.uri.path().starts_with("/open/") {
            return Ok(Self(yardstick.user));
        }
        token(&parts.headers)
            .and_then(|token| verified(token, &yardstick.key))
            .map(|claims| Self(claims.sub))
            .ok_or(StatusCode::UNAUTHORIZED)
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    let mut pairs = cookies.split(';').map(str::trim);
    pairs.find_map(|pair| pair.strip_prefix("portico_access="))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the yardstick is no part of the product, and nobody holds its time"
)]
fn verified(token: &str, key: &ParsedPublicKey) -> Option<Claims> {
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    key.verify_sig(signed.as_bytes(), &signature).ok()?;
    let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    (claims.exp > OffsetDateTime::now_utc().unix_timestamp()).then_some(claims)
}

/// Serves until it is ended; says where on its first line. The key is the signing key's
/// public half: an uncompressed point, in base64url.
pub(crate) async fn serve(socket: &Path, user: Uuid, key: &str) -> anyhow::Result<()> {
    let point = URL_SAFE_NO_PAD.decode(key).context("the key")?;
    let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).context("the key")?;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(connect(socket).await?);
    }
    let yardstick = Yardstick {
        connections: connections.into(),
        next: Arc::default(),
        user,
        key: Arc::new(key),
    };
    let router = Router::new()
        .route("/api/v1/feed", get(feed))
        .route("/api/v1/me", get(me))
        .route("/open/feed", get(feed))
        .route("/open/me", get(me))
        .with_state(yardstick);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the yardstick has no tasks to drain: it is killed when its time is over"
)]
async fn connect(socket: &Path) -> anyhow::Result<Prepared> {
    let (client, connection) = Config::new()
        .host_path(socket)
        .port(5432)
        .user("postgres")
        .dbname("portico")
        .application_name("portico yardstick")
        .connect(NoTls)
        .await
        .context("the cluster does not answer")?;
    tokio::spawn(connection);
    Ok(Prepared {
        feed: client.prepare(FEED).await.context("feed")?,
        me: client.prepare(ME).await.context("me")?,
        client,
    })
}

#[derive(Deserialize)]
struct PageQuery {
    limit: i64,
}

#[derive(Serialize)]
struct Named {
    name: String,
}

#[derive(Serialize)]
struct Labelled {
    label: String,
}

#[derive(Serialize)]
struct Item {
    id: Uuid,
    title: String,
    excerpt: String,
    author: Named,
    action: Option<Labelled>,
    #[serde(with = "time::serde::rfc3339")]
    published_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    read_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    acknowledged_at: Option<OffsetDateTime>,
}

#[derive(Serialize)]
struct Page {
    items: Vec<Item>,
    next_cursor: Option<String>,
}

type Failure = (StatusCode, String);

fn failure(error: impl std::fmt::Display) -> Failure {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

async fn feed(
    State(yardstick): State<Yardstick>,
    Caller(user): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page>, Failure> {
    let to = yardstick.connection();
    // One row too many tells whether more follow, as Portico does it.
    let limit = query.limit.clamp(1, 100);
    let none: (Option<OffsetDateTime>, Option<Uuid>) = (None, None);
    let parameters: [&(dyn ToSql + Sync); 5] = [&user, &none.0, &none.1, &false, &(limit + 1)];
    let rows = to
        .client
        .query(&to.feed, &parameters)
        .await
        .map_err(failure)?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > shown;
    let items = rows.iter().take(shown).map(item);
    let items = items.collect::<Result<Vec<_>, _>>().map_err(failure)?;
    Ok(Json(Page {
        next_cursor: items.last().filter(|_| more).map(cursor),
        items,
    }))
}

fn cursor(last: &Item) -> String {
    let place = serde_json::to_vec(&(last.published_at, last.id)).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(place)
}

fn item(row: &Row) -> Result<Item, tokio_postgres::Error> {
    Ok(Item {
        id: row.try_get(0)?,
        author: Named {
            name: row
                .try_get::<_, Option<String>>(1)?
                .unwrap_or_else(|| String::from("Somebody who left")),
        },
        title: row.try_get(2)?,
        excerpt: row.try_get(3)?,
        action: row
            .try_get::<_, Option<String>>(4)?
            .map(|label| Labelled { label }),
        published_at: row.try_get(5)?,
        read_at: row.try_get(6)?,
        acknowledged_at: row.try_get(7)?,
    })
}

#[derive(Serialize)]
struct Me {
    id: Uuid,
    email: String,
    name: String,
    display_name: String,
    time_zone: String,
    locale: String,
    #[serde(with = "time::serde::rfc3339::option")]
    email_verified_at: Option<OffsetDateTime>,
    roles: Vec<String>,
    permissions: Vec<String>,
    landing: &'static str,
    second_factor_due: bool,
}

async fn me(State(yardstick): State<Yardstick>, Caller(user): Caller) -> Result<Json<Me>, Failure> {
    let to = yardstick.connection();
    let row = to
        .client
        .query_one(&to.me, &[&user])
        .await
        .map_err(failure)?;
    Ok(Json(account(&row).map_err(failure)?))
}

fn account(row: &Row) -> Result<Me, tokio_postgres::Error> {
    let name: String = row.try_get(3)?;
    let staff: bool = row.try_get(9)?;
    Ok(Me {
        id: row.try_get(0)?,
        email: row.try_get(1)?,
        email_verified_at: row.try_get(2)?,
        display_name: row
            .try_get::<_, Option<String>>(4)?
            .unwrap_or_else(|| name.clone()),
        name,
        time_zone: row.try_get(5)?,
        locale: row.try_get(6)?,
        roles: row.try_get(7)?,
        permissions: row.try_get(8)?,
        landing: if staff { "/admin" } else { "/home" },
        // Where an operator demands one of staff.
        second_factor_due: false,
    })
}
