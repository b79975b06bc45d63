//! Where a change goes into the text, and what it is: the lines around it say how it is written.

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::error::Error;
use super::flow;
use super::node::{Kind, Node};
use super::path::Path;
use super::quote::{is_same_kind, quoted};

/// The byte order mark.
const MARK: char = '\u{feff}';

/// A replacement of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

impl Edit {
    pub(super) fn apply(&self, text: &str) -> String {
        let (before, after) = (text.get(..self.range.start), text.get(self.range.end..));
        format!(
            "{}{}{}",
            before.unwrap_or_default(),
            self.text,
            after.unwrap_or_default()
        )
    }

    pub(super) fn at(place: usize, text: String) -> Self {
        let range = place..place;
        Self { range, text }
    }
}

/// The file's own line ending.
pub(super) fn ending(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text.get(..at).is_some_and(|line| line.ends_with('\r')) => "\r\n",
        _ => "\n",
    }
}

/// Behind a byte order mark, where the line begins with one.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let first = if text.starts_with(MARK) {
        MARK.len_utf8()
    } else {
        0
    };
    before.rfind('\n').map_or(first, |end| end + 1)
}

/// Behind the line's end, or where the text ends.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |end| at + end + 1)
}

pub(super) fn line_number(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c == ' ' || c == '\t')
}

/// How an item of a block list begins: its line, its indent, the blanks behind its dash.
struct Dash<'a> {
    line: usize,
    indent: &'a str,
    gap: &'a str,
}

impl<'a> Dash<'a> {
    fn of(text: &'a str, item: &Node) -> Result<Self, Error> {
        let own = line_start(text, item.span.start);
        let mut start = own;
        loop {
            let line = text.get(start..line_end(text, start)).unwrap_or_default();
            let body = line.trim_start_matches([' ', '\t']);
            let indent = &line[..line.len() - body.len()];
            let layout = |why| {
                let line = line_number(text, start);
                Err(Error::Layout { line, why })
            };
            // What begins its line has its dash on an earlier one.
            let begins = start == own && is_blank(text.get(own..item.span.start).unwrap_or("x"));
            if let Some(rest) = body.strip_prefix('-').filter(|_| !begins) {
                let inner = rest.trim_start_matches([' ', '\t']);
                if inner.starts_with("- ") || inner.trim_end() == "-" {
                    return layout("a list within a list begins on the same line");
                }
                if indent.contains('\t') {
                    return layout("it is indented by tabs");
                }
                let gap = &rest[..rest.len() - inner.len()];
                if gap.contains('\t') {
                    return layout("a tab stands behind its dash");
                }
                let gap = if gap.is_empty() || inner.trim().is_empty() {
                    " "
                } else {
                    gap
                };
                return Ok(Self {
                    line: start,
                    indent,
                    gap,
                });
            }
            let passed = begins || body.trim().is_empty() || body.starts_with('#');
            if start == line_start(text, 0) || !passed {
                return layout("an item has no dash of its own");
            }
            start = line_start(text, start - 1);
        }
    }
}

/// Behind the last line of an item, its comment included.
fn behind(text: &str, item: &Node) -> usize {
    let end = item.end();
    let start = line_start(text, end);
    // The end of a block text is the beginning of what follows it.
    if end > item.span.start && is_blank(text.get(start..end).unwrap_or("x")) {
        return start;
    }
    line_end(text, end)
}

/// A new item before the item of that number.
pub(super) fn insert(text: &str, list: &Node, index: usize, value: &str) -> Result<Edit, Error> {
    let items = list.items();
    let index = index.min(items.len());
    let flow = matches!(list.kind, Kind::Sequence { flow: true, .. });
    if flow {
        return flow::insert(text, list, index, &quoted(value, ScalarStyle::Plain, true)?);
    }
    let written = quoted(value, ScalarStyle::Plain, false)?;
    let end = ending(text);
    let sibling = items.get(index.saturating_sub(1)).or(items.first());
    let Some(sibling) = sibling else {
        let line = line_number(text, list.span.start);
        let why = "it has no items, and no brackets";
        return Err(Error::Layout { line, why });
    };
    let dash = Dash::of(text, sibling)?;
    let line = format!("{}-{}{written}", dash.indent, dash.gap);
    if index == 0 {
        return Ok(Edit::at(dash.line, format!("{line}{end}")));
    }
    let place = behind(text, sibling);
    let closed = text
        .get(..place)
        .is_some_and(|before| before.ends_with('\n'));
    if closed {
        return Ok(Edit::at(place, format!("{line}{end}")));
    }
    if sibling.ends_in_lines() {
        let line = line_number(text, place);
        let why = "it ends without a line end, which would become part of its last text";
        return Err(Error::Layout { line, why });
    }
    Ok(Edit::at(place, format!("{end}{line}")))
}

/// Takes an item away.
pub(super) fn remove(text: &str, list: &Node, index: usize) -> Result<Edit, Error> {
    let items = list.items();
    let Some(item) = items.get(index) else {
        let length = items.len();
        return Err(Error::NoItem { index, length });
    };
    if matches!(list.kind, Kind::Sequence { flow: true, .. }) {
        return flow::remove(text, items, index, item);
    }
    if items.len() == 1 {
        return Err(Error::LastItem { index });
    }
    let mut range = Dash::of(text, item)?.line..behind(text, item);
    // The last line of a file that has no end of its own takes the one before it along.
    let open = !text
        .get(..range.end)
        .is_some_and(|before| before.ends_with('\n'));
    let before = index.checked_sub(1).and_then(|i| items.get(i));
    if open && !before.is_some_and(Node::ends_in_lines) {
        let before = text.get(..range.start).unwrap_or_default();
        let trimmed = before.strip_suffix('\n').unwrap_or(before);
        range.start = trimmed.strip_suffix('\r').unwrap_or(trimmed).len();
    }
    let text = String::new();
    Ok(Edit { range, text })
}

/// Another value for a text, in its own quotes; a number or a switch without any stays one.
pub(super) fn set(path: &Path, node: &Node, flow: bool, value: &str) -> Result<Edit, Error> {
    let wrong = |found| Error::NotAText {
        path: path.to_string(),
        found,
    };
    let Kind::Scalar { style, value: old } = &node.kind else {
        return Err(wrong(node.name()));
    };
    if node.span.is_empty() {
        return Err(wrong("nothing"));
    }
    if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
        return Err(wrong("a block of lines"));
    }
    let range = node.span.clone();
    let text = if *style == ScalarStyle::Plain && is_same_kind(old, value) {
        value.to_owned()
    } else {
        quoted(value, *style, flow)?
    };
    Ok(Edit { range, text })
}
