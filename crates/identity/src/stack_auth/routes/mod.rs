//! The routes, below `/stack`. Not in our own API's document: their description is the SDK.

mod channels;
mod codes;
mod invitations;
mod keys;
mod links;
mod oauth;
mod passkeys;
mod passwords;
mod permissions;
mod project;
mod sessions;
mod stubs;
mod teams;
mod users;

use super::{StackAuth, envelope, fault::Fault};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::{get, post},
};

/// The largest body: a picture in an address, and metadata.
const BODY: usize = 1024 * 1024;

impl StackAuth {
    /// Everything that is served below `/stack`.
    pub fn router(&self) -> Router {
        let v1 = Router::new()
            .merge(project::router())
            .merge(passwords::router())
            .merge(codes::router())
            .merge(passkeys::router())
            .merge(sessions::router())
            .merge(users::router())
            .merge(channels::router())
            .merge(oauth::router())
            .merge(links::router())
            .merge(teams::router())
            .merge(permissions::router())
            .merge(invitations::router())
            .merge(keys::router())
            .merge(stubs::router());
        Router::new()
            .nest("/api/v1", v1)
            .route("/health", get(project::health))
            .fallback(nothing)
            .method_not_allowed_fallback(no_such_method)
            .layer(DefaultBodyLimit::max(BODY))
            .layer(from_fn(envelope::layer))
            .with_state(self.clone())
    }
}

async fn nothing(State(_): State<StackAuth>, request: Request) -> Response {
    let path = request.uri().path();
    let shown: String = path.chars().filter(|c| !c.is_control()).take(200).collect();
    Fault::Plain(
        axum::http::StatusCode::NOT_FOUND,
        format!("404 — page not found.\nPath: {shown}").into(),
    )
    .into_response()
}

async fn no_such_method() -> Response {
    Fault::Plain(
        axum::http::StatusCode::METHOD_NOT_ALLOWED,
        "This address does not take that method.".into(),
    )
    .into_response()
}

type Routes = Router<StackAuth>;
use {get as read, post as act};
