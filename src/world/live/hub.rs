//! The door to a target's hub.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::OnSecret;
use crate::error::{Error, Kind, Result};
use crate::world::http::{Http, client};
use crate::world::record::Record;
use crate::world::secret::Secret;

/// How long a command may take to print a token; somebody may have to touch a key for it.
const LIMIT: Duration = Duration::from_mins(1);

/// Where a hub is, and what opens it.
#[derive(Debug, Clone)]
pub struct HubPlace {
    /// Where people log in.
    pub url: String,
    /// Its token.
    pub token: HubToken,
}

/// Where a hub's token comes from.
#[derive(Clone)]
pub enum HubToken {
    /// It is this.
    Given(Secret),
    /// There is none, for this reason; a run that never asks the hub does not mind.
    Missing(String),
    /// This program prints it, when it is first needed.
    Command(Vec<String>),
}

impl fmt::Debug for HubToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(secret) => secret.fmt(f),
            Self::Missing(why) => why.fmt(f),
            Self::Command(command) => command.fmt(f),
        }
    }
}

/// Opens it.
///
/// # Errors
/// When there is no token to be had.
pub(super) async fn open(place: &HubPlace, record: Record, on_secret: &OnSecret) -> Result<Http> {
    let none = |why: &str, hint: String| {
        Error::new(Kind::Credentials, format!("no token for the hub: {why}")).hint(hint)
    };
    let token = match &place.token {
        HubToken::Given(token) => token.clone(),
        HubToken::Missing(why) => {
            let page = format!("{}/hub/token", place.url);
            return Err(none(why, format!("make one at {page} and put it there")));
        }
        HubToken::Command(command) => printed(command).await.map_err(|why| {
            let by_hand =
                "run the command of `hub.token` in runbook.toml by hand and see what it says";
            none(&why, by_hand.to_owned())
        })?,
    };
    on_secret(token.expose());
    let client = client().map_err(|why| Error::new(Kind::Config, why))?;
    let authorization = Secret::new(format!("token {}", token.expose()));
    Ok(Http::new(&place.url, Some(authorization), client, record))
}

/// What a command prints, without the space around it.
async fn printed(command: &[String]) -> std::result::Result<Secret, String> {
    let Some((program, args)) = command.split_first() else {
        return Err("the command is empty".to_owned());
    };
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output())
        .await
        .map_err(|_| format!("`{program}` printed none within {} s", LIMIT.as_secs()))?
        .map_err(|error| format!("`{program}` could not be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match output.status.success() {
        true if !text.is_empty() => Ok(Secret::new(text)),
        true => Err(format!("`{program}` printed nothing")),
        false => Err(format!("`{program}` failed ({})", output.status)),
    }
}
