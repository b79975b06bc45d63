//! What has to change in which file, so that kubectl gets at one cluster.

use std::path::PathBuf;

use super::Error;
use super::document::Document;
use super::entry::{Entry, Section};
use crate::world::desk::PLUGIN;

/// A file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// None where there is no such file.
    pub(super) text: Option<String>,
}

/// One change, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) what: String,
    pub(super) before: String,
    pub(super) after: String,
}

/// What has to change in one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) file: File,
    /// What is to be in it.
    pub(super) new: String,
    pub(super) steps: Vec<Step>,
    /// Whether comments will be gone.
    pub(super) comments_lost: bool,
}

/// The place among `files` where kubectl puts what is new: the first that is there, else the last.
pub(super) fn usual(files: &[File]) -> usize {
    let there = files.iter().position(|file| file.text.is_some());
    there.unwrap_or(files.len().saturating_sub(1))
}

/// What has to change in which of these files, which kubectl reads in this order; nothing when
/// everything is as it should be. `switch`: the context becomes the current one.
///
/// Of each name, and of the current context, kubectl takes the first it finds.
pub(super) fn plan(files: &[File], entry: &Entry, switch: bool) -> Result<Vec<Edit>, Error> {
    let mut documents = Vec::with_capacity(files.len());
    for file in files {
        documents.push(Document::read(&file.path, file.text.as_deref())?);
    }
    let usual = usual(files);
    let holding = |section| {
        let mut all = documents.iter();
        all.position(|document| document.item(section, &entry.name).is_some())
    };
    let places = Section::ALL.map(|section| (section, holding(section)));
    let is_new = places.iter().all(|(_, place)| place.is_none());
    let current = documents.iter().find_map(Document::current);
    let before = current.unwrap_or("none").to_owned();
    let switch = switch && current != Some(&entry.name);

    let mut edits = Vec::new();
    for (at, (file, mut document)) in files.iter().zip(documents).enumerate() {
        let mut steps = Vec::new();
        for (section, place) in places {
            if place.unwrap_or(usual) != at {
                continue;
            }
            let old = document.item(section, &entry.name);
            let item = entry.item(section, old);
            if old == Some(&item) {
                continue;
            }
            let step = step(entry, section, &document);
            document.frame();
            document.put(section, &entry.name, item);
            if !is_new {
                steps.push(step);
            } else if section == Section::Clusters {
                let what = format!("context {}", entry.name);
                steps.push(Step { what, ..step });
            }
        }
        if switch && at == usual {
            document.frame();
            document.set_current(&entry.name);
            steps.push(Step {
                what: "current context".to_owned(),
                before: before.clone(),
                after: entry.name.clone(),
            });
        }
        if steps.is_empty() {
            continue;
        }
        let (new, comments_lost) = document.finish(file.text.as_deref().unwrap_or_default())?;
        edits.push(Edit {
            file: file.clone(),
            new,
            steps,
            comments_lost,
        });
    }
    Ok(edits)
}

/// What happens to the item of this list, for people.
fn step(entry: &Entry, section: Section, document: &Document) -> Step {
    let there = document.item(section, &entry.name);
    let inner = there.and_then(|item| item.get(section.inner()));
    let server = inner.and_then(|cluster| cluster.get("server"));
    let server = server.and_then(serde_yaml::Value::as_str);
    let (before, after) = match section {
        Section::Clusters if server == Some(&entry.server) => (
            "another certificate authority",
            "the cluster's own, or a public one",
        ),
        Section::Clusters => (server.unwrap_or("none"), entry.server.as_str()),
        Section::Contexts => ("another cluster or user", "this cluster and user"),
        Section::Users => ("other credentials", PLUGIN),
    };
    Step {
        what: format!("{} {}", section.inner(), entry.name),
        before: if there.is_none() { "none" } else { before }.to_owned(),
        after: after.to_owned(),
    }
}
