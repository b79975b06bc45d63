//! Images on nodes.

use std::time::Duration;

use serde_json::json;

use super::options::Options;
use super::{function, json as told, optional};
use crate::engine::table::Type;
use crate::engine::{Answer, Args, Function};
use crate::k8s::{self, Hold};
use crate::names::{Class, Image};
use crate::world::World;

/// Keys of the maps these functions give back.
pub(super) const KEYS: &[&str] = &["node", "holds", "how", "nodes", "unchecked"];

/// How long pulling a large image onto every node may take.
const LIMIT: Duration = Duration::from_mins(45);

const IMAGE: &[(&str, Type)] = &[
    ("image", Type::Text),
    ("pool", Type::Text),
    ("options", Type::Map),
];

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "k8s::holding",
        Class::Read,
        &[("image", Type::Text), ("pool", Type::Text)],
        Type::List,
        |world, args| {
            Box::pin(
                async move { told(&k8s::holding(&world, &args.text(0)?, &args.text(1)?).await?) },
            )
        },
        "Which ready nodes of a pool say that they hold an image: node, holds; () where a node tells of so many images that it may leave one out.",
    ),
    optional(
        1,
        function(
            "k8s::hold_image",
            Class::WriteConverge,
            IMAGE,
            Type::Map,
            hold_image,
            "Lets every ready node of a pool hold an image, by a short pod on each that lacks it: `nodes`, each with `node` and `how` (\"had it\", \"pulled\"), and `unchecked`. Options: `namespace` of the pods (else the hub's), `limit`.",
        ),
    )
    // Its pods do not stay, and an image more is in nobody's way.
    .lockless(),
];

fn hold_image(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let options = Options::of(&args, 2, &["namespace", "limit"])?;
        let target = world.target();
        let hubs = target.hub_namespace.clone();
        let hubs = hubs.or_else(|| target.watch.first().cloned());
        let image = args.text(0)?;
        image.parse::<Image>()?;
        let want = Hold {
            image,
            pool: args.text(1)?,
            namespace: (options.text("namespace")?.or(hubs))
                .unwrap_or_else(|| "default".to_owned()),
            limit: options.duration("limit")?.unwrap_or(LIMIT),
        };
        let (nodes, unchecked) = k8s::hold_image(&world, &want).await?;
        Ok(json!({ "nodes": told(&nodes)?, "unchecked": unchecked }))
    })
}
