//! Servers that are started over the API: what the practice hub knows of them until they answer.

use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::users::{is_known, person};
use super::{empty, no};
use crate::sim::fault::Trouble;
use crate::sim::people::{Person, pod_of};
use crate::sim::state::{State, Todo, later, millis};

/// `start_timeout` and `http_timeout`, in milliseconds.
const STARTS: u64 = 600_000;
const ANSWERS: u64 = 120_000;
/// For how long somebody who came over the API means to stay, in milliseconds.
const STAYS: u64 = 3_600_000;

/// A server that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sim) struct Spawn {
    since_ms: u64,
    /// The store's version then: earlier events are about another pod of the same name.
    pub(super) since_version: u64,
    /// Why it failed, if it did.
    pub(super) failed: Option<String>,
}

/// POST: asks for one.
pub(super) fn start(state: &mut State, user: &str, at: Timestamp) -> Response {
    if !is_known(state, user) {
        return no(StatusCode::NOT_FOUND, "Not Found");
    }
    if let Some(there) = person(state, user) {
        if state.hub_ready(there, at) {
            let message = format!("{user} is already running");
            return no(StatusCode::BAD_REQUEST, &message);
        }
        return empty(StatusCode::ACCEPTED);
    }
    let what = format!("/hub/api/users/{user}/server");
    state.record("POST", &what, Value::Null, at);
    let since_ms = millis(at);
    let since_version = state.store.version();
    let failed = match state.spawned_image(state.hub_home()) {
        Ok(_) => None,
        Err(why) => Some(format!("Spawn failed: {why}")),
    };
    if failed.is_none() {
        let home = state.hub_home().to_owned();
        state.arrive((&home, user), later(at, STAYS), at);
        state.plan_verdict(user, since_ms, later(at, STARTS));
    }
    let spawn = Spawn {
        since_ms,
        since_version,
        failed,
    };
    state.hub.spawns.insert(user.to_owned(), spawn);
    empty(StatusCode::ACCEPTED)
}

/// DELETE: ends one, or the attempt to start it.
pub(super) fn stop(state: &mut State, user: &str, at: Timestamp) -> Response {
    if !is_known(state, user) {
        return no(StatusCode::NOT_FOUND, "Not Found");
    }
    state.forget_server(user);
    if person(state, user).is_some() {
        let what = format!("/hub/api/users/{user}/server");
        state.record("DELETE", &what, Value::Null, at);
        state.leave_hub(user, at);
    }
    empty(StatusCode::NO_CONTENT)
}

impl State {
    /// Whether the hub has heard of somebody's server that it can be used.
    pub(super) fn hub_ready(&self, person: &Person, at: Timestamp) -> bool {
        let asked = self.hub.spawns.contains_key(&person.user);
        let mute = asked && self.strikes(Trouble::SpawnTimeout, at);
        self.serves(person) && !mute
    }

    /// Somebody's server at the hub ends.
    pub(super) fn leave_hub(&mut self, user: &str, at: Timestamp) {
        let home = self.hub_home().to_owned();
        self.leave(&home, &pod_of(user), at);
    }

    /// A server ends, and its kernels with it.
    pub(super) fn forget_server(&mut self, user: &str) {
        self.hub.spawns.remove(user);
        self.hub.kernels.retain(|_, whose| whose != user);
    }

    /// A server that was asked for over the API runs: it has to answer soon.
    pub(in crate::sim) fn await_answer(&mut self, person: &Person, at: Timestamp) {
        let spawn = self.hub.spawns.get(&person.user);
        if let Some(since_ms) = spawn.map(|spawn| spawn.since_ms)
            && person.namespace == self.hub_home()
        {
            self.plan_verdict(&person.user, since_ms, later(at, ANSWERS));
        }
    }

    fn plan_verdict(&mut self, user: &str, since_ms: u64, at: Timestamp) {
        let user = user.to_owned();
        self.plan(at, Todo::JudgeSpawn { user, since_ms });
    }

    /// A server that cannot be used by now never will be.
    pub(in crate::sim) fn judge_spawn(&mut self, user: &str, since_ms: u64, at: Timestamp) {
        let Some(spawn) = self.hub.spawns.get(user) else {
            return;
        };
        let Some(there) = person(self, user) else {
            return;
        };
        if spawn.since_ms != since_ms || self.hub_ready(there, at) {
            return;
        }
        let why = if self.serves(there) {
            format!("Server at http://10.4.2.17:8888/user/{user}/ didn't respond in 120 seconds")
        } else {
            "Timeout".to_owned()
        };
        if let Some(spawn) = self.hub.spawns.get_mut(user) {
            spawn.failed = Some(format!("Spawn failed: {why}"));
        }
        self.leave_hub(user, at);
    }
}
