//! Nodes as a person looks at them: what they are, who is on them, what keeps pods off.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1;
use serde::Serialize;

use super::call::{Scope, list};
use super::error::Error;
use super::metrics::{self, Usage};
use super::node::Node;
use super::object::{NodeObject, Taint};
use super::pods::{Group, Where, group, places};
use super::table::table;
use crate::error;
use crate::event::Tone;
use crate::names::Age;
use crate::world::World;

/// Nodes, and what is not known of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeOverview {
    /// By pool and name.
    pub nodes: Vec<NodeRow>,
    /// Why not every pod was counted.
    pub uncounted: Option<String>,
    /// Why nothing is known of CPU and memory.
    pub unmeasured: Option<String>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeRow {
    /// Its name.
    pub name: String,
    /// Its pool.
    pub pool: String,
    /// Its zone.
    pub zone: String,
    /// `Ready`, `cordoned`, or what keeps it from being ready.
    pub status: String,
    /// Whether it is Ready and open to pods.
    pub ready: bool,
    /// `2h10m`.
    pub age: String,
    /// How many pods are on it.
    pub pods: usize,
    /// How many of them are people's.
    pub users: usize,
    /// What it uses; empty when nobody measures it.
    pub cpu: String,
    /// What it uses; empty when nobody measures it.
    pub memory: String,
    /// `KEY=VALUE:EFFECT`.
    pub taints: Vec<String>,
    /// The kubelet's version.
    pub version: String,
    /// How it is to be taken; none when it is as it should be.
    pub tone: Option<Tone>,
}

/// Looks at all nodes.
///
/// # Errors
/// When nodes or pods cannot be listed.
pub async fn node_overview(world: &World) -> error::Result<NodeOverview> {
    let keep = |object: NodeObject| {
        let taints = object.spec.taints.iter().map(shown).collect::<Vec<_>>();
        (Node::from(object), taints)
    };
    let mut nodes = list::<NodeObject, _>(world, &Scope::cluster(""), keep).await?;
    nodes.sort_by(|(a, _), (b, _)| (&a.pool, &a.name).cmp(&(&b.pool, &b.name)));
    let (counts, uncounted) = count(world).await?;
    let (usage, unmeasured) = match metrics::nodes(world).await {
        Ok(usage) => (usage, None),
        Err(failure) => (BTreeMap::new(), Some(metrics::explained(failure))),
    };
    let now = world.clock().now();
    let row = |(node, taints): (Node, Vec<String>)| {
        let count = counts.get(&node.name).copied().unwrap_or_default();
        let usage = usage.get(&node.name).copied();
        row(node, taints, count, usage, now)
    };
    Ok(NodeOverview {
        nodes: nodes.into_iter().map(row).collect(),
        uncounted,
        unmeasured,
    })
}

/// How many pods are on a node, and how many of them are people's.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    pods: usize,
    users: usize,
}

/// Counts the pods of every node; who may not list namespaces counts those in the watched ones.
async fn count(world: &World) -> Result<(BTreeMap<String, Count>, Option<String>), Error> {
    let (places, uncounted) = match places(world, &Where::All).await {
        Ok(places) => (places, None),
        Err(failure) if failure.code() == Some(403) => {
            let places = places(world, &Where::Watched).await?;
            let names: Vec<&str> = places.iter().map(|p| p.namespace.as_str()).collect();
            let why = format!("only pods in {} are counted: {failure}", names.join(", "));
            (places, Some(why))
        }
        Err(failure) => return Err(failure),
    };
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for place in places {
        let row = |[name, status, node]: [String; 3]| {
            let user = group(&name, &world.target().hub_pods) == Group::User;
            let over = matches!(
                status.as_str(),
                "Completed" | "Succeeded" | "Failed" | "Evicted"
            );
            (node, user, over)
        };
        let columns = ["Name", "Status", "Node"];
        let pods = table::<v1::Pod, _, 3>(world, Some(&place.namespace), columns, row);
        for (node, user, over) in pods.await? {
            if !over {
                let count = counts.entry(node).or_default();
                count.pods += 1;
                count.users += usize::from(user);
            }
        }
    }
    Ok((counts, uncounted))
}

fn row(
    node: Node,
    taints: Vec<String>,
    count: Count,
    usage: Option<Usage>,
    now: Timestamp,
) -> NodeRow {
    let age = node
        .created
        .and_then(|created| now.duration_since(created).try_into().ok())
        .map_or_else(String::new, |age| Age(age).to_string());
    let (status, tone) = match (&node.why, node.cordoned) {
        (Some(why), _) => (why.clone(), Some(Tone::Alarm)),
        (None, true) => ("Ready, cordoned".to_owned(), Some(Tone::Warning)),
        (None, false) => ("Ready".to_owned(), None),
    };
    NodeRow {
        ready: node.ready && !node.cordoned,
        name: node.name,
        pool: node.pool,
        zone: node.zone,
        status,
        age,
        pods: count.pods,
        users: count.users,
        cpu: usage.map_or_else(String::new, |usage| usage.cpu.to_string()),
        memory: usage.map_or_else(String::new, |usage| usage.memory.to_string()),
        taints,
        version: node.version,
        tone,
    }
}

/// As `kubectl describe node` writes a taint.
fn shown(taint: &Taint) -> String {
    let Taint { key, value, effect } = taint;
    match value.as_str() {
        "" => format!("{key}:{effect}"),
        value => format!("{key}={value}:{effect}"),
    }
}
