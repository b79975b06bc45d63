//! Watches: changes as lines of JSON, for as long as the client asked.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use http::header;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::Cluster;
use super::failure::Failure;
use super::form::{CHUNK, Form};
use super::kinds::Kind;
use super::object::{Object, set};
use super::request::{Request, Target};
use super::selector::Selector;
use super::store::Change;

/// How long a watch lasts when the client does not say, in seconds.
const LASTS: u64 = 30 * 60;
/// How long it lasts at most.
const LASTS_MAX: u64 = 24 * 60 * 60;
/// How often a quiet watch says how far it has come.
const BOOKMARK: Duration = Duration::from_mins(1);

/// A line of a watch.
#[derive(Serialize)]
struct Event<T> {
    r#type: &'static str,
    object: T,
}

/// A watch in progress.
struct Watch<C> {
    cluster: C,
    kind: &'static Kind,
    namespace: Option<String>,
    selector: Selector,
    /// Everything up to this version has been told.
    told: u64,
    /// What is there already and still has to be told.
    there: std::vec::IntoIter<Object>,
    /// What is sent before any change, after those.
    first: Vec<u8>,
    form: Form,
    /// A table's columns are described once.
    described: bool,
    ends: Instant,
    over: bool,
    /// How often connections had been cut when it began.
    cuts: u64,
    bookmark: Option<Instant>,
}

/// Starts a watch.
pub(super) fn watch<C: Cluster>(
    cluster: &C,
    request: &Request,
    target: &Target<'_>,
) -> Result<Response, Failure> {
    let (labels, fields) = (
        request.param("labelSelector"),
        request.param("fieldSelector"),
    );
    let listed = request.flag("sendInitialEvents");
    if listed && request.param("resourceVersionMatch") != "NotOlderThan" {
        let message = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: \
                       sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        return Err(Failure::new(422, "Invalid", message));
    }
    let told = request.number("resourceVersion")?.unwrap_or(0);
    let lasts = match request.number("timeoutSeconds")? {
        None | Some(0) => LASTS,
        Some(seconds) => seconds.min(LASTS_MAX),
    };
    let now = Instant::now();
    let mut watch = Watch {
        cluster: cluster.clone(),
        kind: target.kind,
        namespace: target.namespace.map(str::to_owned),
        selector: Selector::parse(target.kind, labels, fields)?,
        told,
        there: Vec::new().into_iter(),
        first: Vec::new(),
        form: Form::of(request, target.kind)?,
        described: false,
        ends: now + Duration::from_secs(lasts),
        over: false,
        cuts: cluster.news().cuts(),
        bookmark: request
            .flag("allowWatchBookmarks")
            .then_some(now + BOOKMARK),
    };
    if listed || told == 0 {
        watch.list(listed);
    } else {
        watch.first = watch.news();
    }
    let lines = stream::unfold(watch, async |mut watch| {
        let lines = watch.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(lines)), watch))
    });
    let headers = [(header::CONTENT_TYPE, "application/json")];
    Ok((headers, Body::from_stream(lines)).into_response())
}

impl<C: Cluster> Watch<C> {
    /// Tells what is there already; says where that ends if it was asked for.
    fn list(&mut self, asked: bool) {
        let (kind, namespace) = (self.kind.name, self.namespace.as_deref());
        let (objects, version) = self.cluster.with(|store| {
            let all = store.after(kind, namespace, "").map(|(_, object)| object);
            let objects = all.filter(|object| self.selector.matches(object)).cloned();
            (objects.collect::<Vec<_>>(), store.version())
        });
        self.told = version;
        self.there = objects.into_iter();
        if asked {
            let line = self.mark(&json!({"k8s.io/initial-events-end": "true"}));
            self.first.extend(line);
        }
    }

    /// The next lines; nothing when the watch is over.
    async fn next(&mut self) -> Option<Vec<u8>> {
        if self.there.len() > 0 {
            // Some at a time: all of them may be a gigabyte.
            let some: Vec<Object> = self.there.by_ref().take(CHUNK).collect();
            return Some(some.iter().flat_map(|o| self.line("ADDED", o)).collect());
        }
        if !self.first.is_empty() {
            return Some(std::mem::take(&mut self.first));
        }
        while !self.over {
            // The number is looked at first: the store is locked only when there is news.
            if self.cluster.news().cuts() > self.cuts {
                return None;
            }
            let version = self.cluster.news().version();
            if version > self.told {
                let lines = self.news();
                self.told = self.told.max(version);
                if !lines.is_empty() {
                    return Some(lines);
                }
                continue;
            }
            let bookmark = self.bookmark.unwrap_or(self.ends).min(self.ends);
            tokio::select! {
                biased;
                () = self.cluster.news().beyond(self.told, self.cuts) => {}
                () = sleep_until(bookmark) => {
                    self.over = bookmark == self.ends;
                    if self.bookmark.is_some() {
                        self.bookmark = Some(bookmark + BOOKMARK);
                        return Some(self.mark(&Value::Null));
                    }
                }
            }
        }
        None
    }

    /// The lines for every change since the last one told.
    fn news(&mut self) -> Vec<u8> {
        let told = self.told;
        let (news, version) = self.cluster.with(|store| {
            let news = match store.since(told) {
                Some(changes) => {
                    let ours = changes.filter(|change| change.kind == self.kind.name);
                    Ok(ours
                        .filter_map(|change| self.seen(change))
                        .collect::<Vec<_>>())
                }
                None => Err(Failure::expired(told, store.oldest())),
            };
            (news, store.version())
        });
        self.told = told.max(version);
        match news {
            Ok(news) => (news.iter())
                .flat_map(|(what, object)| self.line(what, object))
                .collect(),
            Err(failure) => {
                // Never as an HTTP 410: clients would ask for the same version for ever.
                self.over = true;
                encode("ERROR", failure.status())
            }
        }
    }

    /// What a change is to this watch: an object may enter or leave what it selects.
    fn seen(&self, change: &Change) -> Option<(&'static str, Object)> {
        let ours = |object: &&Object| {
            self.namespace
                .as_deref()
                .is_none_or(|namespace| object.field("metadata.namespace") == namespace)
                && self.selector.matches(object)
        };
        let before = change.before.as_ref().filter(ours);
        let after = change.after.as_ref().filter(ours);
        match (before, after) {
            (None, Some(after)) => Some(("ADDED", after.clone())),
            (Some(_), Some(after)) => Some(("MODIFIED", after.clone())),
            (Some(before), None) => Some(("DELETED", before.at_version(change.version))),
            (None, None) => None,
        }
    }

    fn line(&mut self, what: &'static str, object: &Object) -> Vec<u8> {
        let mut line = format!("{{\"type\":\"{what}\",\"object\":").into_bytes();
        let described = std::mem::replace(&mut self.described, true);
        self.form
            .one(object, !described, self.cluster.now(), &mut line);
        line.extend_from_slice(b"}\n");
        line
    }

    /// A bookmark: no object, only how far the watch has come.
    fn mark(&self, annotations: &Value) -> Vec<u8> {
        let mut metadata = json!({"resourceVersion": self.told.to_string()});
        if !annotations.is_null() {
            set(&mut metadata, "annotations", annotations.clone());
        }
        let (kind, version) = (self.kind.name, self.kind.api_version());
        encode(
            "BOOKMARK",
            json!({"kind": kind, "apiVersion": version, "metadata": metadata}),
        )
    }
}

fn encode(what: &'static str, object: impl Serialize) -> Vec<u8> {
    let event = Event {
        r#type: what,
        object,
    };
    // A tree of JSON always has a text.
    let mut line = serde_json::to_vec(&event).unwrap_or_default();
    line.push(b'\n');
    line
}
