//! A small API server for this room's tests: lists, watches and patches what a test puts into it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use futures::StreamExt as _;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::world::World;
use crate::world::testing::{Seen, world};

#[derive(Clone, Default)]
pub(super) struct Server(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    version: u64,
    objects: BTreeMap<(String, String, String), Value>,
    history: Vec<(u64, String, Value)>,
    watches: Vec<(Which, UnboundedSender<Bytes>)>,
    log: Vec<String>,
    refusals: Vec<(String, u16, String)>,
}

/// What a request is about.
#[derive(Clone)]
struct Which {
    plural: String,
    namespace: Option<String>,
    name: Option<String>,
    labels: Vec<(String, String)>,
}

impl Which {
    fn of(path: &str, query: &BTreeMap<String, String>) -> Self {
        let mut parts = path.trim_matches('/').split('/').skip(2).peekable();
        parts.next_if(|part| part.starts_with("v1"));
        // The same names in another group.
        let group = if path.contains("metrics.k8s.io") {
            "metrics/"
        } else {
            ""
        };
        // `namespaces/x` is about the namespace itself.
        let deep = parts.clone().count() > 2;
        let namespace = parts
            .next_if(|part| *part == "namespaces" && deep)
            .and_then(|_| parts.next())
            .map(str::to_owned);
        Self {
            plural: format!("{group}{}", parts.next().unwrap()),
            namespace,
            name: parts.next().map(str::to_owned),
            labels: query
                .get("labelSelector")
                .into_iter()
                .flat_map(|labels| labels.split(','))
                .filter_map(|label| label.split_once('='))
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    fn matches(&self, plural: &str, object: &Value) -> bool {
        let meta = &object["metadata"];
        let place = |namespace| meta["namespace"] == json!(namespace);
        self.plural == plural
            && self.namespace.as_ref().is_none_or(place)
            && self
                .name
                .as_ref()
                .is_none_or(|name| meta["name"] == json!(name))
            && self
                .labels
                .iter()
                .all(|(key, value)| meta["labels"][key] == json!(value))
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    Bytes::from(format!("{}\n", json!({ "type": kind, "object": object })))
}

fn failure(code: u16, message: &str) -> Response<Body> {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": "x", "code": code,
    });
    Response::builder()
        .status(code)
        .body(Body::from(status.to_string()))
        .unwrap()
}

impl Server {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A world whose cluster this is.
    pub(super) fn world(&self) -> (World, Seen) {
        world(None, Some(self.client()))
    }

    /// Kube's client for it.
    pub(super) fn client(&self) -> kube::Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let server = server.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                Ok::<_, Infallible>(server.answer(&parts, &String::from_utf8_lossy(&body)))
            }
        });
        kube::Client::new(service, "default")
    }

    /// Puts an object there, new or changed.
    pub(super) fn put(&self, plural: &str, mut object: Value) {
        let mut inner = self.inner();
        inner.version += 1;
        let version = inner.version;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        inner.objects.insert(key(plural, &object), object.clone());
        inner.tell("MODIFIED", plural, &object);
    }

    /// Takes an object away.
    pub(super) fn delete(&self, plural: &str, mut object: Value) {
        let mut inner = self.inner();
        inner.version += 1;
        object["metadata"]["resourceVersion"] = json!(inner.version.to_string());
        inner.objects.remove(&key(plural, &object));
        inner.tell("DELETED", plural, &object);
    }

    /// Ends every open watch, as a load balancer does.
    pub(super) fn hang_up(&self) {
        self.inner().watches.clear();
    }

    /// Tells every open watch that its place is forgotten, and ends it.
    pub(super) fn forget(&self) {
        let status = json!({
            "kind": "Status", "status": "Failure", "message": "too old resource version",
            "reason": "Expired", "code": 410,
        });
        for (_, watch) in self.inner().watches.drain(..) {
            watch.unbounded_send(line("ERROR", &status)).unwrap();
        }
    }

    /// Refuses the next request whose line contains `part`.
    pub(super) fn refuse(&self, part: &str, code: u16, message: &str) {
        let refusal = (part.to_owned(), code, message.to_owned());
        self.inner().refusals.push(refusal);
    }

    /// Every request so far whose line contains `part`, with its body.
    pub(super) fn requests(&self, part: &str) -> Vec<String> {
        let log = &self.inner().log;
        log.iter()
            .filter(|line| line.contains(part))
            .cloned()
            .collect()
    }

    fn answer(&self, request: &http::request::Parts, body: &str) -> Response<Body> {
        let mut inner = self.inner();
        let said = format!("{} {} {body}", request.method, request.uri);
        inner.log.push(said.trim().to_owned());
        let refused = inner
            .refusals
            .iter()
            .position(|(part, ..)| said.contains(part));
        if let Some(at) = refused {
            let (_, code, message) = inner.refusals.remove(at);
            return failure(code, &message);
        }
        let query: BTreeMap<String, String> = request
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.replace("%3D", "=").replace("%2F", "/")))
            .collect();
        let which = Which::of(request.uri.path(), &query);
        let version = inner.version.to_string();
        if query.contains_key("watch") {
            return inner.watch(which, query["resourceVersion"].parse().unwrap());
        }
        let found = inner
            .objects
            .iter()
            .filter(|((plural, ..), o)| which.matches(plural, o));
        let mut items: Vec<Value> = found.map(|(_, object)| object.clone()).collect();
        let answer = if which.name.is_some() {
            match items.pop() {
                Some(object) => object,
                None => return failure(404, "not found"),
            }
        } else {
            let (items, next) = page(items, &query);
            let metadata = json!({ "resourceVersion": version, "continue": next });
            if query.contains_key("includeObject") {
                table(&metadata, &which.plural, &items)
            } else {
                json!({ "metadata": metadata, "items": items })
            }
        };
        Response::new(Body::from(answer.to_string()))
    }
}

impl Inner {
    fn tell(&mut self, kind: &str, plural: &str, object: &Value) {
        self.watches.retain(|(which, watch)| {
            !which.matches(plural, object) || watch.unbounded_send(line(kind, object)).is_ok()
        });
        let event = json!({ "type": kind, "object": object });
        self.history.push((self.version, plural.to_owned(), event));
    }

    fn watch(&mut self, which: Which, after: u64) -> Response<Body> {
        let (send, lines) = unbounded();
        for (version, plural, event) in &self.history {
            if *version > after && which.matches(plural, &event["object"]) {
                send.unbounded_send(Bytes::from(format!("{event}\n")))
                    .unwrap();
            }
        }
        self.watches.push((which, send));
        Response::new(Body::from_stream(lines.map(Ok::<_, Infallible>)))
    }
}

fn key(plural: &str, object: &Value) -> (String, String, String) {
    let word = |field: &str| {
        object["metadata"][field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (plural.to_owned(), word("namespace"), word("name"))
}

/// As many as are wanted at a time, and what leads to the others.
fn page(mut items: Vec<Value>, query: &BTreeMap<String, String>) -> (Vec<Value>, String) {
    let number = |name: &str| query.get(name).and_then(|n| n.parse::<usize>().ok());
    let from = number("continue").unwrap_or(0);
    let rest = items.split_off(from.min(items.len()));
    let limit = number("limit").unwrap_or(rest.len());
    let more = rest.len() > limit;
    let next = if more {
        (from + limit).to_string()
    } else {
        String::new()
    };
    (rest.into_iter().take(limit).collect(), next)
}

/// What the server says of each in a table; the cells are part of the object here.
fn table(metadata: &Value, plural: &str, items: &[Value]) -> Value {
    let columns: &[&str] = match plural {
        "pods" => &["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node"],
        _ => &["Name", "Status", "Age"],
    };
    let row = |object: &Value| {
        let cell = |column: &&str| match *column {
            "Name" => object["metadata"]["name"].clone(),
            column => object["cells"][column].clone(),
        };
        json!({ "cells": columns.iter().map(cell).collect::<Vec<_>>(), "object": null })
    };
    json!({
        "kind": "Table", "metadata": metadata,
        "columnDefinitions": columns.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "rows": items.iter().map(row).collect::<Vec<_>>(),
    })
}

/// A pod as `kubectl get pods` shows it.
pub(super) fn shown(namespace: &str, name: &str, ready: &str, status: &str) -> Value {
    json!({
        "metadata": { "namespace": namespace, "name": name },
        "cells": { "Ready": ready, "Status": status, "Restarts": "2 (73m ago)", "Age": "4h1m",
            "IP": "10.0.0.1", "Node": "node-1" },
    })
}

/// What the containers of a pod use.
pub(super) fn used(namespace: &str, name: &str, containers: &[(&str, &str, &str)]) -> Value {
    let container = |(name, cpu, memory): &(&str, &str, &str)| json!({ "name": name, "usage": { "cpu": cpu, "memory": memory } });
    json!({
        "metadata": { "namespace": namespace, "name": name },
        "timestamp": "2026-01-15T13:00:00Z", "window": "10s",
        "containers": containers.iter().map(container).collect::<Vec<_>>(),
    })
}

/// A node of nb-user, Ready or not yet.
pub(super) fn node(name: &str, ready: bool) -> Value {
    let (status, reason, message) = if ready {
        ("True", "KubeletReady", "kubelet is posting ready status")
    } else {
        ("False", "KubeletNotReady", "cni plugin not initialized")
    };
    json!({
        "metadata": {
            "name": name,
            "labels": { "cloud.google.com/gke-nodepool": "nb-user" },
            "creationTimestamp": "2026-01-15T13:00:00Z",
            "managedFields": [{ "manager": "kubelet", "fieldsV1": { "f:status": {} } }],
        },
        "spec": { "taints": [{ "key": "hub.jupyter.org_dedicated", "effect": "NoSchedule" }] },
        "status": {
            "conditions": [
                { "type": "MemoryPressure", "status": "False" },
                { "type": "Ready", "status": status, "reason": reason, "message": message },
            ],
            "nodeInfo": { "kubeletVersion": "v1.33.5-gke.1" },
        },
    })
}

pub(super) fn cordoned(mut node: Value) -> Value {
    node["spec"]["unschedulable"] = json!(true);
    node
}

pub(super) const IMAGE: &str = "quay.io/callysto/notebook:2026.01";

fn containers() -> Value {
    json!([
        { "name": "image-pull-metadata-block", "image": "quay.io/jupyterhub/k8s-network-tools:4" },
        { "name": "image-pull-singleuser", "image": IMAGE },
        { "name": "image-pull-singleuser-init-and-extra-containers-0", "image": "busybox" },
    ])
}

/// A hub's image puller.
pub(super) fn daemon(namespace: &str) -> Value {
    json!({
        "metadata": {
            "name": "continuous-image-puller", "namespace": namespace,
            "labels": { "component": "continuous-image-puller" },
        },
        "spec": { "template": { "spec": { "initContainers": containers() } } },
    })
}

/// Its pod on a node, with `done` of three images pulled.
pub(super) fn pulling(namespace: &str, node: &str, done: usize) -> Value {
    let status = |(at, container): (usize, &Value)| {
        let state = if at < done {
            json!({ "terminated": { "exitCode": 0, "reason": "Completed" } })
        } else {
            json!({ "waiting": { "reason": "PodInitializing" } })
        };
        json!({ "name": container["name"], "state": state })
    };
    let containers = containers();
    let statuses: Vec<Value> = containers
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .map(status)
        .collect();
    json!({
        "metadata": {
            "name": format!("continuous-image-puller-{node}"), "namespace": namespace,
            "labels": { "component": "continuous-image-puller" },
        },
        "spec": { "nodeName": node, "initContainers": containers },
        "status": { "phase": "Pending", "initContainerStatuses": statuses },
    })
}

/// Its pod on a node, whose notebook image cannot be had.
pub(super) fn failing(namespace: &str, node: &str, reason: &str, message: &str) -> Value {
    let mut pod = pulling(namespace, node, 1);
    pod["status"]["initContainerStatuses"][1]["state"] =
        json!({ "waiting": { "reason": reason, "message": message } });
    pod
}

/// An event, at a time of day.
pub(super) fn event(reason: &str, about: (&str, &str, &str), at: &str, message: &str) -> Value {
    let (kind, namespace, name) = about;
    json!({
        "metadata": { "name": format!("{name}.{reason}.{at}"), "namespace": "default" },
        "reason": reason, "message": message, "type": "Normal",
        "involvedObject": { "kind": kind, "namespace": namespace, "name": name },
        "lastTimestamp": format!("2026-01-15T{at}Z"),
    })
}
