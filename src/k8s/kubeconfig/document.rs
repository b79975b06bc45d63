//! A kubeconfig's text, changed in as few lines as possible.
//!
//! What is to change is worked out on the parsed document. The text is then changed line by line, as
//! far as it is written the way kubectl and gcloud write it, and read again: unless it says exactly
//! what it should, the whole document is written anew and its comments are lost.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_yaml::{Mapping, Value};

use super::Error;
use super::entry::Section;

const CURRENT: &str = "current-context";

/// A kubeconfig.
#[derive(Debug)]
pub(super) struct Document {
    file: PathBuf,
    value: Mapping,
    /// The text so far; none where it is not written as we expect.
    text: Option<String>,
}

impl Document {
    /// Reads one; no text is an empty one.
    pub(super) fn read(file: &Path, text: Option<&str>) -> Result<Self, Error> {
        let broken = |why: String| Error::Broken {
            file: file.to_owned(),
            why,
        };
        let text = text.unwrap_or_default();
        let value = serde_yaml::from_str(text).map_err(|error| broken(error.to_string()))?;
        let value = match value {
            Value::Null => Mapping::new(),
            Value::Mapping(value) => value,
            _ => return Err(broken("it is no kubeconfig".to_owned())),
        };
        for section in Section::ALL {
            match value.get(section.key()) {
                None | Some(Value::Null | Value::Sequence(_)) => {}
                Some(_) => return Err(broken(format!("its `{}` is no list", section.key()))),
            }
        }
        Ok(Self {
            file: file.to_owned(),
            value,
            text: Some(text.to_owned()),
        })
    }

    fn items(&self, section: Section) -> &[Value] {
        let list = self.value.get(section.key()).and_then(Value::as_sequence);
        list.map_or(&[], Vec::as_slice)
    }

    fn place(&self, section: Section, name: &str) -> Option<usize> {
        let mut items = self.items(section).iter();
        items.position(|item| item.get("name").and_then(Value::as_str) == Some(name))
    }

    /// The item of this name.
    pub(super) fn item(&self, section: Section, name: &str) -> Option<&Mapping> {
        let items = self.items(section);
        items.get(self.place(section, name)?)?.as_mapping()
    }

    /// The context kubectl takes when it is told of no other.
    pub(super) fn current(&self) -> Option<&str> {
        let current = self.value.get(CURRENT).and_then(Value::as_str);
        current.filter(|name| !name.is_empty())
    }

    /// Puts an item in the place of the one of its name, else after the others.
    pub(super) fn put(&mut self, section: Section, name: &str, item: Mapping) {
        let at = self.place(section, name);
        let written = written(&Value::Sequence(vec![item.clone().into()]));
        self.text = self
            .text
            .take()
            .and_then(|text| put_lines(&text, section.key(), at, &written?));
        let list = self.value.entry(section.key().into());
        let list = list.or_insert(Value::Null);
        if !list.is_sequence() {
            *list = Value::Sequence(Vec::new());
        }
        let Some(list) = list.as_sequence_mut() else {
            return;
        };
        match at.and_then(|at| list.get_mut(at)) {
            Some(old) => *old = item.into(),
            None => list.push(item.into()),
        }
    }

    /// Makes this context the current one.
    pub(super) fn set_current(&mut self, name: &str) {
        let line = written(&Value::Mapping(Mapping::from_iter([(
            CURRENT.into(),
            name.into(),
        )])));
        self.text = self.text.take().and_then(|text| {
            let at = key_line(&text, CURRENT).map_or(text.len()..text.len(), |line| line.range);
            Some(splice(&text, at, &line?))
        });
        self.value.insert(CURRENT.into(), name.into());
    }

    /// Gives a new file what every kubeconfig begins and ends with.
    pub(super) fn frame(&mut self) {
        if !self.value.is_empty() {
            return;
        }
        for (key, value) in [
            ("apiVersion", "v1".into()),
            ("clusters", Value::Sequence(Vec::new())),
            ("contexts", Value::Sequence(Vec::new())),
            (CURRENT, "".into()),
            ("kind", "Config".into()),
            ("preferences", Mapping::new().into()),
            ("users", Value::Sequence(Vec::new())),
        ] {
            self.value.insert(key.into(), value);
        }
        let frame = written(&Value::Mapping(self.value.clone()));
        self.text = self.text.take().zip(frame).map(|(text, frame)| {
            let end = text.len();
            splice(&text, end..end, &frame)
        });
    }

    /// The text as it is to be, and whether comments of the old one are lost.
    pub(super) fn finish(self, old: &str) -> Result<(String, bool), Error> {
        let value = Value::Mapping(self.value);
        let says_it = |text: &String| serde_yaml::from_str::<Value>(text).is_ok_and(|v| v == value);
        let text = match self.text.filter(says_it) {
            Some(text) => text,
            None => serde_yaml::to_string(&value).map_err(|error| Error::Broken {
                file: self.file,
                why: error.to_string(),
            })?,
        };
        let lost = comments(&text) < comments(old);
        Ok((text, lost))
    }
}

fn written(value: &Value) -> Option<String> {
    serde_yaml::to_string(value).ok()
}

fn comments(text: &str) -> usize {
    let comment = |line: &&str| line.trim_start().starts_with('#');
    text.lines().filter(comment).count()
}

/// A line, and what stands in it.
struct Line<'a> {
    range: Range<usize>,
    text: &'a str,
}

impl Line<'_> {
    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    /// Whether it is blank or only a comment.
    fn is_idle(&self) -> bool {
        let text = self.text.trim();
        text.is_empty() || text.starts_with('#')
    }

    fn is_item(&self) -> bool {
        let text = self.text.trim_start_matches(' ').trim_end();
        text == "-" || text.starts_with("- ")
    }
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let from = at;
        at += line.len();
        Line {
            range: from..at,
            text: line,
        }
    })
}

/// The line of this key of the document itself.
fn key_line<'a>(text: &'a str, key: &str) -> Option<Line<'a>> {
    lines(text).find(|line| {
        let rest = line.text.strip_prefix(key);
        rest.is_some_and(|rest| rest.starts_with(':'))
    })
}

/// The text with an item, as a list of one, in the place of the list's item `at`, or after its last.
fn put_lines(text: &str, key: &str, at: Option<usize>, item: &str) -> Option<String> {
    let Some(head) = key_line(text, key) else {
        let list = format!("{key}:\n{item}");
        return Some(splice(text, text.len()..text.len(), &list));
    };
    let items = items(text, &head);
    let Some(first) = items.first() else {
        let rest = head.text.split_once(':')?.1;
        let rest = rest.split(" #").next()?.trim();
        let empty = matches!(rest, "" | "[]" | "null" | "~");
        return empty.then(|| splice(text, head.range, &format!("{key}:\n{item}")));
    };
    let margin = " ".repeat(text.get(first.clone())?.find('-')?);
    let item: String = item
        .split_inclusive('\n')
        .flat_map(|line| [margin.as_str(), line])
        .collect();
    let place = if let Some(at) = at {
        items.get(at)?.clone()
    } else {
        let end = items.last()?.end;
        end..end
    };
    Some(splice(text, place, &item))
}

/// Where each item of the list under this line stands; what is idle after it is not its own.
fn items(text: &str, head: &Line<'_>) -> Vec<Range<usize>> {
    let mut items: Vec<Range<usize>> = Vec::new();
    let mut margin = None;
    for line in lines(text).filter(|line| line.range.start >= head.range.end) {
        if line.is_idle() {
            continue;
        }
        let indent = line.indent();
        let margin = *margin.get_or_insert(indent);
        if indent < margin || (indent == margin && !line.is_item()) {
            break;
        }
        if indent == margin {
            items.push(line.range);
        } else if let Some(item) = items.last_mut() {
            item.end = line.range.end;
        }
    }
    items
}

/// The text with `new`, whole lines, in the place of these lines.
fn splice(text: &str, at: Range<usize>, new: &str) -> String {
    let before = text.get(..at.start).unwrap_or_default();
    let after = text.get(at.end..).unwrap_or_default();
    let ended = before.is_empty() || before.ends_with('\n');
    let end = if ended { "" } else { "\n" };
    format!("{before}{end}{new}{after}")
}
