//! A look at everything a copy of a cluster is made of: whole objects, but only the fields that are
//! known to be harmless. No secret is read, no container's environment is kept, and nobody's name.

use std::collections::BTreeMap;

use kube::api::ListParams;
use kube::core::ObjectMeta;
use serde_json::{Map, Value, json};

use super::call::{call, pages};
use super::error::{Error, Request};
use super::user::{USERNAME, user_of};
use super::{autoscaler, debt, lease, memory};
use crate::error;
use crate::names::Need;
use crate::world::World;
use crate::world::snapshot::Objects;

/// People's names at their hubs, by namespace and name, and what they are called in a copy.
pub type Aliases = BTreeMap<(String, String), String>;

/// A kind of object, and which of its fields are kept.
struct Kind {
    /// As access rules name it.
    resource: &'static str,
    name: &'static str,
    version: &'static str,
    keep: fn() -> Value,
}

const KINDS: [Kind; 6] = [
    Kind {
        resource: "nodes",
        name: "Node",
        version: "v1",
        keep: node,
    },
    Kind {
        resource: "pods",
        name: "Pod",
        version: "v1",
        keep: pod,
    },
    Kind {
        resource: "daemonsets.apps",
        name: "DaemonSet",
        version: "apps/v1",
        keep: daemon,
    },
    Kind {
        resource: "services",
        name: "Service",
        version: "v1",
        keep: service,
    },
    Kind {
        resource: "namespaces",
        name: "Namespace",
        version: "v1",
        keep: || json!({ "metadata": meta(), "status": { "phase": true } }),
    },
    Kind {
        resource: "poddisruptionbudgets.policy",
        name: "PodDisruptionBudget",
        version: "policy/v1",
        keep: || json!({ "metadata": meta(), "spec": true, "status": true }),
    },
];

fn meta() -> Value {
    json!({ "name": true, "namespace": true, "labels": true, "uid": true, "generation": true,
        "creationTimestamp": true, "deletionTimestamp": true, "deletionGracePeriodSeconds": true,
        "ownerReferences": true })
}

fn node() -> Value {
    json!({ "metadata": meta(), "spec": { "unschedulable": true, "taints": true, "providerID": true },
        "status": { "capacity": true, "allocatable": true, "conditions": true, "images": true,
            "nodeInfo": { "kubeletVersion": true, "osImage": true, "architecture": true,
                "containerRuntimeVersion": true, "operatingSystem": true } } })
}

fn pod() -> Value {
    let container =
        json!({ "name": true, "image": true, "resources": true, "restartPolicy": true });
    let ended = json!({ "exitCode": true, "reason": true, "startedAt": true, "finishedAt": true });
    let state = json!({ "running": true, "terminated": ended,
        "waiting": { "reason": true, "message": true } });
    let status = json!({ "name": true, "image": true, "ready": true, "started": true,
        "restartCount": true, "state": state, "lastState": state });
    let mut metadata = meta();
    if let Some(fields) = metadata.as_object_mut() {
        let safe = "cluster-autoscaler.kubernetes.io/safe-to-evict";
        fields.insert("annotations".to_owned(), json!({ safe: true }));
    }
    json!({ "metadata": metadata,
        "spec": { "nodeName": true, "nodeSelector": true, "tolerations": true,
            "schedulerName": true, "restartPolicy": true, "priorityClassName": true,
            "terminationGracePeriodSeconds": true, "initContainers": [container],
            "containers": [container] },
        "status": { "phase": true, "reason": true, "startTime": true, "conditions": true,
            "qosClass": true, "initContainerStatuses": [status], "containerStatuses": [status] } })
}

fn daemon() -> Value {
    let container = json!({ "name": true, "image": true });
    json!({ "metadata": meta(), "status": true, "spec": { "selector": true, "template": {
        "metadata": { "labels": true },
        "spec": { "nodeSelector": true, "tolerations": true, "initContainers": [container],
            "containers": [container] } } } })
}

fn service() -> Value {
    json!({ "metadata": meta(), "status": true, "spec": { "type": true, "clusterIP": true,
        "ports": true, "selector": true } })
}

/// What the mask lets through: `true` lets everything, an object its keys, a list its elements.
fn keep(value: &Value, mask: &Value) -> Option<Value> {
    match (value, mask) {
        (_, Value::Bool(_)) => Some(value.clone()),
        (Value::Object(fields), Value::Object(masks)) => {
            let kept = masks
                .iter()
                .filter_map(|(key, mask)| Some((key.clone(), keep(fields.get(key)?, mask)?)));
            Some(Value::Object(kept.collect()))
        }
        (Value::Array(all), Value::Array(masks)) => {
            let mask = masks.first()?;
            Some(all.iter().filter_map(|one| keep(one, mask)).collect())
        }
        _ => None,
    }
}

/// Looks at what these needs reach; says what people are called in it.
///
/// # Errors
/// When the cluster cannot be asked at all. What may not be listed is told in the answer.
pub async fn look(world: &World, needs: &[Need]) -> error::Result<(Objects, Aliases)> {
    let mut objects = Objects::default();
    let mut aliases = Aliases::new();
    for kind in &KINDS {
        let reaches = |need: &&Need| {
            matches!(need, Need::Kubernetes(verb, resource, _)
                if *resource == kind.resource && ["list", "watch"].contains(verb))
        };
        if !needs.iter().any(|need| reaches(&need)) {
            continue;
        }
        let mut paths = vec![kind.path(None)];
        // Whoever may not see all of a cluster may see the hubs' own namespaces.
        let watched = world.target().watch.iter().map(|one| kind.path(Some(one)));
        let mut fallback: Vec<String> = watched.filter(|_| kind.is_namespaced()).collect();
        while let Some(path) = paths.pop() {
            let found = match list(world, kind, &path).await {
                Ok(found) => found,
                Err(failure) => {
                    let refusal = error::Error::from(failure);
                    if refusal.kind != error::Kind::Denied {
                        return Err(refusal);
                    }
                    objects.refused.insert(path, refusal);
                    paths.append(&mut fallback);
                    continue;
                }
            };
            for object in found {
                let mut kept = keep(&object, &(kind.keep)()).unwrap_or_default();
                set(&mut kept, "kind", kind.name.into());
                set(&mut kept, "apiVersion", kind.version.into());
                if kind.name == "Pod" {
                    rename(&object, &mut kept, &mut aliases);
                }
                objects.all.push(kept);
            }
        }
    }
    for path in singles(world) {
        match get(world, &path).await {
            Ok(found) => objects.all.extend(found),
            Err(failure) => {
                let refusal = error::Error::from(failure);
                objects.refused.insert(path, refusal);
            }
        }
    }
    Ok((objects, aliases))
}

impl Kind {
    fn is_namespaced(&self) -> bool {
        !["Node", "Namespace"].contains(&self.name)
    }

    /// Where they are: in a namespace, or all of them.
    fn path(&self, namespace: Option<&str>) -> String {
        let plural = self.resource.split('.').next().unwrap_or(self.resource);
        let root = if self.version == "v1" {
            "/api/v1"
        } else {
            "/apis"
        };
        let group = self
            .version
            .strip_suffix("/v1")
            .map(|group| format!("/{group}/v1"));
        let home = namespace.map(|namespace| format!("/namespaces/{namespace}"));
        let [group, home] = [group, home].map(Option::unwrap_or_default);
        format!("{root}{group}{home}/{plural}")
    }
}

/// What is read by name: what the autoscaler publishes, and what a team keeps in its cluster.
fn singles(world: &World) -> Vec<String> {
    let home = &world.target().home;
    let map =
        |namespace: &str, name: &str| format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
    vec![
        map(autoscaler::NAMESPACE, autoscaler::NAME),
        map(home, debt::SHELF.0),
        map(home, memory::SHELF.0),
        format!(
            "/apis/coordination.k8s.io/v1/namespaces/{home}/leases/{}",
            lease::NAME
        ),
    ]
}

fn request(verb: &'static str, path: &str) -> Request {
    let resource = path
        .trim_start_matches("/api/v1/")
        .trim_start_matches("/apis/");
    Request {
        verb,
        resource: resource.to_owned(),
        namespace: None,
        name: None,
    }
}

async fn list(world: &World, kind: &Kind, path: &str) -> Result<Vec<Value>, Error> {
    let what = Request {
        resource: kind.resource.to_owned(),
        ..request("list", path)
    };
    pages(
        world,
        &what,
        ListParams::default(),
        async |client, params| {
            let request = kube::core::Request::new(path)
                .list(params)
                .map_err(kube::Error::BuildRequest)?;
            let mut page: Value = client.request(request).await?;
            let next = page.pointer("/metadata/continue").and_then(Value::as_str);
            let next = next.filter(|next| !next.is_empty()).map(str::to_owned);
            let items = page.get_mut("items").map(Value::take);
            Ok((
                serde_json::from_value(items.unwrap_or_default()).unwrap_or_default(),
                next,
            ))
        },
    )
    .await
}

/// An object by its path; none when it is not there.
async fn get(world: &World, path: &str) -> Result<Option<Value>, Error> {
    let what = request("get", path);
    let found = call(world, &what, async |client| {
        let get = http::Request::get(path).body(Vec::new());
        let get = get.map_err(kube::Error::HttpError)?;
        client.request::<Value>(get).await
    });
    let mut found = match found.await {
        Ok(found) => found,
        Err(missing) if missing.code() == Some(404) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    if let Some(meta) = found.get_mut("metadata").and_then(Value::as_object_mut) {
        meta.remove("managedFields");
    }
    Ok(Some(found))
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
}

/// Somebody's server is named after nobody.
fn rename(object: &Value, kept: &mut Value, aliases: &mut Aliases) {
    let meta: ObjectMeta = match object.get("metadata") {
        Some(meta) => serde_json::from_value(meta.clone()).unwrap_or_default(),
        None => return,
    };
    let Some(user) = user_of(&meta) else {
        return;
    };
    let number = aliases.len() + 1;
    let namespace = meta.namespace.clone().unwrap_or_default();
    let known = (namespace, user);
    let alias = aliases
        .entry(known)
        .or_insert_with(|| format!("user-{number}"))
        .clone();
    let Some(fields) = kept.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    // As a hub escapes it.
    let name = format!("jupyter-{}", alias.replace('-', "-2d"));
    let labels = ["component", "app", "release"]
        .into_iter()
        .filter_map(|label| {
            let value = meta.labels.as_ref()?.get(label)?;
            Some((label.to_owned(), Value::from(value.clone())))
        });
    let labels: Map<String, Value> = labels.collect();
    fields.insert("name".to_owned(), name.into());
    fields.insert("labels".to_owned(), labels.into());
    fields.insert("annotations".to_owned(), json!({ USERNAME: alias }));
    if let Some(status) = kept.get_mut("status").and_then(Value::as_object_mut) {
        // A scheduler's sentence may name a volume, and that somebody.
        for condition in status
            .get_mut("conditions")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let fields = condition.as_object_mut();
            fields.map(|fields| fields.remove("message"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_keeps_nothing_of_its_user() {
        let pod = json!({
            "metadata": { "name": "jupyter-zoe-40b", "namespace": "prod", "uid": "u",
                "labels": { "component": "singleuser-server", "app": "jupyterhub",
                    "hub.jupyter.org/username": "zoe-40b" },
                "annotations": { "hub.jupyter.org/username": "zoe@b", "x": "zoe" },
                "managedFields": [{ "manager": "zoe" }] },
            "spec": { "nodeName": "n", "volumes": [{ "name": "claim-zoe" }],
                "containers": [{ "name": "notebook", "image": "i:1", "resources": {},
                    "env": [{ "name": "JUPYTERHUB_API_TOKEN", "value": "secret-zoe" }],
                    "args": ["zoe"] }] },
            "status": { "phase": "Pending", "podIP": "10.0.0.1",
                "conditions": [{ "type": "PodScheduled", "message": "claim-zoe unbound" }],
                "containerStatuses": [{ "name": "notebook", "image": "i:1",
                    "lastState": { "terminated": { "exitCode": 1, "message": "zoe" } } }] } });
        let mut kept = keep(&pod, &super::pod()).unwrap();
        let mut aliases = Aliases::new();
        rename(&pod, &mut kept, &mut aliases);
        let text = kept.to_string();
        assert!(!text.contains("zoe") && !text.contains("secret"), "{text}");
        assert_eq!(kept["metadata"]["name"], "jupyter-user-2d1");
        assert_eq!(kept["metadata"]["annotations"][USERNAME], "user-1");
        assert_eq!(kept["spec"]["nodeName"], "n");
        assert_eq!(aliases[&("prod".to_owned(), "zoe@b".to_owned())], "user-1");
    }

    #[test]
    fn kinds_are_where_kubernetes_keeps_them() {
        let path = |name: &str, namespace| {
            KINDS
                .iter()
                .find(|kind| kind.name == name)
                .unwrap()
                .path(namespace)
        };
        assert_eq!(path("Pod", None), "/api/v1/pods");
        assert_eq!(
            path("DaemonSet", Some("prod")),
            "/apis/apps/v1/namespaces/prod/daemonsets"
        );
        assert_eq!(
            path("PodDisruptionBudget", None),
            "/apis/policy/v1/poddisruptionbudgets"
        );
    }
}
