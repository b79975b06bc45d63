//! `metrics.k8s.io`, as metrics-server answers it: what containers and nodes use.

use std::collections::BTreeMap;

use axum::response::{IntoResponse as _, Response};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Cluster;
use super::failure::Failure;
use super::object::{Object, set, stamp, text};
use super::request::{Request, Target};
use super::selector::Selector;

/// The group; its version is not `v1` like everybody's.
pub(super) const GROUP: &str = "metrics.k8s.io";
pub(super) const VERSION: &str = "v1beta1";
/// How often the kubelets are asked, in seconds.
const EVERY: i64 = 15;

/// What a container or a node uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::sim) struct Usage {
    /// Billionths of a processor.
    pub(in crate::sim) nano_cpu: u64,
    /// Memory in KiB.
    pub(in crate::sim) memory_ki: u64,
}

impl std::iter::Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            nano_cpu: sum.nano_cpu + one.nano_cpu,
            memory_ki: sum.memory_ki + one.memory_ki,
        })
    }
}

impl Usage {
    fn quantities(self) -> Value {
        json!({"cpu": format!("{}n", self.nano_cpu), "memory": format!("{}Ki", self.memory_ki)})
    }
}

/// GET of the usage of pods or nodes, one or many.
pub(super) fn read<C: Cluster>(
    cluster: &C,
    request: &Request,
    target: &Target<'_>,
) -> Result<Response, Failure> {
    if request.method != Method::GET || target.sub.is_some() {
        return Err(Failure::wrong_method());
    }
    let (labels, fields) = (
        request.param("labelSelector"),
        request.param("fieldSelector"),
    );
    let selector = Selector::parse(target.kind, labels, fields)?;
    let now = cluster.now();
    let asked = now.as_second().div_euclid(EVERY) * EVERY;
    let asked = Timestamp::from_second(asked).unwrap_or(now);
    let of_nodes = !target.kind.namespaced;
    let (pods, nodes) = cluster.with(|store| {
        let all = |kind: &str| -> Vec<Object> {
            let objects = store.after(kind, target.namespace, "");
            objects.map(|(_, object)| object.clone()).collect()
        };
        (all("Pod"), all("Node"))
    });
    let ours = |object: &&Object| {
        let named = target
            .name
            .is_none_or(|name| object.field("metadata.name") == name);
        named && selector.matches(object)
    };
    let items: Vec<Value> = if of_nodes {
        let mut on: BTreeMap<String, Usage> = BTreeMap::new();
        for (pod, used) in pods.iter().zip(cluster.usage(&pods, asked)) {
            let sum = on
                .entry(pod.field("spec.nodeName").into_owned())
                .or_default();
            *sum = used.into_iter().chain([*sum]).sum();
        }
        let nodes = nodes.iter().filter(ours);
        let item = |node: &Object| {
            let name = text(node, "/metadata/name");
            let system = cluster.system_usage(name, asked);
            let sum: Usage = on.get(name).copied().into_iter().chain([system]).sum();
            let mut item = about(node, "NodeMetrics", asked);
            set(&mut item, "usage", sum.quantities());
            item
        };
        nodes.map(item).collect()
    } else {
        let pods: Vec<Object> = pods.into_iter().filter(|pod| ours(&pod)).collect();
        let used = cluster.usage(&pods, asked);
        let running = pods.iter().zip(used).filter(|(_, used)| !used.is_empty());
        running
            .map(|(pod, used)| of_pod(&pod.brief(), &used, asked))
            .collect()
    };
    match target.name {
        None => {
            let kind = format!("{}List", target.kind.name);
            let list = json!({"kind": kind, "apiVersion": target.kind.api_version(),
                "metadata": {}, "items": items});
            Ok(axum::Json(list).into_response())
        }
        Some(name) => match items.into_iter().next() {
            Some(item) => Ok(axum::Json(item).into_response()),
            None => Err(Failure::not_found(target.kind, name)),
        },
    }
}

/// What every measurement says of its object and its moment.
fn about(object: &Value, kind: &str, asked: Timestamp) -> Value {
    let mut metadata = json!({"name": text(object, "/metadata/name"),
        "creationTimestamp": stamp(asked)});
    for field in ["namespace", "labels"] {
        if let Some(value) = object.pointer(&format!("/metadata/{field}")) {
            set(&mut metadata, field, value.clone());
        }
    }
    json!({"kind": kind, "apiVersion": format!("{GROUP}/{VERSION}"), "metadata": metadata,
        "timestamp": stamp(asked), "window": format!("{EVERY}s")})
}

fn of_pod(pod: &Value, used: &[Usage], asked: Timestamp) -> Value {
    let statuses = pod.pointer("/status/containerStatuses");
    let running = (statuses.and_then(Value::as_array).into_iter().flatten())
        .filter(|status| status.pointer("/state/running").is_some());
    let containers = running
        .zip(used)
        .map(|(status, used)| json!({"name": text(status, "/name"), "usage": used.quantities()}));
    let containers: Vec<Value> = containers.collect();
    let mut item = about(pod, "PodMetrics", asked);
    set(&mut item, "containers", json!(containers));
    item
}
