//! Where a change goes into the text, and what it is: the lines around it say how it is written.

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::error::Error;
use super::path::Path;
use super::quote::{is_same_kind, quoted};
use super::tree::{Kind, Node};

/// The byte order mark.
const MARK: char = '\u{feff}';

/// A replacement of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    range: Range<usize>,
    text: String,
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

    fn at(place: usize, text: String) -> Self {
        let range = place..place;
        Self { range, text }
    }
}

/// The file's own line ending.
fn ending(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text.get(..at).is_some_and(|line| line.ends_with('\r')) => "\r\n",
        _ => "\n",
    }
}

/// Behind a byte order mark, where the line begins with one.
fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let first = if text.starts_with(MARK) {
        MARK.len_utf8()
    } else {
        0
    };
    before.rfind('\n').map_or(first, |end| end + 1)
}

/// Behind the line's end, or where the text ends.
fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |end| at + end + 1)
}

fn line_number(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

fn is_blank(text: &str) -> bool {
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
        return insert_flow(text, list, index, &quoted(value, ScalarStyle::Plain, true)?);
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

/// The lines that an item between brackets has to itself, its comment included.
struct Lines<'a> {
    range: Range<usize>,
    indent: &'a str,
    /// Whether a comma follows it.
    comma: bool,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str, item: &Node) -> Option<Self> {
        let start = line_start(text, item.span.start);
        let indent = text.get(start..item.span.start)?;
        let end = line_end(text, item.end());
        let rest = text.get(item.end()..end)?;
        let behind = rest.trim_start_matches([' ', '\t']);
        let comma = behind.starts_with(',');
        let note = behind.strip_prefix(',').unwrap_or(behind).trim();
        let alone = is_blank(indent) && rest.ends_with('\n');
        (alone && (note.is_empty() || note.starts_with('#'))).then_some(Self {
            range: start..end,
            indent,
            comma,
        })
    }
}

/// The same between brackets; where each item has a line, the new one has as well.
fn insert_flow(text: &str, list: &Node, index: usize, written: &str) -> Result<Edit, Error> {
    let items = list.items();
    let (before, next) = (
        index.checked_sub(1).and_then(|i| items.get(i)),
        items.get(index),
    );
    if let Some((before, lines)) = before.and_then(|item| Some((item, Lines::of(text, item)?))) {
        let (indent, ending) = (lines.indent, ending(text));
        if lines.comma {
            let line = format!("{indent}{written},{ending}");
            return Ok(Edit::at(lines.range.end, line));
        }
        if next.is_none() {
            // It gets the comma, and keeps its comment.
            let range = before.end()..lines.range.end;
            let rest = text.get(range.clone()).unwrap_or_default();
            let text = format!(",{rest}{indent}{written}{ending}");
            return Ok(Edit { range, text });
        }
    }
    let between = |item: &Node| {
        let start = line_start(text, item.span.start);
        let indent = text.get(start..item.span.start).unwrap_or("x");
        if is_blank(indent) {
            format!("{}{indent}", ending(text))
        } else {
            " ".to_owned()
        }
    };
    if let Some(next) = next {
        let written = format!("{written},{}", between(next));
        return Ok(Edit::at(next.span.start, written));
    }
    let Some(before) = before else {
        // Behind the bracket, wherever an anchor or a tag put it.
        let open = text.get(list.span.start..).and_then(|rest| rest.find('['));
        let open = open.ok_or(Error::Doubtful)?;
        return Ok(Edit::at(list.span.start + open + 1, written.to_owned()));
    };
    let end = before.end();
    let rest = text.get(end..list.span.end).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let between = between(before);
    // A comma may follow the last one too.
    Ok(if rest.trim_start_matches([' ', '\t']).starts_with(',') {
        Edit::at(end + blanks + 1, format!("{between}{written},"))
    } else {
        Edit::at(end, format!(",{between}{written}"))
    })
}

/// Takes an item from between brackets: with its lines, or with a comma beside it.
fn remove_flow(text: &str, items: &[Node], index: usize, item: &Node) -> Result<Edit, Error> {
    let before = index.checked_sub(1).and_then(|i| items.get(i));
    let next = items.get(index + 1);
    let empty = String::new();
    if let Some(lines) = Lines::of(text, item).filter(|lines| lines.comma || next.is_none()) {
        let range = lines.range;
        return Ok(Edit { range, text: empty });
    }
    let (range, beside) = match (before, next) {
        (_, Some(next)) => (
            item.span.start..next.span.start,
            item.end()..next.span.start,
        ),
        (Some(before), None) => (before.end()..item.end(), before.end()..item.span.start),
        (None, None) => (item.span.start..item.end(), 0..0),
    };
    if text.get(beside).is_some_and(|beside| beside.contains('#')) {
        let line = line_number(text, item.span.start);
        let why = "a comment stands beside the item, and it is not said whose it is";
        return Err(Error::Layout { line, why });
    }
    Ok(Edit { range, text: empty })
}

/// Takes an item away.
pub(super) fn remove(text: &str, list: &Node, index: usize) -> Result<Edit, Error> {
    let items = list.items();
    let Some(item) = items.get(index) else {
        let length = items.len();
        return Err(Error::NoItem { index, length });
    };
    if matches!(list.kind, Kind::Sequence { flow: true, .. }) {
        return remove_flow(text, items, index, item);
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
