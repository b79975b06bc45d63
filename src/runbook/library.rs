//! Finds runbooks: in folders, then among the copies built into the binary.
//!
//! Libraries are found beside the runbook that imports them, and nowhere else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, fs, io};

use sha2::{Digest as _, Sha256};

use crate::error::{self, Place};
use crate::names;
use crate::runbook::Error;
use crate::runbook::script::Doc;

/// Runbooks built into the binary: file name (`warm_up.rhai`, `lib/pools.rhai`) and text.
pub type BuiltIn = &'static [(&'static str, &'static str)];

/// All the places runbooks come from.
#[derive(Debug, Clone)]
pub struct Library {
    /// Folders, the first one wins.
    pub folders: Vec<PathBuf>,
    /// What is used when no folder has it.
    pub built_in: BuiltIn,
}

/// Where a runbook comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// This folder.
    Folder(PathBuf),
    /// The binary.
    BuiltIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", shown(folder)),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}

/// A runbook in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The name it is run by.
    pub name: String,
    /// The first line of its description; empty when it has none.
    pub summary: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Another one of this name is found first, so this one never runs.
    pub shadowed: bool,
}

/// The text of a runbook or a library, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// `warm_up`; `lib/pools` for a library.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
    /// The file as shown to people: `runbooks/warm_up.rhai`, `built in: warm_up.rhai`.
    pub file: String,
    /// The first twelve hexadecimal digits of the text's SHA-256.
    pub hash: String,
    /// Where it comes from.
    pub origin: Origin,
    built_in: BuiltIn,
}

impl Library {
    /// Every runbook, by name; of two with one name the one that runs comes first.
    ///
    /// # Errors
    /// When a folder is there and cannot be read.
    pub fn list(&self) -> error::Result<Vec<Found>> {
        let mut seen = BTreeSet::new();
        let mut list = Vec::new();
        for origin in self.origins() {
            for name in self.names(&origin)? {
                // One unreadable file must not hide the others.
                let summary = match self.source(&origin, &name) {
                    Ok(Some(source)) => Doc::of(&source.text).summary,
                    Ok(None) => continue,
                    Err(error) => error.to_string(),
                };
                list.push(Found {
                    summary,
                    origin: origin.clone(),
                    shadowed: !seen.insert(name.clone()),
                    name,
                });
            }
        }
        list.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(list)
    }

    /// The runbook of this name.
    ///
    /// # Errors
    /// When there is none (with the nearest name), or it cannot be read.
    pub fn find(&self, name: &str) -> error::Result<Source> {
        let mut known = BTreeSet::new();
        for origin in self.origins() {
            if is_segment(name)
                && let Some(source) = self.source(&origin, name)?
            {
                return Ok(source);
            }
            known.extend(self.names(&origin)?);
        }
        // Dashes for underscores is the likeliest slip of all.
        let near = names::nearest(&name.replace('-', "_"), known.iter().map(String::as_str));
        Err(Error::Unknown {
            name: name.to_owned(),
            near: near.map(str::to_owned),
            known: known.into_iter().collect(),
        }
        .into())
    }

    fn origins(&self) -> impl Iterator<Item = Origin> {
        let folders = self.folders.iter().cloned().map(Origin::Folder);
        folders.chain([Origin::BuiltIn])
    }

    fn names(&self, origin: &Origin) -> Result<BTreeSet<String>, Error> {
        let files = match origin {
            Origin::Folder(folder) => files(folder)?,
            Origin::BuiltIn => self
                .built_in
                .iter()
                .map(|(file, _)| (*file).to_owned())
                .collect(),
        };
        let names = files.iter().filter_map(|file| file.strip_suffix(".rhai"));
        Ok(names
            .filter(|name| is_segment(name))
            .map(str::to_owned)
            .collect())
    }

    fn source(&self, origin: &Origin, name: &str) -> Result<Option<Source>, Error> {
        let text = match origin {
            Origin::Folder(folder) => read(&folder.join(format!("{name}.rhai")))?,
            Origin::BuiltIn => built_in(self.built_in, name).map(str::to_owned),
        };
        Ok(text.map(|text| Source::new(name, &text, origin.clone(), self.built_in)))
    }
}

impl Source {
    fn new(name: &str, text: &str, origin: Origin, built_in: BuiltIn) -> Self {
        let file = match &origin {
            Origin::Folder(folder) => shown(&folder.join(format!("{name}.rhai"))),
            Origin::BuiltIn => format!("built in: {name}.rhai"),
        };
        let digest = Sha256::digest(text.as_bytes());
        Self {
            name: name.to_owned(),
            text: text.into(),
            file,
            hash: digest
                .iter()
                .take(6)
                .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}")),
            origin,
            built_in,
        }
    }

    /// The library that `import "PATH"` in this file means.
    ///
    /// # Errors
    /// When the path is not `lib/NAME`, leads out of the folder, or names nothing.
    pub fn library(&self, path: &str) -> error::Result<Self> {
        Ok(self.read_library(path)?)
    }

    fn read_library(&self, path: &str) -> Result<Self, Error> {
        let segments = path.strip_prefix("lib/").unwrap_or_default();
        if !segments.split('/').all(is_segment) {
            return Err(Error::Outside {
                path: path.to_owned(),
            });
        }
        let text = match &self.origin {
            Origin::Folder(folder) => {
                let file = folder.join(format!("{path}.rhai"));
                stays_inside(folder, &file, path)?;
                read(&file)?
            }
            Origin::BuiltIn => built_in(self.built_in, path).map(str::to_owned),
        };
        let Some(text) = text else {
            return Err(self.no_library(path)?);
        };
        Ok(Self::new(path, &text, self.origin.clone(), self.built_in))
    }

    fn no_library(&self, path: &str) -> Result<Error, Error> {
        let (file, files) = match &self.origin {
            Origin::Folder(folder) => (
                shown(&folder.join(format!("{path}.rhai"))),
                files(&folder.join("lib"))?,
            ),
            Origin::BuiltIn => {
                let libraries = self
                    .built_in
                    .iter()
                    .filter_map(|(file, _)| file.strip_prefix("lib/"));
                (
                    format!("runbooks/{path}.rhai"),
                    libraries.map(str::to_owned).collect(),
                )
            }
        };
        let known: BTreeSet<String> = files
            .iter()
            .filter_map(|file| file.strip_suffix(".rhai"))
            .map(|name| format!("lib/{name}"))
            .collect();
        Ok(Error::NoLibrary {
            path: path.to_owned(),
            file,
            near: names::nearest(path, known.iter().map(String::as_str)).map(str::to_owned),
        })
    }

    /// A place in this file.
    pub fn place(&self, line: usize, column: usize, label: &str) -> Place {
        Place {
            file: self.file.clone(),
            line: line.max(1),
            column: column.max(1),
            label: label.to_owned(),
            text: Arc::clone(&self.text),
        }
    }
}

/// One step of a name: nothing in it can lead elsewhere.
fn is_segment(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn built_in(all: BuiltIn, name: &str) -> Option<&'static str> {
    all.iter()
        .find(|(file, _)| file.strip_suffix(".rhai") == Some(name))
        .map(|(_, text)| *text)
}

/// The path without a leading `./`, as people write it.
fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

/// File names in a folder; none when there is no such folder.
fn files(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if is_absent(&e) => return Ok(Vec::new()),
        Err(e) => return Err(unreadable(folder, &e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| unreadable(folder, &e))?;
        if let (Ok(name), false) = (entry.file_name().into_string(), entry.path().is_dir()) {
            names.push(name);
        }
    }
    Ok(names)
}

/// The text of a file; nothing when there is no such file.
fn read(file: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(e) if is_absent(&e) => Ok(None),
        Err(e) => Err(unreadable(file, &e)),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::Unreadable {
        file: shown(path),
        why: error.to_string(),
    }
}

/// Refuses a file that a link takes out of the folder's `lib`; a file that is not there is left to `read`.
fn stays_inside(folder: &Path, file: &Path, path: &str) -> Result<(), Error> {
    match (fs::canonicalize(folder), fs::canonicalize(file)) {
        (Ok(folder), Ok(file)) if file.starts_with(folder.join("lib")) => Ok(()),
        (Ok(_), Ok(_)) => Err(Error::Escapes {
            path: path.to_owned(),
            folder: shown(&folder.join("lib")),
        }),
        (Err(e), _) | (_, Err(e)) if is_absent(&e) => Ok(()),
        (Err(e), _) | (_, Err(e)) => Err(unreadable(file, &e)),
    }
}
