//! What a hub is, and what our token may do there.

use serde::{Deserialize, Serialize};

use super::call::Ask;
use super::servers::door;
use crate::error;
use crate::world::World;

/// What checking a hub and changing its image take, each but the last alone: `{user}` is the user a
/// check logs in as. Never `tokens` nor an unfiltered `admin:users`: whoever holds those is an admin.
const SCOPES: [&str; 7] = [
    "access:services!service=configurator",
    "list:users",
    "read:servers",
    "read:users:activity",
    "admin:users!user={user}",
    "servers!user={user}",
    "access:servers!user={user}",
];

/// A hub, as it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Its version: `5.4.6`.
    pub version: String,
    /// Whose the token is.
    pub name: String,
    /// `user` or `service`.
    pub kind: String,
    /// Whether they are an admin.
    pub admin: bool,
    /// What the token may do.
    pub scopes: Vec<String>,
    /// What it would have to be able to do beside that, to check the hub and change its image.
    pub lacks: Vec<String>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct Owner {
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    admin: bool,
    #[serde(default)]
    scopes: Vec<String>,
}

/// The scopes, for this check user.
pub(super) fn scopes(user: &str) -> impl Iterator<Item = String> {
    SCOPES
        .iter()
        .map(move |scope| scope.replace("{user}", user))
}

/// Whether scopes include one: itself, or the same for everybody.
pub fn includes(scopes: &[String], wanted: &str) -> bool {
    let wide = wanted.split('!').next().unwrap_or(wanted);
    // A wide `servers` is called `admin:servers` as well; hubs tell both.
    scopes.iter().any(|scope| scope == wanted || scope == wide)
}

/// Asks the target's hub what it is, and who we are to it.
///
/// # Errors
/// When it cannot be asked, or does not know the token.
pub async fn health(world: &World) -> error::Result<Health> {
    let hub = door(world).await?;
    let found = Ask::get("say its version", "/hub/api/");
    let Version { version } = found.read(world, &hub).await?;
    let owner = Ask::get("say whose the token is", "/hub/api/user");
    let owner: Owner = owner.read(world, &hub).await?;
    let mut lacks: Vec<String> = scopes(&world.target().check_user)
        .filter(|scope| !includes(&owner.scopes, scope))
        .collect();
    if !owner.admin {
        lacks.push("an admin as its owner".to_owned());
    }
    Ok(Health {
        version,
        name: owner.name,
        kind: owner.kind,
        admin: owner.admin,
        scopes: owner.scopes,
        lacks,
    })
}
