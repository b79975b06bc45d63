//! A cluster as the program meets it on loopback: GKE over HTTP, Kubernetes over TLS, one state
//! behind both. Operations are done at once; nodes get ready while they are watched.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::canned::{Answer, Canned, Recorded};
use crate::program::Place;

pub(crate) const TOKEN: &str = "ya29.of-the-live-runs";
pub(crate) const POOL: &str = "/v1/projects/p/locations/l/clusters/c/nodePools/nb-user";
const OPERATIONS: &str = "/v1/projects/p/locations/l/operations/";
const IMAGE: &str = "callysto/2i2c:0.1.4";

/// What the cluster is like.
struct State {
    autoscaling: Value,
    size: usize,
    /// Whether its nodes have got ready.
    ready: bool,
    /// Which of them are cordoned, by number.
    cordoned: BTreeSet<usize>,
    sent: usize,
    /// The lock's lease; null before anybody has taken it.
    lease: Value,
    /// The debts' `ConfigMap`, likewise.
    debts: Value,
    /// What we may not do: `patch nodes`.
    forbidden: Vec<&'static str>,
    /// Pods of the hub's namespace.
    pods: Vec<Value>,
}

/// Both servers and what stands behind them.
pub(crate) struct Cluster {
    pub(crate) gke: Canned,
    pub(crate) k8s: Canned,
}

impl Cluster {
    /// A pool without nodes that is scaled from 0 to 20.
    pub(crate) async fn cold() -> Self {
        Self::where_gke(|_| None).await
    }

    /// A pool of two ready nodes that is scaled from 2 to 20.
    pub(crate) async fn warm() -> Self {
        Self::warm_where_gke(|_| None).await
    }

    /// A warm one; GKE gives this answer instead, where there is one.
    pub(crate) async fn warm_where_gke(
        instead: impl Fn(&Recorded) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        Self::open(State::new(2), instead).await
    }

    /// A warm one, whose nodes somebody has owed since then.
    pub(crate) async fn owing(since: &str) -> Self {
        let debt = json!({ "what": "2 nodes of nb-user warm", "purpose": "Spring hackathon",
            "nodes": 2, "since": since, "by": "bob@desk" });
        let mut state = State::new(2);
        state.debts = json!({
            "metadata": { "name": "runbook-debts", "resourceVersion": "3" },
            "data": { "nodes.nb-user": debt.to_string() },
        });
        Self::open(state, |_| None).await
    }

    /// A cold one whose autoscaling somebody has switched off.
    pub(crate) async fn off() -> Self {
        let mut state = State::new(0);
        state.autoscaling = json!({});
        Self::open(state, |_| None).await
    }

    /// A warm one, one of whose nodes somebody has cordoned.
    pub(crate) async fn cordoned() -> Self {
        let mut state = State::new(2);
        state.cordoned.insert(1);
        Self::open(state, |_| None).await
    }

    /// A warm one, in which we may not do these things: `patch nodes`.
    pub(crate) async fn forbidding(what: &[&'static str]) -> Self {
        let mut state = State::new(2);
        state.forbidden = what.to_vec();
        Self::open(state, |_| None).await
    }

    /// A warm one, with these pods in the hub's namespace.
    pub(crate) async fn with(pods: Vec<Value>) -> Self {
        let mut state = State::new(2);
        state.pods = pods;
        Self::open(state, |_| None).await
    }

    /// A cold one; GKE gives this answer instead, where there is one.
    pub(crate) async fn where_gke(
        instead: impl Fn(&Recorded) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        Self::open(State::new(0), instead).await
    }

    async fn open(
        state: State,
        instead: impl Fn(&Recorded) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let state = Arc::new(Mutex::new(state));
        let of_k8s = Arc::clone(&state);
        let k8s = Canned::tls(move |asked| of_k8s.lock().unwrap().k8s(asked)).await;
        let described = json!({
            "status": "RUNNING",
            "currentMasterVersion": "1.30.5-gke.1",
            "name": "c",
            "endpoint": k8s.host(),
            "masterAuth": { "clusterCaCertificate": k8s.authority() },
        });
        let gke = Canned::plain(move |asked| {
            instead(asked).unwrap_or_else(|| state.lock().unwrap().gke(asked, &described))
        })
        .await;
        Self { gke, k8s }
    }

    /// A place whose `runbook.toml` names this cluster `live`, with these further settings.
    pub(crate) fn place(&self, settings: &str) -> Place {
        let place = Place::empty();
        let endpoint = self.gke.url();
        place.configure(&format!(
            "[target.live]\nproject = \"p\"\nlocation = \"l\"\ncluster = \"c\"\n\
             watch = [\"prod\"]\nendpoint = \"{endpoint}\"\n{settings}\n"
        ));
        place
    }

    /// Everything that was asked for with another method than GET, as method, path and body.
    pub(crate) fn changes(&self) -> Vec<(String, Value)> {
        let seen = self.gke.seen().into_iter().chain(self.k8s.seen());
        // The lock and the debts change nothing of the cluster's.
        let ours = [
            "/leases",
            "/configmaps",
            "/selfsubject",
            ":testIamPermissions",
        ];
        seen.filter(|asked| asked.method != "GET")
            .filter(|asked| !ours.iter().any(|ours| asked.path.contains(ours)))
            .map(|asked| (asked.line(), asked.json()))
            .collect()
    }
}

/// The program there, with a token.
pub(crate) fn command(place: &Place, line: &str) -> Command {
    let mut command = place.command(line.split_whitespace());
    command.env("CLOUDSDK_AUTH_ACCESS_TOKEN", TOKEN);
    // Nobody is there.
    let manager = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER";
    command.env(manager, "http://127.0.0.1:1");
    command
}

/// An operation with this name.
pub(crate) fn operation(name: &str, kind: &str, status: &str) -> Answer {
    Answer::json(&json!({
        "name": name, "operationType": kind, "status": status,
        "targetLink": "https://container.googleapis.com/v1/projects/1/locations/l/clusters/c",
    }))
}

impl State {
    fn new(nodes: usize) -> Self {
        Self {
            // What is not ours has to come back as it was.
            autoscaling: json!({ "enabled": true, "minNodeCount": nodes, "maxNodeCount": 20,
                "locationPolicy": "BALANCED", "unheardOf": "kept" }),
            size: nodes,
            ready: nodes > 0,
            cordoned: BTreeSet::new(),
            sent: 0,
            lease: Value::Null,
            debts: Value::Null,
            forbidden: Vec::new(),
            pods: Vec::new(),
        }
    }

    /// The lock, or the debts, as a real API server keeps them.
    fn keep(kept: &mut Value, asked: &Recorded) -> Answer {
        let version = |of: &Value| {
            let version = of["metadata"]["resourceVersion"].as_str();
            version.unwrap_or("0").to_owned()
        };
        let now = version(kept);
        let sent = match asked.method.as_str() {
            "GET" if kept.is_null() => return Answer::kubernetes(404, "NotFound", "not found"),
            "GET" => return Answer::json(kept),
            _ => asked.json(),
        };
        if version(&sent) != now {
            let message = "the object has been modified; please apply your changes to the latest version and try again";
            return Answer::kubernetes(409, "Conflict", message);
        }
        if asked.method == "PATCH" {
            for (key, value) in sent["data"].as_object().unwrap() {
                kept["data"][key] = value.clone();
            }
            let data = kept["data"].as_object_mut().unwrap();
            data.retain(|_, value| !value.is_null());
        } else {
            *kept = sent;
        }
        let next = now.parse::<u64>().unwrap() + 1;
        kept["metadata"]["resourceVersion"] = next.to_string().into();
        Answer::json(kept)
    }

    fn gke(&mut self, asked: &Recorded, described: &Value) -> Answer {
        let line = asked.line();
        let kind = match line.strip_prefix("POST ").map(|path| path.rsplit_once(':')) {
            Some(Some((POOL, "setAutoscaling"))) => {
                self.autoscaling = asked.json()["autoscaling"].take();
                "UPDATE_CLUSTER"
            }
            Some(Some((POOL, "setSize"))) => {
                self.size = usize::try_from(asked.json()["nodeCount"].as_u64().unwrap()).unwrap();
                "SET_NODE_POOL_SIZE"
            }
            _ => return self.described(&line, described),
        };
        self.sent += 1;
        operation(&format!("operation-{}", self.sent), kind, "RUNNING")
    }

    fn described(&self, line: &str, described: &Value) -> Answer {
        let path = line.strip_prefix("GET ").unwrap_or(line);
        if let Some(name) = path.strip_prefix(OPERATIONS) {
            return operation(name, "UNKNOWN", "DONE");
        }
        let group = "https://www.googleapis.com/compute/v1/projects/p/zones/l-a/instanceGroupManagers/gke-c-nb-user-0a1b2c3d-grp";
        let pool = json!({ "name": "nb-user", "autoscaling": self.autoscaling,
            "locations": ["l-a"], "status": "RUNNING", "instanceGroupUrls": [group],
            "config": { "machineType": "n1-highmem-8",
                "labels": { "hub.jupyter.org/node-purpose": "user" } } });
        if path == POOL {
            return Answer::json(&pool);
        }
        if path == OPERATIONS.trim_end_matches('/') {
            return Answer::json(&json!({}));
        }
        if POOL.starts_with(path) {
            let mut whole = described.clone();
            whole["nodePools"] = json!([pool]);
            return Answer::json(&whole);
        }
        Answer::google(404, "NOT_FOUND", &format!("no {line}"))
    }

    fn k8s(&mut self, asked: &Recorded) -> Answer {
        let line = asked.line();
        if line.contains("/apis/coordination.k8s.io/v1/namespaces/default/leases") {
            return Self::keep(&mut self.lease, asked);
        }
        if line.contains("/api/v1/namespaces/default/configmaps") {
            return Self::keep(&mut self.debts, asked);
        }
        if let Some((_, number)) = line.split_once("/api/v1/nodes/gke-c-nb-user-") {
            let number = number.parse().unwrap();
            if asked.method == "PATCH" {
                match asked.json()["spec"]["unschedulable"].as_bool() {
                    Some(true) => self.cordoned.insert(number),
                    _ => self.cordoned.remove(&number),
                };
            }
            return Answer::json(&self.node(number));
        }
        if line.ends_with("/selfsubjectaccessreviews") {
            let mut review = asked.json();
            let asked = &review["spec"]["resourceAttributes"];
            let of = |key: &str| asked[key].as_str().unwrap_or_default();
            let asked = format!("{} {}", of("verb"), of("resource"));
            let allowed = !self.forbidden.contains(&asked.as_str());
            review["status"] = json!({ "allowed": allowed });
            return Answer::json(&review);
        }
        let watched = asked.path.contains("watch=true");
        let (kind, items) = match line.as_str() {
            "GET /api/v1/nodes" => ("Node", self.nodes()),
            "GET /api/v1/events" => ("Event", Vec::new()),
            "GET /api/v1/pods" => {
                let pods = self.each(pulling).into_iter().chain(self.pods.clone());
                ("Pod", pods.collect())
            }
            "GET /api/v1/namespaces"
            | "GET /api/v1/services"
            | "GET /apis/policy/v1/poddisruptionbudgets" => ("Namespace", Vec::new()),
            "GET /apis/apps/v1/daemonsets" | "GET /apis/apps/v1/namespaces/prod/daemonsets" => {
                ("DaemonSet", vec![puller()])
            }
            "GET /api/v1/namespaces/prod/pods" if asked.path.contains("puller") => {
                ("Pod", self.each(pulling))
            }
            "GET /api/v1/namespaces/prod/pods" => ("Pod", self.pods.clone()),
            _ => return Answer::kubernetes(404, "NotFound", &format!("no {line}")),
        };
        if !watched {
            return Answer::json(&json!({ "kind": format!("{kind}List"), "apiVersion": "v1",
                "metadata": { "resourceVersion": "7" }, "items": items }));
        }
        if kind != "Node" || self.ready {
            return Answer::watch(&[]);
        }
        self.ready = true;
        let news: Vec<Value> = self
            .nodes()
            .into_iter()
            .map(|node| json!({ "type": "MODIFIED", "object": node }))
            .collect();
        Answer::watch(&news)
    }

    fn nodes(&self) -> Vec<Value> {
        (1..=self.size).map(|number| self.node(number)).collect()
    }

    fn node(&self, number: usize) -> Value {
        let mut node = node(number, self.ready);
        if self.cordoned.contains(&number) {
            node["spec"]["unschedulable"] = true.into();
        }
        node
    }

    fn each(&self, made: fn(usize, bool) -> Value) -> Vec<Value> {
        (1..=self.size)
            .map(|number| made(number, self.ready))
            .collect()
    }
}

fn node(number: usize, ready: bool) -> Value {
    let status = if ready { "True" } else { "False" };
    json!({
        "kind": "Node", "apiVersion": "v1",
        "metadata": { "name": format!("gke-c-nb-user-{number}"), "resourceVersion": "7",
            "labels": { "cloud.google.com/gke-nodepool": "nb-user",
                "topology.kubernetes.io/zone": "l-a" } },
        "spec": {},
        "status": { "conditions": [{ "type": "Ready", "status": status,
            "reason": "KubeletNotReady", "message": "starting" }] },
    })
}

fn pulling(number: usize, _: bool) -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": { "name": format!("continuous-image-puller-{number}"), "namespace": "prod",
            "resourceVersion": "7", "labels": { "component": "continuous-image-puller" } },
        "spec": { "nodeName": format!("gke-c-nb-user-{number}"), "initContainers": [
            { "name": "image-pull-singleuser", "image": IMAGE }] },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }],
            "initContainerStatuses": [{ "name": "image-pull-singleuser", "image": IMAGE,
                "state": { "terminated": { "exitCode": 0 } } }] },
    })
}

fn puller() -> Value {
    json!({
        "kind": "DaemonSet", "apiVersion": "apps/v1",
        "metadata": { "name": "continuous-image-puller", "namespace": "prod",
            "labels": { "component": "continuous-image-puller" } },
        "spec": { "template": { "metadata": { "labels": { "component": "continuous-image-puller" } },
            "spec": { "initContainers": [
            { "name": "image-pull-singleuser", "image": IMAGE }] } } },
    })
}
