//! `runbook.toml` -> targets.
//!
//! Reads text handed to it or found upward from a folder. Never reads the environment and never
//! reaches a cluster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Kind, Place, Result};
use crate::names::{self, ClusterName};

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
    /// What an ordinary confirmation asks for.
    #[serde(default)]
    pub confirm: Confirm,
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
        let config: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            Error::new(Kind::Config, error.message().to_owned()).at(place(file, text, start))
        })?;
        if config.targets.contains_key("practice") {
            return Err(Error::new(
                Kind::Config,
                format!("{file}: a target cannot be named `practice`"),
            )
            .hint("`practice` is the built-in practice world; give the target another name"));
        }
        if let Some(name) = &config.default_target {
            config.target(name)?;
        }
        Ok(config)
    }

    /// The first `runbook.toml` in `start` or above it, else in `user`.
    ///
    /// # Errors
    /// Kind `config` when a file is there and cannot be read.
    pub fn discover(start: &Path, user: Option<&Path>) -> Result<Option<(PathBuf, Self)>> {
        for folder in start.ancestors().chain(user) {
            let path = folder.join(FILE);
            let shown = path.display().to_string();
            match std::fs::read_to_string(&path) {
                Ok(text) => return Ok(Some((path, Self::parse(&shown, &text)?))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(
                        Error::new(Kind::Config, format!("cannot read {shown}: {error}"))
                            .hint("make the file readable, or name another with --config"),
                    );
                }
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
            Error::new(Kind::Config, format!("there is no target `{name}`"))
                .hint(format!("{near}configured: {}", known.join(", ")))
        })
    }
}

/// Line and column of a byte offset, both from 1, columns in characters.
fn place(file: &str, text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Place {
        file: file.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        label: "here".to_owned(),
        text: text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "default_target = \"a\"\n[target.a]\nproject = \"p\"\nlocation = \"l\"\ncluster = \"c\"\nconfirm = \"type-name\"\n";

    #[test]
    fn a_target_is_read_whole() {
        let config = Config::parse(FILE, GOOD).unwrap();
        let target = config.target("a").unwrap();
        assert_eq!(
            target.cluster_name().path(),
            "projects/p/locations/l/clusters/c"
        );
        assert_eq!(target.confirm, Confirm::TypeName);
    }

    #[test]
    fn a_misspelt_key_is_pointed_at() {
        let text = GOOD.replace("location", "locatoin");
        let error = Config::parse(FILE, &text).unwrap_err();
        assert_eq!(error.kind, Kind::Config);
        assert_eq!((error.at[0].line, error.at[0].column), (4, 1));
    }

    #[test]
    fn unknown_targets_are_named_with_the_nearest() {
        let error =
            Config::parse(FILE, &GOOD.replace("target = \"a\"", "target = \"b\"")).unwrap_err();
        assert_eq!(error.message, "there is no target `b`");
        assert!(
            Config::parse(
                FILE,
                "[target.practice]\nproject='p'\nlocation='l'\ncluster='c'"
            )
            .is_err()
        );
    }

    #[test]
    fn the_nearest_file_upward_wins() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("x/y");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(folder.path().join(FILE), GOOD).unwrap();
        let (path, _) = Config::discover(&deep, None).unwrap().unwrap();
        assert_eq!(path, folder.path().join(FILE));
    }
}
