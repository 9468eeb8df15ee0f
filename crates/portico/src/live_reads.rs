//! Lists that stay true: each answer says where it stands in the change stream.
//!
//! A channel that is joined with the cursor of `X-Realtime-Cursor` is told everything that the
//! list could not see yet. What commits between the cursor and the list's own query is in both,
//! which a client that keeps rows by their keys does not notice; nothing is in neither.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use kernel::database::Database;
use realtime::Realtime;

/// What names the place of an answer in the stream.
pub(crate) const CURSOR: HeaderName = HeaderName::from_static("x-realtime-cursor");

/// Below these, reads show rows whose changes reach sockets.
const LIVE: &[&str] = &["/users", "/updates", "/feed", "/audit", "/events"];

/// Puts the cursor beside the answer.
pub(crate) async fn layer(
    State((realtime, db)): State<(Realtime, Database)>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let is_live = |prefix: &&str| {
        path.strip_prefix(*prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if request.method() != Method::GET || !LIVE.iter().any(is_live) {
        return next.run(request).await;
    }
    // Before the list is read: what commits meanwhile must not be passed over.
    let cursor = match place(&realtime, &db).await {
        Ok(cursor) => cursor,
        Err(error) => {
            tracing::debug!(error = format!("{error:#}"), "an answer without a cursor");
            None
        }
    };
    let mut response = next.run(request).await;
    if response.status().is_success()
        && let Some(cursor) = cursor.and_then(|text| HeaderValue::try_from(text).ok())
    {
        response.headers_mut().insert(CURSOR, cursor);
    }
    response
}

/// Where the stream stands now. The connection is given back before the list asks for one.
async fn place(realtime: &Realtime, db: &Database) -> anyhow::Result<Option<String>> {
    let mut db = db.acquire().await?;
    realtime.cursor(&mut db).await
}
