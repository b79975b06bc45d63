//! A container of a pod, as a request names it or leaves it to the server.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Cluster;
use super::failure::Failure;
use super::object::{Object, text};
use super::request::{Request, Target};

/// The pod a request is about, and the name of one of its containers.
pub(super) fn named<C: Cluster>(
    cluster: &C,
    request: &Request,
    target: &Target<'_>,
    name: &str,
) -> Result<(Object, String), Failure> {
    let pod = cluster
        .with(|store| store.object(target.kind.name, target.namespace, name))
        .ok_or_else(|| Failure::not_found(target.kind, name))?;
    let (own, all) = (names(&pod, false), names(&pod, true));
    let container = match (request.param("container"), own.as_slice()) {
        ("", [only]) => *only,
        ("", []) => {
            let message = format!("a container name must be specified for pod {name}");
            return Err(Failure::bad_request(message));
        }
        ("", _) => {
            let all = all.join(" ");
            return Err(Failure::bad_request(format!(
                "a container name must be specified for pod {name}, choose one of: [{all}]"
            )));
        }
        (named, _) if all.contains(&named) => named,
        (named, _) => {
            let message = format!("container {named} is not valid for pod {name}");
            return Err(Failure::bad_request(message));
        }
    };
    let container = container.to_owned();
    Ok((pod, container))
}

/// Names of a pod's containers, in its own order; with those that only prepare it, they come first.
fn names(pod: &Value, all: bool) -> Vec<&str> {
    let lists = if all {
        &["/spec/initContainers", "/spec/containers"][..]
    } else {
        &["/spec/containers"]
    };
    let lists = lists
        .iter()
        .filter_map(|list| pod.pointer(list)?.as_array());
    lists
        .flatten()
        .map(|container| text(container, "/name"))
        .collect()
}

/// What the kubelet says of a container.
pub(super) fn status<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    let lists = ["/status/containerStatuses", "/status/initContainerStatuses"];
    let lists = lists
        .iter()
        .filter_map(|list| pod.pointer(list)?.as_array());
    lists
        .flatten()
        .find(|status| text(status, "/name") == container)
}

/// From when to when a container runs, or ran; the end is open while it does.
pub(super) fn ran(state: &Value) -> Option<(Timestamp, Option<Timestamp>)> {
    let at = |pointer: &str| text(state, pointer).parse::<Timestamp>().ok();
    match at("/running/startedAt") {
        Some(since) => Some((since, None)),
        // What it did last, it did within that second.
        None => Some((
            at("/terminated/startedAt")?,
            Some(at("/terminated/finishedAt")? + SignedDuration::from_secs(1)),
        )),
    }
}
