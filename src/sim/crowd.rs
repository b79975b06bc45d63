//! A cluster as large as Kubernetes is meant to get: what the clients are measured against.

use serde_json::json;

use super::people::{Person, since_epoch};
use super::state::{EPOCH, State, later};

/// The namespace of the crowd.
const NAMESPACE: &str = "prod";

impl State {
    /// So many more nodes, and so many people's servers spread over them.
    pub(super) fn crowd(&mut self, nodes: usize, pods: usize) {
        let name = |node: usize| format!("gke-callysto-cluster-nb-user-c0ffee00-{node:04}");
        for node in 0..nodes {
            let node = json!({"apiVersion": "v1", "kind": "Node",
                "metadata": {"name": name(node), "labels": {
                    "cloud.google.com/gke-nodepool": "nb-user",
                    "hub.jupyter.org/node-purpose": "user"}},
                "spec": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}],
                    "nodeInfo": {"kubeletVersion": "v1.30.5-gke.1014001"}}});
            self.store.put(node, EPOCH);
        }
        for pod in 0..pods {
            let user = format!("person-{pod:06}");
            let person = Person {
                namespace: NAMESPACE.to_owned(),
                pod: format!("jupyter-{user}"),
                user,
                node: name(pod % nodes.max(1)),
                started_ms: 0,
                works_until_ms: since_epoch(later(EPOCH, 8 * 3_600_000)),
            };
            self.store.put(person.running(), EPOCH);
        }
    }
}
