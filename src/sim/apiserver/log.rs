//! The log of a container: what it has written, and with `follow` what it goes on writing.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use http::header;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Cluster;
use super::container;
use super::failure::Failure;
use super::object::{Object, text};
use super::request::{Request, Target};
use crate::sim::chatter::{self, Line};

/// A log that is followed.
struct Following<C> {
    cluster: C,
    namespace: String,
    pod: String,
    uid: String,
    container: String,
    stamps: bool,
    /// Written, and not sent yet.
    lines: VecDeque<Line>,
    /// Everything before has been looked at.
    told: Timestamp,
    /// How often connections had been cut when it began.
    cuts: u64,
    over: bool,
}

/// GET of `pods/NAME/log`.
pub(super) fn log<C: Cluster>(
    cluster: &C,
    request: &Request,
    target: &Target<'_>,
    name: &str,
) -> Result<Response, Failure> {
    let now = cluster.now();
    let (pod, container) = container::named(cluster, request, target, name)?;
    let since = since(request, now)?;
    let (tail, limit) = (request.number("tailLines")?, request.number("limitBytes")?);
    let previous = request.flag("previous");
    let Some((began, ended)) = written(&pod, &container, previous)? else {
        return Ok(plain(Body::empty()));
    };
    let told = ended.unwrap_or(now).min(now);
    let from = since.map_or(began, |since| since.max(began));
    let mut lines: VecDeque<Line> = chatter::lines(&pod, &container, began, (from, told)).into();
    if let Some(tail) = tail.and_then(|tail| usize::try_from(tail).ok()) {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let stamps = request.flag("timestamps");
    if request.flag("follow") && ended.is_none() && !previous {
        let following = Following {
            cluster: cluster.clone(),
            namespace: text(&pod, "/metadata/namespace").to_owned(),
            uid: text(&pod, "/metadata/uid").to_owned(),
            pod: name.to_owned(),
            container,
            stamps,
            lines,
            told,
            cuts: cluster.news().cuts(),
            over: false,
        };
        let chunks = stream::unfold(following, async |mut following| {
            let chunk = following.next().await?;
            Some((chunk, following))
        });
        return Ok(plain(Body::from_stream(chunks)));
    }
    let mut bytes: Vec<u8> = lines
        .iter()
        .flat_map(|line| line.write(stamps).into_bytes())
        .collect();
    if let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) {
        bytes.truncate(limit);
    }
    Ok(plain(Body::from(bytes)))
}

fn plain(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "text/plain")], body).into_response()
}

/// From when lines are wanted.
fn since(request: &Request, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    if let Some(seconds) = request.number("sinceSeconds")? {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        let since = now.saturating_sub(SignedDuration::from_secs(seconds));
        return Ok(Some(since.unwrap_or(Timestamp::MIN)));
    }
    match request.param("sinceTime") {
        "" => Ok(None),
        time => time.parse().map(Some).map_err(|_| {
            Failure::bad_request(format!("parsing time \"{time}\" as RFC 3339: cannot parse"))
        }),
    }
}

/// From when to when what is asked for was written; nothing when the pod has no node yet.
fn written(
    pod: &Value,
    container: &str,
    previous: bool,
) -> Result<Option<(Timestamp, Option<Timestamp>)>, Failure> {
    if text(pod, "/spec/nodeName").is_empty() {
        return Ok(None);
    }
    let name = text(pod, "/metadata/name");
    let status = container::status(pod, container);
    let field = if previous { "/lastState" } else { "/state" };
    let state = status.and_then(|status| status.pointer(field));
    if let Some(ran) = state.and_then(container::ran) {
        return Ok(Some(ran));
    }
    let reason = state.map_or("", |state| text(state, "/waiting/reason"));
    let why = match reason {
        _ if previous => {
            format!("previous terminated container \"{container}\" in pod \"{name}\" not found")
        }
        "ImagePullBackOff" => format!(
            "container \"{container}\" in pod \"{name}\" is waiting to start: trying and failing \
             to pull image"
        ),
        "ErrImagePull" => format!(
            "container \"{container}\" in pod \"{name}\" is waiting to start: image can't be pulled"
        ),
        "" => format!("container \"{container}\" in pod \"{name}\" is not available"),
        reason => {
            format!("container \"{container}\" in pod \"{name}\" is waiting to start: {reason}")
        }
    };
    Err(Failure::bad_request(why))
}

impl<C: Cluster> Following<C> {
    /// What comes next; nothing when the container has ended.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if !self.lines.is_empty() {
                let lines = self.lines.drain(..);
                let text: String = lines.map(|line| line.write(self.stamps)).collect();
                return Some(Ok(Bytes::from(text)));
            }
            if self.over {
                return None;
            }
            if self.cluster.news().cuts() > self.cuts {
                self.over = true;
                return Some(Err(io::ErrorKind::ConnectionReset.into()));
            }
            let version = self.cluster.news().version();
            let now = self.cluster.now();
            let (pod, began, ended) = self.look(now)?;
            let told = ended.unwrap_or(now).min(now);
            self.lines = chatter::lines(&pod, &self.container, began, (self.told, told)).into();
            self.told = self.told.max(told);
            self.over = ended.is_some();
            if self.lines.is_empty() && !self.over {
                let next = chatter::next(&pod, &self.container, began, told);
                let wait = Duration::try_from(next.duration_since(now)).unwrap_or_default();
                tokio::select! {
                    biased;
                    () = self.cluster.news().beyond(version, self.cuts) => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }

    /// The pod, and from when to when its container runs; a pod that is gone ended with it.
    fn look(&self, now: Timestamp) -> Option<(Object, Timestamp, Option<Timestamp>)> {
        let pod = self
            .cluster
            .with(|store| store.object("Pod", Some(&self.namespace), &self.pod))
            .filter(|pod| text(pod, "/metadata/uid") == self.uid)?;
        let state = container::status(&pod, &self.container)?.pointer("/state")?;
        let (began, ended) = container::ran(state).unwrap_or((now, Some(now)));
        Some((pod, began, ended))
    }
}
