//! The users of the practice hub.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::objects::stamp;
use super::super::people::{Person, key, pod_of};
use super::{ADDRESS, Asked, answered, empty, no};
use crate::sim::state::State;

/// Users per answer: unless more are asked for, and at most.
const PAGE: usize = 50;
const PAGE_MAX: usize = 200;

/// The person behind a user with a server.
pub(super) fn person<'a>(state: &'a State, user: &str) -> Option<&'a Person> {
    state.people.get(&key(state.hub_home(), &pod_of(user)))
}

/// GET of all of them.
pub(super) fn list(asked: &Asked, state: &State, at: Timestamp) -> Response {
    let wanted = asked.param("state");
    if !matches!(wanted, None | Some("active" | "ready" | "inactive")) {
        return no(StatusCode::BAD_REQUEST, "Unrecognized state filter");
    }
    let there = (state.people.values()).filter(|person| person.namespace == state.hub_home());
    let mut users: Vec<(&str, bool, bool)> = there
        .map(|person| (person.user.as_str(), true, state.hub_ready(person, at)))
        .collect();
    let idle = (state.hub.accounts.iter()).filter(|user| person(state, user).is_none());
    users.extend(idle.map(|user| (user.as_str(), false, false)));
    users.retain(|(_, active, ready)| match wanted {
        None => true,
        Some("ready") => *ready,
        Some("inactive") => !active,
        Some(_) => *active,
    });
    users.sort_unstable();
    let pages = asked.wants("application/jupyterhub-pagination+json");
    let number = |name| asked.param(name).and_then(|text| text.parse().ok());
    let offset: usize = number("offset").unwrap_or(0);
    let limit = number("limit").unwrap_or(if pages { PAGE } else { PAGE_MAX });
    let limit = limit.clamp(1, PAGE_MAX);
    let items: Vec<Value> = (users.iter().skip(offset).take(limit))
        .map(|(user, ..)| model(state, user, at))
        .collect();
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

/// A user as the hub tells it.
fn model(state: &State, user: &str, at: Timestamp) -> Value {
    let url = format!("/user/{user}/");
    let person = person(state, user);
    let ready = person.is_some_and(|person| state.hub_ready(person, at));
    let pending = (person.is_some() && !ready).then_some("spawn");
    let servers = person.map_or_else(
        || json!({}),
        |person| {
            json!({ "": {
                "name": "", "ready": ready, "stopped": false, "url": url, "pending": pending,
                "progress_url": format!("/hub/api/users/{user}/server/progress"),
                "started": stamp(person.started()),
                "last_activity": stamp(person.last_activity(at)),
                "user_options": {},
            } })
        },
    );
    json!({
        "name": user, "kind": "user", "admin": false, "groups": [],
        "server": ready.then_some(&url), "pending": pending,
        "last_activity": person.map(|person| stamp(person.last_activity(at))),
        "servers": servers,
    })
}

fn missing() -> Response {
    no(
        StatusCode::NOT_FOUND,
        "No access to resources or resources not found",
    )
}

/// Whether the hub knows the user.
pub(super) fn is_known(state: &State, user: &str) -> bool {
    state.hub.accounts.contains(user) || person(state, user).is_some()
}

/// GET of one.
pub(super) fn one(state: &State, user: &str, at: Timestamp) -> Response {
    if !is_known(state, user) {
        return missing();
    }
    axum::Json(model(state, user, at)).into_response()
}

/// POST of a new one.
pub(super) fn create(state: &mut State, user: &str, at: Timestamp) -> Response {
    if is_known(state, user) {
        let message = format!("User {user} already exists");
        return no(StatusCode::CONFLICT, &message);
    }
    state.record("POST", &format!("/hub/api/users/{user}"), Value::Null, at);
    state.hub.accounts.insert(user.to_owned());
    answered(StatusCode::CREATED, model(state, user, at))
}

/// DELETE of one, with its server.
pub(super) fn delete(state: &mut State, user: &str, at: Timestamp) -> Response {
    if !is_known(state, user) {
        return missing();
    }
    state.record("DELETE", &format!("/hub/api/users/{user}"), Value::Null, at);
    state.leave_hub(user, at);
    state.hub.accounts.remove(user);
    state.forget_server(user);
    empty(StatusCode::NO_CONTENT)
}
