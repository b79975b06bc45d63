//! The door to a target's hub.

use super::OnSecret;
use super::looking::Reading;
use super::token::{NoToken, TokenPlace};
use tower::Layer as _;

use crate::error::{Error, Kind, Result};
use crate::world::http::{Http, client};
use crate::world::record::Record;
use crate::world::secret::Secret;

/// Where a hub is, and what opens it.
#[derive(Debug, Clone)]
pub struct HubPlace {
    /// Where people log in.
    pub url: String,
    /// Its token.
    pub token: TokenPlace,
}

/// Opens it.
///
/// # Errors
/// When there is no token to be had.
pub(super) async fn open(
    place: &HubPlace,
    cluster: impl AsyncFnOnce() -> Result<kube::Client>,
    (record, reads): (Record, Reading),
    on_secret: &OnSecret,
) -> Result<Http> {
    let none = |why: &str, hint: String| {
        Error::new(Kind::Credentials, format!("no token for the hub: {why}")).hint(hint)
    };
    let token = place.token.read(cluster).await.map_err(|no| match no {
        NoToken::Missing(why) => {
            let page = format!("{}/hub/token", place.url);
            none(&why, format!("make one at {page} and put it there"))
        }
        NoToken::Command(why) => {
            let by_hand =
                "run the command of `hub.token` in runbook.toml by hand and see what it says";
            none(&why, by_hand.to_owned())
        }
        NoToken::Kept(why, look) => none(&why, look),
        NoToken::World(error) => error,
    })?;
    on_secret(token.expose());
    let client = client().map_err(|why| Error::new(Kind::Config, why))?;
    let authorization = Secret::new(format!("token {}", token.expose()));
    let service = reads.layer(client);
    Ok(Http::new(&place.url, Some(authorization), service, record))
}
