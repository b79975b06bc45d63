//! The splice between brackets, where commas are and an item need not have a line.

use std::ops::Range;

use super::error::Error;
use super::node::Node;
use super::splice::{Edit, ending, is_blank, line_end, line_number, line_start};

/// The lines that an item has to itself, its comment included.
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

/// A new item; where each has a line, the new one has as well.
pub(super) fn insert(text: &str, list: &Node, index: usize, written: &str) -> Result<Edit, Error> {
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

/// Takes an item away: with its lines, or with a comma beside it.
pub(super) fn remove(text: &str, items: &[Node], index: usize, item: &Node) -> Result<Edit, Error> {
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
