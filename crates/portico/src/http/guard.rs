//! What stands around whatever acts for a visitor: refuses changes that another site's page
//! asked for, and makes every failure a problem document. Costs a request that only reads,
//! and is answered, nothing but a look.

use super::{config::HttpConfig, problems, security::Csrf};
use axum::{
    extract::Request,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::future::{BoxFuture, Either};
use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};
use tower::{Layer, Service, ServiceExt};

/// Puts [`Guard`] around a service.
#[derive(Clone)]
pub(crate) struct GuardLayer(Arc<Csrf>);

impl GuardLayer {
    pub(crate) fn new(config: &HttpConfig) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Csrf::new(config)?)))
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard {
            inner,
            csrf: self.0.clone(),
        }
    }
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Guard<S> {
    inner: S,
    csrf: Arc<Csrf>,
}

impl<S> Service<Request> for Guard<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let answering = match self.csrf.concerned(&request) {
            None => Either::Left(self.inner.call(request)),
            Some(check) => {
                let inner = self.inner.clone().map_response(IntoResponse::into_response);
                Either::Right(check.layer(inner).oneshot(request))
            }
        };
        Box::pin(async move {
            let mut response = match answering {
                Either::Left(answering) => answering.await.into_response(),
                Either::Right(answering) => answering.await.into_response(),
            };
            // What is said to somebody stays with them: no browser on a shared machine keeps it,
            // unless whoever answered said otherwise.
            response
                .headers_mut()
                .entry(header::CACHE_CONTROL)
                .or_insert(HeaderValue::from_static("no-store"));
            if problems::is_shapeless(&response) {
                return Ok(problems::shape(response).await);
            }
            Ok(response)
        })
    }
}
