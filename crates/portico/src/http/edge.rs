//! The outermost layer, one for everything: finds out who is asking, gives the request its
//! id, traces and counts it, catches a panic, and adds the headers that every answer
//! carries. One service instead of six, because each layer of a router is copied, with all
//! that it holds, for every request.

use super::{
    client,
    client::{ClientAddr, Strangers},
    config::HttpConfig,
    problems, security,
    trace::Trace,
};
use axum::{
    extract::Request,
    http::HeaderValue,
    response::{IntoResponse, Response},
};
use futures_util::future::{CatchUnwind, FutureExt};
use pin_project_lite::pin_project;
use std::{
    any::Any,
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tower::{Layer, Service};

#[derive(Debug)]
struct Settings {
    config: HttpConfig,
    hsts: Option<HeaderValue>,
    strangers: Strangers,
}

/// Puts [`Edge`] around a service.
#[derive(Debug, Clone)]
pub(crate) struct EdgeLayer(Arc<Settings>);

impl EdgeLayer {
    pub(crate) fn new(config: &HttpConfig) -> Self {
        Self(Arc::new(Settings {
            hsts: security::hsts(config),
            config: config.clone(),
            strangers: Strangers::default(),
        }))
    }
}

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge {
            inner,
            settings: self.0.clone(),
        }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Edge<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> Service<Request> for Edge<S>
where
    S: Service<Request, Error = Infallible>,
    S::Response: IntoResponse,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let client = client::identify(
            &self.settings.config,
            &self.settings.strangers,
            &mut request,
        );
        let trace = Trace::begin(&mut request);
        let asked = {
            let _entered = trace.span().enter();
            catch_unwind(AssertUnwindSafe(|| self.inner.call(request)))
        };
        let (inner, panic) = match asked {
            Ok(future) => (Some(AssertUnwindSafe(future).catch_unwind()), None),
            Err(panic) => (None, Some(panic)),
        };
        Answering {
            inner,
            panic,
            trace,
            client,
            settings: self.settings.clone(),
        }
    }
}

pin_project! {
    /// An answer on its way out.
    pub(crate) struct Answering<F> {
        #[pin]
        inner: Option<CatchUnwind<AssertUnwindSafe<F>>>,
        panic: Option<Box<dyn Any + Send>>,
        trace: Trace,
        client: ClientAddr,
        settings: Arc<Settings>,
    }
}

impl<F, R> Future for Answering<F>
where
    F: Future<Output = Result<R, Infallible>>,
    R: IntoResponse,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _entered = this.trace.span().clone().entered();
        let answered = match this.inner.as_pin_mut() {
            Some(inner) => ready!(inner.poll(cx)),
            None => Err(this.panic.take().unwrap_or_else(|| Box::new("asked again"))),
        };
        let mut response = match answered {
            Ok(Ok(response)) => response.into_response(),
            Ok(Err(never)) => match never {},
            Err(panic) => problems::panicked(&*panic),
        };
        this.trace.finish(&mut response);
        security::headers(
            this.settings.hsts.as_ref(),
            *this.client,
            response.headers_mut(),
        );
        Poll::Ready(Ok(response))
    }
}
