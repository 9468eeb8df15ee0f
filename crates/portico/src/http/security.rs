//! Headers and checks that protect browsers: what may be done with our answers, which
//! sites may call the API with a visitor's cookies. A handler's own header always wins.

use super::{
    client::{ClientAddr, has_bearer},
    config::{HttpConfig, covers},
    problems::cross_site,
};
use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{sync::Arc, time::Duration};
use tower::{Layer, ServiceExt};
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
pub(crate) async fn headers(
    State(config): State<Arc<HttpConfig>>,
    request: Request,
    next: Next,
) -> Response {
    let https = ClientAddr::of(&request).https;
    let mut response = next.run(request).await;
    let all = response.headers_mut();
    for (name, value) in HEADERS {
        all.entry(name).or_insert(value);
    }
    // Over http the header would be ignored, or worse, believed from an attacker.
    if https && config.hsts_seconds > 0 {
        let value = format!("max-age={}; includeSubDomains", config.hsts_seconds);
        if let Ok(value) = HeaderValue::from_str(&value) {
            all.entry(header::STRICT_TRANSPORT_SECURITY)
                .or_insert(value);
        }
    }
    response
}

/// Which other sites may read our answers, with the visitor's cookies. None by default.
pub(crate) fn cors(config: &HttpConfig) -> CorsLayer {
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
            super::trace::REQUEST_ID,
        ])
        .max_age(Duration::from_hours(1))
}

type Rejection = fn(ProtectionError) -> Response;

/// Refuses changes that another site's page made a visitor's browser send.
#[derive(Clone)]
pub(crate) struct Csrf {
    layer: CsrfLayer<Rejection>,
    exempt: Arc<[String]>,
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
            exempt: config.csrf_exempt.clone().into(),
        })
    }
}

/// Applies [`Csrf`]. Bearer tokens and the exempt paths pass: the first cannot be
/// attached by another site, the second are signed.
pub(crate) async fn csrf(State(csrf): State<Csrf>, request: Request, next: Next) -> Response {
    if has_bearer(request.headers()) || covers(&csrf.exempt, request.uri().path()) {
        return next.run(request).await;
    }
    match csrf.layer.layer(next).oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    }
}
