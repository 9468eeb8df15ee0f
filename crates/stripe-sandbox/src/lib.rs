//! A stateful imitation of Stripe's billing API, made so that Stripe's own SDKs drive it unchanged.
//!
//! Customers, subscriptions, invoices, payments, Checkout, portal, web hooks and test clocks, in API version
//! `2026-10-28.endive`, with pages to click through. No money moves: only the documented test cards are accepted, live
//! keys are refused, and `livemode` is false everywhere. Tax calculation, Smart Retries' exact times, wallets, bank
//! debits, metered prices and Connect are refused by name rather than ignored.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! let address = ([127, 0, 0, 1], 12111).into();
//! stripe_sandbox::serve(address, stripe_sandbox::Config::new("http://127.0.0.1:12111"), std::future::pending()).await
//! # }
//! ```

mod core;
mod engine;
mod http;
mod pages;
mod sandbox;
mod storage;
#[cfg(test)]
mod tests;
pub mod time;
mod webhooks;

pub use crate::sandbox::{Config, Sandbox};
pub use crate::storage::Storage;

use std::net::SocketAddr;

use anyhow::Context;

/// Serves a sandbox on an address until `shutdown` is done. Refuses to listen anywhere but on this machine.
pub async fn serve(
    listen: SocketAddr,
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        listen.ip().is_loopback(),
        "the sandbox listens on this machine only, and {listen} is not"
    );
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    serve_on(listener, config, shutdown).await
}

/// Serves a sandbox on a listener that is bound already.
pub async fn serve_on(
    listener: tokio::net::TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let sandbox = Sandbox::new(config);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut until = stopped.clone();
    let server = axum::serve(listener, sandbox.router()).with_graceful_shutdown(async move {
        shutdown.await;
        let _ = stop.send(true);
    });
    let work = sandbox.run(async move {
        let _ = until.wait_for(|stop| *stop).await;
    });
    let (outcome, ()) = tokio::join!(async { server.await }, work);
    outcome.context("the sandbox's server failed")
}

/// Parses any bytes as a form and checks it against an operation of its own choosing. For the fuzz target.
#[cfg(feature = "fuzz")]
pub fn fuzz_form(bytes: &[u8]) {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let routes = engine::routes::ROUTES;
    let (method, pattern, _) = routes[usize::from(*first) % routes.len()];
    let mut form = http::form::Tree::new();
    if form.read(rest).is_ok() {
        let mut line = String::new();
        form.canonical(&mut line);
        let _ = core::schema::check(&format!("{method} {pattern}"), &form);
    }
}
