//! Who has a server, and when they were last active.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::call::Ask;
use super::error::Error;
use crate::error::{self, Kind};
use crate::world::World;
use crate::world::http::Http;

/// Users per answer; a hub gives no more than 200.
const PAGE: usize = 200;

/// Somebody's server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Server {
    /// Their name at the hub.
    pub user: String,
    /// The server's name; empty for the usual one.
    pub name: String,
    /// Whether it can be used; else it is on its way up or down.
    pub ready: bool,
    /// When it was started.
    pub started: Option<Timestamp>,
    /// When the hub last heard of somebody doing something in it; at most some minutes old.
    pub last_activity: Option<Timestamp>,
    /// Its pod, where the token may read it (`admin:server_state`).
    pub pod: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<User>,
    #[serde(rename = "_pagination")]
    pages: Pages,
}

#[derive(Deserialize)]
struct Pages {
    next: Option<Next>,
}

#[derive(Deserialize)]
struct Next {
    offset: usize,
}

#[derive(Deserialize)]
struct User {
    name: String,
    #[serde(default)]
    admin: bool,
    last_activity: Option<Timestamp>,
    /// Left out when the token may not read it.
    servers: Option<BTreeMap<String, Found>>,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    ready: bool,
    started: Option<Timestamp>,
    last_activity: Option<Timestamp>,
    state: Option<Kept>,
}

/// What the spawner keeps of a server (`KubeSpawner.get_state`).
#[derive(Deserialize)]
struct Kept {
    pod_name: Option<String>,
}

/// What to say where a hub is needed and the target has none.
pub fn none(world: &World) -> error::Error {
    let target = world.target().name.clone();
    Error::None { target }.into()
}

/// The door to the target's hub.
pub(super) async fn door(world: &World) -> error::Result<Http> {
    (world.doors().hub().await?).ok_or_else(|| none(world))
}

/// Whether the target's hub can be asked: one is configured, and there is a token for it.
///
/// # Errors
/// When nobody can tell.
pub async fn configured(world: &World) -> error::Result<bool> {
    match world.doors().hub().await {
        Ok(hub) => Ok(hub.is_some()),
        Err(error) if error.kind == Kind::Credentials => Ok(false),
        Err(error) => Err(error),
    }
}

/// Every user of a hub in this state, page by page.
async fn all(world: &World, hub: &Http, state: &str) -> error::Result<Vec<User>> {
    let mut users = Vec::new();
    let mut offset = 0;
    loop {
        let path = format!("/hub/api/users?{state}limit={PAGE}&offset={offset}");
        let page: Page = Ask::get("list users", &path).read(world, hub).await?;
        users.extend(page.items);
        match page.pages.next {
            // A hub that does not move on would be asked for ever.
            Some(next) if next.offset > offset => offset = next.offset,
            Some(_) | None => return Ok(users),
        }
    }
}

/// Somebody a hub knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Known {
    /// Their name at the hub.
    pub name: String,
    /// Whether they are an admin.
    pub admin: bool,
    /// When the hub last heard of them, where the token may read it.
    pub last_activity: Option<Timestamp>,
}

/// Everybody the target's hub knows, by name. Needs the scope `list:users`.
///
/// # Errors
/// When the hub cannot be asked.
pub async fn users(world: &World) -> error::Result<Vec<Known>> {
    let hub = door(world).await?;
    let users = all(world, &hub, "").await?;
    let mut users: Vec<Known> = users
        .into_iter()
        .map(|user| Known {
            name: user.name,
            admin: user.admin,
            last_activity: user.last_activity,
        })
        .collect();
    users.sort_by(|a, b| a.name.cmp(&b.name));
    users.dedup_by(|a, b| a.name == b.name);
    Ok(users)
}

/// Every server that is up or on its way, by user; none where the target has no hub configured.
///
/// Needs the scopes `list:users`, `read:servers` and `read:users:activity`.
///
/// # Errors
/// When the hub cannot be asked, or does not let us see servers.
pub async fn servers(world: &World) -> error::Result<Option<Vec<Server>>> {
    let Some(hub) = world.doors().hub().await? else {
        return Ok(None);
    };
    let mut servers = Vec::new();
    for user in all(world, &hub, "state=active&").await? {
        let Some(found) = user.servers else {
            let hub = hub.base().to_owned();
            let missing = "who has a server";
            return Err(Error::Blind { hub, missing }.into());
        };
        servers.extend(found.into_iter().map(|(name, found)| Server {
            user: user.name.clone(),
            name,
            ready: found.ready,
            started: found.started,
            last_activity: found.last_activity,
            pod: found.state.and_then(|kept| kept.pod_name),
        }));
    }
    servers.sort_by(|a, b| (&a.user, &a.name).cmp(&(&b.user, &b.name)));
    // Somebody who came meanwhile moves others onto the next page.
    servers.dedup_by(|a, b| (&a.user, &a.name) == (&b.user, &b.name));
    Ok(Some(servers))
}
