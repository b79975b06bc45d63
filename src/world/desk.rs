//! The operator's own machine, as a door: the files kubectl reads, and kubectl's way into a cluster.
//!
//! In practice there is a desk as well, inside the world: a rehearsal touches nobody's files.

use std::path::{Path, PathBuf};

use futures::future::BoxFuture;

use crate::error::Result;

/// The program that gives kubectl its tokens for GKE.
pub const PLUGIN: &str = "gke-gcloud-auth-plugin";

/// A file that is to get new contents.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// Which.
    pub file: PathBuf,
    /// What was read in it; none where there was no such file.
    pub old: Option<String>,
    /// What is to be in it.
    pub new: String,
    /// What the name of the copy of the old contents ends in.
    pub backup: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// Done; the old contents, if any, are in this file.
    Done(Option<PathBuf>),
    /// Somebody has changed the file since it was read; nothing was written.
    Moved,
}

/// The operator's own machine.
pub trait Desk: Send + Sync {
    /// The files kubectl reads when it is told of no other: for each name in them, the first that
    /// has it counts.
    fn kubeconfigs(&self) -> Vec<PathBuf>;

    /// What is in a file; none when there is no such file.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, file: &Path) -> Result<Option<String>>;

    /// Gives a file new contents, all or nothing, readable by its owner alone.
    ///
    /// # Errors
    /// When it cannot be written; nothing has changed then.
    fn replace(&self, replacement: Replacement) -> BoxFuture<'_, Result<Replaced>>;

    /// A client that goes in as kubectl would: by this context of these files, with the credentials
    /// they name.
    ///
    /// # Errors
    /// When the files have no such context, or what gives its credentials is missing or fails.
    fn kubectl(&self, files: &[PathBuf], context: &str) -> BoxFuture<'_, Result<kube::Client>>;
}
