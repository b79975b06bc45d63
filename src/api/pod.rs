//! One pod: which it is, what it writes, and a shell in it.

use serde_json::{Value, json};

use super::options::Options;
use super::{function, optional};
use crate::engine::table::Type;
use crate::engine::{Answer, Args, Function};
use crate::error::{Error, Kind, Result};
use crate::k8s::{self, Command, LogOptions, NamedPod};
use crate::names::Class;
use crate::world::World;

/// Keys of the maps these functions give back.
pub(super) const KEYS: &[&str] = &[
    "namespace",
    "name",
    "user",
    "containers",
    "own",
    "default", // a pod
    "container",
    "lines",
    "ended", // a log
];

const POD: &[(&str, Type)] = &[("pod", Type::Map), ("options", Type::Map)];

pub(super) const FUNCTIONS: &[Function] = &[
    optional(
        1,
        function(
            "k8s::pod",
            Class::Read,
            &[("name", Type::Text), ("options", Type::Map)],
            Type::Map,
            pod,
            "The pod of that name, or the only one whose name begins with it or has it somewhere: namespace, name, user (whose server it is), containers. `NAMESPACE/NAME` looks in one namespace. Options: namespace.",
        ),
    ),
    optional(
        1,
        function(
            "k8s::logs",
            Class::Session,
            POD,
            Type::Map,
            logs,
            "Shows the log of a pod on standard output: container, lines (how many), ended (how the container did, while it was followed). Options: container, follow, previous, since (a duration), tail (how many lines).",
        ),
    ),
    optional(
        1,
        function(
            "k8s::shell",
            Class::Session,
            POD,
            Type::Int,
            shell,
            "A shell in a pod at the operator's terminal, or one command; gives back its exit code. Options: container, command (what the shell there carries out).",
        ),
    ),
];

fn pod(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let options = Options::of(&args, 1, &["namespace"])?;
        let (name, namespace) = (args.text(0)?, options.text("namespace")?);
        super::json(&k8s::pod_named(&world, namespace.as_deref(), &name).await?)
    })
}

fn logs(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let known = ["container", "follow", "previous", "since", "tail"];
        let options = Options::of(&args, 1, &known)?;
        let options = LogOptions {
            container: options.text("container")?,
            follow: options.flag("follow")?,
            previous: options.flag("previous")?,
            since: options.duration("since")?,
            tail: options.count("tail")?,
        };
        super::json(&k8s::logs(&world, &given(&args)?, &options).await?)
    })
}

fn shell(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let options = Options::of(&args, 1, &["container", "command"])?;
        let command = Command {
            container: options.text("container")?,
            line: options.text("command")?,
        };
        Ok(json!(k8s::shell(&world, &given(&args)?, &command).await?))
    })
}

/// A pod as `k8s::pod` gives it.
fn given(args: &Args) -> Result<NamedPod> {
    let pod: Value = args.value(0).clone();
    serde_json::from_value(pod)
        .map_err(|_| Error::new(Kind::Script, "`pod` must be what `k8s::pod` gave back"))
}
