//! What the server says about itself: version, health, groups, resources; the last two in the old
//! form and, for whoever asks for it, in the aggregated one.

use serde_json::{Value, json};

use super::kinds::{GROUPS, KINDS, Kind, version_of};
use super::metrics;
use super::object::set;
use super::request::Request;

const VERBS: &[&str] = &[
    "create", "delete", "get", "list", "patch", "update", "watch",
];
/// What can be done with measurements.
const LOOKING: &[&str] = &["get", "list"];

/// The answer to a path that is about no object; `None` for any other. Without a metrics server
/// its group is unknown.
pub(super) fn document(request: &Request, measured: bool) -> Option<Value> {
    let known = |group: &&&str| measured || **group != metrics::GROUP;
    let groups = || GROUPS.iter().filter(known);
    let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["version"] => Some(version()),
        ["api"] if request.wants_aggregated().is_some() => Some(aggregated(request, [""].iter())),
        ["apis"] if request.wants_aggregated().is_some() => Some(aggregated(request, groups())),
        ["api"] => Some(json!({"kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": []})),
        ["apis"] => Some(json!({"kind": "APIGroupList", "apiVersion": "v1",
            "groups": groups().map(|name| group(name)).collect::<Vec<_>>()})),
        ["api", "v1"] => Some(resources("", "v1")),
        ["apis", name, version] if GROUPS.contains(name) && *version == version_of(name) => {
            Some(resources(name, &format!("{name}/{version}")))
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
    let version = version_of(name);
    let version = json!({"groupVersion": format!("{name}/{version}"), "version": version});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn verbs(group: &str) -> &'static [&'static str] {
    match group {
        metrics::GROUP => LOOKING,
        _ => VERBS,
    }
}

fn resource(kind: &Kind) -> Value {
    let mut resource = json!({"name": kind.plural, "singularName": kind.name.to_lowercase(),
        "namespaced": kind.namespaced, "kind": kind.name, "verbs": verbs(kind.group)});
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

/// Groups and their resources at once, in the version that was asked for.
fn aggregated<'a>(request: &Request, groups: impl Iterator<Item = &'a &'a str>) -> Value {
    let version = request.wants_aggregated().unwrap_or_default();
    let items = groups.map(|name| {
        let kinds = KINDS.iter().filter(|kind| kind.group == *name);
        let mut resources: Vec<Value> = kinds.map(described).collect();
        if *name == "authorization.k8s.io" {
            resources.push(
                json!({"resource": "selfsubjectaccessreviews", "scope": "Cluster",
                "singularResource": "selfsubjectaccessreview", "verbs": ["create"],
                "responseKind": {"group": name, "version": "v1",
                    "kind": "SelfSubjectAccessReview"}}),
            );
        }
        json!({"metadata": {"name": name, "creationTimestamp": null},
            "versions": [{"version": version_of(name), "freshness": "Current",
                "resources": resources}]})
    });
    json!({"kind": "APIGroupDiscoveryList", "metadata": {},
        "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "items": items.collect::<Vec<_>>()})
}

fn described(kind: &Kind) -> Value {
    let scope = if kind.namespaced {
        "Namespaced"
    } else {
        "Cluster"
    };
    let response = |group: &str, version: &str, name: &str| json!({"group": group, "version": version, "kind": name});
    let mut described = json!({"resource": kind.plural, "scope": scope,
        "singularResource": kind.name.to_lowercase(), "verbs": verbs(kind.group),
        "responseKind": response(kind.group, version_of(kind.group), kind.name)});
    if !kind.short.is_empty() {
        set(&mut described, "shortNames", json!(kind.short));
    }
    if kind.name == "Pod" {
        set(
            &mut described,
            "subresources",
            json!([{"subresource": "eviction",
            "verbs": ["create"], "responseKind": response("policy", "v1", "Eviction")}]),
        );
    }
    described
}
