//! The server, driven by the clients it is for.

mod clients;
mod kubectl;
mod sessions;
mod wire;

use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::{Request, header};
use serde_json::json;
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::*;

/// A cluster that is nothing but its store.
#[derive(Clone)]
struct Bare(Arc<Inner>);

struct Inner {
    store: Mutex<Store>,
    news: News,
    refusal: Mutex<Option<Refusal>>,
    mutations: Mutex<Vec<String>>,
    /// Whether pods that were marked are gone at once.
    kubelet: bool,
    began: Instant,
}

impl Cluster for Bare {
    fn with<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = self.0.store.lock().unwrap();
        let answer = work(&mut store);
        self.0.news.tell(store.version());
        answer
    }

    fn news(&self) -> &News {
        &self.0.news
    }

    fn now(&self) -> Timestamp {
        "2026-01-15T13:00:00Z".parse::<Timestamp>().unwrap() + self.0.began.elapsed()
    }

    fn refuse(&self, _: &str, _: &str) -> Option<Refusal> {
        self.0.refusal.lock().unwrap().take()
    }

    fn measured(&self) -> bool {
        true
    }

    fn usage(&self, pods: &[Object], _: Timestamp) -> Vec<Vec<Usage>> {
        let used = Usage {
            nano_cpu: 250_000_000,
            memory_ki: 200 << 10,
        };
        pods.iter().map(|_| vec![used]).collect()
    }

    fn system_usage(&self, _: &str, _: Timestamp) -> Usage {
        Usage {
            nano_cpu: 100_000_000,
            memory_ki: 100 << 10,
        }
    }

    fn mutated(&self, method: &str, path: &str, body: &Value) {
        let line = format!("{method} {path} {body}");
        self.0.mutations.lock().unwrap().push(line);
        if self.0.kubelet {
            self.take_away();
        }
    }
}

impl Bare {
    fn empty() -> Self {
        Self::with_kubelet(true)
    }

    fn with_kubelet(kubelet: bool) -> Self {
        Self(Arc::new(Inner {
            kubelet,
            store: Mutex::default(),
            news: News::default(),
            refusal: Mutex::default(),
            mutations: Mutex::default(),
            began: Instant::now(),
        }))
    }

    /// Two nodes, two namespaces, three pods and an event.
    fn small() -> Self {
        let cluster = Self::empty();
        for name in ["n1", "n2"] {
            cluster.put(json!({"kind": "Node", "apiVersion": "v1",
                "metadata": {"name": name, "labels": {"pool": "nb-user"}}, "spec": {},
                "status": {"conditions": [{"type": "Ready", "status": "True"}],
                    "nodeInfo": {"kubeletVersion": "v1.32.4-gke.1415000"}}}));
        }
        for name in ["prod", "staging"] {
            cluster.put(json!({"kind": "Namespace", "apiVersion": "v1",
                "metadata": {"name": name}, "status": {"phase": "Active"}}));
        }
        cluster.put(pod("prod", "hub-1", "hub", "n1"));
        cluster.put(pod("prod", "jupyter-ada", "singleuser-server", "n2"));
        cluster.put(pod("staging", "hub-2", "hub", "n1"));
        cluster.put(json!({"kind": "Event", "apiVersion": "v1",
            "metadata": {"name": "n1.1", "namespace": "default"},
            "involvedObject": {"kind": "Node", "name": "n1"}, "type": "Normal",
            "reason": "NodeReady", "message": "Node n1 status is now: NodeReady", "count": 1,
            "source": {"component": "kubelet"}, "lastTimestamp": "2026-01-15T13:00:00Z"}));
        cluster
    }

    /// What a kubelet does when graces are over.
    fn take_away(&self) {
        let now = self.now();
        self.with(|store| {
            let ending = |pod: &&Value| pod["metadata"].get("deletionTimestamp").is_some();
            let of = |pod: &Value, field: &str| pod["metadata"][field].as_str().unwrap().to_owned();
            let pods = store.list("Pod").filter(ending);
            let pods: Vec<_> = pods
                .map(|pod| (of(pod, "namespace"), of(pod, "name")))
                .collect();
            for (namespace, name) in pods {
                store.remove("Pod", Some(&namespace), &name, now);
            }
        });
    }

    fn put(&self, object: Value) {
        let now = self.now();
        self.with(|store| store.put(object, now));
    }

    fn cordon(&self, node: &str, unschedulable: bool) {
        self.with(|store| {
            store.edit("Node", None, node, |node| {
                node["spec"]["unschedulable"] = json!(unschedulable);
            })
        });
    }

    fn remove(&self, kind: &str, namespace: Option<&str>, name: &str) {
        let now = self.now();
        self.with(|store| store.remove(kind, namespace, name, now))
            .unwrap();
    }

    fn client(&self) -> kube::Client {
        let router = router(self.clone());
        let service = router.map_request(|r: Request<kube::client::Body>| r.map(Body::new));
        kube::Client::new(service, "default")
    }
}

fn pod(namespace: &str, name: &str, component: &str, node: &str) -> Value {
    json!({"kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace, "labels": {"component": component}},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "c", "ready": true, "restartCount": 0, "state": {"running": {}}}]}})
}
