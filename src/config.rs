//! `runbook.toml` -> targets.
//!
//! Reads text handed to it or found upward from a folder. Never reads the environment and never
//! reaches a cluster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Kind, Result};
use crate::names::{self, AllowList, ClusterName, K8sEndpoint};

mod github;
mod hub;
mod mistake;
#[cfg(test)]
mod tests;
mod text;
mod trust;

pub use github::GitHub;
pub use hub::{Hub, Token};
pub use text::{Account, BaseUrl, Length, Price, TimeZone, Webhook};
pub use trust::Trust;

/// The file's name, wherever it is found.
pub const FILE: &str = "runbook.toml";

/// A whole `runbook.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The target a run acts on when none is named.
    pub default_target: Option<String>,
    /// A further folder of runbooks, relative to the file.
    pub runbooks: Option<PathBuf>,
    /// A run that stopped longer ago than this asks before it goes on; [`names::AGE`] by default.
    pub resume_age: Option<Length>,
    /// Targets by name.
    #[serde(default, rename = "target")]
    pub targets: BTreeMap<String, Target>,
}

/// One `[target.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Google Cloud project id.
    pub project: String,
    /// Region or zone.
    pub location: String,
    /// The cluster's name.
    pub cluster: String,
    /// Namespaces of the hubs; empty means all.
    #[serde(default)]
    pub watch: Vec<String>,
    /// How the names of the hubs' own pods begin.
    #[serde(default = "hub_pods")]
    pub hub_pods: Vec<String>,
    /// What an ordinary confirmation asks for.
    #[serde(default)]
    pub confirm: Confirm,
    /// Who is told when a long wait ends.
    pub webhook: Option<Webhook>,
    /// The service account to act as.
    pub impersonate: Option<Account>,
    /// Where the GKE API is, if not at Google.
    pub endpoint: Option<BaseUrl>,
    /// Which of the cluster's endpoints to use.
    #[serde(default)]
    pub k8s_endpoint: K8sEndpoint,
    /// The time zone times are shown in.
    pub timezone: Option<TimeZone>,
    /// Its hub.
    pub hub: Option<Hub>,
    /// GitHub, where it is not the public one or its token is elsewhere.
    #[serde(default)]
    pub github: GitHub,
    /// Where images are asked for instead of at their registries.
    pub registry_mirror: Option<BaseUrl>,
    /// Where the list of the domains stands whose people may log in.
    pub allow_list: Option<AllowList>,
    /// The lock that keeps a second operator out.
    #[serde(default)]
    pub lock: Lock,
    /// A debt older than this is told at the beginning of every run; [`names::AGE`] by default.
    pub debt_age: Option<Length>,
    /// What a node costs.
    pub price: Option<Price>,
}

/// `lock = { namespace = "default" }`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Where its lease is kept.
    pub namespace: String,
}

impl Default for Lock {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
        }
    }
}

/// What an ordinary confirmation asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirm {
    /// A yes.
    #[default]
    Yes,
    /// The target's name, typed.
    TypeName,
}

impl Target {
    /// Where its cluster lives.
    pub fn cluster_name(&self) -> ClusterName {
        ClusterName {
            project: self.project.clone(),
            location: self.location.clone(),
            cluster: self.cluster.clone(),
        }
    }
}

impl Config {
    /// Reads the text of `file`.
    ///
    /// # Errors
    /// Kind `config`, with the place of the first mistake.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let source = mistake::Source { file, text };
        let config: Self = toml::from_str(text).map_err(|error| source.explain(&error))?;
        if config.targets.contains_key("practice") {
            let fact = "a target cannot be named `practice`";
            let hint = "`practice` is the built-in practice world; give the target another name";
            let place = source.key(&["target", "practice"]);
            return Err(Error::new(Kind::Config, fact).hint(hint).at(place));
        }
        if let Some(name) = &config.default_target {
            let place = || source.value(&["default_target"]);
            config.target(name).map_err(|error| error.at(place()))?;
        }
        Ok(config)
    }

    /// Reads this very file.
    ///
    /// # Errors
    /// Kind `config` when it cannot be read or has a mistake.
    pub fn load(path: &Path) -> Result<Self> {
        Self::load_shown(path, path)
    }

    fn load_shown(path: &Path, shown: &Path) -> Result<Self> {
        let shown = shown.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| unreadable(&shown, &e))?;
        Self::parse(&shown, &text)
    }

    /// The first `runbook.toml` in `start` or above it, else in `user`.
    ///
    /// # Errors
    /// Kind `config` when a file is there and cannot be read.
    pub fn discover(start: &Path, user: Option<&Path>) -> Result<Option<(PathBuf, Self)>> {
        for folder in start.ancestors().chain(user) {
            let path = folder.join(FILE);
            if path.is_file() {
                // In the working directory its name says enough.
                let config = Self::load_shown(&path, path.strip_prefix(start).unwrap_or(&path))?;
                return Ok(Some((path, config)));
            }
        }
        Ok(None)
    }

    /// The target of this name.
    ///
    /// # Errors
    /// Kind `config`, naming the nearest one and all there are.
    pub fn target(&self, name: &str) -> Result<&Target> {
        self.targets.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.targets.keys().map(String::as_str).collect();
            let near = names::nearest(name, known.iter().copied())
                .map(|near| format!("did you mean `{near}`? "))
                .unwrap_or_default();
            Error::new(Kind::Config, format!("there is no target `{name}`")).hint(
                match known.as_slice() {
                    [] => "none is configured: write a runbook.toml, or use practice".to_owned(),
                    known => format!("{near}configured: {}", known.join(", ")),
                },
            )
        })
    }
}

fn hub_pods() -> Vec<String> {
    names::HUB_PODS.map(str::to_owned).to_vec()
}

fn unreadable(file: &str, error: &std::io::Error) -> Error {
    Error::new(Kind::Config, format!("cannot read {file}: {error}"))
        .hint("make the file readable, or name another with --config")
}
