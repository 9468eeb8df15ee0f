//! Passkeys.

use super::Routes;
use axum::Router;

pub(super) fn router() -> Routes {
    Router::new()
}
