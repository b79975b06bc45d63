//! Where the token of a service comes from.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use k8s_openapi::api::core;
use kube::Api;
use tokio::process::Command;

use crate::error;
use crate::world::secret::Secret;

/// How long a command may take to print a token; somebody may have to touch a key for it.
const LIMIT: Duration = Duration::from_mins(1);

/// Where a token comes from.
#[derive(Clone)]
pub enum TokenPlace {
    /// It is this.
    Given(Secret),
    /// There is none, for this reason; a run that never needs it does not mind.
    Missing(String),
    /// This program prints it, when it is first needed.
    Command(Vec<String>),
    /// This key of a `Secret` in the cluster holds it.
    Kept {
        /// The hub's namespace.
        namespace: String,
        /// The name of the `Secret`.
        name: String,
        /// The key.
        key: String,
    },
}

impl fmt::Debug for TokenPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(secret) => secret.fmt(f),
            Self::Missing(why) => why.fmt(f),
            Self::Command(command) => command.fmt(f),
            Self::Kept {
                namespace,
                name,
                key,
            } => write!(f, "{namespace}/{name}: {key}"),
        }
    }
}

/// Why there is no token.
pub(super) enum NoToken {
    /// The place has none.
    Missing(String),
    /// The command did not print one.
    Command(String),
    /// The `Secret` does not hold one; and the command that shows it.
    Kept(String, String),
    /// The cluster cannot be asked.
    World(error::Error),
}

impl TokenPlace {
    /// The token.
    pub(super) async fn read(
        &self,
        cluster: impl AsyncFnOnce() -> error::Result<kube::Client>,
    ) -> Result<Secret, NoToken> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::Missing(why) => Err(NoToken::Missing(why.clone())),
            Self::Command(command) => printed(command).await.map_err(NoToken::Command),
            Self::Kept {
                namespace,
                name,
                key,
            } => {
                let cluster = cluster().await.map_err(NoToken::World)?;
                let secrets = Api::namespaced(cluster, namespace);
                kept(&secrets, name, key).await.map_err(|why| {
                    let look = format!("look with `kubectl get secret {name} -n {namespace}`");
                    NoToken::Kept(format!("{why} (namespace {namespace})"), look)
                })
            }
        }
    }
}

/// What a key of a `Secret` holds.
async fn kept(
    secrets: &Api<core::v1::Secret>,
    name: &str,
    key: &str,
) -> std::result::Result<Secret, String> {
    let found = tokio::time::timeout(LIMIT, secrets.get(name)).await;
    let found = found.map_err(|_| "the cluster does not answer".to_owned())?;
    let found = found.map_err(|error| match error {
        kube::Error::Api(status) if status.code == 404 => format!("there is no secret `{name}`"),
        kube::Error::Api(status) => format!("secret `{name}` cannot be read ({})", status.code),
        // What came of it is not repeated: it may be the secret.
        _ => format!("secret `{name}` cannot be read"),
    })?;
    let value = found.data.and_then(|mut data| data.remove(key));
    let value = value.ok_or_else(|| format!("secret `{name}` has no key `{key}`"))?;
    let text = String::from_utf8(value.0).unwrap_or_default();
    match text.trim() {
        "" => Err(format!("key `{key}` of secret `{name}` holds no token")),
        token => Ok(Secret::new(token)),
    }
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
