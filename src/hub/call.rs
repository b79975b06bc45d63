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
    let refusal = || serde_json::from_slice::<Refusal>(&answer.body).unwrap_or_default();
    match answer.status {
        StatusCode::OK => {}
        status if status.is_redirection() => return Err(Error::LogIn { hub }),
        // A token a hub does not know is a 403 as well, and its message says nothing.
        StatusCode::FORBIDDEN => {
            return Err(
                match refusal().message.filter(|said| said.contains("scope")) {
                    Some(message) => Error::Narrow { hub, what, message },
                    None => Error::Token { hub },
                },
            );
        }
        StatusCode::UNAUTHORIZED => return Err(Error::Token { hub }),
        StatusCode::NOT_FOUND => return Err(Error::LogIn { hub }),
        status => {
            return Err(Error::Down {
                hub,
                code: status.as_u16(),
            });
        }
    }
    serde_json::from_slice(&answer.body).map_err(|why| {
        if answer.body.trim_ascii_start().starts_with(b"<") {
            return Error::LogIn { hub };
        }
        Error::Strange {
            hub,
            why: why.to_string(),
        }
    })
}
