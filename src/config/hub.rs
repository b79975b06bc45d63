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
}

/// Where a token comes from; never the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Token {
    /// This variable of the environment.
    Env(String),
    /// This file.
    File(PathBuf),
    /// What this command prints.
    Command(Vec<String>),
}
