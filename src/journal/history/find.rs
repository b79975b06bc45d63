//! Which run is meant.

use std::path::{Path, PathBuf};

use super::names;
use crate::journal::Error;
use crate::names::nearest;

/// The journal of the run with this id, or of the only one whose id begins like this.
///
/// # Errors
/// When there is no such run, or several.
pub fn find(folder: &Path, text: &str) -> Result<PathBuf, Error> {
    let names = names::all(folder)?;
    let runs = || names.iter().map(|name| name.run.as_str());
    let mut meant: Vec<&str> = runs().filter(|run| run.starts_with(text)).collect();
    if let Some(exact) = meant.iter().find(|run| **run == text) {
        meant = vec![exact];
    }
    match meant.as_slice() {
        [run] => Ok(folder.join(format!("{run}.jsonl"))),
        [] => Err(Error::Unknown {
            text: text.to_owned(),
            near: nearest(text, runs()).map(str::to_owned),
        }),
        several => Err(Error::Ambiguous {
            text: text.to_owned(),
            runs: several.iter().map(|run| (*run).to_owned()).collect(),
        }),
    }
}
