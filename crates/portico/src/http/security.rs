//! Headers and checks that protect browsers: what may be done with our answers, which
//! sites may call the API with a visitor's cookies. A handler's own header always wins.

use super::{
    client::{ClientAddr, has_bearer},
    config::{HttpConfig, covers},
    problems::cross_site,
};
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::Response,
};
use std::time::Duration;
use tower_http::{
    cors::{AllowHeaders, AllowOrigin, CorsLayer},
    csrf::{CsrfLayer, ProtectionError},
};

const HEADERS: [(HeaderName, HeaderValue); 8] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("strict-origin-when-cross-origin"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), \
             gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(self), usb=()",
        ),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("origin-agent-cluster"),
        HeaderValue::from_static("?1"),
    ),
    // For data and files; a handler that answers with a page brings its own policy.
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ),
];

/// Adds the headers that every answer carries.
pub(crate) fn headers(hsts: Option<&HeaderValue>, client: ClientAddr, all: &mut HeaderMap) {
    for (name, value) in HEADERS {
        all.entry(name).or_insert(value);
    }
    // Over http the header would be ignored, or worse, believed from an attacker.
    if let Some(value) = hsts.filter(|_| client.https) {
        all.entry(header::STRICT_TRANSPORT_SECURITY)
            .or_insert_with(|| value.clone());
    }
}

/// How long a browser that came over https may not come otherwise.
pub(crate) fn hsts(config: &HttpConfig) -> Option<HeaderValue> {
    let value = format!("max-age={}; includeSubDomains", config.hsts_seconds);
    HeaderValue::from_str(&value)
        .ok()
        .filter(|_| config.hsts_seconds > 0)
}

/// Which other sites may read our answers, with the visitor's cookies. None by default, and
/// then there is no layer: an answer without its headers is what a browser refuses to show.
pub(crate) fn cors(config: &HttpConfig) -> Option<CorsLayer> {
    (!config.origins.is_empty()).then(|| allow(config))
}

fn allow(config: &HttpConfig) -> CorsLayer {
    let origins = config
        .origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin.as_str()).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            super::rate::LEFT,
            super::rate::POLICY,
            super::trace::REQUEST_ID,
            crate::live_reads::CURSOR,
        ])
        .max_age(Duration::from_hours(1))
}

type Rejection = fn(ProtectionError) -> Response;

/// Refuses changes that another site's page made a visitor's browser send.
pub(crate) struct Csrf {
    layer: CsrfLayer<Rejection>,
    exempt: Vec<String>,
}

impl Csrf {
    pub(crate) fn new(config: &HttpConfig) -> anyhow::Result<Self> {
        let rejection: Rejection = |_| cross_site();
        let mut layer = CsrfLayer::new().with_rejection_response(rejection);
        for origin in &config.origins {
            layer = layer.add_trusted_origin(origin.as_str())?;
        }
        Ok(Self {
            layer,
            exempt: config.csrf_exempt.clone(),
        })
    }

    /// The check for this request. Reading changes nothing. Bearer tokens and the exempt
    /// paths pass: the first cannot be attached by another site, the second are signed.
    pub(crate) fn concerned(&self, request: &Request) -> Option<&CsrfLayer<Rejection>> {
        let passes = matches!(
            *request.method(),
            Method::GET | Method::HEAD | Method::OPTIONS
        ) || has_bearer(request.headers())
            || covers(&self.exempt, request.uri().path());
        (!passes).then_some(&self.layer)
    }
}
