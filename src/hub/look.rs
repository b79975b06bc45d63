//! A look at everything a copy of a hub is made of. Its people are called what the caller calls them.

use super::call::Ask;
use super::config;
use super::servers::{door, servers};
use super::who::health;
use crate::error::{self, Kind};
use crate::world::World;
use crate::world::snapshot::Hub;

/// Looks at the hub: its version, what our token may do, its configurator, and when each of its
/// people was last active; `alias` says what somebody is called, and nobody else is told of.
///
/// # Errors
/// When it cannot be asked, or does not know the token.
pub async fn look(world: &World, alias: impl Fn(&str) -> Option<String>) -> error::Result<Hub> {
    let health = health(world).await?;
    let mut seen = Hub {
        version: health.version,
        admin: health.admin,
        scopes: health.scopes,
        ..Hub::default()
    };
    match servers(world).await {
        Ok(servers) => {
            let active = servers.unwrap_or_default().into_iter();
            let active = active.filter_map(|one| Some((alias(&one.user)?, one.last_activity?)));
            seen.active = active.collect();
        }
        Err(error) if error.kind == Kind::Denied => {}
        Err(error) => return Err(error),
    }
    let hub = door(world).await?;
    let config = Ask::get("read its configuration", config::PATH);
    if let Ok(answer) = config.send(world, &hub).await {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        seen.schema = config::is_schema(&text);
        seen.config = Some(text);
    }
    Ok(seen)
}
