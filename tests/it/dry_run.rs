//! A dry run on a live target on loopback: what it tells, and that it changes nothing.

mod lies;
mod plans;
mod proof;

use serde_json::{Value, json};

use crate::cluster::{Cluster, command};
use crate::program::{Place, Ran};

/// The program, on the live target.
fn run(place: &Place, line: &str) -> Ran {
    Ran::from(command(place, line).output().unwrap())
}

fn dry(place: &Place, line: &str) -> Ran {
    run(place, &format!("run {line} --on live --dry-run"))
}

/// Nothing was asked of the cluster but questions.
#[track_caller]
fn untouched(cluster: &Cluster) {
    let questions = [
        "/selfsubjectaccessreviews",
        "/selfsubjectreviews",
        ":testIamPermissions",
    ];
    let seen = cluster.gke.seen().into_iter().chain(cluster.k8s.seen());
    let changing = seen.filter(|asked| asked.method != "GET");
    let changing = changing.filter(|asked| !questions.iter().any(|q| asked.path.ends_with(q)));
    let lines: Vec<String> = changing.map(|asked| asked.line()).collect();
    assert_eq!(lines, [""; 0]);
}

/// Somebody's server, with everything a real one carries.
fn server(user: &str) -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": { "name": format!("jupyter-{user}"), "namespace": "prod", "resourceVersion": "7",
            "creationTimestamp": "2026-11-20T10:00:00Z",
            "labels": { "component": "singleuser-server", "hub.jupyter.org/username": user },
            "annotations": { "hub.jupyter.org/username": user } },
        "spec": { "nodeName": "gke-c-nb-user-1", "volumes": [{ "name": format!("claim-{user}") }],
            "containers": [{ "name": "notebook", "image": "callysto/2i2c:0.1.4",
                "env": [{ "name": "JUPYTERHUB_API_TOKEN", "value": "canary-of-a-server" }] }] },
        "status": { "phase": "Running", "startTime": "2026-11-20T10:00:00Z",
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [{ "name": "notebook", "image": "callysto/2i2c:0.1.4",
                "ready": true, "restartCount": 0,
                "state": { "running": { "startedAt": "2026-11-20T10:00:00Z" } } }] },
    })
}

/// The headings and the changes that a run told of.
fn told(text: &str) -> Vec<String> {
    let word = |line: &str| line.split_once(' ').map(|(_, line)| line.to_owned());
    let lines = text.lines().filter_map(word);
    let kept = lines.filter(|line| line.starts_with("== ") || line.starts_with("~ "));
    kept.collect()
}
