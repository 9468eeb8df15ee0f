//! The way to the child: HTTP/1.1 over its Unix socket, pooled. Knows nothing of pages.

use axum::{
    body::Body,
    http::{Request, Response, Uri},
};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use std::{
    future::Future,
    io,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UnixStream,
};

/// The name under which the child is addressed; it never leaves the machine.
pub(crate) const ORIGIN: &str = "http://front.internal";

/// A pooled client of the child.
pub(crate) type Pool = Client<SocketConnector, Body>;

/// Opens a pool. The idle limit stays below Node's keep-alive of 5 seconds, so that a
/// request is never written to a connection that the other side is just closing.
pub(crate) fn pool(socket: &Path) -> Pool {
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(Duration::from_secs(3))
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(64)
        .build(SocketConnector(Arc::from(socket)))
}

/// Asks the child for `path` and waits for the head of the answer.
pub(crate) async fn ask(
    pool: &Pool,
    request: Request<Body>,
    patience: Duration,
) -> anyhow::Result<Response<Body>> {
    let answer = tokio::time::timeout(patience, pool.request(request))
        .await
        .map_err(|_| anyhow::anyhow!("no answer within {} ms", patience.as_millis()))??;
    Ok(answer.map(Body::new))
}

/// Connects to one socket, whatever the address asked for.
#[derive(Clone, Debug)]
pub(crate) struct SocketConnector(Arc<Path>);

impl tower::Service<Uri> for SocketConnector {
    type Response = TokioIo<SocketStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let socket = self.0.clone();
        Box::pin(async move {
            Ok(TokioIo::new(SocketStream(
                UnixStream::connect(&*socket).await?,
            )))
        })
    }
}

/// A connected socket in the form that the pool wants.
#[derive(Debug)]
pub(crate) struct SocketStream(UnixStream);

impl Connection for SocketStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for SocketStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for SocketStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}
