//! Public pages, kept so that a visitor's first page costs no rendering, and so that the
//! site stays up while the front end is down.
//!
//! Pages are rendered for nobody: the request that fills the cache carries no cookie and
//! none of the visitor's headers. Only plain GETs for the configured paths are answered
//! from here; the router's own requests (`rsc`, `next-router-*`), any query string, and
//! visitors with a session cookie pass through. Signed-in visitors pass even though most
//! pages here are static for everybody: a page or a redirect may come to depend on the
//! session, and nothing in a stored page could tell us. They get the stored page only
//! when the front end cannot answer at all.
//!
//! Invariant: after [`Pages::invalidate`] no answer is older than the call, unless the
//! front end cannot answer, in which case an old page beats none.

use super::{
    config::{CacheConfig, FrontConfig},
    page::Page,
    proxy::Asked,
    upstream::{self, ORIGIN, Pool},
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, Uri, header},
};
use kernel::tasks::Tasks;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// How long past its freshness a page may be served while it is rendered anew. Beyond
/// that a visitor waits for the new one.
const STALE: Duration = Duration::from_mins(10);

/// How an answer came about; told in `x-portico-cache` and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    Hit,
    Miss,
    Stale,
}

impl Freshness {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
        }
    }
}

/// What was learnt about one path: its page, or that it must be passed through.
#[derive(Debug)]
struct Entry {
    page: Option<Page>,
    at: Instant,
    generation: u64,
}

/// `None` until the flight lands; then what it brought, or nothing if it failed.
type Flight = watch::Receiver<Option<Option<Arc<Entry>>>>;

/// A page that may be answered with.
#[derive(Debug, Clone)]
pub(crate) struct Found(Arc<Entry>);

impl Found {
    pub(crate) fn page(&self) -> Option<&Page> {
        self.0.page.as_ref()
    }
}

/// The stored pages.
#[derive(Clone)]
pub(crate) struct Pages(Arc<Inner>);

struct Inner {
    config: CacheConfig,
    pool: Pool,
    tasks: Tasks,
    patience: Duration,
    host: HeaderValue,
    scheme: HeaderValue,
    stored: moka::sync::Cache<String, Arc<Entry>>,
    flights: Mutex<HashMap<(String, u64), Flight>>,
    generation: AtomicU64,
}

impl Pages {
    pub(crate) fn new(config: &FrontConfig, pool: Pool, tasks: Tasks) -> Self {
        let public = config.public_url.as_ref();
        let host = public.map_or("localhost", |url| {
            &url[url::Position::BeforeHost..url::Position::AfterPort]
        });
        let scheme = public.map_or("http", |url| url.scheme());
        let stored = moka::sync::Cache::builder()
            .max_capacity(config.cache.max_bytes)
            .weigher(|path: &String, entry: &Arc<Entry>| {
                let page = entry.page.as_ref().map_or(0, Page::bytes);
                u32::try_from(path.len() + page + 256).unwrap_or(u32::MAX)
            })
            .build();
        Self(Arc::new(Inner {
            config: config.cache.clone(),
            pool,
            tasks,
            patience: config.response_timeout(),
            host: HeaderValue::from_str(host).unwrap_or(HeaderValue::from_static("localhost")),
            scheme: HeaderValue::from_str(scheme).unwrap_or(HeaderValue::from_static("http")),
            stored,
            flights: Mutex::default(),
            generation: AtomicU64::new(0),
        }))
    }

    /// From now on every page is rendered anew before it is served.
    pub(crate) fn invalidate(&self) {
        self.0.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Renders the configured pages, those that are not known yet, before they are wanted.
    pub(crate) fn warm(&self) {
        let generation = self.0.generation.load(Ordering::Acquire);
        for path in self
            .0
            .config
            .pages
            .iter()
            .filter(|path| !path.ends_with('*'))
        {
            if !self.0.stored.contains_key(path) {
                drop(self.flight(path, generation));
            }
        }
    }

    /// The stored page for a request, if it is there and fresh: the way that costs least.
    pub(crate) fn at_hand(&self, request: &Request<Body>) -> Option<Found> {
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        if !self.covers(method, uri, headers) || self.signed_in(headers) {
            return None;
        }
        let entry = self.0.stored.get(uri.path())?;
        let fresh = entry.generation == self.0.generation.load(Ordering::Acquire)
            && entry.at.elapsed() < Duration::from_secs(self.0.config.fresh_seconds);
        (fresh && entry.page.is_some()).then_some(Found(entry))
    }

    /// The stored page for a request, rendered now if need be. `None`: pass it through.
    pub(crate) async fn find(&self, request: &Asked) -> Option<(Found, Freshness)> {
        if !self.covers(&request.method, &request.uri, &request.headers)
            || self.signed_in(&request.headers)
        {
            return None;
        }
        let path = request.uri.path();
        let known = self.0.stored.get(path);
        let generation = self.0.generation.load(Ordering::Acquire);
        let age = known
            .as_ref()
            .filter(|entry| entry.generation == generation)
            .map(|entry| entry.at.elapsed());
        let fresh = Duration::from_secs(self.0.config.fresh_seconds);
        let (entry, how) = match (known, age) {
            (Some(entry), Some(age)) if age < fresh => (entry, Freshness::Hit),
            (Some(entry), Some(age)) if age < fresh + STALE => {
                drop(self.flight(path, generation));
                (entry, Freshness::Stale)
            }
            (known, _) => match land(self.flight(path, generation)).await {
                Some(entry) => (entry, Freshness::Miss),
                None => (known?, Freshness::Stale),
            },
        };
        entry.page.is_some().then_some((Found(entry), how))
    }

    /// The last known page for a request that could not be passed through.
    pub(crate) fn last_resort(&self, request: &Asked) -> Option<Found> {
        if !self.covers(&request.method, &request.uri, &request.headers) {
            return None;
        }
        self.0
            .stored
            .get(request.uri.path())
            .filter(|entry| entry.page.is_some())
            .map(Found)
    }

    fn covers(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
        (method == Method::GET || method == Method::HEAD)
            && uri.query().is_none()
            && self
                .0
                .config
                .pages
                .iter()
                .any(|pattern| covers(pattern, uri.path()))
            && !headers.keys().any(|name| {
                let name = name.as_str();
                name == "rsc" || name.starts_with("next-") || name == "authorization"
            })
    }

    fn signed_in(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(header::COOKIE)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| pair.split(|byte| *byte == b'=').next())
            .any(|name| {
                let name = name.trim_ascii();
                self.0
                    .config
                    .session_cookies
                    .iter()
                    .any(|ours| ours.as_bytes() == name)
            })
    }

    /// Joins the rendering of a page, or starts it. It goes on if the visitor leaves.
    fn flight(&self, path: &str, generation: u64) -> Flight {
        let key = (path.to_owned(), generation);
        let mut flights = self
            .0
            .flights
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key) {
            return flight.clone();
        }
        let (landed, flight) = watch::channel(None);
        flights.insert(key.clone(), flight.clone());
        let pages = self.clone();
        self.0.tasks.spawn("front page", async move {
            let brought = match pages.render(&key.0).await {
                Ok(page) => Some(pages.keep(&key, page)),
                Err(error) => {
                    tracing::debug!(
                        path = key.0,
                        error = format!("{error:#}"),
                        "no page to keep"
                    );
                    None
                }
            };
            pages
                .0
                .flights
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&key);
            landed.send_replace(Some(brought));
        });
        flight
    }

    fn keep(&self, (path, generation): &(String, u64), page: Option<Page>) -> Arc<Entry> {
        let entry = Arc::new(Entry {
            page,
            at: Instant::now(),
            generation: *generation,
        });
        // A slow rendering from before an invalidation must not replace a newer page.
        if self
            .0
            .stored
            .get(path)
            .is_none_or(|known| known.generation <= *generation)
        {
            self.0.stored.insert(path.clone(), entry.clone());
        }
        entry
    }

    async fn render(&self, path: &str) -> anyhow::Result<Option<Page>> {
        let request = Request::get(format!("{ORIGIN}{path}"))
            .header(header::HOST, self.0.host.clone())
            .header("x-forwarded-host", self.0.host.clone())
            .header("x-forwarded-proto", self.0.scheme.clone())
            .header(header::ACCEPT, "text/html")
            .body(Body::empty())?;
        let work = async {
            let answer = upstream::ask(&self.0.pool, request, self.0.patience).await?;
            anyhow::ensure!(
                !answer.status().is_server_error(),
                "status {}",
                answer.status()
            );
            Page::of(answer).await
        };
        tokio::time::timeout(self.0.patience, work).await?
    }
}

async fn land(mut flight: Flight) -> Option<Arc<Entry>> {
    flight
        .wait_for(Option::is_some)
        .await
        .ok()?
        .clone()
        .flatten()
}

/// Whether a configured path covers this one; `/legal/*` covers what is below `/legal/`.
fn covers(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => {
            path.len() > prefix.len() && path.starts_with(prefix) && !path.contains("//")
        }
        None => path == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn patterns() {
        assert!(covers("/", "/"));
        assert!(!covers("/", "/pricing"));
        assert!(covers("/legal/*", "/legal/privacy"));
        assert!(!covers("/legal/*", "/legal/"));
        assert!(!covers("/legal/*", "/legalese"));
    }
}
