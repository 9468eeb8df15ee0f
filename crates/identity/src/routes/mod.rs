//! The first-party API of the domain, under `/api/v1`. Cookies are `HttpOnly`: no answer
//! carries a token.

mod accounts;
mod entry;
mod people;
mod sessions;
mod views;

use crate::Identity;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use views::MeView;

/// The routes, still without their domain.
pub fn router() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(accounts::register))
        .routes(routes!(accounts::inspect_verification, accounts::verify))
        .routes(routes!(accounts::me, accounts::change_profile))
        .routes(routes!(accounts::set_up))
        .routes(routes!(
            sessions::sign_in,
            sessions::list,
            sessions::sign_out_others
        ))
        .routes(routes!(sessions::sign_out_here))
        .routes(routes!(sessions::sign_out))
        .routes(routes!(people::list))
        .routes(routes!(people::totals))
        .routes(routes!(people::get))
}
