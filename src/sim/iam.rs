//! The practice world's Resource Manager: which permissions our credentials have in its project.

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::fault::Trouble;
use super::handle::Sim;

/// Where it is, as far as anybody is told.
pub(super) const ADDRESS: &str = "http://practice-iam";
/// The longest request.
const BODY_MAX: usize = 64 << 10;

/// It, as a service.
pub(super) fn router(sim: Sim) -> Router {
    Router::new().fallback(serve).with_state(sim)
}

async fn serve(State(sim): State<Sim>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let asks = parts.method == Method::POST && parts.uri.path().ends_with(":testIamPermissions");
    let body = axum::body::to_bytes(body, BODY_MAX)
        .await
        .unwrap_or_default();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let wanted = asked.get("permissions").and_then(Value::as_array);
    let Some(wanted) = wanted.filter(|_| asks) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let denied = sim.change(|state, at| state.strikes(Trouble::Denied, at));
    let granted = |permission: &&Value| *permission != "container.clusters.update" || !denied;
    let granted: Vec<&Value> = wanted.iter().filter(granted).collect();
    Json(json!({ "permissions": granted })).into_response()
}
