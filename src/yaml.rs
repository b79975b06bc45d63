//! Lossless edits of YAML that belongs to somebody else: text in, text out.
//!
//! Spans of a parser and a splice of lines, never load and dump: an inserted entry is one added line
//! and nothing else. Every edit is parsed again and compared; one that did anything more is refused.
//! Does no I/O.

mod diff;
mod error;
mod path;
mod quote;
mod splice;
#[cfg(test)]
mod tests;
mod tree;

use serde_json::Value;

pub use diff::diff;
pub use error::Error;
pub use path::Path;
use splice::Edit;
use tree::{Beat, Kind, Node, Tree};

/// A file as it was read, and what is in it.
#[derive(Debug, Clone)]
pub struct Document {
    text: String,
    tree: Tree,
}

impl Document {
    /// Reads it.
    ///
    /// # Errors
    /// When it is not one YAML document: a template, several documents, no YAML at all.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let tree = Tree::parse(text)?;
        let text = text.to_owned();
        Ok(Self { text, tree })
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands at a path, aliases followed.
    ///
    /// # Errors
    /// When nothing does, or the value has no JSON.
    pub fn get(&self, path: &Path) -> Result<Value, Error> {
        // Only what is meant is read; where it stands is the tree's business.
        self.tree.find(path)?;
        let all: serde_yaml::Value =
            serde_yaml::from_str(&self.text).map_err(|why| Error::of_reader(&why))?;
        let mut value = &all;
        for part in path.parts() {
            let next = match part {
                path::Part::Key(key) => value.get(key.as_str()),
                path::Part::Index(index) => value.get(index),
            };
            value = next.ok_or_else(|| Error::missing(path, part, &[]))?;
        }
        serde_json::to_value(value).map_err(|why| Error::Reader(why.to_string()))
    }

    /// Every path that leads to the same node: an anchor and its aliases share it.
    ///
    /// # Errors
    /// When there is nothing at the path.
    pub fn shared(&self, path: &Path) -> Result<Vec<String>, Error> {
        let node = self.tree.find(path)?;
        Ok(self.tree.paths_to(node))
    }

    /// Inserts a text into the list at a path, before its item of that number; at the end when there
    /// are no more.
    ///
    /// # Errors
    /// When there is no list, or the edit would be anything but one new entry.
    pub fn insert(&self, path: &Path, index: usize, value: &str) -> Result<Self, Error> {
        let list = self.list(path)?;
        let edit = splice::insert(&self.text, list, index, value)?;
        let edited = self.edited(&edit)?;
        let (old, new) = (&self.tree.beats, &edited.tree.beats);
        let at = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let added =
            matches!(new.get(at), Some(Beat::Scalar { value: found, .. }) if found == value);
        // Where neighbours are equal, the new one may be any of them.
        let rest = new.get(at + 1..).unwrap_or_default() == old.get(at..).unwrap_or_default();
        let length = self.length(path, list.items().len() + 1, &edited);
        if (added && rest && length) || self.is_run(path, &edited, value) {
            return Ok(edited);
        }
        Err(Error::Doubtful)
    }

    /// Whether the list has so many entries now.
    #[expect(clippy::unused_self, reason = "it reads as a question to the old one")]
    fn length(&self, path: &Path, wanted: usize, edited: &Self) -> bool {
        (edited.tree.find(path)).is_ok_and(|list| list.items().len() == wanted)
    }

    /// Whether only the number of equal neighbours differs.
    fn is_run(&self, path: &Path, edited: &Self, value: &str) -> bool {
        let count = |beats: &[Beat]| {
            let same = |beat: &&Beat| matches!(beat, Beat::Scalar { value: v, .. } if v == value);
            beats.iter().filter(same).count()
        };
        let (old, new) = (&self.tree.beats, &edited.tree.beats);
        let items = self.tree.find(path).map_or(0, |list| list.items().len());
        count(new) == count(old) + 1
            && new.len() == old.len() + 1
            && self.length(path, items + 1, edited)
            && without(new, value) == without(old, value)
    }

    /// Appends a text to the list at a path.
    ///
    /// # Errors
    /// As [`Document::insert`].
    pub fn append(&self, path: &Path, value: &str) -> Result<Self, Error> {
        self.insert(path, self.list(path)?.items().len(), value)
    }

    /// Removes an item from the list at a path.
    ///
    /// # Errors
    /// When there is no such item, it is the only one, or the edit would do anything more.
    pub fn remove(&self, path: &Path, index: usize) -> Result<Self, Error> {
        let list = self.list(path)?;
        let edit = splice::remove(&self.text, list, index)?;
        let edited = self.edited(&edit)?;
        let gone = list.items().get(index).map_or(0, Node::beats);
        let (old, new) = (&self.tree.beats, &edited.tree.beats);
        let at = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        // Equal neighbours make the place ambiguous by at most what was taken away.
        let found = (at.saturating_sub(gone)..=at).any(|at| {
            new.get(..at) == old.get(..at)
                && new.get(at..).unwrap_or_default() == old.get(at + gone..).unwrap_or_default()
        });
        let length = self.length(path, list.items().len().saturating_sub(1), &edited);
        if !(found && length) {
            return Err(Error::Doubtful);
        }
        Ok(edited)
    }

    /// Gives the text at a path another value, in its own style of quotes.
    ///
    /// # Errors
    /// When there is no plain or quoted text, or the edit would do anything more.
    pub fn set(&self, path: &Path, value: &str) -> Result<Self, Error> {
        let node = self.tree.find(path)?;
        let edit = splice::set(&self.text, path, node, value)?;
        let edited = self.edited(&edit)?;
        let (old, new) = (&self.tree.beats, &edited.tree.beats);
        let differ: Vec<_> = old.iter().zip(new).filter(|(a, b)| a != b).collect();
        let only = match differ.as_slice() {
            [] => true,
            [(_, Beat::Scalar { value: found, .. })] => found == value,
            _ => false,
        };
        let there = edited.tree.find(path);
        let there = there.is_ok_and(
            |node| matches!(&node.kind, Kind::Scalar { value: found, .. } if found == value),
        );
        if !(only && there && old.len() == new.len()) {
            return Err(Error::Doubtful);
        }
        Ok(edited)
    }

    fn list(&self, path: &Path) -> Result<&Node, Error> {
        let node = self.tree.find(path)?;
        match &node.kind {
            Kind::Sequence { .. } => Ok(node),
            _ => Err(Error::NotAList {
                path: path.to_string(),
                found: node.name(),
            }),
        }
    }

    /// The file with the edit in it, parsed again.
    fn edited(&self, edit: &Edit) -> Result<Self, Error> {
        let text = edit.apply(&self.text);
        Self::parse(&text).map_err(|_| Error::Doubtful)
    }
}

fn without<'a>(beats: &'a [Beat], value: &str) -> Vec<&'a Beat> {
    let other = |beat: &&Beat| !matches!(beat, Beat::Scalar { value: v, .. } if v == value);
    beats.iter().filter(other).collect()
}
