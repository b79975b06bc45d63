//! Registries of images.

use super::function;
use crate::engine::table::Type;
use crate::engine::{Answer, Args, Function};
use crate::names::{Class, Image};
use crate::registry;
use crate::world::World;

/// Keys of the map this function gives back.
pub(super) const KEYS: &[&str] = &[
    "verdict",
    "image",
    "repository",
    "moves",
    "digest",
    "bytes",
    "architectures",
    "near",
    "why",
];

pub(super) const FUNCTIONS: &[Function] = &[function(
    "registry::inspect",
    Class::Read,
    &[("image", Type::Text)],
    Type::Map,
    inspect,
    "What an image's registry knows of it: verdict (\"exists\", \"missing\", \"cannot-tell\"), image, repository, moves (its tag means something else from time to time), digest, bytes (compressed), architectures, near (tags like one that is missing), why. What is not known is ().",
)];

fn inspect(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let image: Image = args.text(0)?.parse()?;
        super::json(&registry::inspect(&world, &image).await?)
    })
}
