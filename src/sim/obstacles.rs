//! What keeps a node from being emptied, as somebody left it there: the faults of a teardown.

use jiff::Timestamp;
use serde_json::json;

use super::autoscaler::Backoff;
use super::fault::Trouble;
use super::objects::{Pod, set, text};
use super::people::key;
use super::state::{State, Todo, later, millis};

/// The grace of `drain-timeout`'s pod, and how long the budget of `pdb-blocks` allows nothing, in
/// milliseconds.
const HOUR: u64 = 3_600_000;
/// For so long the autoscaler of `autoscaler-backoff` does nothing.
const BACKOFF: u64 = 1_800_000;
/// The budget of `pdb-blocks`, and what its pods belong to.
const BUDGET: &str = "nbgrader";

impl State {
    /// Puts what makes trouble on the first node of the user pool.
    pub(super) fn hinder(&mut self, trouble: Trouble, at: Timestamp) {
        if trouble == Trouble::AutoscalerBackoff {
            return self.back_off(at);
        }
        let pools = self.pools.values().filter(|pool| pool.purpose == "user");
        let mut nodes = pools.flat_map(|pool| pool.instances.keys().cloned());
        let Some(node) = nodes.next() else {
            return;
        };
        let (name, owner) = match trouble {
            Trouble::BarePod => ("data-copy", None),
            Trouble::PdbBlocks => ("nbgrader-0", Some(("StatefulSet", BUDGET))),
            _ => (
                "exporter-7d9c5b8f6-k2x4p",
                Some(("ReplicaSet", "exporter-7d9c5b8f6")),
            ),
        };
        self.place(name, owner, &node, at);
        let home = self.hub_home().to_owned();
        match trouble {
            Trouble::DrainTimeout => {
                self.store.edit("Pod", Some(&home), name, |pod| {
                    let grace = json!(HOUR / 1000);
                    set(pod, "/spec/terminationGracePeriodSeconds", grace);
                });
            }
            Trouble::PdbBlocks => {
                let budget = json!({
                    "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                    "metadata": {"namespace": home, "name": BUDGET, "generation": 1},
                    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": BUDGET}}},
                    "status": {},
                });
                self.store.put(budget, at);
                self.plan(later(at, HOUR), Todo::Unblock);
            }
            _ => {}
        }
    }

    /// A pod that has nothing to do with anybody's login.
    fn place(&mut self, name: &str, owner: Option<(&str, &str)>, node: &str, at: Timestamp) {
        let app = name.split('-').next().unwrap_or(name);
        let pod = Pod {
            namespace: self.layout.hubs.first().map_or("", String::as_str),
            name,
            node,
            labels: json!({ "app": app }),
            owner,
            containers: &[(app, "callysto/tools:1")],
        };
        self.store.put(pod.running(at), at);
    }

    /// The autoscaler lets the user pools be for a while.
    fn back_off(&mut self, at: Timestamp) {
        for pool in self.pools.values_mut().filter(|p| p.purpose == "user") {
            pool.backoff = Some(Backoff {
                until_ms: millis(at) + BACKOFF,
                code: "QUOTA_EXCEEDED".to_owned(),
                why: "Instance group quota exceeded".to_owned(),
                idle: true,
            });
        }
        self.publish_autoscaler(at);
        self.plan(later(at, BACKOFF), Todo::Publish);
    }

    /// The budget of `pdb-blocks` has another pod to rely on, on another node.
    pub(super) fn unblock(&mut self, at: Timestamp) {
        let core = |node: &&serde_json::Value| {
            text(node, "/metadata/labels/hub.jupyter.org~1node-purpose") == "core"
        };
        let node = self.store.list("Node").find(core);
        if let Some(node) = node.map(|node| text(node, "/metadata/name").to_owned()) {
            self.place("nbgrader-1", Some(("StatefulSet", BUDGET)), &node, at);
        }
    }

    /// Somebody who opens the hub at the wrong moment: their server is on a node just before that
    /// is cordoned.
    pub(super) fn surprise(&mut self, method: &str, path: &str, at: Timestamp) {
        let node = path.strip_prefix("/api/v1/nodes/");
        if let Some(node) = node.filter(|_| method == "PATCH")
            && self.strikes_once(Trouble::SomebodyArrives, at)
        {
            let home = self.hub_home().to_owned();
            let pod = self.enrol((&home, "latecomer"), later(at, 2 * HOUR), at);
            self.bind(&key(&home, &pod), node, at);
        }
    }
}
