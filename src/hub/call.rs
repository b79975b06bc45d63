//! The one way a request to a hub goes out.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use crate::world::World;
use crate::world::http::{Answer, Http};
use crate::world::retry::retry;

/// What is wanted of a list: without it a hub cuts the list off silently.
pub(super) const PAGES: &str = "application/jupyterhub-pagination+json";

/// How long a hub is tried again: whoever waits for it asks again anyway.
const LIMIT: Duration = Duration::from_secs(20);

/// What a hub says when it says no.
#[derive(Default, Deserialize)]
struct Refusal {
    message: Option<String>,
}

/// Reads something of the hub; `what` is what that does, for a person.
pub(super) async fn get<T: DeserializeOwned>(
    world: &World,
    hub: &Http,
    what: &'static str,
    path: &str,
) -> Result<T, Error> {
    retry(world, what, true, LIMIT, async || {
        let answer = hub.get(path, PAGES).await.map_err(|why| Error::Lost {
            hub: hub.base().to_owned(),
            why,
        })?;
        read(hub, what, &answer)
    })
    .await
}

fn read<T: DeserializeOwned>(hub: &Http, what: &'static str, answer: &Answer) -> Result<T, Error> {
    let hub = hub.base().to_owned();
    let said = || {
        let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
        refusal.message.unwrap_or_default()
    };
    let is_page = answer.body.trim_ascii_start().starts_with(b"<");
    Err(match answer.status {
        status if status.is_redirection() => Error::LogIn { hub },
        StatusCode::OK | StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED if is_page => {
            Error::LogIn { hub }
        }
        StatusCode::OK => {
            return serde_json::from_slice(&answer.body).map_err(|why| Error::Strange {
                hub,
                why: why.to_string(),
            });
        }
        // A token a hub does not know is a 403 as well, and its message says nothing.
        StatusCode::FORBIDDEN if said().contains("scope") => Error::Narrow {
            hub,
            what,
            message: said(),
        },
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Error::Token { hub },
        StatusCode::NOT_FOUND => Error::Absent { hub },
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            Error::Down {
                hub,
                code: status.as_u16(),
            }
        }
        status => Error::Refused {
            hub,
            what,
            code: status.as_u16(),
            message: said(),
        },
    })
}
