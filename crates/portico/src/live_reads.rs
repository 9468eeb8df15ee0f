//! Lists that stay true: each answer says where it stands in the change stream.
//!
//! A channel that is joined with the cursor of `X-Realtime-Cursor` is told everything that the
//! list could not see yet. What commits between the cursor and the list's own query is in both,
//! which a client that keeps rows by their keys does not notice; nothing is in neither.
//!
//! A cursor asks the database what a query could see now. It is as good for every list that is
//! read after it, so lists share one for a moment: a busy server asks ten times a second, and
//! not once more for every request.

use crate::http::telling::{Tell, Telling};
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, Method},
    response::Response,
};
use futures_util::future::{BoxFuture, Either};
use kernel::database::Database;
use realtime::Realtime;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tower::{Layer, Service};

/// What names the place of an answer in the stream.
pub(crate) const CURSOR: HeaderName = HeaderName::from_static("x-realtime-cursor");

/// Below these, reads show rows whose changes reach sockets.
const LIVE: &[&str] = &[
    "/users",
    "/updates",
    "/feed",
    "/audit",
    "/tiers",
    "/payments",
    "/me/membership",
    "/me/offers",
    "/me/payments",
    "/me/impersonations",
    "/security",
];
/// How long lists share a cursor: as much of the past may be told again.
const SHARED: Duration = Duration::from_millis(100);

/// Puts the cursor beside the answers of a router.
#[derive(Clone)]
pub(crate) struct LiveReadsLayer(Arc<Places>);

struct Places {
    realtime: Realtime,
    db: Database,
    latest: Mutex<Option<(Instant, HeaderValue)>>,
}

impl LiveReadsLayer {
    pub(crate) fn new(realtime: Realtime, db: Database) -> Self {
        Self(Arc::new(Places {
            realtime,
            db,
            latest: Mutex::default(),
        }))
    }
}

impl Places {
    /// A cursor that is young enough.
    fn at_hand(&self) -> Option<Place> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, cursor) = latest.as_ref()?;
        (since.elapsed() < SHARED).then(|| Place(cursor.clone()))
    }

    /// Where the stream stands now. The connection is given back before the list asks for one.
    async fn ask(&self) -> Option<Place> {
        // From before the question: what the cursor is as old as at most.
        let now = Instant::now();
        let asked = async {
            let mut db = self.db.acquire().await?;
            self.realtime.cursor(&mut db).await
        };
        let cursor = match asked.await {
            Ok(cursor) => HeaderValue::try_from(cursor?).ok()?,
            Err(error) => {
                tracing::debug!(error = format!("{error:#}"), "an answer without a cursor");
                return None;
            }
        };
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.as_ref().is_none_or(|(since, _)| *since < now) {
            *latest = Some((now, cursor.clone()));
        }
        drop(latest);
        Some(Place(cursor))
    }
}

impl<S> Layer<S> for LiveReadsLayer {
    type Service = LiveReads<S>;

    fn layer(&self, inner: S) -> LiveReads<S> {
        LiveReads {
            inner,
            places: self.0.clone(),
        }
    }
}

/// The service of [`LiveReadsLayer`].
#[derive(Clone)]
pub(crate) struct LiveReads<S> {
    inner: S,
    places: Arc<Places>,
}

impl<S> Service<Request> for LiveReads<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future =
        Either<Telling<S::Future, Place>, BoxFuture<'static, Result<Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let live = is_live(&request);
        let cursor = if live { self.places.at_hand() } else { None };
        if !live || cursor.is_some() {
            return Either::Left(Telling::new(self.inner.call(request), cursor));
        }
        let (mut inner, places) = (self.inner.clone(), self.places.clone());
        Either::Right(Box::pin(async move {
            // Before the list is read: what commits meanwhile must not be passed over.
            let cursor = places.ask().await;
            Telling::new(inner.call(request), cursor).await
        }))
    }
}

fn is_live(request: &Request) -> bool {
    let path = request.uri().path();
    request.method() == Method::GET
        && LIVE.iter().any(|prefix| {
            path.strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
}

/// Where an answer stands, if it is one.
pub(crate) struct Place(HeaderValue);

impl Tell for Place {
    fn tell(self, response: &mut Response) {
        if response.status().is_success() {
            response.headers_mut().insert(CURSOR, self.0);
        }
    }
}
