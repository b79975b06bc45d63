//! What containers use: worked out from who a pod is and the moment, never stored.

use jiff::Timestamp;
use serde_json::Value;

use super::apiserver::Usage;
use super::chance::Chance;
use super::objects::{fingerprint, text};
use super::people::{Person, key, since_epoch};
use super::pullers::PULLER;
use super::state::State;

const MEBI: i64 = 1024;
/// How long it takes until somebody has loaded all they work with, in milliseconds.
const LOADED: i64 = 40 * 60_000;
/// What a node's own system uses: thousandths of a processor, memory in KiB.
const SYSTEM: (i64, i64) = (140, 900 * MEBI);

/// A number that wanders between 0 and 1000: another one at each beat of `every` milliseconds, and
/// on a straight line in between.
fn wander(what: &str, every: i64, at: i64) -> i64 {
    let beat = at.div_euclid(every);
    let stop = |beat: i64| {
        let number = Chance::new(fingerprint(&format!("{what} {beat}"))).between((0, 1000));
        i64::try_from(number).unwrap_or(0)
    };
    let (from, to) = (stop(beat), stop(beat + 1));
    from + (to - from) * at.rem_euclid(every) / every
}

/// A share of `most` that belongs to a name for good.
fn share(name: &str, most: i64) -> i64 {
    wander(&format!("{name} own"), i64::MAX, 0) * most / 1000
}

/// Thousandths of a processor, with a wandering rest, and KiB.
fn usage(name: &str, milli: i64, memory: i64, at: i64) -> Usage {
    let rest = wander(&format!("{name} rest"), 45_000, at) * 999;
    Usage {
        nano_cpu: u64::try_from(milli * 1_000_000 + rest).unwrap_or(0),
        memory_ki: u64::try_from(memory).unwrap_or(0),
    }
}

/// Somebody's server: busy while they work, and what they loaded stays.
fn server(person: &Person, at: i64) -> Usage {
    let name = person.pod.as_str();
    let worked = at.min(person.works_until_ms) - person.started_ms;
    let milli = if at < person.works_until_ms {
        let busy = wander(name, 240_000, at);
        25 + 950 * busy * busy / 1_000_000
    } else {
        2 + wander(name, 60_000, at) / 400
    };
    let loaded = share(name, 800 * MEBI) * worked.clamp(0, LOADED) / LOADED;
    let garbage = wander(&format!("{name} memory"), 120_000, at) * 40 * MEBI / 1000;
    usage(name, milli, 150 * MEBI + loaded + garbage, at)
}

impl State {
    /// What each running container of a pod uses, by its place in the pod.
    pub(super) fn usage(&self, pod: &Value, at: Timestamp) -> Vec<Usage> {
        let at = since_epoch(at);
        let (namespace, name) = (
            text(pod, "/metadata/namespace"),
            text(pod, "/metadata/name"),
        );
        let statuses = pod.pointer("/status/containerStatuses");
        let running = (statuses.and_then(Value::as_array).into_iter().flatten())
            .filter(|status| status.pointer("/state/running").is_some());
        if let Some(person) = self.people.get(&key(namespace, name)) {
            return running.map(|_| server(person, at)).collect();
        }
        let people = || {
            let here = self
                .people
                .values()
                .filter(|person| person.namespace == namespace);
            i64::try_from(here.count()).unwrap_or(0)
        };
        let moves = wander(name, 90_000, at);
        let (milli, memory) = match text(pod, "/metadata/labels/component") {
            "hub" => (
                12 + 2 * people() + moves / 100,
                170 * MEBI + people() * 3 * MEBI / 2,
            ),
            "proxy" => (
                4 + people() / 2 + moves / 250,
                85 * MEBI + people() * MEBI / 3,
            ),
            PULLER => (0, 700),
            _ => (
                2 + share(name, 12) + moves / 300,
                30 * MEBI + share(name, 90 * MEBI) + moves * 4,
            ),
        };
        running.map(|_| usage(name, milli, memory, at)).collect()
    }

    /// What a node uses beside its pods.
    pub(super) fn system_usage(node: &str, at: Timestamp) -> Usage {
        let at = since_epoch(at);
        let (milli, memory) = SYSTEM;
        usage(
            node,
            milli + wander(node, 60_000, at) / 20,
            memory + share(node, 80 * MEBI),
            at,
        )
    }
}
