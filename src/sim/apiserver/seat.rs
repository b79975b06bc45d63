//! A pod of a crowd: the pod of somebody's server, kept as the little that is its own and written
//! with all that it shares with the others. A hundred thousand of them as trees would take ten
//! gigabytes.
//!
//! Its size and shape are those of a real server's pod (measured: 12.3 KB of JSON, of which 5.3 KB
//! say who owns which field).

mod owned;
mod shape;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::chance::Chance;
use super::object::{set, stamp, uid};

/// What is a pod's own.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Seat {
    pub(in crate::sim) namespace: Arc<str>,
    pub(in crate::sim) node: Arc<str>,
    /// Its user's name comes from this.
    pub(in crate::sim) number: u64,
    /// Seconds since 1970.
    pub(in crate::sim) created: i64,
    pub(in crate::sim) restarts: u32,
    /// Else its containers are being created.
    pub(in crate::sim) running: bool,
    /// Set by the store.
    pub(in crate::sim) version: u64,
}

impl Seat {
    pub(in crate::sim) fn user(&self) -> String {
        Chance::new(self.number).hex(16)
    }

    pub(in crate::sim) fn name(&self) -> String {
        format!("jupyter-{}", self.user())
    }

    fn created(&self) -> String {
        stamp(Timestamp::from_second(self.created).unwrap_or_default())
    }

    fn phase(&self) -> &'static str {
        if self.running { "Running" } else { "Pending" }
    }

    /// Its address; while it has none, the empty text.
    fn ip(&self) -> String {
        if !self.running {
            return String::new();
        }
        let number = self.number;
        format!(
            "10.{}.{}.{}",
            number >> 16 & 0xff,
            number >> 8 & 0xff,
            number & 0xff
        )
    }

    /// Writes the object as JSON, in a list without its kind and version.
    pub(super) fn write(&self, listed: bool, out: &mut Vec<u8>) {
        let shapes = &*shape::SHAPES;
        if listed {
            out.push(b'{');
        } else {
            out.extend_from_slice(b"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",");
        }
        out.extend_from_slice(b"\"metadata\":");
        self.write_metadata(out);
        let rest = if self.running {
            &shapes.running
        } else {
            &shapes.pending
        };
        rest.write(self, out);
        out.push(b'}');
    }

    /// Writes its metadata as JSON.
    pub(super) fn write_metadata(&self, out: &mut Vec<u8>) {
        shape::SHAPES.metadata.write(self, out);
    }

    /// All of it as a tree.
    pub(super) fn tree(&self) -> Value {
        let mut text = Vec::new();
        self.write(false, &mut text);
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// What tables and measurements look at.
    pub(super) fn brief(&self) -> Value {
        let created = self.created();
        let state = if self.running {
            json!({"running": {"startedAt": created}})
        } else {
            json!({"waiting": {"reason": "ContainerCreating"}})
        };
        let labels = LABELS
            .iter()
            .map(|key| ((*key).to_owned(), json!(self.label(key))));
        let mut status = json!({"phase": self.phase(), "containerStatuses": [
            {"name": "notebook", "ready": self.running, "restartCount": self.restarts,
                "state": state}]});
        if self.running {
            set(&mut status, "podIP", json!(self.ip()));
        }
        json!({
            "metadata": {"name": self.name(), "namespace": *self.namespace,
                "creationTimestamp": created, "labels": labels.collect::<Value>()},
            "spec": {"nodeName": *self.node, "containers": [{"name": "notebook"}]},
            "status": status,
        })
    }

    /// The text of a field that can be selected by.
    pub(super) fn field(&self, path: &str) -> Cow<'_, str> {
        match path {
            "metadata.name" => Cow::Owned(self.name()),
            "metadata.namespace" => Cow::Borrowed(&*self.namespace),
            "spec.nodeName" => Cow::Borrowed(&*self.node),
            "spec.restartPolicy" => Cow::Borrowed("OnFailure"),
            "spec.schedulerName" => Cow::Owned(format!("{}-user-scheduler", self.namespace)),
            "spec.serviceAccountName" => Cow::Borrowed("default"),
            "status.phase" => Cow::Borrowed(self.phase()),
            "status.podIP" => Cow::Owned(self.ip()),
            _ => Cow::Borrowed(""),
        }
    }

    /// A label.
    pub(super) fn label(&self, key: &str) -> Option<Cow<'_, str>> {
        let value = match key {
            "app" | "heritage" => "jupyterhub",
            "chart" => "jupyterhub-3.2.1",
            "component" => "singleuser-server",
            "hub.jupyter.org/network-access-hub" => "true",
            "hub.jupyter.org/servername" => "",
            "hub.jupyter.org/username" => return Some(Cow::Owned(self.user())),
            "release" => &self.namespace,
            _ => return None,
        };
        Some(Cow::Borrowed(value))
    }

    fn uid(&self) -> String {
        uid(self.number)
    }
}

/// Its labels' keys.
const LABELS: [&str; 8] = [
    "app",
    "chart",
    "component",
    "heritage",
    "hub.jupyter.org/network-access-hub",
    "hub.jupyter.org/servername",
    "hub.jupyter.org/username",
    "release",
];

#[cfg(test)]
mod tests {
    use super::super::kinds::KINDS;
    use super::super::object::Object;
    use super::*;

    fn seat(running: bool) -> Seat {
        Seat {
            namespace: "school-07".into(),
            node: "gke-practice-nb-user-0badcafe-x2x4".into(),
            number: 4711,
            created: 1_768_470_000,
            restarts: 2,
            running,
            version: 99,
        }
    }

    fn bytes(write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let mut out = Vec::new();
        write(&mut out);
        out.len()
    }

    #[test]
    fn it_weighs_what_a_real_server_s_pod_weighs() {
        let seat = seat(true);
        let whole = bytes(|out| seat.write(true, out));
        assert!((11_900..12_700).contains(&whole), "{whole}");
        let tree = seat.tree();
        let managed = tree["metadata"]["managedFields"].to_string().len();
        assert!((5_000..5_600).contains(&managed), "{managed}");
        let metadata = bytes(|out| seat.write_metadata(out));
        assert!((5_800..6_600).contains(&metadata), "{metadata}");
        assert_eq!(
            tree["spec"]["containers"][0]["env"]
                .as_array()
                .unwrap()
                .len(),
            26
        );
        assert_eq!(tree["spec"]["volumes"].as_array().unwrap().len(), 3);
        assert_eq!(tree["spec"]["initContainers"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn what_is_read_quickly_is_what_is_written() {
        for running in [true, false] {
            let seat = seat(running);
            let (kept, tree) = (Object::from(seat.clone()), Object::from(seat.tree()));
            assert_eq!(tree["metadata"]["resourceVersion"], "99");
            assert!(!tree.to_string().contains('@'), "{}", *tree);
            let pods = KINDS.iter().find(|kind| kind.name == "Pod").unwrap();
            let fields = pods
                .fields
                .iter()
                .chain(&["metadata.name", "metadata.namespace"]);
            for path in fields {
                assert_eq!(kept.field(path), tree.field(path), "{path}");
            }
            let labels = tree["metadata"]["labels"].as_object().unwrap();
            let keys: Vec<&str> = labels.keys().map(String::as_str).collect();
            assert_eq!(keys, LABELS);
            for key in LABELS {
                assert_eq!(kept.label(key), tree.label(key), "{key}");
            }
            // Every leaf of the brief view is a leaf of the whole.
            assert!(within(&kept.brief(), &tree), "{}", kept.brief());
        }
    }

    fn within(part: &Value, whole: &Value) -> bool {
        match (part, whole) {
            (Value::Object(part), Value::Object(whole)) => part
                .iter()
                .all(|(key, part)| whole.get(key).is_some_and(|whole| within(part, whole))),
            (Value::Array(part), Value::Array(whole)) => {
                part.len() == whole.len() && part.iter().zip(whole).all(|(p, w)| within(p, w))
            }
            (part, whole) => part == whole,
        }
    }
}
