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
    /// Where its token comes from.
    pub token: Option<Token>,
    /// Who a check logs in as.
    pub check_user: Option<String>,
}

/// Said of anything else; the token itself has no place in the file.
pub(super) const TOKEN: &str =
    "a token comes from { env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\"] }";

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
}

#[derive(Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a token comes from { env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\"] }"
)]
enum TokenForm {
    Env { env: String },
    File { file: PathBuf },
    Command { command: Vec<String> },
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
            TokenForm::Env { .. } | TokenForm::File { .. } | TokenForm::Command { .. } => {
                Err(TOKEN)
            }
        }
    }
}
