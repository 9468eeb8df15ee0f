//! Passes requests for pages to the child and streams its answers back. The child hears
//! only what we say about the visitor: everything a client could claim in its place
//! (forwarding headers, Next.js internals, a policy) is taken off first.

use super::{
    config::{CspConfig, FrontConfig},
    csp::{self, Hashes, Inline},
    page,
    upstream::{ORIGIN, Pool, SocketConnector},
};
use crate::http::client::ClientAddr;
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
};
use axum_reverse_proxy::{HostBehaviour, ProxyError, ProxyPolicy, ReverseProxy, XForwardedFor};
use http_body_util::{BodyExt, Limited};

/// Prerendered pages beyond this are not ours; they are refused rather than sent unhashed.
const LARGEST_STATIC: usize = 8 * 1024 * 1024;

/// What only we, or Next.js itself, may say.
const CLAIMS: [&str; 6] = [
    "x-forwarded-",
    "x-middleware-",
    "x-invoke-",
    "x-matched-path",
    "x-now-",
    "x-nextjs-",
];
const CLAIMED: [HeaderName; 8] = [
    header::FORWARDED,
    header::CONTENT_SECURITY_POLICY,
    header::CONTENT_SECURITY_POLICY_REPORT_ONLY,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("next-action"),
    HeaderName::from_static("next-resume"),
    HeaderName::from_static("x-nonce"),
    // Pages are read here to be hashed, and compressed after that.
    header::ACCEPT_ENCODING,
];

/// The way to the child for one server.
#[derive(Clone)]
pub(crate) struct Proxy {
    inner: ReverseProxy<SocketConnector>,
    csp: CspConfig,
}

impl Proxy {
    pub(crate) fn new(config: &FrontConfig, pool: Pool) -> Self {
        let policy = ProxyPolicy::new()
            .with_host_behaviour(HostBehaviour::Preserve)
            .with_x_forwarded_for(XForwardedFor::Preserve)
            .with_upstream_timeout(config.response_timeout());
        Self {
            inner: ReverseProxy::new_with_client("/", ORIGIN, pool).with_policy(policy),
            csp: config.csp.clone(),
        }
    }

    /// Passes a request on. `Err`: the child cannot be asked.
    pub(crate) async fn forward(
        &self,
        mut request: Request,
        asked: &Asked,
    ) -> Result<Response, String> {
        let nonce = csp::nonce();
        let policy = self.policy(Inline::Nonce(&nonce), asked.visitor());
        prepare(&mut request, asked, &policy);

        let answer = self.inner.proxy_request(request).await;
        let mut response = match answer {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if let Some(error) = response.extensions().get::<ProxyError>() {
            return Err(error.message().to_owned());
        }
        let prerendered = ["x-nextjs-prerender", "x-nextjs-cache"]
            .iter()
            .any(|name| response.headers().contains_key(*name));
        let html = page::is_html(response.headers());
        clean(response.headers_mut());
        if !html {
            return Ok(response);
        }
        // The policy changes with each answer, so an old copy must never be revalidated
        // into a new policy.
        response.headers_mut().remove(header::ETAG);
        response.headers_mut().remove(header::LAST_MODIFIED);
        if prerendered {
            return self.hashed(response, asked).await;
        }
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
        Ok(response)
    }

    /// The policy of one answer.
    pub(crate) fn policy(&self, inline: Inline<'_>, visitor: Visitor<'_>) -> HeaderValue {
        csp::policy(&self.csp, inline, visitor.host, visitor.https)
    }

    /// A page built ahead knows no nonce: its inline scripts are hashed as it passes.
    async fn hashed(&self, response: Response, asked: &Asked) -> Result<Response, String> {
        let (mut parts, body) = response.into_parts();
        let body = Limited::new(body, LARGEST_STATIC)
            .collect()
            .await
            .map_err(|error| format!("a prerendered page: {error}"))?
            .to_bytes();
        let hashes = Hashes::of(&String::from_utf8_lossy(&body));
        let policy = self.policy(Inline::Hashes(&hashes), asked.visitor());
        parts
            .headers
            .insert(header::CONTENT_SECURITY_POLICY, policy);
        parts
            .headers
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

/// What a policy depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visitor<'a> {
    /// The host that was asked for: `:authority` in HTTP/2, `Host` in HTTP/1.
    pub(crate) host: Option<&'a str>,
    pub(crate) https: bool,
}

impl<'a> Visitor<'a> {
    pub(crate) fn of(request: &'a Request) -> Self {
        let authority = request
            .uri()
            .authority()
            .map(axum::http::uri::Authority::as_str);
        let header = request
            .headers()
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        Self {
            host: authority.or(header),
            https: ClientAddr::of(request).https,
        }
    }
}

/// What is kept of a request that may be passed on.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) host: Option<String>,
    pub(crate) client: ClientAddr,
}

impl Asked {
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            host: Visitor::of(request).host.map(str::to_owned),
            client: ClientAddr::of(request),
        }
    }

    pub(crate) fn visitor(&self) -> Visitor<'_> {
        Visitor {
            host: self.host.as_deref(),
            https: self.client.https,
        }
    }
}

fn prepare(request: &mut Request, asked: &Asked, policy: &HeaderValue) {
    // Only the build's own files may be revalidated upstream.
    let revalidate = request.uri().path().starts_with("/_next/");
    let headers = request.headers_mut();
    strip(headers);
    if !revalidate {
        for name in [
            header::IF_NONE_MATCH,
            header::IF_MODIFIED_SINCE,
            header::RANGE,
        ] {
            headers.remove(name);
        }
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    let scheme = if asked.client.https { "https" } else { "http" };
    headers.insert("x-forwarded-proto", HeaderValue::from_static(scheme));
    let address = asked.client.ip.map(|ip| ip.to_string());
    for (name, value) in [
        ("x-forwarded-for", address.as_deref()),
        ("x-forwarded-host", asked.host.as_deref()),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
}

/// Takes off what a client must not claim.
fn strip(headers: &mut HeaderMap) {
    for name in CLAIMED {
        headers.remove(name);
    }
    let claims: Vec<HeaderName> = headers
        .keys()
        .filter(|name| CLAIMS.iter().any(|claim| name.as_str().starts_with(claim)))
        .cloned()
        .collect();
    for name in claims {
        headers.remove(name);
    }
}

/// Takes off what the child says about itself.
fn clean(headers: &mut HeaderMap) {
    for name in [
        "x-powered-by",
        "server",
        "content-security-policy",
        "content-security-policy-report-only",
    ] {
        headers.remove(name);
    }
    let inner: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-middleware-"))
        .cloned()
        .collect();
    for name in inner {
        headers.remove(name);
    }
}

/// 405: pages are only read here; every change goes to the API.
pub(crate) fn read_only() -> Response {
    let mut response = Response::new(Body::from(
        "Pages can only be read. The API is under /api/.\n",
    ));
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
