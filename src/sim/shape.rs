//! What the machines of a copied pool are like: as its own nodes are, else as GKE describes them.

use google_cloud_container_v1::model::{self, node_taint};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::objects::set;

/// A pool and one of its nodes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Shape {
    /// The pool as GKE tells it.
    pub(super) pool: model::NodePool,
    /// A node of it as Kubernetes tells it; none when there was none.
    pub(super) node: Option<Value>,
}

impl Shape {
    fn config(&self) -> model::NodeConfig {
        self.pool.config.clone().unwrap_or_default()
    }

    /// The taints its nodes have from the beginning.
    pub(super) fn taints(&self) -> Vec<Value> {
        let effect = |effect: &node_taint::Effect| match effect {
            node_taint::Effect::NoExecute => "NoExecute",
            node_taint::Effect::PreferNoSchedule => "PreferNoSchedule",
            _ => "NoSchedule",
        };
        let taints = self.config().taints.into_iter();
        taints
            .map(|taint| {
                json!({"key": taint.key, "value": taint.value, "effect": effect(&taint.effect)})
            })
            .collect()
    }

    /// Gives a new node the labels and the room of its pool.
    pub(super) fn dress(&self, node: &mut Value, name: &str, zone: &str) {
        let labels = |of: &Value| {
            of.pointer("/metadata/labels")
                .and_then(Value::as_object)
                .cloned()
        };
        let mut all = labels(node).unwrap_or_default();
        if let Some(like) = &self.node {
            all = labels(like).unwrap_or_default();
            for key in ["capacity", "allocatable", "nodeInfo"] {
                if let Some(value) = like.pointer(&format!("/status/{key}")) {
                    set(node, &format!("/status/{key}"), value.clone());
                }
            }
        } else {
            all.remove("hub.jupyter.org/node-purpose");
            let config = self.config();
            let machine = [
                "beta.kubernetes.io/instance-type",
                "node.kubernetes.io/instance-type",
            ];
            let machine = machine.map(|key| (key.to_owned(), config.machine_type.clone()));
            let own = config.labels.into_iter().chain(machine);
            all.extend(own.map(|(key, value)| (key, value.into())));
        }
        let here: Map<String, Value> = [
            ("kubernetes.io/hostname", name),
            ("failure-domain.beta.kubernetes.io/zone", zone),
            ("topology.kubernetes.io/zone", zone),
        ]
        .map(|(key, value)| (key.to_owned(), value.into()))
        .into_iter()
        .collect();
        all.extend(here);
        set(node, "/metadata/labels", Value::Object(all));
    }
}
