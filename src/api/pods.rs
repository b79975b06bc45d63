//! Pods, services, namespaces and nodes as a person looks at them.

use super::options::{self, Options};
use super::{function, json, optional};
use crate::engine::table::Type;
use crate::engine::{Answer, Args, Function};
use crate::error::Result;
use crate::k8s;
use crate::k8s::pods::{By, Look, Where};
use crate::names::Class;
use crate::world::World;

/// Keys of the maps these functions give back.
pub(super) const KEYS: &[&str] = &[
    "namespaces",
    "unmeasured", // an overview of pods
    "hub",
    "users",
    "others",
    "count",
    "running",
    "trouble",
    "pods", // a namespace
    "status",
    "restarts",
    "age",
    "cpu",
    "memory",
    "containers",
    "tone", // a pod
    "type",
    "cluster_ip",
    "external_ip",
    "ports",   // a service
    "changes", // what was seen of pods
    "uncounted",
    "taints", // an overview of nodes
    "health",
    "target",
    "minimum",
    "maximum",
    "scale_up",
    "scale_down", // what the autoscaler says
];

const OPTIONS: &[(&str, Type)] = &[("options", Type::Map)];

pub(super) const FUNCTIONS: &[Function] = &[
    optional(
        1,
        function(
            "k8s::pods",
            Class::Read,
            OPTIONS,
            Type::Map,
            pods,
            "Pods by namespace: `hub` (the hub's own), `missing` (prefixes that have none), `users` and `others` with their count, running, trouble, cpu, memory and `pods`; `unmeasured` says why there is no CPU and memory. Options: `namespaces` (a list) or `everywhere`, `all` (every pod, not only those that matter), `top` (how many of people's), `by` (\"memory\" or \"cpu\").",
        ),
    )
    .personal(),
    optional(
        1,
        function(
            "k8s::watch_pods",
            Class::Session,
            OPTIONS,
            Type::Map,
            watch,
            "Shows pods as they change, until the operator has seen enough: pods (at the end), changes, took_seconds. Options: `namespaces` or `everywhere`, `limit` (a duration; 0 for none).",
        ),
    ),
    optional(
        1,
        function(
            "k8s::services",
            Class::Read,
            OPTIONS,
            Type::List,
            services,
            "Services: namespace, name, type, cluster_ip, external_ip, ports, age. Options: `namespaces` or `everywhere`.",
        ),
    ),
    function(
        "k8s::namespaces",
        Class::Read,
        &[],
        Type::List,
        namespaces,
        "Every namespace: name, status, age.",
    ),
    function(
        "k8s::node_overview",
        Class::Read,
        &[],
        Type::Map,
        nodes,
        "Every node as `nodes`: name, pool, zone, status, ready, age, pods, users, cpu, memory, taints, version; `uncounted` and `unmeasured` say what is not known, and why.",
    ),
    function(
        "k8s::autoscaler",
        Class::Read,
        &[],
        Type::List,
        autoscaler,
        "What the cluster autoscaler says of each instance group: pool, zone, health, target, minimum, maximum, scale_up, scale_down, why (it backs off). Empty where it publishes nothing.",
    ),
];

fn pods(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let options = Options::of(&args, 0, &["all", "top", "by", "namespaces", "everywhere"])?;
        let top = options.count("top")?.map(usize::try_from);
        let look = Look {
            place: place(&options)?,
            all: options.flag("all")?,
            top: top.and_then(std::result::Result::ok).unwrap_or(10),
            by: match options.text("by")?.as_deref() {
                None | Some("memory") => By::Memory,
                Some("cpu") => By::Cpu,
                Some(_) => return Err(options::wrong("by", "\"memory\" or \"cpu\"")),
            },
        };
        json(&k8s::pods::overview(&world, &look).await?)
    })
}

fn watch(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let options = Options::of(&args, 0, &["namespaces", "everywhere", "limit"])?;
        let limit = options.duration("limit")?;
        let limit = limit.filter(|limit| !limit.is_zero());
        json(&k8s::pods::watch(&world, &place(&options)?, limit).await?)
    })
}

fn services(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let options = Options::of(&args, 0, &["namespaces", "everywhere"])?;
        json(&k8s::services(&world, &place(&options)?).await?)
    })
}

fn namespaces(world: World, _: Args) -> Answer {
    Box::pin(async move { json(&k8s::namespaces(&world).await?) })
}

fn nodes(world: World, _: Args) -> Answer {
    Box::pin(async move { json(&k8s::node_overview(&world).await?) })
}

fn autoscaler(world: World, _: Args) -> Answer {
    Box::pin(async move { json(&k8s::groups(&world).await?) })
}

/// Where to look.
fn place(options: &Options<'_>) -> Result<Where> {
    let these = options.names("namespaces")?;
    Ok(if options.flag("everywhere")? {
        Where::All
    } else if these.is_empty() {
        Where::Watched
    } else {
        Where::These(these)
    })
}
