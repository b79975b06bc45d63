//! What the server says about itself: version, health, groups, resources.

use serde_json::{Value, json};

use super::kinds::{GROUPS, KINDS, Kind};
use super::object::set;

const VERBS: &[&str] = &[
    "create", "delete", "get", "list", "patch", "update", "watch",
];

/// The answer to a path that is about no object; `None` for any other.
pub(super) fn document(path: &str) -> Option<Value> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["version"] => Some(version()),
        ["api"] => Some(json!({"kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": []})),
        ["apis"] => Some(json!({"kind": "APIGroupList", "apiVersion": "v1",
            "groups": GROUPS.iter().map(|name| group(name)).collect::<Vec<_>>()})),
        ["api", "v1"] => Some(resources("", "v1")),
        ["apis", name, "v1"] if GROUPS.contains(name) => {
            Some(resources(name, &format!("{name}/v1")))
        }
        _ => None,
    }
}

fn version() -> Value {
    json!({"major": "1", "minor": "32", "gitVersion": "v1.32.4-gke.1415000",
        "gitCommit": "practice", "gitTreeState": "clean", "buildDate": "2025-05-01T00:00:00Z",
        "goVersion": "go1.23.6", "compiler": "gc", "platform": "linux/amd64"})
}

fn group(name: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn resource(kind: &Kind) -> Value {
    let mut resource = json!({"name": kind.plural, "singularName": kind.name.to_lowercase(),
        "namespaced": kind.namespaced, "kind": kind.name, "verbs": VERBS});
    if !kind.short.is_empty() {
        set(&mut resource, "shortNames", json!(kind.short));
    }
    resource
}

fn resources(group: &str, group_version: &str) -> Value {
    let kinds = KINDS.iter().filter(|kind| kind.group == group);
    let mut resources: Vec<Value> = kinds.map(resource).collect();
    match group {
        // `kubectl drain` looks for this one before it evicts.
        "" => resources.push(json!({"name": "pods/eviction", "singularName": "",
            "namespaced": true, "group": "policy", "version": "v1", "kind": "Eviction",
            "verbs": ["create"]})),
        "authorization.k8s.io" => resources.push(json!({"name": "selfsubjectaccessreviews",
            "singularName": "selfsubjectaccessreview", "namespaced": false,
            "kind": "SelfSubjectAccessReview", "verbs": ["create"]})),
        _ => {}
    }
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version,
        "resources": resources})
}
