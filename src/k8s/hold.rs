//! Letting nodes hold an image before anybody has to wait for it: on each that lacks it one short pod
//! of that image runs, and is taken away again.
//!
//! The hubs' own image pullers know nothing of an image that a configurator has set.

mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use self::state::{Pull, State};
use super::call::{Scope, call, list};
use super::error::{Error, Request};
use super::follow::follow;
use super::node::{Node, nodes};
use super::object::PodObject;
use super::watch::{Renewals, watch};
use crate::error;
use crate::event::{Change, Fate};
use crate::names::{Class, Image};
use crate::world::World;
use crate::world::wait::Wait;

/// What tells these pods from all others.
const LABELS: [(&str, &str); 2] = [
    ("app.kubernetes.io/managed-by", "runbook"),
    ("app.kubernetes.io/component", "image-pull"),
];
/// A kubelet tells of so many images at most (`nodeStatusMaxImages`), each with a name or more.
const REPORTED: usize = 50;
/// How long taking them away may take.
const TIDY: Duration = Duration::from_mins(1);

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Hold {
    /// The image.
    pub image: String,
    /// The pool whose nodes should hold it.
    pub pool: String,
    /// Where the pods run: the hub's namespace, whose secrets open its registry.
    pub namespace: String,
    /// When to give up.
    pub limit: Duration,
}

/// A node that holds the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Its name.
    pub node: String,
    /// `had it` or `pulled`.
    pub how: &'static str,
}

/// What is known of a node without changing anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// Its name.
    pub node: String,
    /// Whether it says that it holds the image; none when it tells of so many that it may leave it
    /// out.
    pub holds: Option<bool>,
}

/// The nodes of a pool that are ready and open, and whether each says it holds the image.
///
/// # Errors
/// When nodes cannot be listed.
pub async fn holding(world: &World, image: &str, pool: &str) -> error::Result<Vec<Holding>> {
    let nodes = nodes(world, pool).await?;
    let open = nodes
        .into_iter()
        .filter(|node| node.ready && !node.cordoned);
    Ok(open
        .map(|Node { name, images, .. }| Holding {
            node: name,
            holds: match images.iter().any(|held| Image::same(held, image)) {
                false if images.len() >= REPORTED => None,
                holds => Some(holds),
            },
        })
        .collect())
}

/// Lets every node of a pool that is ready and open hold an image. Says of each how it came to; what
/// could not be tried is said as the second part. Harmless to repeat.
///
/// # Errors
/// Kind `image` when it cannot be pulled, `denied` when no pods may be made, `timed-out`.
pub async fn hold_image(world: &World, want: &Hold) -> error::Result<(Vec<Held>, Option<String>)> {
    let nodes = holding(world, &want.image, &want.pool).await?;
    let resumed = world.take_begun().is_some();
    let held = |node: &Holding, how| Held {
        node: node.node.clone(),
        how,
    };
    let (have, lack): (Vec<_>, Vec<_>) = nodes.iter().partition(|node| node.holds == Some(true));
    let mut all: Vec<Held> = have.iter().map(|node| held(node, "had it")).collect();
    if lack.is_empty() && !resumed {
        return Ok((all, None));
    }
    let of = u64::try_from(lack.len()).unwrap_or(u64::MAX);
    let mut watched = Wait::begin(
        world,
        format!("{} on {of} nodes", want.image),
        of,
        None,
        want.limit,
    )?;
    let mut state = State::new(&want.image, lack.iter().map(|node| node.node.clone()));
    let left = watched.left();
    let work = async {
        let outcome = tokio::select! {
            biased;
            outcome = pull(world, want, &mut state, &mut watched) => outcome,
            () = world.clock().sleep(left) => Err(state.timed_out(want.limit).into()),
        };
        watched.end(outcome.is_ok());
        outcome.map(|()| state.refused())
    };
    // Both are large.
    let (work, tidy) = (Box::pin(work), Box::pin(tidy(world, want)));
    let refused = world.stop().tidied(work, tidy).await?;
    for node in lack {
        if refused
            .as_ref()
            .is_none_or(|(nodes, _)| !nodes.contains(&node.node))
        {
            all.push(held(node, "pulled"));
        }
    }
    all.sort_by(|a, b| a.node.cmp(&b.node));
    Ok((all, refused.map(|(_, why)| why)))
}

/// Runs a pod on each node, and follows them until each has its image.
async fn pull(
    world: &World,
    want: &Hold,
    state: &mut State,
    watched: &mut Wait,
) -> error::Result<()> {
    for node in state.nodes() {
        start(world, want, &node).await?;
    }
    let renewals = Renewals::default();
    let pods = watch::<PodObject, Pull>(world, scope(want), &renewals).boxed();
    follow(world, state, stream::select_all([pods]), watched).await?;
    for node in state.nodes() {
        world.changed(Change {
            what: format!("node {node}"),
            before: format!("without {}", want.image),
            after: format!("holds {}", want.image),
            call: "k8s::hold_image".to_owned(),
            class: Class::WriteConverge,
            operation: None,
            fate: Fate::Done,
        })?;
    }
    Ok(())
}

fn scope(want: &Hold) -> Scope {
    let labels = LABELS.map(|(key, value)| format!("{key}={value}"));
    Scope {
        namespace: Some(want.namespace.clone()),
        labels: labels.join(","),
    }
}

fn request(want: &Hold, verb: &'static str) -> Request {
    Request {
        verb,
        resource: "pods".to_owned(),
        namespace: Some(want.namespace.clone()),
        name: None,
    }
}

/// The same node and image, the same pod: one that an earlier session has made is found again.
fn pod_name(image: &str, node: &str) -> String {
    let hash = Sha256::digest(format!("{image} {node}"));
    let digits = hash
        .iter()
        .take(6)
        .fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
    format!("runbook-pull-{digits}")
}

async fn start(world: &World, want: &Hold, node: &str) -> Result<(), Error> {
    let labels: serde_json::Map<_, _> = (LABELS.iter())
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    let little = json!({ "cpu": "1m", "memory": "8Mi" });
    let pod = json!({
        "metadata": { "name": pod_name(&want.image, node), "labels": labels },
        "spec": {
            "nodeName": node,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": want.limit.as_secs(),
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 0,
            "tolerations": [{ "operator": "Exists" }],
            "containers": [{
                "name": "pull",
                "image": want.image,
                "imagePullPolicy": "IfNotPresent",
                // Where the image has no such program it is there all the same.
                "command": ["/bin/true"],
                "resources": { "requests": little, "limits": { "memory": "64Mi" } },
            }],
        },
    });
    let pod: Pod = serde_json::from_value(pod).map_err(|why| Error::Strange {
        what: request(want, "create"),
        why: why.to_string(),
    })?;
    let params = PostParams::default();
    let made = call(world, &request(want, "create"), async |client| {
        Api::<Pod>::namespaced(client, &want.namespace)
            .create(&params, &pod)
            .await
    })
    .await;
    match made {
        Ok(_) => Ok(()),
        // An earlier session's, or an answer that was lost.
        Err(there) if there.code() == Some(409) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Takes the pods away; those that stay are told.
async fn tidy(world: &World, want: &Hold) {
    let gone = async {
        for pod in list::<PodObject, Pull>(world, &scope(want), From::from).await? {
            if pod.image != want.image {
                continue;
            }
            let request = Request {
                name: Some(pod.name.clone()),
                ..request(want, "delete")
            };
            let params = DeleteParams::default().grace_period(0);
            let deleted = call(world, &request, async |client| {
                Api::<Pod>::namespaced(client, &want.namespace)
                    .delete(&pod.name, &params)
                    .await
            })
            .await;
            match deleted {
                Ok(_) => {}
                Err(gone) if gone.code() == Some(404) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    };
    let (namespace, image) = (&want.namespace, &want.image);
    let what = format!("pods that pull {image} in namespace {namespace}");
    world.clean(&what, TIDY, gone).await;
}
