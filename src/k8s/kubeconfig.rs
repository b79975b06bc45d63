//! kubectl's own way into the cluster: what the operator's kubeconfig has to say, and whether it works.
//!
//! A kubeconfig is the operator's: whatever in it is not about this cluster stays as it is.

mod document;
mod entry;
mod plan;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use kube::Api;
use kube::api::ListParams;

use super::call::{Scope, once};
use super::object::PodObject;
use crate::error::{self, Kind};
use crate::event::{Change, Fate, Level, What};
use crate::names::Class;
use crate::world::World;
use crate::world::desk::{Replaced, Replacement};

pub use entry::Entry;
use plan::{Edit, File, Step, plan};

const LOGIN: &str = "log in the way kubectl does, with `gcloud auth login`; then run it again";
const PRIVATE: &str = "is the cluster private? From outside its network it is reached by its DNS endpoint, `--endpoint dns`, or through a VPN; then run it again";

/// How often a file that somebody else is writing is looked at again.
const TRIES: u32 = 3;

/// What is wrong with a kubeconfig.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be understood.
    #[error("{} cannot be read as a kubeconfig: {why}", .file.display())]
    Broken {
        /// Which.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// Nobody says where it is.
    #[error("there is no place for a kubeconfig: neither KUBECONFIG nor HOME is set")]
    Nowhere,
    /// It never stands still.
    #[error("{} is being changed by somebody else, again and again", .file.display())]
    Restless {
        /// Which.
        file: PathBuf,
    },
}

impl From<Error> for error::Error {
    fn from(error: Error) -> Self {
        let (kind, hint) = match &error {
            Error::Broken { .. } => (
                Kind::Config,
                "nothing was written: mend the file, or name another with --file",
            ),
            Error::Nowhere => (Kind::Config, "name a file with --file"),
            Error::Restless { .. } => (Kind::Busy, "run it again when that is over"),
        };
        Self::new(kind, error.to_string()).hint(hint)
    }
}

/// Where and how access is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Access to what.
    pub entry: Entry,
    /// This very file; else those kubectl reads.
    pub file: Option<PathBuf>,
    /// Whether its context becomes the current one.
    pub switch: bool,
}

/// What is there, and what would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The file where kubectl puts what is new.
    pub file: PathBuf,
    /// Whether a file would change that is there already.
    pub exists: bool,
    /// What would change, a line each; nothing when access is as it should be.
    pub changes: Vec<String>,
    /// A kubeconfig of this cluster alone.
    pub alone: String,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Files that got new contents.
    pub files: Vec<PathBuf>,
    /// Where their old contents are.
    pub backups: Vec<PathBuf>,
}

impl Wish {
    fn files(&self, world: &World) -> error::Result<Vec<File>> {
        let desk = world.doors().desk();
        let paths = match &self.file {
            Some(file) => vec![file.clone()],
            None => desk.kubeconfigs(),
        };
        if paths.is_empty() {
            return Err(Error::Nowhere.into());
        }
        let read = |path: PathBuf| {
            let text = desk.read(&path)?;
            Ok(File { path, text })
        };
        paths.into_iter().map(read).collect()
    }
}

/// Looks what is there, and works out what would change.
///
/// # Errors
/// When a kubeconfig cannot be read or understood.
pub fn look(world: &World, wish: &Wish) -> error::Result<Look> {
    let files = wish.files(world)?;
    let edits = plan(&files, &wish.entry, wish.switch)?;
    let mut changes: Vec<String> = Vec::new();
    for Edit { file, steps, .. } in &edits {
        let line = |step: &Step| {
            let Step {
                what,
                before,
                after,
            } = step;
            format!("{}: {what}: {before} -> {after}", file.path.display())
        };
        changes.extend(steps.iter().map(line));
    }
    let usual = files.get(plan::usual(&files));
    let nothing = File {
        path: PathBuf::new(),
        text: None,
    };
    let alone = plan(&[nothing], &wish.entry, true)?.pop();
    Ok(Look {
        file: usual.map(|file| file.path.clone()).unwrap_or_default(),
        exists: edits.iter().any(|edit| edit.file.text.is_some()),
        changes,
        alone: alone.map(|edit| edit.new).unwrap_or_default(),
    })
}

/// Writes what is missing. `call` is the function of the table that does it.
///
/// # Errors
/// When a kubeconfig cannot be read, understood or written.
pub async fn write(world: &World, wish: &Wish, call: &str) -> error::Result<Written> {
    let desk = world.doors().desk();
    let mut written = Written::default();
    let mut tries = 0;
    loop {
        // One at a time, and each after a fresh look: a file may have moved on since.
        let mut edits = plan(&wish.files(world)?, &wish.entry, wish.switch)?;
        if edits.is_empty() {
            return Ok(written);
        }
        let edit = edits.remove(0);
        let path = edit.file.path;
        let had = edit.file.text.as_ref().map_or(0, String::len);
        let replacement = Replacement {
            file: path.clone(),
            old: edit.file.text,
            new: edit.new,
            backup: world
                .clock()
                .now()
                .strftime("runbook-%Y%m%dT%H%M%SZ.bak")
                .to_string(),
        };
        let work = desk.replace(replacement);
        match world.stop().shielded(work).await? {
            Replaced::Moved if tries < TRIES => tries += 1,
            Replaced::Moved => return Err(Error::Restless { file: path }.into()),
            Replaced::Done(backup) => {
                for step in edit.steps {
                    world.changed(Change {
                        what: format!("{}: {}", path.display(), step.what),
                        before: step.before,
                        after: step.after,
                        call: call.to_owned(),
                        class: Class::WriteConverge,
                        operation: None,
                        fate: Fate::Done,
                    })?;
                }
                if edit.comments_lost && had > 0 {
                    let text = format!(
                        "{}: its comments could not be kept; they are in the backup",
                        path.display()
                    );
                    world.emit(What::Said {
                        level: Level::Warning,
                        text,
                    });
                }
                written.files.push(path);
                written.backups.extend(backup);
            }
        }
    }
}

/// Sends one request the way kubectl would: one pod is asked for, where the hubs are.
///
/// # Errors
/// When the kubeconfig does not lead into the cluster.
pub async fn prove(world: &World, wish: &Wish) -> error::Result<()> {
    let desk = world.doors().desk();
    let files = wish.files(world)?.into_iter().map(|file| file.path);
    let files: Vec<PathBuf> = files.collect();
    let client = desk.kubectl(&files, &wish.entry.name).await?;
    let scopes = Scope::watched(world, "");
    let Some(scope) = scopes.first() else {
        return Ok(());
    };
    let api: Api<PodObject> = scope.api(client);
    let params = ListParams::default().limit(1);
    let what = scope.request::<PodObject>("list");
    let answer = once(world, &what, api.list(&params)).await;
    answer.map(drop).map_err(|failure| {
        let failure = error::Error::from(failure);
        match failure.kind {
            Kind::Credentials => failure.hint(LOGIN),
            Kind::Unreachable => failure.hint(PRIVATE),
            _ => failure,
        }
    })
}
