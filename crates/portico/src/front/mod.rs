//! The front: runs the Next.js server as a child, passes pages through to it, and serves
//! what needs no rendering (the build's files, stored public pages) by itself.
//!
//! The child is disposable. While it is away, files and stored pages are still served,
//! other pages answer 503, and the API and sockets never notice. Refuses to pass on
//! anything but reading: there is no second API surface behind it.

mod assets;
mod cache;
mod config;
mod csp;
mod docs;
mod down;
mod home;
mod page;
mod process;
mod proxy;
mod upstream;

pub use config::{CacheConfig, CspConfig, FrontConfig};
pub use docs::docs;
pub use process::{FrontState, Phase};

use anyhow::Context;
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::Response,
};
use cache::{Found, Freshness};
use csp::Inline;
use kernel::tasks::Tasks;
use proxy::{Asked, Visitor};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The running front end of one server.
#[derive(Clone)]
pub struct Front(Arc<Inner>);

struct Inner {
    static_files: PathBuf,
    public: assets::PublicFiles,
    pages: cache::Pages,
    proxy: proxy::Proxy,
    state: watch::Receiver<FrontState>,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front")
            .field("state", &*self.0.state.borrow())
            .finish_non_exhaustive()
    }
}

impl Front {
    /// Starts the child and returns at once; [`Front::state`] tells when it is ready. It
    /// ends with `tasks`.
    pub fn start(config: FrontConfig, tasks: &Tasks) -> anyhow::Result<Self> {
        let home = home::Home::prepare(&config).context("the front end's socket")?;
        let pool = upstream::pool(home.socket());
        let (state, watched) = watch::channel(FrontState::NEW);
        let inner = Inner {
            static_files: config.static_files(),
            public: assets::PublicFiles::scan(&config.public_files()),
            pages: cache::Pages::new(&config, pool.clone(), tasks.clone()),
            proxy: proxy::Proxy::new(&config, pool.clone()),
            state: watched.clone(),
        };
        let (stop, warm) = (tasks.token(), config.cache.warm);
        tasks.spawn(
            "front",
            process::supervise(process::Supervisor {
                config,
                home,
                pool,
                state,
                stop,
            }),
        );
        if warm {
            tasks.spawn(
                "front warm",
                warm_up(inner.pages.clone(), watched, tasks.token()),
            );
        }
        Ok(Self(Arc::new(inner)))
    }

    /// Everything that is not the API: to be mounted as the fallback service.
    pub fn router(&self) -> Router {
        Router::new()
            .nest_service("/_next/static", assets::hashed(&self.0.static_files))
            .fallback(serve)
            .with_state(self.clone())
    }

    /// Whether pages can be rendered, now and as it changes.
    pub fn state(&self) -> watch::Receiver<FrontState> {
        self.0.state.clone()
    }

    /// Something shown on public pages has changed: they are rendered anew.
    pub fn invalidate(&self) {
        self.0.pages.invalidate();
    }

    /// A stored page, with the policy that allows its own scripts and no others.
    fn stored(
        &self,
        found: &Found,
        how: Freshness,
        asked: &HeaderMap,
        visitor: Visitor<'_>,
    ) -> Option<Response> {
        let page = found.page()?;
        let mut response = page.answer(asked);
        let policy = page.policy(visitor, |hashes| {
            self.0.proxy.policy(Inline::Hashes(hashes), visitor)
        });
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        headers.insert(HOW, HeaderValue::from_static(how.as_str()));
        count(how.as_str());
        Some(response)
    }
}

/// Tells how a page came about.
const HOW: HeaderName = HeaderName::from_static("x-portico-cache");

/// Has the public pages rendered each time that a new child is ready.
async fn warm_up(
    pages: cache::Pages,
    mut state: watch::Receiver<FrontState>,
    stop: CancellationToken,
) {
    let mut warmed = None;
    let ready = async {
        while let Ok(new) = state
            .wait_for(|state| state.phase == Phase::Ready && state.pid != warmed)
            .await
            .map(|state| state.pid)
        {
            pages.warm();
            warmed = new;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = ready => {}
    }
}

fn count(cache: &'static str) {
    metrics::counter!("front_pages_total", "cache" => cache).increment(1);
}

async fn serve(State(front): State<Front>, request: Request) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return proxy::read_only();
    }
    if front.0.public.has(request.uri().path()) {
        return front.0.public.serve(request).await;
    }
    if let Some(found) = front.0.pages.at_hand(&request)
        && let Some(response) = front.stored(
            &found,
            Freshness::Hit,
            request.headers(),
            Visitor::of(&request),
        )
    {
        return response;
    }
    let asked = Asked::of(&request);
    if let Some((found, how)) = front.0.pages.find(&asked).await
        && let Some(response) = front.stored(&found, how, &asked.headers, asked.visitor())
    {
        return response;
    }
    match front.0.proxy.forward(request, &asked).await {
        Ok(response) => {
            count("pass");
            response
        }
        Err(error) => {
            // The proxy has logged it.
            tracing::debug!(error, "the front end did not answer");
            front
                .0
                .pages
                .last_resort(&asked)
                .and_then(|found| {
                    front.stored(&found, Freshness::Stale, &asked.headers, asked.visitor())
                })
                .unwrap_or_else(|| {
                    count("down");
                    down::page(&asked.headers)
                })
        }
    }
}
