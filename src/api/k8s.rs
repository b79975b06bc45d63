//! Nodes, the people on them, and the wait until they are warm.

use std::time::Duration;

use futures::future::{self, Either};
use serde_json::{Value, json};

use super::options::Options;
use super::{function, optional};
use crate::engine::table::Type;
use crate::engine::{Answer, Args, Function};
use crate::error::Result;
use crate::gke;
use crate::k8s::{self, warm};
use crate::names::{self, Class};
use crate::world::World;

/// Keys of the maps these functions give back.
pub(super) const KEYS: &[&str] = &[
    "name",
    "pool",
    "zone",
    "ready",
    "cordoned",
    "why",
    "images",
    "created",
    "version",
    "architecture", // a node
    "namespace",
    "user",
    "node",
    "phase",
    "since",
    "image", // a user's server
    "warm",
    "missing",
    "nodes",
    "took",
    "took_seconds",
    "unchecked",
    "by",
    "note", // warm, and what is missing
];

const WARM: &[(&str, Type)] = &[
    ("pool", Type::Text),
    ("nodes", Type::Int),
    ("options", Type::Map),
];

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "k8s::nodes",
        Class::Read,
        &[("pool", Type::Text)],
        Type::List,
        nodes,
        "The nodes of a pool: name, ready, cordoned, why (it is not ready), images, architecture.",
    ),
    function(
        "k8s::users",
        Class::Read,
        &[("pool", Type::Text)],
        Type::List,
        users,
        "User servers on the nodes of a pool: user, namespace, node, phase, since, image.",
    )
    .personal(),
    function(
        "k8s::cordon",
        Class::WriteConverge,
        &[("node", Type::Text)],
        Type::Bool,
        cordon,
        "Keeps new pods off a node; those on it stay. Says whether it was open.",
    ),
    function(
        "k8s::uncordon",
        Class::WriteConverge,
        &[("node", Type::Text)],
        Type::Bool,
        uncordon,
        "Lets pods onto a node again. Says whether it was cordoned.",
    ),
    optional(
        1,
        function(
            "k8s::warm",
            Class::Read,
            WARM,
            Type::Map,
            look,
            "Whether that many nodes are ready, schedulable and hold the image: `warm`, with `nodes` saying what proved it on each, else `missing`. Options: image.",
        ),
    ),
    optional(
        1,
        function(
            "k8s::wait_warm",
            Class::Wait,
            WARM,
            Type::Map,
            wait,
            "Waits until that many nodes are ready, schedulable and hold the image. Options: `resize` (the operation that brings them; its failure ends the wait), `image`, `usual` and `limit` (durations like \"45m\").",
        ),
    )
    .holds(holds),
];

fn nodes(world: World, args: Args) -> Answer {
    Box::pin(async move { super::json(&k8s::nodes(&world, &args.text(0)?).await?) })
}

fn users(world: World, args: Args) -> Answer {
    Box::pin(async move { super::json(&k8s::users(&world, Some(&args.text(0)?)).await?) })
}

fn cordon(world: World, args: Args) -> Answer {
    Box::pin(async move { Ok(k8s::cordon(&world, &args.text(0)?).await?.into()) })
}

fn uncordon(world: World, args: Args) -> Answer {
    Box::pin(async move { Ok(k8s::uncordon(&world, &args.text(0)?).await?.into()) })
}

fn look(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let (want, _) = want(&args)?;
        Ok(match warm::check(&world, &want).await? {
            warm::Look::Warm(warm) => warm_map(&warm),
            warm::Look::Cold(missing) => json!({
                "warm": false,
                "missing": super::json(&missing)?,
            }),
        })
    })
}

fn holds(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let (want, _) = want(&args)?;
        Ok(match warm::check(&world, &want).await? {
            warm::Look::Warm(_) => Value::Null,
            warm::Look::Cold(missing) => {
                let missing = missing
                    .iter()
                    .map(|item| format!("{}: {}", item.name, item.note));
                missing.collect::<Vec<_>>().join("; ").into()
            }
        })
    })
}

fn wait(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let (want, resize) = want(&args)?;
        let failure = match &resize {
            Some(operation) => Either::Left(gke::operation::failure(&world, operation)),
            None => Either::Right(future::pending()),
        };
        Ok(warm_map(&warm::wait(&world, want, failure).await?))
    })
}

/// What is wanted, and the operation that brings it.
fn want(args: &Args) -> Result<(warm::Want, Option<String>)> {
    let options = Options::of(args, 2, &["image", "usual", "limit", "resize"])?;
    let usual = options.duration("usual")?;
    let limit = options.duration("limit")?;
    let want = warm::Want {
        pool: args.text(0)?,
        nodes: args.count(1)?,
        image: options.text("image")?,
        usual: usual.unwrap_or(Duration::from_mins(22)),
        limit: limit.unwrap_or(Duration::from_mins(45)),
    };
    Ok((want, options.operation("resize")?))
}

fn warm_map(warm: &warm::Warm) -> Value {
    json!({
        "warm": true,
        "nodes": warm.nodes.iter().map(|proof| json!({
            "node": proof.node,
            "images": proof.images,
            "by": proof.by,
        })).collect::<Vec<_>>(),
        "took": names::Took(warm.took).to_string(),
        "took_seconds": warm.took.as_secs(),
        "unchecked": warm.unchecked,
    })
}
