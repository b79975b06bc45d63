//! How a practice world stands when it begins.

use google_cloud_container_v1::model::NodePoolAutoscaling;
use google_cloud_container_v1::model::node_pool_autoscaling::LocationPolicy;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chance::Chance;
use super::configurator::{Configurator, Generation};
use super::deployments::OTHERS;
use super::fault::{Fault, Trouble, When};
use super::nodes::SYSTEM;
use super::objects::{NOTEBOOK, set};
use super::people::{CULL_EVERY, Person, key, since_epoch};
use super::pools::{Pool, Stage};
use super::pullers::PULLER;
use super::state::{Pulling, State, Todo, later};
use super::{Error, Setup, leases};
use crate::names;

/// Every scenario: its name, and what it looks like.
pub const SCENARIOS: &[(&str, &str)] = &[
    (
        "quiet",
        "nobody is there: nb-user has no nodes, autoscaling 0 to 20",
    ),
    (
        "warm",
        "two nodes are ready and hold the image, autoscaling 2 to 20",
    ),
    (
        "autoscaling-off",
        "somebody switched autoscaling off and left; no nodes",
    ),
    (
        "users",
        "one node with twelve people working on it, autoscaling 0 to 20",
    ),
    (
        "cordoned",
        "two nodes hold the image, one of them is cordoned, autoscaling 2 to 20",
    ),
    (
        "three-zones",
        "nb-user spans three zones, 0 to 7 nodes in each; no nodes",
    ),
    (
        "class-in-session",
        "two nodes, forty people, thirty of them in a class that ends in 40 minutes; others come and go",
    ),
    (
        "configurator-main",
        "two nodes are ready as in `warm`; the hub's configurator is of the newer kind",
    ),
    (
        "hackathon-300",
        "nobody is there yet: 300 people come from nine o'clock on, in an hour; autoscaling 0 to 20",
    ),
];

/// The scenarios, by the names in [`SCENARIOS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Scenario {
    Quiet,
    Warm,
    AutoscalingOff,
    Users,
    Cordoned,
    ThreeZones,
    ClassInSession,
    ConfiguratorMain,
    #[serde(rename = "hackathon-300")]
    Hackathon,
}

/// How long people work who have the day before them, in milliseconds.
const WORKDAY: u64 = 8 * 3_600_000;

/// A world at its beginning.
pub(super) fn build(setup: &Setup) -> Result<State, Error> {
    let scenario: Scenario =
        serde_json::from_value(setup.scenario.as_str().into()).map_err(|_| {
            Error::UnknownScenario {
                name: setup.scenario.clone(),
                nearest: names::nearest(&setup.scenario, SCENARIOS.iter().map(|(name, _)| *name)),
            }
        })?;
    let mut state = State::empty(Chance::new(setup.seed), setup.begins);
    state.furnish(scenario);
    // Everything so far is the past.
    state.agenda.clear();
    match scenario {
        Scenario::ClassInSession => state.class(),
        Scenario::Hackathon => state.hackathon(),
        Scenario::ConfiguratorMain => state.hub.configurator.generation = Generation::Schema,
        _ => {}
    }
    if !state.people.is_empty() {
        state.plan(later(state.began, CULL_EVERY), Todo::Cull);
    }
    plan_faults(&mut state, &setup.faults);
    state.mind_pods(setup.begins);
    state.advance(setup.begins);
    Ok(state)
}

/// Lets these things go wrong.
pub(super) fn plan_faults(state: &mut State, faults: &[Fault]) {
    state.faults.extend_from_slice(faults);
    for fault in faults {
        let begins = match fault.trouble {
            Trouble::Busy => Some(Todo::HoldCluster),
            Trouble::Killed => Some(Todo::Die),
            Trouble::LaptopAsleep => Some(Todo::Sleep),
            trouble @ (Trouble::BarePod
            | Trouble::PdbBlocks
            | Trouble::DrainTimeout
            | Trouble::AutoscalerBackoff) => Some(Todo::Hinder { trouble }),
            Trouble::ConfigDoubleEncoded => {
                state.hub.configurator = Configurator::double_encoded();
                None
            }
            Trouble::HubPodMissing => Some(Todo::LoseHub),
            Trouble::CrashLoop => Some(Todo::Crash { restarts: 0 }),
            trouble => leases::begins(trouble),
        };
        if let (Some(todo), When::After(after)) = (begins, fault.when) {
            let at = later(state.began, u64::try_from(after).unwrap_or(0));
            state.plan(at, todo);
        }
    }
}

impl State {
    /// So long before it began.
    pub(super) fn ago(&self, time: SignedDuration) -> Timestamp {
        self.began.saturating_sub(time).unwrap_or(self.began)
    }

    fn furnish(&mut self, scenario: Scenario) {
        let past = self.ago(SignedDuration::from_hours(19 * 24));
        self.add_pool("nb-core", "core", &["b"], limits((true, 1, 3)));
        let zones: &[&str] = match scenario {
            Scenario::ThreeZones => &["a", "b", "c"],
            _ => &["b"],
        };
        let autoscaling = match scenario {
            Scenario::Quiet | Scenario::Users | Scenario::ClassInSession | Scenario::Hackathon => {
                limits((true, 0, 20))
            }
            Scenario::Warm | Scenario::ConfiguratorMain | Scenario::Cordoned => {
                limits((true, 2, 20))
            }
            Scenario::AutoscalingOff => NodePoolAutoscaling::new(),
            Scenario::ThreeZones => limits((true, 0, 7)),
        };
        self.add_pool("nb-user", "user", zones, autoscaling);
        self.add_namespaces(past);
        let core = self.add_node("nb-core", past);
        self.add_deployments(&core, past);
        let recently = self.ago(SignedDuration::from_mins(130));
        match scenario {
            Scenario::Quiet
            | Scenario::AutoscalingOff
            | Scenario::ThreeZones
            | Scenario::Hackathon => {}
            Scenario::Warm | Scenario::ConfiguratorMain | Scenario::ClassInSession => {
                self.add_node("nb-user", recently);
                self.add_node("nb-user", recently);
            }
            Scenario::Users => {
                let node = self.add_node("nb-user", recently);
                for i in 0..12 {
                    // Two of them went away a while ago and left their servers running.
                    let until = match i {
                        3 => self.ago(SignedDuration::from_mins(25)),
                        8 => self.ago(SignedDuration::from_mins(12)),
                        _ => later(self.began, WORKDAY),
                    };
                    self.add_person(("prod", &node), until, later(recently, i * 360_000));
                }
            }
            Scenario::Cordoned => {
                self.add_node("nb-user", recently);
                let node = self.add_node("nb-user", recently);
                (self.store).edit("Node", None, &node, |node| {
                    set(node, "/spec/unschedulable", json!(true));
                });
                self.sync_cordon(&node, recently);
            }
        }
        self.publish_autoscaler(self.began);
    }

    fn add_pool(
        &mut self,
        name: &str,
        purpose: &str,
        zones: &[&str],
        autoscaling: NodePoolAutoscaling,
    ) {
        let mut groups = std::collections::BTreeMap::new();
        for zone in zones {
            let of = &self.layout.cluster;
            let zone = format!("{}-{zone}", of.location);
            let address = format!(
                "https://www.googleapis.com/compute/v1/projects/{}/zones/{zone}/instanceGroups/\
                 gke-{}-{name}-{}-grp",
                of.project,
                of.cluster,
                self.chance.hex(8)
            );
            groups.insert(zone, address);
        }
        let pool = Pool {
            name: name.to_owned(),
            purpose: purpose.to_owned(),
            groups,
            autoscaling,
            instances: std::collections::BTreeMap::new(),
            condition: None,
            backoff: None,
            shape: None,
        };
        self.pools.insert(name.to_owned(), pool);
    }

    /// A node that has been there since `at`, its images pulled.
    fn add_node(&mut self, pool: &str, at: Timestamp) -> String {
        let zones = self.pools.get(pool).map(Pool::zones).unwrap_or_default();
        let node = self.create(
            pool,
            zones.first().map_or("", String::as_str),
            Stage::Booting,
        );
        self.register(&node, at);
        self.connect(&node, at);
        self.make_ready(&node, at);
        self.pull(&node, Pulling::Done { took_ms: 0 }, at);
        node
    }

    fn add_namespaces(&mut self, at: Timestamp) {
        for namespace in self
            .layout
            .hubs
            .clone()
            .iter()
            .map(String::as_str)
            .chain(OTHERS)
        {
            let object = json!({"apiVersion": "v1", "kind": "Namespace",
                "metadata": {"name": namespace, "labels": {"kubernetes.io/metadata.name": namespace}},
                "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
            self.store.put(object, at);
        }
        let pullers = json!({"nodeSelector": {"hub.jupyter.org/node-purpose": "user"},
            "initContainers": [
                {"name": "image-pull-metadata-block", "image": super::objects::TOOLS},
                {"name": "image-pull-singleuser", "image": NOTEBOOK}],
            "containers": [{"name": "pause", "image": "registry.k8s.io/pause:3.10"}]});
        for namespace in &self.layout.hubs.clone() {
            let labels = json!({"app": "jupyterhub", "component": PULLER, "release": namespace});
            self.store
                .put(daemon((namespace.as_str(), PULLER), &labels, &pullers), at);
        }
        for (name, image) in SYSTEM {
            let spec = json!({"containers": [{"name": name, "image": image}]});
            let daemon = daemon(("kube-system", name), &json!({"k8s-app": name}), &spec);
            self.store.put(daemon, at);
        }
        self.count_daemons();
    }

    /// Somebody whose server has run since `at`, at work until `until`; who it is nobody can tell.
    /// Says the name of their pod.
    pub(super) fn add_person(
        &mut self,
        (namespace, node): (&str, &str),
        until: Timestamp,
        at: Timestamp,
    ) -> String {
        let user = self.chance.hex(16);
        let person = Person {
            namespace: namespace.to_owned(),
            pod: format!("jupyter-{user}"),
            user,
            image: self.layout.notebook.clone(),
            node: node.to_owned(),
            started_ms: since_epoch(at),
            works_until_ms: since_epoch(until),
            heard_ms: None,
        };
        self.store.put(person.running(), at);
        let pod = person.pod.clone();
        self.people.insert(key(namespace, &pod), person);
        pod
    }
}

fn daemon((namespace, name): (&str, &str), labels: &Value, spec: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"namespace": namespace, "name": name, "labels": labels, "generation": 1},
        "spec": {"selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec}},
        "status": {}})
}

fn limits((enabled, min, max): (bool, i32, i32)) -> NodePoolAutoscaling {
    NodePoolAutoscaling::new()
        .set_enabled(enabled)
        .set_min_node_count(min)
        .set_max_node_count(max)
        .set_location_policy(LocationPolicy::Balanced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_scenario_stands_and_only_people_change_it() {
        for (name, _) in SCENARIOS {
            let setup = Setup {
                scenario: (*name).to_owned(),
                ..Setup::default()
            };
            let state = build(&setup).unwrap();
            let people = ["users", "class-in-session", "hackathon-300"].contains(name);
            assert_eq!(state.due().is_some(), people, "{name}");
            assert!(state.store.list("Pod").count() > 10, "{name}");
        }
    }
}
