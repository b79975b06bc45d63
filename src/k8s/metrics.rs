//! What pods and nodes use, from `metrics.k8s.io`: there only where a metrics server is.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::call::once;
use super::error::{Error, Request};
use crate::error;
use crate::names::{Bytes, Cpu};
use crate::world::World;
use crate::world::retry::{Failure as _, Verdict};

const PATH: &str = "/apis/metrics.k8s.io/v1beta1";

/// What something uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU.
    pub cpu: Cpu,
    /// Memory.
    pub memory: Bytes,
}

/// A container and what it uses.
pub(super) type Container = (String, Usage);

/// Usage by name.
pub(super) type Measured<T> = BTreeMap<String, T>;

/// As the API writes them.
#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Meta {
    name: String,
}

#[derive(Deserialize)]
struct PodMetrics {
    metadata: Meta,
    #[serde(default)]
    containers: Vec<ContainerMetrics>,
}

#[derive(Deserialize)]
struct ContainerMetrics {
    name: String,
    usage: Amounts,
}

#[derive(Deserialize)]
struct NodeMetrics {
    metadata: Meta,
    usage: Amounts,
}

#[derive(Deserialize)]
struct Amounts {
    #[serde(default)]
    cpu: String,
    #[serde(default)]
    memory: String,
}

impl From<Amounts> for Usage {
    /// An amount nobody can read counts as none: the rest is still worth showing.
    fn from(amounts: Amounts) -> Self {
        Self {
            cpu: amounts.cpu.parse().unwrap_or_default(),
            memory: amounts.memory.parse().unwrap_or_default(),
        }
    }
}

impl PodMetrics {
    fn containers(self) -> Vec<Container> {
        let containers = self.containers.into_iter();
        containers.map(|c| (c.name, c.usage.into())).collect()
    }
}

/// What the containers of a namespace's pods use, by pod.
pub(super) async fn pods(
    world: &World,
    namespace: &str,
) -> Result<Measured<Vec<Container>>, Error> {
    let path = format!("{PATH}/namespaces/{namespace}/pods");
    let list: List<PodMetrics> = get(world, "pods", Some(namespace), None, &path).await?;
    let pods = list.items.into_iter();
    Ok(pods
        .map(|mut pod| (std::mem::take(&mut pod.metadata.name), pod.containers()))
        .collect())
}

/// What the containers of one pod use.
pub(super) async fn pod(
    world: &World,
    namespace: &str,
    name: &str,
) -> Result<Vec<Container>, Error> {
    let path = format!("{PATH}/namespaces/{namespace}/pods/{name}");
    let pod: PodMetrics = get(world, "pods", Some(namespace), Some(name), &path).await?;
    Ok(pod.containers())
}

/// What the nodes use, by node.
pub(super) async fn nodes(world: &World) -> Result<Measured<Usage>, Error> {
    let list: List<NodeMetrics> = get(world, "nodes", None, None, &format!("{PATH}/nodes")).await?;
    let nodes = list.items.into_iter();
    Ok(nodes.map(|n| (n.metadata.name, n.usage.into())).collect())
}

/// One try, with good credentials: where no metrics server is, the API server says 503 for ever.
async fn get<T: serde::de::DeserializeOwned>(
    world: &World,
    resource: &str,
    namespace: Option<&str>,
    name: Option<&str>,
    path: &str,
) -> Result<T, Error> {
    let what = Request {
        verb: if name.is_some() { "get" } else { "list" },
        resource: format!("{resource}.metrics.k8s.io"),
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
    };
    let attempt = async || {
        let client = world.doors().k8s().await?;
        let request = http::Request::get(path).body(Vec::new());
        once(world, &what, async {
            client
                .request(request.map_err(kube::Error::HttpError)?)
                .await
        })
        .await
    };
    match attempt().await {
        Err(failure) if failure.verdict() == Verdict::Renew => {
            world.doors().renew().await?;
            attempt().await
        }
        answer => answer,
    }
}

/// Why nothing was measured, and what to do about it.
pub(super) fn explained(failure: Error) -> String {
    let why = if matches!(failure.code(), Some(404 | 503)) {
        "the cluster has no metrics server (metrics.k8s.io does not answer)".to_owned()
    } else {
        let error = error::Error::from(failure);
        match error.hint {
            Some(hint) => format!("{}; {hint}", error.message),
            None => error.message,
        }
    };
    format!("no CPU and memory: {why}")
}
