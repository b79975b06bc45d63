//! Which `runbook.toml` may say where credentials go: each is trusted once, by path and content.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Kind, Result};

/// The trusted files, kept in a folder of the user's own.
#[derive(Debug, Clone)]
pub struct Trust {
    record: PathBuf,
}

impl Trust {
    /// What is kept in this state folder.
    pub fn new(state: &Path) -> Self {
        Self {
            record: state.join("trusted.json"),
        }
    }

    /// Whether this very content of the file was trusted before.
    ///
    /// # Errors
    /// When the file or the record cannot be read.
    pub fn holds(&self, file: &Path) -> Result<bool> {
        let (path, hash) = identity(file)?;
        Ok(self.read()?.get(&path) == Some(&hash))
    }

    /// Trusts the file as it is now.
    ///
    /// # Errors
    /// When the file cannot be read or the record cannot be written.
    pub fn add(&self, file: &Path) -> Result<()> {
        let (path, hash) = identity(file)?;
        let mut trusted = self.read()?;
        trusted.insert(path, hash);
        let folder = self.record.parent().unwrap_or(&self.record);
        let text = serde_json::to_string_pretty(&trusted).unwrap_or_default();
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&self.record, text))
            .map_err(|e| failed("write", &self.record, &e))
    }

    fn read(&self) -> Result<BTreeMap<String, String>> {
        match fs::read(&self.record) {
            Ok(text) => {
                serde_json::from_slice(&text).map_err(|e| failed("read", &self.record, &e.into()))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(e) => Err(failed("read", &self.record, &e)),
        }
    }
}

/// A file's full path and the SHA-256 of what is in it.
fn identity(file: &Path) -> Result<(String, String)> {
    let read = || {
        let path = fs::canonicalize(file)?;
        let digest = Sha256::digest(fs::read(&path)?);
        let hash: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((path.display().to_string(), hash.concat()))
    };
    read().map_err(|e| failed("read", file, &e))
}

fn failed(what: &str, file: &Path, why: &io::Error) -> Error {
    Error::new(
        Kind::Config,
        format!("cannot {what} {}: {why}", file.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_trusted_as_it_is_and_no_other_way() {
        let folder = tempfile::tempdir().unwrap();
        let trust = Trust::new(&folder.path().join("state"));
        let file = folder.path().join("runbook.toml");
        let other = folder.path().join("other.toml");
        fs::write(&file, "a").unwrap();
        fs::write(&other, "a").unwrap();
        assert!(!trust.holds(&file).unwrap());
        trust.add(&file).unwrap();
        assert!(trust.holds(&file).unwrap());
        assert!(!trust.holds(&other).unwrap());
        fs::write(&file, "b").unwrap();
        assert!(!trust.holds(&file).unwrap());
    }
}
