//! Lossless edits of YAML that belongs to somebody else: text in, text out.
//!
//! Spans of a parser and a splice of lines, never load and dump: an inserted entry is one added line
//! and nothing else. Every edit is parsed again and compared; one that did anything more is refused.
//! Does no I/O.

mod diff;
mod error;
mod flow;
mod node;
mod path;
mod quote;
mod splice;
#[cfg(test)]
mod tests;
mod tree;

use std::ops::Range;

use serde_json::Value;

pub use diff::diff;
pub use error::Error;
use node::{Kind, Node};
pub use path::Path;
use splice::Edit;
use tree::{Beat, Tree};

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
        // Before that item's first beat, or the end of the list's own.
        let end = list.beat + list.beats() - 1;
        let at = list.items().get(index).map_or(end, |item| item.beat);
        self.checked(&edit, at..at, |beats| {
            matches!(beats, [Beat::Scalar { value: found, anchor: 0, tag: None, .. }] if found == value)
        })
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
        let gone = list.items().get(index);
        let gone = gone.map_or(0..0, |item| item.beat..item.beat + item.beats());
        self.checked(&edit, gone, <[Beat]>::is_empty)
    }

    /// Gives the text at a path another value, in its own style of quotes.
    ///
    /// # Errors
    /// When there is no plain or quoted text, or the edit would do anything more.
    pub fn set(&self, path: &Path, value: &str) -> Result<Self, Error> {
        let node = self.tree.find(path)?;
        let flow = self.tree.is_in_brackets(node);
        let edit = splice::set(path, node, flow, value)?;
        let old = self.tree.beats.get(node.beat);
        self.checked(&edit, node.beat..node.beat + 1, |beats| {
            match (old, beats) {
                (
                    Some(Beat::Scalar { anchor, tag, .. }),
                    [
                        Beat::Scalar {
                            value: found,
                            anchor: a,
                            tag: t,
                            ..
                        },
                    ],
                ) => found == value && (a, t) == (anchor, tag),
                _ => false,
            }
        })
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

    /// The file with the edit in it, parsed again: in the place of these beats stand others that are
    /// as wanted, and all else is as it was.
    fn checked(
        &self,
        edit: &Edit,
        place: Range<usize>,
        wanted: impl FnOnce(&[Beat]) -> bool,
    ) -> Result<Self, Error> {
        let text = edit.apply(&self.text);
        let edited = Self::parse(&text).map_err(|_| Error::Doubtful)?;
        let (old, new) = (&self.tree.beats, &edited.tree.beats);
        let behind = old.get(place.end..).unwrap_or_default();
        let held = new.get(..place.start) == old.get(..place.start) && new.ends_with(behind);
        let end = new.len().checked_sub(behind.len());
        let changed = end.and_then(|end| new.get(place.start..end));
        match changed {
            Some(beats) if held && wanted(beats) => Ok(edited),
            _ => Err(Error::Doubtful),
        }
    }
}
