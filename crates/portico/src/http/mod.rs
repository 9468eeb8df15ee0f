//! HTTP around the routes: who is asking, ids and traces, limits, protection of browsers,
//! compression, problem documents, and the listener. Knows no route; the router decides
//! what is an API, what is a stream and what is a page.

pub mod client;
mod compression;
mod config;
mod edge;
mod guard;
mod problems;
pub(crate) mod rate;
mod security;
pub mod serve;
pub(crate) mod telling;
mod trace;

pub use client::ClientAddr;
pub use compression::{Uncompressed, uncompressed};
pub use config::{HttpConfig, Network, Origin, RateConfig, TlsConfig};

use axum::{Router, extract::DefaultBodyLimit, http::StatusCode, routing::any};
use edge::EdgeLayer;
use guard::GuardLayer;
use std::time::Duration;
use tower::{ServiceBuilder, util::option_layer};
use tower_http::{
    limit::RequestBodyLimitLayer,
    timeout::{RequestBodyTimeoutLayer, TimeoutLayer},
};

/// A client that sends nothing for this long in the middle of a body has left.
const BODY_PAUSE: Duration = Duration::from_secs(30);

/// The parts of the server, by what may be done to their requests.
#[derive(Debug, Default)]
pub struct Parts {
    /// Requests with an answer: timed, limited in size, failures as problem documents,
    /// browsers protected. With full paths, as `/api/v1/me`.
    pub api: Router,
    /// Files on their way in and out: protected like the API, and as long and as large as
    /// each route allows.
    pub transfers: Router,
    /// Sockets: as long as they like. Each checks the origin and its limits itself.
    pub streams: Router,
    /// Everything else.
    pub pages: Router,
}

/// Puts the layers around the parts, in the one right order.
pub fn layers(parts: Parts, config: &HttpConfig) -> anyhow::Result<Router> {
    let router = api(parts.api, config)?
        .merge(protected(parts.transfers, config)?)
        .merge(parts.streams)
        .fallback_service(parts.pages);
    Ok(outer(router, config))
}

/// What the API gets: problem documents, CORS, CSRF, time and size limits, and a 404 for
/// what is not there below `/api/`. Routes may widen the size limit for themselves only
/// by standing among the streams.
pub fn api(router: Router, config: &HttpConfig) -> anyhow::Result<Router> {
    Ok(router
        .route("/api", any(problems::no_such_route))
        .route("/api/", any(problems::no_such_route))
        .route("/api/{*rest}", any(problems::no_such_route))
        .layer(
            ServiceBuilder::new()
                .layer(option_layer(security::cors(config)))
                .layer(GuardLayer::new(config)?)
                .layer(RequestBodyLimitLayer::new(config.body_limit_bytes))
                .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
                .layer(TimeoutLayer::with_status_code(
                    StatusCode::GATEWAY_TIMEOUT,
                    config.timeout(),
                ))
                // The wall above is the one that counts, with its own 413.
                .layer(DefaultBodyLimit::disable()),
        ))
}

/// What whatever acts for a browser's visitor gets: problem documents, CORS and CSRF.
fn protected(router: Router, config: &HttpConfig) -> anyhow::Result<Router> {
    Ok(router.layer(
        ServiceBuilder::new()
            .layer(option_layer(security::cors(config)))
            .layer(GuardLayer::new(config)?),
    ))
}

/// What everything gets, pages and sockets included.
pub fn outer(router: Router, config: &HttpConfig) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(EdgeLayer::new(config))
            .layer(compression::layer()),
    )
}

#[cfg(test)]
mod tests;
