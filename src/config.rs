//! `runbook.toml` -> targets.
//!
//! Reads text handed to it or found upward from a folder. Never reads the environment and never
//! reaches a cluster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Kind, Place, Result};
use crate::names::{self, ClusterName, K8sEndpoint};

mod hub;
mod text;

pub use hub::{Hub, Token};
pub use text::{Account, BaseUrl, TimeZone, Webhook};

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
        let config: Self = toml::from_str(text).map_err(|error| explain(file, text, &error))?;
        if config.targets.contains_key("practice") {
            let fact = "a target cannot be named `practice`";
            let hint = "`practice` is the built-in practice world; give the target another name";
            return Err(wrong(file, text, "[target.practice]", fact).hint(hint));
        }
        if let Some(name) = &config.default_target
            && let Err(unknown) = config.target(name)
        {
            let error = wrong(file, text, "default_target", &unknown.message);
            return Err(Error {
                hint: unknown.hint,
                ..error
            });
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

fn unreadable(file: &str, error: &std::io::Error) -> Error {
    Error::new(Kind::Config, format!("cannot read {file}: {error}"))
        .hint("make the file readable, or name another with --config")
}

/// The parser's complaint, with the nearest known key when one is misspelt.
fn explain(file: &str, text: &str, error: &toml::de::Error) -> Error {
    let start = error.span().map_or(0, |span| span.start);
    // "unknown field `a`, expected one of `b`, `c`": every other piece is a name.
    let message = error.message().trim();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let at = place(file, text, start);
    match quoted.split_first() {
        Some((typed, known)) if message.starts_with("unknown field") => {
            let near = names::nearest(typed, known.iter().copied());
            Error::new(Kind::Config, format!("there is no key `{typed}` here"))
                .hint(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", known.join(", ")),
                })
                .at(at)
        }
        _ => Error::new(Kind::Config, message.lines().next().unwrap_or_default())
            .hint("correct this line")
            .at(at),
    }
}

/// A mistake at the first place this text stands.
fn wrong(file: &str, text: &str, what: &str, fact: &str) -> Error {
    let start = text.find(what).unwrap_or(0);
    Error::new(Kind::Config, fact).at(place(file, text, start))
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

    /// `line:column message; hint`.
    fn mistake(text: &str) -> String {
        let error = Config::parse(FILE, text).unwrap_err();
        assert_eq!(error.kind, Kind::Config);
        let at = &error.at[0];
        let hint = error.hint.unwrap_or_default();
        format!("{}:{} {}; {hint}", at.line, at.column, error.message)
    }

    #[test]
    fn every_key_is_read() {
        let text = format!(
            "{GOOD}webhook = {{ env = \"HOOK\" }}\nimpersonate = \"a@p.iam.gserviceaccount.com\"\n\
             endpoint = \"http://127.0.0.1:1\"\nk8s_endpoint = \"dns\"\ntimezone = \"America/Edmonton\"\n\
             hub = {{ url = \"https://hub.example\", namespace = \"prod\", token = {{ file = \"t\" }} }}\n"
        );
        let config = Config::parse(FILE, &text).unwrap();
        let target = config.target("a").unwrap();
        assert_eq!(target.webhook, Some(Webhook::Env("HOOK".to_owned())));
        assert_eq!(target.k8s_endpoint, K8sEndpoint::Dns);
        assert_eq!(
            target.endpoint.as_ref().unwrap().as_str(),
            "http://127.0.0.1:1"
        );
        let hub = target.hub.as_ref().unwrap();
        assert_eq!(hub.token, Some(Token::File("t".into())));
    }

    #[test]
    fn mistakes_are_pointed_at_with_the_next_step() {
        let with = |line: &str| format!("{GOOD}{line}\n");
        for (text, wanted) in [
            (
                GOOD.replace("location", "locatoin"),
                "4:1 there is no key `locatoin` here; did you mean `location`?",
            ),
            (
                with("hub = { url = \"https://h\", namespce = \"x\" }"),
                "7:28 there is no key `namespce` here; did you mean `namespace`?",
            ),
            (
                with("timezone = \"Mars\""),
                "7:12 `Mars` is no time zone; write it like America/Edmonton; correct this line",
            ),
            (
                with("impersonate = \"robot\""),
                "7:15 `robot` is no service account; it ends with .iam.gserviceaccount.com; correct this line",
            ),
            (
                with("endpoint = \"example.com\""),
                "7:12 `example.com` is no address; it begins with https:// or http://; correct this line",
            ),
            (
                with("webhook = \"hooks\""),
                "7:11 write an address, { env = \"NAME\" } or { file = \"PATH\" }; correct this line",
            ),
            (
                with("k8s_endpoint = \"ipp\""),
                "7:16 unknown variant `ipp`, expected one of `ip`, `dns`, `internal`; correct this line",
            ),
            (
                GOOD.replace("target = \"a\"", "target = \"b\""),
                "1:1 there is no target `b`; did you mean `a`? configured: a",
            ),
            (
                "[target.practice]\nproject='p'\nlocation='l'\ncluster='c'".to_owned(),
                "1:1 a target cannot be named `practice`; `practice` is the built-in practice world; give the target another name",
            ),
            (
                "[target.a]\nproject='p'\nlocation='l'".to_owned(),
                "1:1 missing field `cluster`; correct this line",
            ),
        ] {
            assert_eq!(mistake(&text), wanted);
        }
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
