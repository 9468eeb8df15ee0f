//! What a person sees: Checkout, authentication, portal, invoice and the control page. Server-rendered, without script
//! except for the test-card buttons of the card form. Every page says that no money moves.

mod authenticate;
mod checkout;
mod control;
mod invoice;
mod parts;
mod pdf;
mod portal;
mod receipt;

use axum::Router;
use axum::http::header;
use axum::routing::get;

use crate::sandbox::Sandbox;

/// The pages' routes.
pub(crate) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/", get(control::lead))
        .route(
            "/pages/checkout/{id}",
            get(checkout::show).post(checkout::act),
        )
        .route(
            "/pages/checkout/{id}/authenticate",
            get(checkout::ask).post(checkout::answer),
        )
        .route(
            "/pages/authenticate/{id}",
            get(authenticate::show).post(authenticate::act),
        )
        .route("/pages/portal/{token}", get(portal::show).post(portal::act))
        .route("/pages/invoice/{id}", get(invoice::show).post(invoice::act))
        .route("/pages/invoice/{id}/pdf", get(invoice::pdf))
        .route("/pages/credit_note/{id}/pdf", get(invoice::credit_note_pdf))
        .route("/pages/receipt/{id}", get(receipt::show))
        .route("/pages/control", get(control::show).post(control::act))
        .route(
            "/pages/style.css",
            get(async || {
                (
                    [
                        (header::CONTENT_TYPE, "text/css"),
                        (header::CACHE_CONTROL, "max-age=3600"),
                    ],
                    include_str!("style.css"),
                )
            }),
        )
        .route(
            "/pages/card.js",
            get(async || {
                (
                    [
                        (header::CONTENT_TYPE, "text/javascript"),
                        (header::CACHE_CONTROL, "max-age=3600"),
                    ],
                    include_str!("card.js"),
                )
            }),
        )
        .route("/pages/fonts/{name}", get(parts::font))
}
