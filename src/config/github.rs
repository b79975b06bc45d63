//! GitHub, as a target uses it.

use serde::Deserialize;

use super::{BaseUrl, Token};
use crate::names::Person;

/// `github = { url = "https://ghe.example/api/v3", token = { env = "NAME" }, author = "Ann <ann@example.org>" }`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitHub {
    /// Where its API is, if it is a team's own.
    pub url: Option<BaseUrl>,
    /// Where its token comes from, if not from `GH_TOKEN`, `GITHUB_TOKEN` or `gh`.
    pub token: Option<Token>,
    /// Who signs off what is proposed.
    pub author: Option<Person>,
}
