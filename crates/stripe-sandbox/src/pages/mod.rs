//! pages
use axum::Router;
use crate::sandbox::Sandbox;
pub(crate) fn router() -> Router<Sandbox> { Router::new() }
