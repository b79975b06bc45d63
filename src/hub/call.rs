//! The one way a request to a hub goes out.

use std::time::Duration;

use http::request::Builder;
use http::{Method, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use crate::world::World;
use crate::world::http::{Answer, Http, percent_encoded};
use crate::world::retry::retry;

/// What is wanted of a list: without it a hub cuts the list off silently.
pub(super) const PAGES: &str = "application/jupyterhub-pagination+json";

/// How long a hub is tried again for a look: whoever waits for it asks again anyway.
pub(super) const LOOK: Duration = Duration::from_secs(20);

/// And in the middle of something, in which it may restart.
pub(super) const WORK: Duration = Duration::from_mins(3);

/// What a hub says when it says no.
#[derive(Default, Deserialize)]
struct Refusal {
    message: Option<String>,
}

/// A request to a hub: what it does, for a person, and how.
pub(super) struct Ask<'a> {
    pub(super) what: &'static str,
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) body: Vec<u8>,
    /// For how long it is tried again; none for what must not be sent twice.
    pub(super) again: Option<Duration>,
}

impl<'a> Ask<'a> {
    /// Reads something.
    pub(super) fn get(what: &'static str, path: &'a str) -> Self {
        Self {
            what,
            method: Method::GET,
            path,
            body: Vec::new(),
            again: Some(LOOK),
        }
    }

    /// Does something that may be done twice.
    pub(super) fn to(method: Method, what: &'static str, path: &'a str) -> Self {
        Self {
            method,
            again: Some(WORK),
            ..Self::get(what, path)
        }
    }

    /// Sends it until the hub has answered with what it means by yes.
    pub(super) async fn send(&self, world: &World, hub: &Http) -> Result<Answer, Error> {
        let again = self.again.unwrap_or_default();
        retry(world, self.what, self.again.is_some(), again, async || {
            let answer = hub.send(self.request(), self.body.clone()).await;
            judge(hub, self.what, answer.map_err(|why| lost(hub, why))?)
        })
        .await
    }

    /// The same for a page or an object.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        world: &World,
        hub: &Http,
    ) -> Result<T, Error> {
        let answer = self.send(world, hub).await?;
        serde_json::from_slice(&answer.body).map_err(|why| Error::Strange {
            hub: hub.base().to_owned(),
            why: why.to_string(),
        })
    }

    fn request(&self) -> Builder {
        http::Request::builder()
            .method(&self.method)
            .uri(self.path)
            .header(header::ACCEPT, PAGES)
            .header(header::CONTENT_TYPE, "application/json")
    }
}

pub(super) fn lost(hub: &Http, why: String) -> Error {
    let hub = hub.base().to_owned();
    Error::Lost { hub, why }
}

/// The answer, when it is a yes.
pub(super) fn judge(hub: &Http, what: &'static str, answer: Answer) -> Result<Answer, Error> {
    let hub = hub.base().to_owned();
    let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
    let said = refusal.message.unwrap_or_default();
    let is_page = answer.body.trim_ascii_start().starts_with(b"<");
    Err(match answer.status {
        status if status.is_redirection() => Error::LogIn { hub },
        StatusCode::OK | StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED if is_page => {
            Error::LogIn { hub }
        }
        status if status.is_success() => return Ok(answer),
        // A token a hub does not know is a 403 as well, and its message says nothing.
        StatusCode::FORBIDDEN if said.contains("scope") => Error::Narrow {
            hub,
            what,
            message: said,
        },
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Error::Token { hub },
        // The hub itself says so, and not the proxy before it.
        StatusCode::NOT_FOUND if said.contains("resources") => Error::Missing { hub, what },
        StatusCode::NOT_FOUND => Error::Absent { hub },
        status @ (StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT
        | StatusCode::TOO_MANY_REQUESTS) => Error::Down {
            hub,
            code: status.as_u16(),
        },
        status => Error::Refused {
            hub,
            what,
            code: status.as_u16(),
            message: said,
        },
    })
}

/// A user's name as a part of a path.
pub(super) fn encoded(name: &str) -> String {
    percent_encoded(name, "")
}
