//! Stand-in with the agreed interface, until the Kubernetes server is merged.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

type Key = String;

fn key(kind: &str, namespace: Option<&str>, name: &str) -> Key {
    format!("{kind}/{}/{name}", namespace.unwrap_or_default())
}

#[derive(Serialize, Deserialize, Clone, Default)]
pub(super) struct Store {
    objects: BTreeMap<Key, Value>,
    version: u64,
}

impl Store {
    pub(super) fn put(&mut self, mut object: Value, now: Timestamp) {
        self.version += 1;
        let text = |p: &str| object.pointer(p).and_then(Value::as_str).map(str::to_owned);
        let (kind, namespace) = (
            text("/kind").unwrap_or_default(),
            text("/metadata/namespace"),
        );
        let name = text("/metadata/name").unwrap_or_default();
        let key = key(&kind, namespace.as_deref(), &name);
        if let Some(Value::Object(meta)) = object.pointer_mut("/metadata") {
            meta.entry("uid")
                .or_insert_with(|| json!(format!("uid-{key}")));
            meta.entry("creationTimestamp")
                .or_insert_with(|| json!(now.to_string()));
            meta.insert("resourceVersion".into(), json!(self.version.to_string()));
        }
        self.objects.insert(key, object);
    }

    pub(super) fn get(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<&Value> {
        self.objects.get(&key(kind, namespace, name))
    }

    pub(super) fn list<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        let prefix = format!("{kind}/");
        self.objects
            .iter()
            .filter(move |(k, _)| k.starts_with(&prefix))
            .map(|(_, v)| v)
    }

    pub(super) fn remove(
        &mut self,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
        _now: Timestamp,
    ) -> Option<Value> {
        self.version += 1;
        self.objects.remove(&key(kind, namespace, name))
    }

    pub(super) fn edit(
        &mut self,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> bool {
        let Some(object) = self.objects.get_mut(&key(kind, namespace, name)) else {
            return false;
        };
        let before = object.clone();
        change(object);
        if *object != before {
            self.version += 1;
        }
        true
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }
}

pub(super) trait Cluster: Clone + Send + Sync + 'static {
    fn with<T>(&self, f: impl FnOnce(&mut Store) -> T) -> T;
    fn versions(&self) -> tokio::sync::watch::Receiver<u64>;
    fn now(&self) -> Timestamp;
    fn refuse(&self, method: &str, path: &str) -> Option<Refusal>;
    fn mutated(&self, method: &str, path: &str, body: &Value);
}

pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) reason: &'static str,
    pub(super) message: String,
    pub(super) retry_after: Option<u64>,
}

pub(super) fn router<C: Cluster>(cluster: C) -> axum::Router {
    drop((cluster.now(), cluster.versions()));
    axum::Router::new()
}
