//! The hub of a target.

use std::path::PathBuf;

use serde::Deserialize;

use super::BaseUrl;

/// `hub = { url = "https://hub.example", namespace = "prod", token = { env = "HUB_TOKEN" } }`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hub {
    /// Where people log in.
    pub url: BaseUrl,
    /// The namespace it runs in.
    pub namespace: Option<String>,
    /// Whose server shows whether people can work; nobody's who works.
    pub check_user: Option<String>,
    /// Where its token comes from.
    pub token: Option<Token>,
}

/// Said of anything else; the token itself has no place in the file.
pub(super) const TOKEN: &str = "a token comes from { env = \"NAME\" }, { file = \"PATH\" }, { command = [\"PROGRAM\"] } or { secret = \"NAME\", key = \"KEY\" }";

/// Where a token comes from; never the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TokenForm")]
pub enum Token {
    /// This variable of the environment.
    Env(String),
    /// This file.
    File(PathBuf),
    /// What this command prints: the program and its arguments.
    Command(Vec<String>),
    /// This key of this `Secret` in the hub's namespace.
    Secret {
        /// Its name.
        name: String,
        /// The key.
        key: String,
    },
}

#[derive(Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a token comes from { env = \"NAME\" }, { file = \"PATH\" }, { command = [\"PROGRAM\"] } or { secret = \"NAME\", key = \"KEY\" }"
)]
enum TokenForm {
    Env { env: String },
    File { file: PathBuf },
    Command { command: Vec<String> },
    Secret { secret: String, key: String },
}

impl TryFrom<TokenForm> for Token {
    type Error = &'static str;

    fn try_from(form: TokenForm) -> Result<Self, Self::Error> {
        match form {
            TokenForm::Env { env } if !env.is_empty() => Ok(Self::Env(env)),
            TokenForm::File { file } if !file.as_os_str().is_empty() => Ok(Self::File(file)),
            TokenForm::Command { command } if command.iter().any(|part| !part.is_empty()) => {
                Ok(Self::Command(command))
            }
            TokenForm::Secret { secret: name, key } if !name.is_empty() && !key.is_empty() => {
                Ok(Self::Secret { name, key })
            }
            TokenForm::Env { .. }
            | TokenForm::File { .. }
            | TokenForm::Command { .. }
            | TokenForm::Secret { .. } => Err(TOKEN),
        }
    }
}
