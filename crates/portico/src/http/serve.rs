//! The listener: plain or with TLS, certificates reloaded when their files change, and an
//! orderly end in which running requests are answered. Refuses to guess: a certificate
//! that cannot be read stops the start, and a bad new one leaves the old one in use.

use super::config::TlsConfig;
use anyhow::Context;
use axum::Router;
use axum_server::{
    Handle,
    accept::NoDelayAcceptor,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use hyper_util::rt::TokioTimer;
use kernel::tasks::Tasks;
use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    time::{Duration, SystemTime},
};

/// A connection that has not sent its headers by then is closed.
const HEADERS: Duration = Duration::from_secs(20);
const CERTIFICATE_CHECK: Duration = Duration::from_mins(1);

/// Serves until the tasks are cancelled, then stops accepting, answers what is running,
/// and returns when all is answered or `drain` is over.
pub async fn serve(
    listener: TcpListener,
    tls: Option<&TlsConfig>,
    app: Router,
    tasks: &Tasks,
    drain: Duration,
) -> anyhow::Result<()> {
    listener.set_nonblocking(true)?;
    let handle = Handle::new();
    let (stop, stopping) = (tasks.token(), handle.clone());
    tasks.spawn("http drain", async move {
        stop.cancelled().await;
        stopping.graceful_shutdown(Some(drain));
    });
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    // Without `TCP_NODELAY` (RFC 896) what is told on a socket waits until the client has confirmed
    // what it was told before, which clients put off for up to 40 ms.
    match tls {
        None => {
            let mut server = axum_server::from_tcp(listener)?
                .acceptor(NoDelayAcceptor::new())
                .handle(handle)
                .first_request_timeout(HEADERS);
            patience(server.http_builder());
            server.serve(service).await?;
        }
        Some(config) => {
            let certificate = Certificate::load(config).await?;
            let acceptor = RustlsAcceptor::new(certificate.config.clone())
                .handshake_timeout(HEADERS)
                .acceptor(NoDelayAcceptor::new());
            let stop = tasks.token();
            tasks.spawn("certificate", async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = certificate.watch() => {}
                }
            });
            let mut server = axum_server::from_tcp(listener)?
                .acceptor(acceptor)
                .handle(handle)
                .first_request_timeout(HEADERS);
            patience(server.http_builder());
            server.serve(service).await?;
        }
    }
    Ok(())
}

fn patience(builder: &mut hyper_util::server::conn::auto::Builder<hyper_util::rt::TokioExecutor>) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30));
}

/// The certificate in use and the state of its files when it was read.
#[derive(Debug)]
pub struct Certificate {
    config: RustlsConfig,
    files: TlsConfig,
    seen: Option<Stamp>,
}

type Stamp = [(SystemTime, u64); 2];

impl Certificate {
    /// Reads certificate and key.
    pub async fn load(files: &TlsConfig) -> anyhow::Result<Self> {
        let config = RustlsConfig::from_pem_file(&files.cert, &files.key)
            .await
            .with_context(|| {
                format!(
                    "cannot use {} with {}",
                    files.cert.display(),
                    files.key.display()
                )
            })?;
        Ok(Self {
            config,
            files: files.clone(),
            seen: stamp(files).ok(),
        })
    }

    /// Reads them again if a file has changed; true if the new ones are in use.
    pub async fn refresh(&mut self) -> bool {
        let now = stamp(&self.files).ok();
        if now == self.seen || now.is_none() {
            return false;
        }
        // Noted even if unusable, or every check would complain again.
        self.seen = now;
        match self
            .config
            .reload_from_pem_file(&self.files.cert, &self.files.key)
            .await
        {
            Ok(()) => {
                tracing::info!("the certificate was replaced");
                true
            }
            Err(error) => {
                tracing::error!(%error, "the new certificate cannot be used; the old one stays");
                false
            }
        }
    }

    async fn watch(mut self) {
        let mut tick = tokio::time::interval(CERTIFICATE_CHECK);
        loop {
            tick.tick().await;
            self.refresh().await;
        }
    }
}

fn stamp(files: &TlsConfig) -> io::Result<Stamp> {
    let of = |path| fs::metadata(path).and_then(|meta| Ok((meta.modified()?, meta.len())));
    Ok([of(&files.cert)?, of(&files.key)?])
}
