//! Who has a server, as the target's hub tells it.

use serde_json::json;

use super::function;
use crate::engine::table::Type;
use crate::engine::{Answer, Args, Function};
use crate::hub;
use crate::names::Class;
use crate::world::World;

/// Keys of the maps these functions give back.
pub(super) const KEYS: &[&str] = &["user", "server", "started", "last_activity", "idle_seconds"];

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "hub::configured",
        Class::Read,
        &[],
        Type::Bool,
        |world, _| Box::pin(async move { Ok(hub::configured(&world).await?.into()) }),
        "Whether the target's hub can be asked: `hub` in runbook.toml says where it is, and there is a token for it.",
    ),
    function(
        "hub::servers",
        Class::Read,
        &[],
        Type::List,
        servers,
        "The servers that are up or on their way, as the target's hub tells: user, server (its name; empty for the usual one), started, last_activity (at most some minutes old), idle_seconds. What the hub does not know is ().",
    )
    .personal()
    .fleeting(),
];

fn servers(world: World, _: Args) -> Answer {
    Box::pin(async move {
        let servers = hub::servers(&world).await?;
        let servers = servers.ok_or_else(|| hub::none(&world))?;
        let now = world.clock().now();
        let told = servers.iter().map(|server| {
            let idle = |last| now.duration_since(last).as_secs().max(0);
            json!({
                "user": server.user,
                "server": server.name,
                "started": server.started,
                "last_activity": server.last_activity,
                "idle_seconds": server.last_activity.map(idle),
            })
        });
        Ok(told.collect())
    })
}
