//! The way in: which path leads to which domain. One page.

use crate::{
    app::App,
    front, health,
    http::{Parts, rate::RateLayer},
    in_place,
    live_reads::LiveReadsLayer,
    system,
};
use axum::{Json, Router, http::StatusCode, routing::get};
use identity::{
    authenticate::{AccessLayer, Allowances},
    stack_auth::StackAuth,
};
use kernel::mail;
use std::sync::Arc;
use tower::ServiceBuilder;
use tower_http::timeout::TimeoutLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

/// What the API is, for its document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Portico",
        description = "One server for a business that has members. Failures are problem \
            documents (RFC 9457) with a stable `code`; lists come in pages by cursor; times \
            are RFC 3339 in UTC.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    modifiers(&Security),
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let schemes = document.components.get_or_insert_default();
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
            "portico_access",
            "Set by signing in; `__Host-portico_access` over https.",
        ));
        schemes.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        schemes.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The API's document, made from the routes themselves.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut routes = utoipa::openapi::OpenApi::default();
    routes.merge(identity::routes::router().into_openapi());
    routes.merge(identity::routes::uploads().into_openapi());
    routes.merge(hosted_stack::routes::router().into_openapi());
    routes.merge(billing::routes::router().into_openapi());
    routes.merge(updates::routes::router().into_openapi());
    routes.merge(system::routes::router().into_openapi());
    routes.merge(kernel::files::router().into_openapi());
    Document::openapi().nest("/api/v1", routes)
}

/// Every part of the server.
pub(crate) fn parts(app: &App) -> Parts {
    // One count for the routes that need everything: a copy part by part would be made at
    // every request.
    let shared = Arc::new(app.clone());
    let document = document();
    let described = serde_json::to_value(&document).unwrap_or_default();
    let allowances = Allowances::new(in_place::allowances(&described));
    let access = AccessLayer::new(app.identity.clone(), allowances);
    let v1 = Router::new()
        .merge(Router::from(
            identity::routes::router().with_state(app.identity.clone()),
        ))
        .merge(Router::from(
            hosted_stack::routes::router().with_state(app.hosted.clone()),
        ))
        .merge(Router::from(
            billing::routes::router().with_state(app.billing.clone()),
        ))
        .merge(Router::from(
            updates::routes::router().with_state(app.updates.clone()),
        ))
        .merge(Router::from(
            system::routes::router().with_state(shared.clone()),
        ))
        .layer(LiveReadsLayer::new(app.realtime.clone(), app.db.clone()));
    let identity = app.identity.clone();
    let mut api = Router::new()
        .nest("/api/v1", v1)
        .route(
            "/api/openapi.json",
            get(move || async move { Json(document) }),
        )
        .route(
            "/.well-known/jwks.json",
            get(move || async move { identity.jwks().await.map(Json) }),
        )
        .merge(health::router(shared));
    // The viewer asks nobody who they are, and mails hold links that sign people up: it is
    // for a server that only this machine reaches.
    if app.mailer.captures() && app.config.is_local() {
        api = api.nest("/_mail", mail::viewer::router(app.mailer.clone()));
    }
    match front::docs(&described) {
        Ok(docs) => api = api.merge(docs),
        Err(error) => tracing::error!(%error, "the API reference cannot be shown"),
    }
    let files = Router::from(kernel::files::router().with_state(app.files.clone()));
    let uploads = identity::routes::uploads().with_state(app.identity.clone());
    let transfers = Router::new().nest("/api/v1", files.merge(Router::from(uploads)));
    // Clients that were told `/socket` say things over HTTP at the root.
    api = api
        .nest("/realtime/v1", app.realtime.http())
        .merge(app.realtime.http());
    let streams = Router::new()
        .nest("/realtime/v1", app.realtime.router())
        .nest("/socket", app.realtime.router());
    let pages = match &app.front {
        Some(front) => front.router(),
        None => Router::new(),
    };
    let counted = ServiceBuilder::new()
        .layer(access.clone())
        .layer(RateLayer::new(&app.config.http.rate, &app.tasks));
    Parts {
        api: api.layer(counted.clone()),
        transfers: transfers.layer(counted),
        streams: streams.layer(access.clone()).merge(foreign(app)),
        pages: pages.layer(access),
    }
}

/// Other wire protocols, and the sandbox's pages: who calls, how often, what another site may do and how errors look is
/// theirs to say.
fn foreign(app: &App) -> Router {
    let mut foreign = Router::new();
    if app.config.identity.stack_auth.enabled {
        let stack = StackAuth::new(&app.identity).router();
        foreign = foreign.nest(&format!("/{}", identity::stack_auth::BASE), stack);
    }
    if let Some(till) = &app.till {
        foreign = foreign.merge(till.pages());
    }
    foreign.layer(TimeoutLayer::with_status_code(
        StatusCode::GATEWAY_TIMEOUT,
        app.config.http.timeout(),
    ))
}
