//! The target's hub: what it is, who has a server, which image new ones get, and whether one works.

use std::time::Duration;

use serde_json::json;

use super::options::Options;
use super::{function, optional};
use crate::engine::table::Type;
use crate::engine::{Answer, Args, Function};
use crate::error::{Error, Kind, Result};
use crate::event::{Level, What};
use crate::hub;
use crate::k8s::{self, UserPod};
use crate::names::{Class, Image, Took};
use crate::world::World;

/// Keys of the maps these functions give back.
pub(super) const KEYS: &[&str] = &[
    "user",
    "server",
    "started",
    "last_activity",
    "idle_seconds", // a server
    "version",
    "name",
    "kind",
    "admin",
    "scopes",
    "lacks",
    "namespace", // a hub
    "image",
    "generation",
    "broken", // what new servers get
    "answer",
    "node",
    "pod",
    "took", // a server that works
];

/// How long a check may take: a hub gives a server up after ten minutes.
const LIMIT: Duration = Duration::from_mins(13);

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
        "hub::health",
        Class::Read,
        &[],
        Type::Map,
        health,
        "What the target's hub is and what our token may do there: version, name and kind (of the token's owner), admin, scopes, lacks (what checking it and changing its image would take beside that), namespace.",
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
    function(
        "hub::users",
        Class::Read,
        &[],
        Type::List,
        users,
        "Everybody the target's hub knows: name, admin, last_activity.",
    )
    .personal()
    .fleeting(),
    function(
        "hub::image",
        Class::Read,
        &[],
        Type::Map,
        |world, _| Box::pin(async move { super::json(&hub::image(&world).await?) }),
        "What the hub's configurator gives new servers: image (empty for the chart's own), generation (of the configurator: traitlets or schema), broken (what is wrong with what it keeps; setting an image mends it).",
    ),
    function(
        "hub::set_image",
        Class::WriteConverge,
        &[("image", Type::Text), ("expected", Type::Text)],
        Type::Bool,
        set_image,
        "Gives new servers an image (empty for the chart's own) where they now get `expected`; where they get something else it fails with kind \"raced\" and writes nothing. Says whether anything had to be changed.",
    ),
    optional(
        1,
        function(
            "hub::check_server",
            Class::WriteConverge,
            &[("options", Type::Map)],
            Type::Map,
            check_server,
            "Starts a server as for a person, runs code in it, compares the answer, and takes everything away again: image, node, pod (as Kubernetes tells), answer, took. Options: `image` (that it must run), `user` (else `check_user` of runbook.toml), `limit`.",
        ),
    )
    // It leaves nothing behind.
    .lockless(),
];

fn health(world: World, _: Args) -> Answer {
    Box::pin(async move {
        let mut told = super::json(&hub::health(&world).await?)?;
        if let Some(map) = told.as_object_mut() {
            let namespace = world.target().hub_namespace.clone();
            map.insert("namespace".to_owned(), namespace.into());
        }
        Ok(told)
    })
}

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

fn users(world: World, _: Args) -> Answer {
    Box::pin(async move { super::json(&hub::users(&world).await?) })
}

fn set_image(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let (image, expected) = (args.text(0)?, args.text(1)?);
        if !image.is_empty() {
            image.parse::<Image>()?;
        }
        Ok(hub::set_image(&world, &image, &expected).await?.into())
    })
}

fn check_server(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let options = Options::of(&args, 0, &["image", "user", "limit"])?;
        let user = options.text("user")?;
        let user = user.unwrap_or_else(|| world.target().check_user.clone());
        let wanted = options.text("image")?.unwrap_or_default();
        let limit = options.duration("limit")?.unwrap_or(LIMIT);
        let look = async || pod(&world, &user, &wanted).await;
        let worked = hub::check_server(&world, &user, limit, look).await?;
        let seen = worked.seen.as_ref();
        Ok(json!({
            "image": seen.map(|pod| &pod.image),
            "node": seen.map(|pod| &pod.node),
            "pod": seen.map(|pod| &pod.name),
            "answer": worked.answer,
            "took": Took(worked.started).to_string(),
        }))
    })
}

/// The pod of a user's server, which must run the image that was wanted; none where Kubernetes does
/// not tell, which is said.
async fn pod(world: &World, user: &str, wanted: &str) -> Result<Option<UserPod>> {
    let pods = match k8s::users(world, None).await {
        Ok(pods) => pods,
        Err(error) if matches!(error.kind, Kind::Denied | Kind::Unreachable) => {
            let text = format!(
                "which image the server runs was not checked: {}",
                error.message
            );
            let level = Level::Warning;
            world.emit(What::Said { level, text });
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let hub = world.target().hub_namespace.as_deref();
    let ours = |pod: &UserPod| pod.user == user && hub.is_none_or(|hub| pod.namespace == hub);
    let Some(pod) = pods.into_iter().find(ours) else {
        let fact = format!("the hub says that {user} has a server, and there is no pod of it");
        let hint = "`hub.namespace` and `watch` in runbook.toml say where to look";
        return Err(Error::new(Kind::Config, fact).hint(hint));
    };
    if !wanted.is_empty() && !Image::same(wanted, &pod.image) {
        let fact = format!("the new server runs {}, and not {wanted}", pod.image);
        let hint = "a profile of the hub may choose its own image, or somebody has changed it back";
        return Err(Error::new(Kind::Image, fact).hint(hint));
    }
    Ok(Some(pod))
}
