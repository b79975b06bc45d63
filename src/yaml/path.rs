//! Where something stands in a file: `jupyterhub.hub.config."a.b".list[0]`.

use std::fmt;
use std::str::FromStr;

use super::error::Error;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Key(String),
    Index(usize),
}

/// A path: keys with dots between, items in brackets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Vec<Part>);

impl Path {
    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }

    pub(super) fn with(&self, part: Part) -> Self {
        let mut parts = self.0.clone();
        parts.push(part);
        Self(parts)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) if key.is_empty() || key.contains(['.', '[', ']', '"']) => {
                let key = key.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "\"{key}\"")
            }
            Self::Key(key) => f.write_str(key),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, part) in self.0.iter().enumerate() {
            if number > 0 && matches!(part, Part::Key(_)) {
                f.write_str(".")?;
            }
            write!(f, "{part}")?;
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why| {
            let path = text.to_owned();
            Err(Error::BadPath { path, why })
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(index) = rest.strip_prefix('[') {
                let Some((index, after)) = index.split_once(']') else {
                    return wrong("a bracket is not closed");
                };
                let Ok(index) = index.parse() else {
                    return wrong("what stands in brackets is no number");
                };
                parts.push(Part::Index(index));
                rest = after;
            } else if let Some(quoted) = rest.strip_prefix('"') {
                let mut key = String::new();
                let mut chars = quoted.char_indices();
                let end = loop {
                    match chars.next() {
                        None => return wrong("a quote is not closed"),
                        Some((_, '\\')) => key.extend(chars.next().map(|(_, c)| c)),
                        Some((at, '"')) => break at + 1,
                        Some((_, c)) => key.push(c),
                    }
                };
                parts.push(Part::Key(key));
                rest = quoted.get(end..).unwrap_or_default();
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (key, after) = rest.split_at(end);
                if key.is_empty() {
                    return wrong("a key is empty");
                }
                parts.push(Part::Key(key.to_owned()));
                rest = after;
            }
            match rest.strip_prefix('.') {
                Some("") => return wrong("it ends in a dot"),
                Some(after) => rest = after,
                None if rest.is_empty() || rest.starts_with('[') => {}
                None => return wrong("a dot is missing"),
            }
        }
        Ok(Self(parts))
    }
}
