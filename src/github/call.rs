//! The one way a request to GitHub goes out.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use octocrab::GitHubError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::Error;
use crate::error;
use crate::event::{Change, Fate};
use crate::names::{Class, Repository};
use crate::world::http::percent_encoded;
use crate::world::retry::retry;
use crate::world::{GitHub, World};

/// How long one request may take.
const ATTEMPT: Duration = Duration::from_secs(30);
/// How long it is tried again; a limit that was met asks for a minute at least.
const AGAIN: Duration = Duration::from_mins(5);
/// What GitHub asks for where it names no time.
const PAUSE: Duration = Duration::from_mins(1);

/// Somebody with an account.
#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: String,
}

/// GitHub, asked on behalf of a run.
pub(super) struct Asker<'a> {
    pub(super) world: &'a World,
    pub(super) github: GitHub,
}

impl<'a> Asker<'a> {
    pub(super) async fn open(world: &'a World) -> error::Result<Self> {
        let github = world.doors().github().await?;
        Ok(Self { world, github })
    }

    /// Reads something.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
    ) -> Result<T, Error> {
        let get = async || {
            self.once(what, self.github.client.get(path, None::<&()>))
                .await
        };
        read(retry(self.world, what, true, AGAIN, get).await?)
    }

    /// The same, of what need not be there.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
    ) -> Result<Option<T>, Error> {
        match self.get(what, path).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes something; `twice` says that to make it twice is harmless.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        body: &Value,
        twice: bool,
    ) -> Result<T, Error> {
        let post = async || {
            self.once(what, self.github.client.post(path, Some(body)))
                .await
        };
        read(retry(self.world, what, twice, AGAIN, post).await?)
    }

    async fn once(
        &self,
        what: &str,
        request: impl Future<Output = octocrab::Result<Value>>,
    ) -> Result<Value, Error> {
        let answer = tokio::time::timeout(ATTEMPT, request).await;
        let answer =
            answer.map_err(|_| Error::Lost(format!("no answer within {} s", ATTEMPT.as_secs())))?;
        answer.map_err(|error| match error {
            octocrab::Error::GitHub { source, .. } => self.judge(what, &source),
            octocrab::Error::Serde { source, .. } => Error::Strange(source.to_string()),
            octocrab::Error::Json { source, .. } => Error::Strange(source.to_string()),
            other => Error::Lost(crate::world::post::chain(&other)),
        })
    }

    fn judge(&self, what: &str, said: &GitHubError) -> Error {
        let message = told(said);
        let what = what.to_owned();
        match said.status_code {
            StatusCode::UNAUTHORIZED => Error::Token,
            StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
                if limited(said.headers.as_ref(), &message) =>
            {
                let after = said.headers.as_ref();
                let after = after
                    .and_then(|headers| self.after(headers))
                    .unwrap_or(PAUSE);
                Error::Limited { after, message }
            }
            StatusCode::FORBIDDEN => Error::Denied {
                what,
                message,
                token: self.github.token,
            },
            StatusCode::NOT_FOUND => Error::Missing { what },
            status if status.is_server_error() => Error::Down(status.as_u16()),
            status => Error::Refused {
                what,
                code: status.as_u16(),
                message,
            },
        }
    }

    /// When it may be asked again.
    fn after(&self, headers: &HeaderMap) -> Option<Duration> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<i64>().ok();
        if let Some(seconds) = number("retry-after") {
            return u64::try_from(seconds).ok().map(Duration::from_secs);
        }
        let used_up = number("x-ratelimit-remaining") == Some(0);
        let reset = number("x-ratelimit-reset").filter(|_| used_up)?;
        let reset = Timestamp::from_second(reset).ok()?;
        let left = reset.duration_since(self.world.clock().now());
        Some(Duration::try_from(left).unwrap_or_default())
    }
}

/// What GitHub says, with its details.
fn told(said: &GitHubError) -> String {
    let details = said.errors.iter().flatten();
    let details = details.filter_map(|detail| detail.get("message")?.as_str());
    let all: Vec<&str> = std::iter::once(said.message.as_str())
        .chain(details)
        .collect();
    all.join(": ")
}

fn limited(headers: Option<&HeaderMap>, message: &str) -> bool {
    let has = |name: &str| headers.is_some_and(|headers| headers.contains_key(name));
    let remaining = headers.and_then(|headers| headers.get("x-ratelimit-remaining"));
    has("retry-after")
        || remaining.is_some_and(|remaining| remaining == "0")
        || message.contains("rate limit")
}

fn read<T: DeserializeOwned>(answer: Value) -> Result<T, Error> {
    serde_json::from_value(answer).map_err(|why| Error::Strange(why.to_string()))
}

/// Something that there was none of before.
pub(super) fn made(what: String, after: &str) -> Change {
    Change {
        what,
        before: "none".to_owned(),
        after: after.to_owned(),
        call: "File.propose".to_owned(),
        class: Class::WriteConverge,
        operation: None,
        fate: Fate::Done,
    }
}

/// `/repos/owner/name` and what follows.
pub(super) fn at(repository: &Repository, rest: &str) -> String {
    format!("/repos/{repository}{rest}")
}

/// A path, a branch or `owner:branch` as part of an address.
pub(super) fn encoded(text: &str) -> String {
    percent_encoded(text, "/:")
}
