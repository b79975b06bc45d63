//! The practice world's registries of images, all of them behind one door.

use axum::Router;
use http::StatusCode;

use super::handle::Sim;

/// The registries, as a service; which one is meant, the request's address says.
pub(super) fn router(sim: Sim) -> Router {
    Router::new()
        .fallback(async || StatusCode::NOT_FOUND)
        .with_state(sim)
}
