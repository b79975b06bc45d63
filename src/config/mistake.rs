//! What is wrong with the file, in plain words and with its place.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::error::{Error, Kind, Place};
use crate::names;

/// A file being read.
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// The parser's complaint, with the next step.
    pub(super) fn explain(&self, error: &toml::de::Error) -> Error {
        let message = error.message().trim();
        let message = message.lines().next().unwrap_or_default();
        let (fact, hint) = words(message);
        let span = error.span().unwrap_or(0..0);
        // What stands there may be a secret that was written into the wrong place.
        let place = if message.contains(super::text::WEBHOOK)
            || message.contains(super::text::PRICE)
            || message.contains(super::hub::TOKEN)
        {
            self.covered(span)
        } else {
            self.place(span.start)
        };
        Error::new(Kind::Config, fact).hint(hint).at(place)
    }

    /// Where a key stands; the start of the file when it cannot be told.
    pub(super) fn key(&self, path: &[&str]) -> Place {
        self.place(self.find(path).map_or(0, |(key, _)| key.start))
    }

    /// Where its value stands.
    pub(super) fn value(&self, path: &[&str]) -> Place {
        self.place(self.find(path).map_or(0, |(_, value)| value.start))
    }

    fn find(&self, path: &[&str]) -> Option<(Range<usize>, Range<usize>)> {
        let mut table = DeTable::parse(self.text).ok()?.into_inner();
        let (last, tables) = path.split_last()?;
        for name in tables {
            match table.remove(*name)?.into_inner() {
                DeValue::Table(inner) => table = inner,
                _ => return None,
            }
        }
        let (key, value) = table.get_key_value(*last)?;
        Some((key.span(), value.span()))
    }

    /// Line and column of a byte offset, both from 1, columns in characters.
    fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let in_line = before.get(line_start..).unwrap_or_default();
        Place {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: in_line.chars().count() + 1,
            label: "here".to_owned(),
            text: self.text.into(),
        }
    }

    /// The place, with what stands there made unreadable.
    fn covered(&self, span: Range<usize>) -> Place {
        let place = self.place(span.start);
        let (Some(before), Some(secret), Some(after)) = (
            self.text.get(..span.start),
            self.text.get(span.clone()),
            self.text.get(span.end..),
        ) else {
            return Place {
                text: "".into(),
                ..place
            };
        };
        let cover = |c: char| if c == '\n' { c } else { '*' };
        let secret: String = secret.chars().map(cover).collect();
        Place {
            text: format!("{before}{secret}{after}").into(),
            ..place
        }
    }
}

/// The fact and the next step, from what the parser says.
fn words(message: &str) -> (String, String) {
    // "unknown field `a`, expected one of `b`, `c`": every other piece is a name.
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let one_of = |typed: &str, known: &[&str]| match names::nearest(typed, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", known.join(", ")),
    };
    if let Some((typed, known)) = quoted.split_first() {
        if message.starts_with("unknown field") {
            let fact = format!("there is no key `{typed}` here");
            return (fact, one_of(typed, known));
        }
        if message.starts_with("unknown variant") {
            return (
                format!("`{typed}` is not possible here"),
                one_of(typed, known),
            );
        }
        if message.starts_with("missing field") {
            let fact = format!("`{typed}` is missing here");
            return (fact, format!("add a line: {typed} = ..."));
        }
    }
    if let Some((found, wanted)) = message
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        let hint = match wanted {
            "a string" | "path string" => "write a text in quotes",
            "a sequence" => "write a list: [\"a\", \"b\"]",
            wanted if wanted.starts_with("struct ") || wanted == "a map" => {
                "write a table: { key = \"value\" }"
            }
            _ => "see the example in the README",
        };
        let found = found
            .replace("string", "text")
            .replace("sequence", "list")
            .replace("map", "table");
        return (format!("{found} cannot stand here"), hint.to_owned());
    }
    (message.to_owned(), "correct this line".to_owned())
}
