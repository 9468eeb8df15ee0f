//! The API of the domain, under `/api/v1/hosted-stack`.

mod deliveries;
mod project;
mod runs;

use crate::HostedStack;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes, still without their domain.
pub fn router() -> OpenApiRouter<HostedStack> {
    OpenApiRouter::new()
        .routes(routes!(
            project::state,
            project::connect,
            project::disconnect
        ))
        .routes(routes!(project::check))
        .routes(routes!(deliveries::exchange))
        .routes(routes!(deliveries::deliver))
        .routes(routes!(deliveries::events))
        .routes(routes!(deliveries::retry))
        .routes(routes!(runs::list, runs::start))
        .routes(routes!(runs::drift))
}
