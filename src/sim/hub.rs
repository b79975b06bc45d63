//! The practice world's hub: `JupyterHub`'s REST API, as far as a client here asks it.
//!
//! It is the hub of the first namespace; everybody with a server there is one of its users.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::Trouble;
use super::handle::Sim;
use super::objects::stamp;
use super::people::Person;
use super::pullers::HUBS;
use super::state as world;

/// Where it is, as far as anybody is told.
pub(super) const ADDRESS: &str = "http://practice-hub";
/// The token that opens it.
pub(super) const TOKEN: &str = "practice";
/// The version it says it is.
const VERSION: &str = "5.4.6";
/// Users per answer: unless more are asked for, and at most.
const PAGE: usize = 50;
const PAGE_MAX: usize = 200;

/// What may be asked of the list of users.
#[derive(Deserialize)]
struct Asked {
    state: Option<String>,
    limit: Option<usize>,
    offset: Option<usize>,
}

/// The hub, as a service.
pub(super) fn router(sim: Sim) -> Router {
    Router::new().fallback(serve).with_state(sim)
}

async fn serve(
    State(sim): State<Sim>,
    method: Method,
    uri: Uri,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    sim.change(|state, at| {
        if state.strikes(Trouble::HubDown, at) {
            // It is the proxy that says so, and not in JSON.
            return (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response();
        }
        let path = uri.path().trim_end_matches('/');
        if !["/hub/api", "/hub/api/user", "/hub/api/users"].contains(&path) {
            return no(StatusCode::NOT_FOUND, "Not Found");
        }
        if method != Method::GET {
            return no(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        }
        if path == "/hub/api" {
            return axum::Json(json!({ "version": VERSION })).into_response();
        }
        if !is_known(&headers) || state.strikes(Trouble::TokenExpired, at) {
            return no(StatusCode::FORBIDDEN, "Forbidden");
        }
        let narrow = state.strikes(Trouble::TokenTooNarrow, at);
        if path == "/hub/api/user" {
            return axum::Json(ourselves(narrow)).into_response();
        }
        if narrow {
            let message =
                "Action is not authorized with current scopes; requires any of [list:users]";
            return no(StatusCode::FORBIDDEN, message);
        }
        users(state, at, &asked, &headers)
    })
}

fn no(status: StatusCode, message: &str) -> Response {
    let body = json!({ "status": status.as_u16(), "message": message });
    (status, axum::Json(body)).into_response()
}

/// `token T` and `Bearer T` are the same to a hub.
fn is_known(headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|given| given.to_str().ok()?.split_once(' '));
    given.is_some_and(|(how, token)| matches!(how, "token" | "Bearer") && token == TOKEN)
}

/// Whose token it is, and what it may do; that it may always ask.
fn ourselves(narrow: bool) -> Value {
    let own = [
        "read:users:groups!user=operator",
        "read:users:name!user=operator",
    ];
    let wide = ["list:users", "read:servers", "read:users:activity"];
    let wide = wide.iter().filter(|_| !narrow);
    let scopes: Vec<&&str> = wide.chain(&own).collect();
    json!({ "name": "operator", "kind": "user", "admin": true, "groups": [], "scopes": scopes })
}

fn users(state: &world::State, at: Timestamp, asked: &Asked, headers: &HeaderMap) -> Response {
    let wanted = asked.state.as_deref();
    if !matches!(wanted, None | Some("active" | "ready" | "inactive")) {
        return no(StatusCode::BAD_REQUEST, "Unrecognized state filter");
    }
    let there = (state.people.values()).filter(|person| person.namespace == HUBS[0]);
    let mut users: Vec<Value> = there
        .map(|person| (person, state.serves(person)))
        .filter(|(_, ready)| match wanted {
            Some("ready") => *ready,
            // Whoever has no server is not among the people.
            Some("inactive") => false,
            Some(_) | None => true,
        })
        .map(|(person, ready)| user(person, ready, at))
        .collect();
    users.sort_by_key(|user| user["name"].to_string());
    answered(&users, asked, headers)
}

fn user(person: &Person, ready: bool, at: Timestamp) -> Value {
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
    let limit = limit.clamp(1, PAGE_MAX);
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
