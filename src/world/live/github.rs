//! The door to GitHub, or to a team's own.

use super::OnSecret;
use super::looking::Reading;
use super::token::{NoToken, TokenPlace};
use tower::Layer as _;

use crate::error::{Error, Kind, Result};
use crate::world::github::{GitHub, PUBLIC, no_token};
use crate::world::http::client;
use crate::world::record::Record;

/// Where GitHub is, and what opens it.
#[derive(Debug, Clone)]
pub struct GitHubPlace {
    /// Its API, when it is a team's own.
    pub url: Option<String>,
    /// Its token.
    pub token: TokenPlace,
}

/// Opens it.
///
/// # Errors
/// When there is no token to be had.
pub(super) async fn open(
    place: &GitHubPlace,
    cluster: impl AsyncFnOnce() -> Result<kube::Client>,
    (record, reads): (Record, Reading),
    on_secret: &OnSecret,
) -> Result<GitHub> {
    let token = place.token.read(cluster).await.map_err(|no| match no {
        NoToken::Missing(why) | NoToken::Command(why) => no_token(&why),
        NoToken::Kept(why, look) => no_token(&why).hint(look),
        NoToken::World(error) => error,
    })?;
    on_secret(token.expose());
    let client = client().map_err(|why| Error::new(Kind::Config, why))?;
    let url = place.url.as_deref().unwrap_or(PUBLIC);
    GitHub::new(url, &token, reads.layer(client), &record)
}
