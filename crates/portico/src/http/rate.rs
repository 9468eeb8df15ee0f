//! How often one client may call the API: by session, or by network for whoever is nobody
//! yet. Kept in this process and without a lock, so that it costs a request next to nothing;
//! what must hold across servers (guessing a password) is counted in the database by the
//! verb itself.
//!
//! The defaults are for a script that went wild, not for people. Pages, sockets and this
//! machine itself are not counted: the front end asks in the name of many visitors.

use super::{
    config::RateConfig,
    telling::{Tell, Telling},
};
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};
use futures_util::future::{Either, Ready, ready};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
};
use kernel::{Error, Principal, client::ClientAddr, id::SessionId, tasks::Tasks};
use std::{
    convert::Infallible,
    hash::Hash,
    net::IpAddr,
    num::NonZeroU32,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower::{Layer, Service};

/// What is left, and when all of it is there again (draft-ietf-httpapi-ratelimit-headers).
pub(crate) const LEFT: HeaderName = HeaderName::from_static("ratelimit");
/// How much there is, and in how many seconds it comes back.
pub(crate) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// How often clients that were not seen for long are forgotten.
const SWEEP: Duration = Duration::from_mins(1);

/// The limits of one server.
#[derive(Clone)]
pub(crate) struct RateLayer(Arc<Rates>);

struct Rates {
    session: Option<Rate<SessionId>>,
    network: Option<Rate<IpAddr>>,
}

struct Rate<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K, StateInformationMiddleware>,
    clock: DefaultClock,
    name: &'static str,
    burst: NonZeroU32,
    every: Duration,
    policy: HeaderValue,
}

/// The headers of one decision.
pub(crate) struct Told {
    policy: HeaderValue,
    left: HeaderValue,
}

impl RateLayer {
    /// The configured limits; clients that stay away are forgotten while `tasks` run.
    pub(crate) fn new(config: &RateConfig, tasks: &Tasks) -> Self {
        let rates = Arc::new(Rates {
            session: Rate::new("session", config.session_per_second, config.session_burst),
            network: Rate::new("network", config.network_per_second, config.network_burst),
        });
        let (swept, token) = (Arc::downgrade(&rates), tasks.token());
        tasks.spawn("rate limits", async move {
            loop {
                tokio::select! {
                    () = token.cancelled() => return,
                    () = tokio::time::sleep(SWEEP) => {}
                }
                let Some(rates) = swept.upgrade() else { return };
                rates.session.iter().for_each(Rate::sweep);
                rates.network.iter().for_each(Rate::sweep);
            }
        });
        Self(rates)
    }
}

impl<K: Hash + Eq + Clone> Rate<K> {
    fn new(name: &'static str, per_second: u32, burst: u32) -> Option<Self> {
        let (per_second, burst) = (NonZeroU32::new(per_second)?, NonZeroU32::new(burst)?);
        let quota = Quota::per_second(per_second).allow_burst(burst);
        let window = burst.get().div_ceil(per_second.get());
        let policy = format!("\"{name}\";q={burst};w={window}");
        Some(Self {
            limiter: RateLimiter::dashmap(quota).with_middleware(),
            clock: DefaultClock::default(),
            name,
            burst,
            every: quota.replenish_interval(),
            policy: HeaderValue::from_str(&policy).ok()?,
        })
    }

    /// Takes one; `Err` says when to come back.
    fn take(&self, key: &K) -> Result<Told, (Told, Duration)> {
        match self.limiter.check_key(key) {
            Ok(state) => Ok(self.told(state.remaining_burst_capacity())),
            Err(until) => Err((self.told(0), until.wait_time_from(self.clock.now()))),
        }
    }

    fn told(&self, left: u32) -> Told {
        let full = (self.every * self.burst.get().saturating_sub(left)).as_secs() + 1;
        let text = format!("\"{}\";r={left};t={full}", self.name);
        Told {
            policy: self.policy.clone(),
            left: HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("")),
        }
    }

    fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

impl Rates {
    /// `None`: whoever asks is not counted.
    fn take(&self, request: &Request) -> Option<Result<Told, (Told, Duration)>> {
        if let Some(caller) = request.extensions().get::<Principal>() {
            return Some(self.session.as_ref()?.take(&caller.session));
        }
        let client = ClientAddr::of(request.extensions());
        if client.0.is_loopback() || client.0.is_unspecified() {
            return None;
        }
        Some(self.network.as_ref()?.take(&client.network()))
    }
}

impl Tell for Told {
    fn tell(self, response: &mut Response) {
        response.headers_mut().insert(POLICY, self.policy);
        response.headers_mut().insert(LEFT, self.left);
    }
}

impl<S> Layer<S> for RateLayer {
    type Service = Paced<S>;

    fn layer(&self, inner: S) -> Paced<S> {
        Paced {
            inner,
            rates: self.0.clone(),
        }
    }
}

/// The service of [`RateLayer`].
#[derive(Clone)]
pub(crate) struct Paced<S> {
    inner: S,
    rates: Arc<Rates>,
}

impl<S> Service<Request> for Paced<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Telling<S::Future, Told>, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let told = match self.rates.take(&request) {
            None => None,
            Some(Ok(told)) => Some(told),
            Some(Err((told, retry_after))) => {
                metrics::counter!("http_rate_limited_total").increment(1);
                let mut response = Error::TooMany { retry_after }.into_response();
                told.tell(&mut response);
                return Either::Right(ready(Ok(response)));
            }
        };
        Either::Left(Telling::new(self.inner.call(request), told))
    }
}
