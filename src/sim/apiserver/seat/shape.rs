//! The parts of a server's pod that all of them share, with holes for what is their own.

use std::io::Write as _;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::super::object::set;
use super::owned::fields;
use super::{LABELS, Seat};

/// What every seat is written with.
pub(super) struct Shapes {
    pub(super) metadata: Shape,
    /// Spec and status, as they follow the metadata.
    pub(super) running: Shape,
    pub(super) pending: Shape,
}

pub(super) static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let (spec, running, pending) = (spec(), status(true), status(false));
    let rest = |status: &Value| Shape::cut(&format!(",\"spec\":{spec},\"status\":{status}"));
    Shapes {
        metadata: Shape::cut(&metadata(&spec, &running).to_string()),
        running: rest(&running),
        pending: rest(&pending),
    }
});

/// Text with holes: each piece is followed by the hole of that name, the last by none.
pub(super) struct Shape(Vec<(String, Hole)>);

#[derive(Clone, Copy)]
enum Hole {
    None,
    Namespace,
    Name,
    User,
    Node,
    Uid,
    Version,
    Created,
    Ip,
    Restarts,
}

impl Shape {
    /// Cuts a text at its marks: `@name@`.
    fn cut(text: &str) -> Self {
        // A number has no quotes.
        let text = text.replace("\"@restarts@\"", "@restarts@");
        let mut parts = text.split('@');
        let mut pieces = Vec::new();
        while let Some(piece) = parts.next() {
            let hole = match parts.next() {
                Some("namespace") => Hole::Namespace,
                Some("name") => Hole::Name,
                Some("user") => Hole::User,
                Some("node") => Hole::Node,
                Some("uid") => Hole::Uid,
                Some("version") => Hole::Version,
                Some("created") => Hole::Created,
                Some("ip") => Hole::Ip,
                Some("restarts") => Hole::Restarts,
                _ => Hole::None,
            };
            pieces.push((piece.to_owned(), hole));
        }
        Self(pieces)
    }

    pub(super) fn write(&self, seat: &Seat, out: &mut Vec<u8>) {
        let (user, created) = (seat.user(), seat.created());
        for (piece, hole) in &self.0 {
            out.extend_from_slice(piece.as_bytes());
            // Writing into memory cannot fail.
            match hole {
                Hole::None => {}
                Hole::Namespace => out.extend_from_slice(seat.namespace.as_bytes()),
                Hole::Name => write!(out, "jupyter-{user}").unwrap_or_default(),
                Hole::User => out.extend_from_slice(user.as_bytes()),
                Hole::Node => out.extend_from_slice(seat.node.as_bytes()),
                Hole::Uid => out.extend_from_slice(seat.uid().as_bytes()),
                Hole::Version => write!(out, "{}", seat.version).unwrap_or_default(),
                Hole::Created => out.extend_from_slice(created.as_bytes()),
                Hole::Ip => out.extend_from_slice(seat.ip().as_bytes()),
                Hole::Restarts => write!(out, "{}", seat.restarts).unwrap_or_default(),
            }
        }
    }
}

const IMAGE: &str = "callysto/2i2c:0.1.4";
const INIT_IMAGE: &str = "quay.io/jupyterhub/k8s-network-tools:3.2.1";

/// The environment that `KubeSpawner` gives a server.
const ENV: [(&str, &str); 26] = [
    ("CPU_GUARANTEE", "0.05"),
    ("CPU_LIMIT", "2.0"),
    (
        "JUPYTERHUB_ACTIVITY_URL",
        "http://hub:8081/hub/api/users/@user@/activity",
    ),
    ("JUPYTERHUB_ADMIN_ACCESS", "1"),
    ("JUPYTERHUB_API_TOKEN", "practice"),
    ("JUPYTERHUB_API_URL", "http://hub:8081/hub/api"),
    ("JUPYTERHUB_BASE_URL", "/"),
    ("JUPYTERHUB_CLIENT_ID", "jupyterhub-user-@user@"),
    ("JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED", "0"),
    ("JUPYTERHUB_DEFAULT_URL", "/lab"),
    ("JUPYTERHUB_HOST", ""),
    (
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES",
        "[\"access:servers!server=@user@/\", \"access:servers!user=@user@\"]",
    ),
    (
        "JUPYTERHUB_OAUTH_CALLBACK_URL",
        "/user/@user@/oauth_callback",
    ),
    ("JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES", "[]"),
    (
        "JUPYTERHUB_OAUTH_SCOPES",
        "[\"access:servers!server=@user@/\", \"access:servers!user=@user@\"]",
    ),
    ("JUPYTERHUB_PUBLIC_HUB_URL", "https://hub.example.org/hub/"),
    (
        "JUPYTERHUB_PUBLIC_URL",
        "https://hub.example.org/user/@user@/",
    ),
    ("JUPYTERHUB_SERVER_NAME", ""),
    ("JUPYTERHUB_SERVICE_PREFIX", "/user/@user@/"),
    ("JUPYTERHUB_SERVICE_URL", "http://0.0.0.0:8888/user/@user@/"),
    ("JUPYTERHUB_USER", "@user@"),
    ("JUPYTER_IMAGE", IMAGE),
    ("JUPYTER_IMAGE_SPEC", IMAGE),
    ("MEM_GUARANTEE", "805306368"),
    ("MEM_LIMIT", "2147483648"),
    ("PYTHONUNBUFFERED", "1"),
];

fn spec() -> Value {
    let env = ENV.map(|(name, value)| json!({"name": name, "value": value}));
    let tolerate = |key: &str, effect: &str| json!({"key": key, "operator": "Equal", "value": "user", "effect": effect});
    let unready = |what: &str| {
        json!({"key": format!("node.kubernetes.io/{what}"), "operator": "Exists",
            "effect": "NoExecute", "tolerationSeconds": 300})
    };
    json!({
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "preference": {"matchExpressions": [
                {"key": "hub.jupyter.org/node-purpose", "operator": "In", "values": ["user"]}]}}]}},
        "automountServiceAccountToken": false,
        "containers": [{
            "name": "notebook", "image": IMAGE, "imagePullPolicy": "IfNotPresent",
            "args": ["jupyterhub-singleuser"], "env": env,
            "lifecycle": {"postStart": {"exec": {"command": ["/bin/sh", "-c",
                "gitpuller https://github.com/example/material main material || true"]}}},
            "ports": [{"containerPort": 8888, "name": "notebook-port", "protocol": "TCP"}],
            "resources": {"limits": {"cpu": "2", "memory": "2147483648"},
                "requests": {"cpu": "50m", "memory": "805306368"}},
            "securityContext": {"allowPrivilegeEscalation": false, "runAsUser": 1000},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "volumeMounts": [
                {"mountPath": "/home/jovyan", "name": "home", "subPath": "@user@"},
                {"mountPath": "/home/jovyan/shared", "name": "home", "subPath": "_shared",
                    "readOnly": true},
                {"mountPath": "/dev/shm", "name": "dev-shm"}]}],
        "dnsPolicy": "ClusterFirst", "enableServiceLinks": false, "hostname": "@name@",
        "initContainers": [{
            "name": "block-cloud-metadata", "image": INIT_IMAGE,
            "imagePullPolicy": "IfNotPresent", "resources": {},
            "command": ["iptables", "--append", "OUTPUT", "--protocol", "tcp", "--destination",
                "169.254.169.254", "--destination-port", "80", "--jump", "DROP"],
            "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}, "privileged": true,
                "runAsUser": 0},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File"}],
        "nodeName": "@node@",
        "nodeSelector": {"hub.jupyter.org/node-purpose": "user"},
        "preemptionPolicy": "PreemptLowerPriority", "priority": 0,
        "priorityClassName": "@namespace@-default-priority", "restartPolicy": "OnFailure",
        "schedulerName": "@namespace@-user-scheduler", "serviceAccount": "default",
        "securityContext": {"fsGroup": 100, "fsGroupChangePolicy": "OnRootMismatch"},
        "serviceAccountName": "default", "terminationGracePeriodSeconds": 30,
        "tolerations": [tolerate("hub.jupyter.org/dedicated", "NoSchedule"),
            tolerate("hub.jupyter.org_dedicated", "NoSchedule"), unready("not-ready"),
            unready("unreachable")],
        "volumes": [
            {"name": "home", "persistentVolumeClaim": {"claimName": "home-nfs"}},
            {"name": "dev-shm", "emptyDir": {"medium": "Memory"}},
            {"name": "user-etc-singleuser", "configMap": {"name": "user-etc-singleuser",
                "defaultMode": 420}}],
    })
}

fn status(running: bool) -> Value {
    let condition = |kind: &str, holds: bool| {
        let status = if holds { "True" } else { "False" };
        json!({"type": kind, "status": status, "lastProbeTime": null,
            "lastTransitionTime": "@created@"})
    };
    let digest = "3f1e5c0a9d7b2468ace013579bdf02468ace13579bdf02468ace13579bdf0246";
    let mut container = json!({"name": "notebook", "image": IMAGE, "imageID": "",
        "ready": running, "started": running, "restartCount": "@restarts@", "lastState": {},
        "state": {"waiting": {"reason": "ContainerCreating"}}});
    let mut init = json!({"name": "block-cloud-metadata", "image": INIT_IMAGE, "restartCount": 0,
        "ready": true, "started": false, "lastState": {},
        "imageID": format!("sha256:{digest}"),
        "state": {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": "@created@",
            "finishedAt": "@created@", "containerID": format!("containerd://{digest}")}}});
    for status in [&mut container, &mut init] {
        set(
            status,
            "containerID",
            json!(format!("containerd://{digest}")),
        );
    }
    let mut status = json!({
        "phase": if running { "Running" } else { "Pending" }, "startTime": "@created@",
        "hostIP": "10.162.0.7", "hostIPs": [{"ip": "10.162.0.7"}], "qosClass": "Burstable",
        "conditions": [condition("PodReadyToStartContainers", true),
            condition("Initialized", true), condition("Ready", running),
            condition("ContainersReady", running), condition("PodScheduled", true)],
        "initContainerStatuses": [init],
    });
    if running {
        set(
            &mut container,
            "state",
            json!({"running": {"startedAt": "@created@"}}),
        );
        set(&mut status, "podIP", json!("@ip@"));
        set(&mut status, "podIPs", json!([{"ip": "@ip@"}]));
    }
    set(&mut status, "containerStatuses", json!([container]));
    status
}

fn metadata(spec: &Value, status: &Value) -> Value {
    let seat = Seat {
        namespace: "@namespace@".into(),
        node: "".into(),
        number: 0,
        created: 0,
        restarts: 0,
        running: true,
        version: 0,
    };
    let labels = LABELS.map(|key| (key.to_owned(), json!(seat.label(key))));
    let mut labels: Value = labels.into_iter().collect();
    set(&mut labels, "hub.jupyter.org/username", json!("@user@"));
    let annotations = json!({"hub.jupyter.org/username": "@user@",
        "hub.jupyter.org/jupyterhub-version": "4.0.2",
        "hub.jupyter.org/kubespawner-version": "6.1.0"});
    let entry = |manager: &str, owned: &Value, sub: &str| {
        let mut entry = json!({"apiVersion": "v1", "fieldsType": "FieldsV1",
            "fieldsV1": fields(owned), "manager": manager, "operation": "Update",
            "time": "@created@"});
        if !sub.is_empty() {
            set(&mut entry, "subresource", json!(sub));
        }
        entry
    };
    let mut asked = spec.clone();
    if let Some(asked) = asked.as_object_mut() {
        // The scheduler and the server's defaults set these.
        for field in [
            "nodeName",
            "preemptionPolicy",
            "priority",
            "serviceAccountName",
        ] {
            asked.remove(field);
        }
    }
    let asked = json!({"metadata": {"annotations": annotations, "labels": labels}, "spec": asked});
    let told = json!({"status": status});
    json!({"annotations": annotations, "creationTimestamp": "@created@", "labels": labels,
        "managedFields": [entry("OpenAPI-Generator", &asked, ""),
            entry("kubelet", &told, "status")],
        "name": "@name@", "namespace": "@namespace@", "resourceVersion": "@version@",
        "uid": "@uid@"})
}
