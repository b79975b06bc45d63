//! Who is there: everybody with a server, how long they have had it, and when they last touched it.
//!
//! Nothing is stored about a moment: what somebody does at one is worked out from who they are and
//! how long they mean to work, so that looking never changes the world.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::objects::{NOTEBOOK, fingerprint, text};
use super::state::{EPOCH, State, Todo, later};

/// The label of everybody's server.
pub(super) const SERVER: &str = "singleuser-server";
/// How often the hub hears of a server that is in use, in milliseconds (jupyterhub's
/// `JUPYTERHUB_ACTIVITY_INTERVAL` and the proxy's `last_activity_interval` are both five minutes).
const BEAT: i64 = 300_000;
/// The hub's idle culler, as z2jh sets it: how long idle is too long, how often it looks.
const IDLE: SignedDuration = SignedDuration::from_secs(3600);
pub(super) const CULL_EVERY: u64 = 600_000;

/// Somebody with a server, running or on its way. Moments are milliseconds since [`EPOCH`]; before
/// it they are negative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Person {
    /// The hub's namespace.
    pub(super) namespace: String,
    /// Their name at the hub.
    pub(super) user: String,
    /// Their server's pod.
    pub(super) pod: String,
    /// Its image, as the hub's spawner named it.
    #[serde(default = "notebook")]
    pub(super) image: String,
    /// Where it runs; empty while it waits for room.
    pub(super) node: String,
    /// When they asked for it.
    pub(super) started_ms: i64,
    /// Until when they work. Then the server idles, or they stop it.
    pub(super) works_until_ms: i64,
    /// A moment at which the hub heard of them, of which the others follow; by their pod's name
    /// where it is not known.
    #[serde(default)]
    pub(super) heard_ms: Option<i64>,
}

fn notebook() -> String {
    NOTEBOOK.to_owned()
}

/// Milliseconds since [`EPOCH`], negative before it.
pub(super) fn since_epoch(at: Timestamp) -> i64 {
    at.as_millisecond() - EPOCH.as_millisecond()
}

fn from_epoch(millis: i64) -> Timestamp {
    EPOCH
        .saturating_add(SignedDuration::from_millis(millis))
        .unwrap_or(EPOCH)
}

impl Person {
    /// When they asked for their server.
    pub(super) fn started(&self) -> Timestamp {
        from_epoch(self.started_ms)
    }

    /// When the hub last heard that they did something, as it knows at `at`: at most five minutes
    /// old for somebody at work.
    pub(super) fn last_activity(&self, at: Timestamp) -> Timestamp {
        let until = since_epoch(at).min(self.works_until_ms);
        let usual = || (fingerprint(&self.pod) % BEAT.unsigned_abs()).cast_signed();
        let late = (until - self.heard_ms.unwrap_or_else(usual)).rem_euclid(BEAT);
        from_epoch((until - late).max(self.started_ms))
    }
}

/// The name of a user's pod: `-` is how names are escaped, so it is escaped itself.
pub(super) fn pod_of(user: &str) -> String {
    let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut pod = "jupyter-".to_owned();
    for c in user.chars() {
        if safe(c) {
            pod.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                write!(pod, "-{byte:02x}").ok();
            }
        }
    }
    pod
}

/// The key of a server among [`State::people`].
pub(super) fn key(namespace: &str, pod: &str) -> String {
    format!("{namespace}/{pod}")
}

impl State {
    /// Somebody asks the hub of a namespace for a server, and means to work until a moment; says
    /// the name of their pod. Whoever has one keeps it, and works on.
    pub(super) fn arrive(
        &mut self,
        (namespace, user): (&str, &str),
        until: Timestamp,
        at: Timestamp,
    ) -> String {
        let pod = self.enrol((namespace, user), until, at);
        self.seat_people(at);
        pod
    }

    /// The same, before anybody has looked where there is room.
    pub(super) fn enrol(
        &mut self,
        (namespace, user): (&str, &str),
        until: Timestamp,
        at: Timestamp,
    ) -> String {
        let pod = pod_of(user);
        if let Some(person) = self.people.get_mut(&key(namespace, &pod)) {
            person.works_until_ms = person.works_until_ms.max(since_epoch(until));
            return pod;
        }
        // Whoever cannot be given a server goes away again.
        let Ok(image) = self.spawned_image(namespace) else {
            return pod;
        };
        if self.people.is_empty() {
            self.plan(later(at, CULL_EVERY), Todo::Cull);
        }
        let person = Person {
            namespace: namespace.to_owned(),
            user: user.to_owned(),
            pod: pod.clone(),
            image,
            node: String::new(),
            started_ms: since_epoch(at),
            works_until_ms: since_epoch(until),
            heard_ms: None,
        };
        self.store.put(person.waiting(), at);
        self.people.insert(key(namespace, &pod), person);
        pod
    }

    /// Their server is stopped: by themselves, by the hub, by whoever asks. Says whether there
    /// was one.
    pub(super) fn leave(&mut self, namespace: &str, pod: &str, at: Timestamp) -> bool {
        let there = self.people.contains_key(&key(namespace, pod));
        if there {
            self.store.remove("Pod", Some(namespace), pod, at);
            self.mind_pods(at);
        }
        there
    }

    /// The hubs stop the servers that nobody has touched for an hour.
    pub(super) fn cull(&mut self, at: Timestamp) {
        let idle: Vec<(String, String)> = (self.people.values())
            .filter(|person| at.duration_since(person.last_activity(at)) >= IDLE)
            .map(|person| (person.namespace.clone(), person.pod.clone()))
            .collect();
        for (namespace, pod) in idle {
            self.leave(&namespace, &pod, at);
        }
        self.forget_events(at);
        if !self.people.is_empty() {
            self.plan(later(at, CULL_EVERY), Todo::Cull);
        }
    }

    /// Whether somebody's server can be used.
    pub(super) fn serves(&self, person: &Person) -> bool {
        (self.store)
            .get("Pod", Some(&person.namespace), &person.pod)
            .is_some_and(|pod| text(pod, "/status/phase") == "Running")
    }
}
