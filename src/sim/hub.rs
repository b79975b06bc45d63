//! The practice world's hub: JupyterHub's REST API, as far as a client here asks it.
//!
//! It is the hub of the first namespace; everybody with a server there is one of its users.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::Trouble;
use super::handle::Sim;
use super::objects::stamp;
use super::people::Person;
use super::pullers::HUBS;

/// Where it is, as far as anybody is told.
pub(super) const ADDRESS: &str = "http://practice-hub";
/// The token that opens it.
pub(super) const TOKEN: &str = "practice";
/// The version it says it is.
const VERSION: &str = "5.4.6";
/// Users per answer: unless more are asked for, and at most.
const PAGE: usize = 50;
const PAGE_MAX: usize = 200;

/// The hub, as a service.
pub(super) fn router(sim: Sim) -> Router {
    Router::new()
        .route(
            "/hub/api/",
            get(async || axum::Json(json!({ "version": VERSION }))),
        )
        .route("/hub/api/users", get(users))
        .fallback(async || no(StatusCode::NOT_FOUND, "Not Found"))
        .with_state(sim)
}

fn no(status: StatusCode, message: &str) -> Response {
    let body = json!({ "status": status.as_u16(), "message": message });
    (status, axum::Json(body)).into_response()
}

/// What may be asked of the list of users.
#[derive(Deserialize)]
struct Asked {
    state: Option<String>,
    limit: Option<usize>,
    offset: Option<usize>,
}

async fn users(State(sim): State<Sim>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    sim.change(|state, at| {
        if state.strikes(Trouble::HubDown, at) {
            return no(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
        }
        let token = headers.get(header::AUTHORIZATION);
        let known = token.is_some_and(|token| token == &format!("token {TOKEN}"));
        if !known || state.strikes(Trouble::TokenExpired, at) {
            return no(StatusCode::FORBIDDEN, "Forbidden");
        }
        if state.strikes(Trouble::TokenTooNarrow, at) {
            let message =
                "Action is not authorized with current scopes; requires any of [list:users]";
            return no(StatusCode::FORBIDDEN, message);
        }
        let there = (state.people.values()).filter(|person| person.namespace == HUBS[0]);
        let mut users: Vec<Value> = there
            .map(|person| (person, state.serves(person)))
            .filter(|(_, ready)| match asked.state.as_deref() {
                Some("ready") => *ready,
                Some("inactive") => false,
                Some(_) | None => true,
            })
            .map(|(person, ready)| user(person, ready, at))
            .collect();
        users.sort_by_key(|user| user["name"].to_string());
        answered(&users, &asked, &headers)
    })
}

fn user(person: &Person, ready: bool, at: jiff::Timestamp) -> Value {
    let url = format!("/user/{}/", person.user);
    json!({
        "name": person.user, "kind": "user", "admin": false,
        "server": ready.then_some(&url),
        "pending": (!ready).then_some("spawn"),
        "last_activity": stamp(person.last_activity(at)),
        "servers": { "": {
            "name": "", "ready": ready, "stopped": false, "url": url,
            "pending": (!ready).then_some("spawn"),
            "started": stamp(person.started()),
            "last_activity": stamp(person.last_activity(at)),
        } },
    })
}

/// A page of them, or the plain list that is silently cut off, as the client wants it.
fn answered(users: &[Value], asked: &Asked, headers: &HeaderMap) -> Response {
    let offset = asked.offset.unwrap_or(0);
    let pages = headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept == "application/jupyterhub-pagination+json");
    let limit = asked.limit.unwrap_or(if pages { PAGE } else { PAGE_MAX });
    let limit = limit.min(PAGE_MAX);
    let items: Vec<&Value> = users.iter().skip(offset).take(limit).collect();
    if !pages {
        return axum::Json(items).into_response();
    }
    let next = offset + limit;
    let next = (next < users.len()).then(|| {
        json!({ "offset": next, "limit": limit,
        "url": format!("{ADDRESS}/hub/api/users?offset={next}&limit={limit}") })
    });
    axum::Json(json!({
        "items": items,
        "_pagination": { "offset": offset, "limit": limit, "total": users.len(), "next": next },
    }))
    .into_response()
}
