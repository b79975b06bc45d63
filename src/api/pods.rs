//! Pods, services, namespaces and nodes as a person looks at them.

use serde_json::Value;

use super::{function, json, optional, unknown_option, wrong_option};
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
    "ports", // a service
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
        let mut look = Look {
            place: Where::Watched,
            all: false,
            top: 10,
            by: By::Memory,
        };
        for (key, value) in options(&args) {
            match (key, value) {
                ("all", value) => look.all = flag(key, value)?,
                ("top", value) => {
                    let top = value.as_u64().and_then(|top| usize::try_from(top).ok());
                    look.top = top.ok_or_else(|| wrong_option(key, "a number"))?;
                }
                ("by", value) => {
                    look.by = match value.as_str() {
                        Some("memory") => By::Memory,
                        Some("cpu") => By::Cpu,
                        _ => return Err(wrong_option(key, "\"memory\" or \"cpu\"")),
                    }
                }
                (key, value) => {
                    place(&mut look.place, key, value, &["all", "top", "by"])?;
                }
            }
        }
        json(&k8s::pods::overview(&world, &look).await?)
    })
}

fn services(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let mut wanted = Where::Watched;
        for (key, value) in options(&args) {
            place(&mut wanted, key, value, &[])?;
        }
        json(&k8s::services(&world, &wanted).await?)
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

/// The options that were given something.
fn options(args: &Args) -> impl Iterator<Item = (&str, &Value)> {
    let options = args.value(0).as_object().into_iter().flatten();
    let options = options.map(|(key, value)| (key.as_str(), value));
    options.filter(|(_, value)| !value.is_null())
}

/// Takes an option that says where to look; there may be `others`.
fn place(place: &mut Where, key: &str, value: &Value, others: &[&str]) -> Result<()> {
    match key {
        "namespaces" => {
            let wrong = || wrong_option(key, "a list of names");
            let names = value.as_array().ok_or_else(wrong)?.iter();
            let names = names.map(|name| name.as_str().map(str::to_owned).ok_or_else(wrong));
            let names = names.collect::<Result<Vec<_>>>()?;
            if !names.is_empty() && *place != Where::All {
                *place = Where::These(names);
            }
        }
        "everywhere" => {
            if flag(key, value)? {
                *place = Where::All;
            }
        }
        key => {
            let known = [others, &["namespaces", "everywhere"]].concat();
            return Err(unknown_option(key, &known));
        }
    }
    Ok(())
}

fn flag(key: &str, value: &Value) -> Result<bool> {
    value
        .as_bool()
        .ok_or_else(|| wrong_option(key, "true or false"))
}
