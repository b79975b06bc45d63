//! How a server's start is told: as server-sent events, one for each thing that happens to its pod.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use http::{StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::no;
use super::users::person;
use crate::sim::apiserver::Cluster as _;
use crate::sim::handle::Sim;
use crate::sim::objects::text;
use crate::sim::people::pod_of;
use crate::sim::state::State;

/// How often a quiet stream shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(8);

/// A stream under way.
struct Progress {
    sim: Sim,
    user: String,
    /// The names of events that have been told.
    told: Vec<String>,
    over: bool,
}

/// GET of the stream.
pub(super) fn follow(sim: &Sim, state: &State, user: &str) -> Response {
    let failed = (state.hub.spawns.get(user)).is_some_and(|spawn| spawn.failed.is_some());
    if person(state, user).is_none() && !failed {
        return no(StatusCode::NOT_FOUND, "Not Found");
    }
    let progress = Progress {
        sim: sim.clone(),
        user: user.to_owned(),
        told: Vec::new(),
        over: false,
    };
    let lines = stream::unfold(progress, async |mut progress| {
        let lines = progress.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(lines)), progress))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream")];
    (headers, Body::from_stream(lines)).into_response()
}

fn line(event: &Value) -> String {
    format!("data: {event}\n\n")
}

impl Progress {
    /// The next lines; nothing when it is over.
    async fn next(&mut self) -> Option<String> {
        if self.over {
            return None;
        }
        let quiet = Instant::now() + KEEP_ALIVE;
        loop {
            let (version, cuts) = (self.sim.news().version(), self.sim.news().cuts());
            let sim = self.sim.clone();
            let lines = sim.change(|state, at| self.news(state, at));
            if !lines.is_empty() {
                return Some(lines);
            }
            tokio::select! {
                biased;
                () = self.sim.news().beyond(version, cuts) => {
                    if self.sim.news().cuts() > cuts {
                        return None;
                    }
                }
                () = sleep_until(quiet) => return Some("\n\n".to_owned()),
            }
        }
    }

    /// What has happened since it was last asked.
    fn news(&mut self, state: &State, at: Timestamp) -> String {
        let user = self.user.clone();
        let mut lines = String::new();
        if self.told.is_empty() {
            self.told.push(String::new());
            lines += &line(&json!({"progress": 0, "message": "Server requested"}));
        }
        let pod = pod_of(&user);
        let version = |event: &&Value| {
            let version = text(event, "/metadata/resourceVersion");
            version.parse::<u64>().unwrap_or_default()
        };
        let spawn = state.hub.spawns.get(&user);
        let since = spawn.map_or(0, |spawn| spawn.since_version);
        let about = |event: &&Value| {
            text(event, "/involvedObject/name") == pod
                && text(event, "/metadata/namespace") == state.hub_home()
                && version(event) > since
        };
        let mut events: Vec<&Value> = state.store.list("Event").filter(about).collect();
        events.sort_by_key(version);
        for event in events {
            let seen = format!("{}#{}", text(event, "/metadata/name"), event["count"]);
            if self.told.contains(&seen) || text(event, "/reason") == "Killing" {
                continue;
            }
            self.told.push(seen);
            let message = format!(
                "{} [{}] {}",
                text(event, "/lastTimestamp"),
                text(event, "/type"),
                text(event, "/message")
            );
            let progress = (self.told.len() * 10).min(90);
            lines += &line(&json!({"progress": progress, "raw_event": event, "message": message}));
        }
        let there = person(state, &user);
        let failed = state
            .hub
            .spawns
            .get(&user)
            .and_then(|spawn| spawn.failed.clone());
        let end = match (there, failed) {
            (Some(person), _) if state.hub_ready(person, at) => {
                let url = format!("/user/{user}/");
                json!({"progress": 100, "ready": true, "message": format!("Server ready at {url}"),
                    "html_message": format!("Server ready at <a href=\"{url}\">{url}</a>"),
                    "url": url})
            }
            (Some(_), _) => return lines,
            (None, failed) => {
                let message =
                    failed.unwrap_or_else(|| "Spawn failed: the server stopped".to_owned());
                json!({"progress": 100, "failed": true, "message": message})
            }
        };
        self.over = true;
        lines + line(&end).as_str()
    }
}
