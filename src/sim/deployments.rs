//! What stands beside people's servers: the hubs' own deployments and services, and the cluster's.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault::Trouble;
use super::objects::{Pod, set, stamp, text};
use super::state::{State, Todo, later};

/// Namespaces without a hub.
pub(super) const OTHERS: [&str; 4] = ["support", "cert-manager", "kube-system", "default"];

/// Their deployments, and the image of each.
const DEPLOYMENTS: [(&str, &[&str], &str); 3] = [
    (
        "support",
        &[
            "support-grafana",
            "support-prometheus-server",
            "support-ingress-nginx-controller",
        ],
        "support:1",
    ),
    (
        "cert-manager",
        &[
            "cert-manager",
            "cert-manager-cainjector",
            "cert-manager-webhook",
        ],
        "quay.io/jetstack/cert-manager:v1.15.3",
    ),
    (
        "kube-system",
        &["kube-dns", "metrics-server"],
        "gke.gcr.io/system:1",
    ),
];

/// Deployments of a hub.
const HUB: [(&str, &str); 4] = [
    ("hub", "quay.io/jupyterhub/k8s-hub:4.1.0"),
    ("proxy", "quay.io/jupyterhub/configurable-http-proxy:4.6.3"),
    (
        "home-metrics",
        "quay.io/yuvipanda/prometheus-dirsize-exporter:v3.3",
    ),
    (
        "shared-volume-metrics",
        "quay.io/yuvipanda/prometheus-dirsize-exporter:v3.3",
    ),
];

/// A service: name, the deployment behind it, its ports by name, whether it has an address outside.
type Service = (
    &'static str,
    &'static str,
    &'static [(&'static str, u16)],
    bool,
);

const HUB_SERVICES: [Service; 4] = [
    ("hub", "hub", &[("hub", 8081)], false),
    ("proxy-api", "proxy", &[("proxy-api", 8001)], false),
    (
        "proxy-public",
        "proxy",
        &[("http", 80), ("https", 443)],
        true,
    ),
    ("home-metrics", "home-metrics", &[("metrics", 8000)], false),
];

const SYSTEM_SERVICES: [Service; 2] = [
    ("kube-dns", "kube-dns", &[("dns-tcp", 53)], false),
    ("metrics-server", "metrics-server", &[("https", 443)], false),
];

/// Deployments of a hub that have a disruption budget, as z2jh's `hub.pdb` and `proxy.chp.pdb` make
/// them: with one pod they allow no eviction.
const BUDGETS: [&str; 2] = ["hub", "proxy"];

/// How long a lost pod of a deployment takes to be there again, in milliseconds.
const AGAIN: (u64, u64) = (8_000, 20_000);
/// How long a hub lives that cannot start, in milliseconds.
const LIVES: (u64, u64) = (2_000, 6_000);
/// The kubelet waits twice as long each time, in seconds, up to the most.
const BACK_OFF: (u64, u64) = (10, 300);

/// The labels of a deployment's pods.
fn labels(namespace: &str, name: &str) -> Value {
    if OTHERS.contains(&namespace) {
        json!({"app": name})
    } else {
        json!({"app": "jupyterhub", "component": name, "release": namespace})
    }
}

fn deployment(namespace: &str, name: &str, image: &str) -> Value {
    let labels = labels(namespace, name);
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": name, "labels": labels, "generation": 1},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": name, "image": image}]}}},
        "status": {}})
}

fn budget(namespace: &str, name: &str) -> Value {
    let labels = labels(namespace, name);
    json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"namespace": namespace, "name": name, "labels": labels, "generation": 1},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}}, "status": {}})
}

fn service(namespace: &str, number: u8, service: Service) -> Value {
    let (name, behind, ports, public) = service;
    // Each namespace its own addresses and ports.
    let home = u8::try_from(namespace.len()).unwrap_or(0);
    let ports = ports.iter().zip(0_u16..).map(|((name, port), i)| {
        let mut port = json!({"name": name, "port": port, "targetPort": name, "protocol": "TCP"});
        if public {
            let outer = 30_000 + u16::from(home) * 100 + u16::from(number) * 10 + i;
            set(&mut port, "/nodePort", json!(outer));
        }
        port
    });
    let mut service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": namespace, "name": name, "labels": labels(namespace, behind)},
        "spec": {"type": "ClusterIP", "clusterIP": format!("10.32.{home}.{}", 10 + number),
            "selector": labels(namespace, behind), "ports": ports.collect::<Vec<_>>(),
            "sessionAffinity": "None"},
        "status": {"loadBalancer": {}}});
    if public {
        // An address that documentation may use (RFC 5737).
        let outside = json!([{"ip": format!("203.0.113.{}", 10 + home), "ipMode": "VIP"}]);
        set(&mut service, "/spec/type", json!("LoadBalancer"));
        set(&mut service, "/status/loadBalancer/ingress", outside);
    }
    service
}

impl State {
    /// Everything that runs on the core node since `at`.
    pub(super) fn add_deployments(&mut self, node: &str, at: Timestamp) {
        let namespaces = self.layout.hubs.clone();
        let hubs = (namespaces.iter())
            .flat_map(|hub| HUB.map(|(name, image)| (hub.as_str(), name, image)));
        let others = (DEPLOYMENTS.iter())
            .flat_map(|(namespace, names, image)| names.iter().map(|n| (*namespace, *n, *image)));
        for (namespace, name, image) in hubs.chain(others) {
            self.store.put(deployment(namespace, name, image), at);
            self.deploy(node, (namespace, name, image), at);
        }
        self.count_deployments();
        for namespace in &namespaces {
            for (one, number) in HUB_SERVICES.into_iter().zip(0..) {
                self.store.put(service(namespace, number, one), at);
            }
            for name in BUDGETS {
                self.store.put(budget(namespace, name), at);
            }
        }
        for (one, number) in SYSTEM_SERVICES.into_iter().zip(0..) {
            self.store.put(service("kube-system", number, one), at);
        }
        self.restarted_once(at);
    }

    /// One pod of a deployment, running since `at`; says its name.
    fn deploy(
        &mut self,
        node: &str,
        (namespace, name, image): (&str, &str, &str),
        at: Timestamp,
    ) -> String {
        let set_ = format!("{name}-{}", self.chance.hex(10));
        let pod = format!("{set_}-{}", self.chance.suffix(5));
        let object = Pod {
            namespace,
            name: &pod,
            node,
            labels: labels(namespace, name),
            owner: Some(("ReplicaSet", &set_)),
            containers: &[(name, image)],
        };
        self.store.put(object.running(at), at);
        pod
    }

    /// The home directories grew too large for what measures them, and it was started again.
    fn restarted_once(&mut self, at: Timestamp) {
        let Some(pod) = self.pod_of("prod", "home-metrics") else {
            return;
        };
        let died = later(at, 17 * 24 * 3_600_000);
        let last = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled",
            "startedAt": stamp(at), "finishedAt": stamp(died)}});
        self.store.edit("Pod", Some("prod"), &pod, |pod| {
            set(pod, "/status/containerStatuses/0/restartCount", json!(3));
            set(pod, "/status/containerStatuses/0/lastState", last);
            let running = json!({"running": {"startedAt": stamp(died)}});
            set(pod, "/status/containerStatuses/0/state", running);
        });
    }

    /// The pod of a deployment.
    fn pod_of(&self, namespace: &str, name: &str) -> Option<String> {
        let labels = labels(namespace, name);
        let mut pods = (self.store.list("Pod"))
            .filter(|pod| text(pod, "/metadata/namespace") == namespace)
            .filter(|pod| pod.pointer("/metadata/labels") == Some(&labels))
            .filter(|pod| text(pod, "/metadata/deletionTimestamp").is_empty());
        pods.next()
            .map(|pod| text(pod, "/metadata/name").to_owned())
    }

    /// Brings the deployments' own counts up to date; says which of them lack their pod.
    fn count_deployments(&mut self) -> Vec<(String, String)> {
        let all: Vec<(String, String)> = (self.store.list("Deployment"))
            .map(|one| {
                let of = |pointer| text(one, pointer).to_owned();
                (of("/metadata/namespace"), of("/metadata/name"))
            })
            .collect();
        let mut without = Vec::new();
        for (namespace, name) in all {
            let pod = self.pod_of(&namespace, &name);
            let ready = (pod.as_deref())
                .and_then(|pod| self.store.get("Pod", Some(&namespace), pod))
                .is_some_and(|pod| {
                    pod.pointer("/status/containerStatuses/0/ready") == Some(&json!(true))
                });
            let ready = u8::from(ready);
            self.store.edit("Deployment", Some(&namespace), &name, |one| {
                let status = json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1,
                    "readyReplicas": ready, "availableReplicas": ready,
                    "unavailableReplicas": 1 - ready});
                set(one, "/status", status);
            });
            if pod.is_none() {
                without.push((namespace, name));
            }
        }
        without
    }

    /// A pod went away: a deployment makes another one.
    pub(super) fn mind_deployments(&mut self, at: Timestamp) {
        for (namespace, name) in self.count_deployments() {
            let lost = namespace == "prod" && name == "hub";
            let again = Todo::Redeploy { namespace, name };
            let planned = self.agenda.values().flatten().any(|todo| *todo == again);
            if !(planned || lost && self.strikes(Trouble::HubPodMissing, at)) {
                let then = self.soon(at, AGAIN);
                self.plan(then, again);
            }
        }
    }

    /// A deployment's pod is there again, on a core node; without one it waits.
    pub(super) fn redeploy(&mut self, namespace: String, name: String, at: Timestamp) {
        let Some(one) = self.store.get("Deployment", Some(&namespace), &name) else {
            return;
        };
        let image = text(one, "/spec/template/spec/containers/0/image").to_owned();
        let core = |node: &&Value| {
            text(node, "/metadata/labels/hub.jupyter.org~1node-purpose") == "core"
                && node.pointer("/spec/unschedulable") != Some(&json!(true))
        };
        let node = self.store.list("Node").find(core);
        let Some(node) = node.map(|node| text(node, "/metadata/name").to_owned()) else {
            let then = self.soon(at, AGAIN);
            return self.plan(then, Todo::Redeploy { namespace, name });
        };
        let pod = self.deploy(&node, (&namespace, &name, &image), at);
        let message = format!("Successfully assigned {namespace}/{pod} to {node}");
        let what = ("Normal", "Scheduled", "default-scheduler");
        self.event(("Pod", Some(&namespace), &pod), what, &message, at);
        self.count_deployments();
    }

    /// The hub's pod is gone, and its `ReplicaSet` may not make another.
    pub(super) fn lose_hub(&mut self, at: Timestamp) {
        let Some(pod) = self.pod_of("prod", "hub") else {
            return;
        };
        self.store.remove("Pod", Some("prod"), &pod, at);
        let set_ = pod.rsplit_once('-').map_or("", |(set_, _)| set_);
        let message = format!(
            "Error creating: pods \"{set_}-\" is forbidden: exceeded quota: gke-resource-quotas, \
             requested: pods=1, used: pods=1500, limited: pods=1500"
        );
        let what = ("Warning", "FailedCreate", "replicaset-controller");
        self.event(("ReplicaSet", Some("prod"), set_), what, &message, at);
    }

    /// The hub ends as soon as it has started, again and again.
    pub(super) fn crash(&mut self, restarts: u32, at: Timestamp) {
        let Some(pod) = self.pod_of("prod", "hub") else {
            return;
        };
        let (first, most) = BACK_OFF;
        let pause = (first << restarts.min(8)).min(most);
        let uid = (self.store.get("Pod", Some("prod"), &pod))
            .map(|pod| text(pod, "/metadata/uid").to_owned())
            .unwrap_or_default();
        let why =
            format!("back-off {pause}s restarting failed container=hub pod={pod}_prod({uid})");
        let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": why}});
        let last = json!({"terminated": {"exitCode": 1, "reason": "Error",
            "startedAt": stamp(at), "finishedAt": stamp(at)}});
        self.store.edit("Pod", Some("prod"), &pod, |pod| {
            let status = "/status/containerStatuses/0";
            set(pod, &format!("{status}/state"), waiting);
            set(pod, &format!("{status}/lastState"), last);
            set(pod, &format!("{status}/restartCount"), json!(restarts));
            for field in ["ready", "started"] {
                set(pod, &format!("{status}/{field}"), json!(false));
            }
            for i in [2, 3] {
                let condition = format!("/status/conditions/{i}");
                set(pod, &format!("{condition}/status"), json!("False"));
                set(
                    pod,
                    &format!("{condition}/reason"),
                    json!("ContainersNotReady"),
                );
            }
        });
        let message = format!("Back-off restarting failed container hub in pod {pod}_prod({uid})");
        let what = ("Warning", "BackOff", "kubelet");
        self.event(("Pod", Some("prod"), &pod), what, &message, at);
        self.count_deployments();
        let lives = self.chance.between(LIVES);
        let restarts = restarts + 1;
        self.plan(later(at, pause * 1000 + lives), Todo::Crash { restarts });
    }
}
