//! Keeps foreign web pages out, and what is shown out of caches, frames and referrers.

use axum::{
    extract::{Request, State as Extract},
    http::{self, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::net::IpAddr;
use url::{Host, Url};

use super::Viewer;
use crate::error::Error;

/// For our own pages: nothing but our style sheet and the mail in its frame.
const OUR_POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";
/// Around every route of the viewer.
pub(super) async fn guard(
    Extract(viewer): Extract<Viewer>,
    request: Request,
    next: Next,
) -> Response {
    if !own_host(&request, &viewer.mailer.config().public_url) {
        return Error::forbidden(
            "foreign_host",
            "The mail viewer is not served under this host name.",
        )
        .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(OUR_POLICY));
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A literal address, `localhost`, or the name that people reach us by. A browser always
/// says which it has asked for; a program that says nothing is not a lured browser.
fn own_host(request: &Request, public: &Url) -> bool {
    let named = request
        .headers()
        .get(header::HOST)
        .map(|value| value.to_str().unwrap_or("?"));
    let Some(authority) = named.or(request.uri().authority().map(http::uri::Authority::as_str))
    else {
        return true;
    };
    let Ok(asked) = Url::parse(&format!("http://{authority}/")) else {
        return false;
    };
    match asked.host() {
        Some(Host::Domain(name)) => {
            name == "localhost" || name.ends_with(".localhost") || public.host_str() == Some(name)
        }
        Some(Host::Ipv4(ip)) => {
            IpAddr::V4(ip).is_loopback() || public.host() == Some(Host::Ipv4(ip))
        }
        Some(Host::Ipv6(ip)) => {
            IpAddr::V6(ip).is_loopback() || public.host() == Some(Host::Ipv6(ip))
        }
        None => false,
    }
}
