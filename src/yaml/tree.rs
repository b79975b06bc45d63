//! A document as a tree whose nodes know where they stand in the text.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::error::Error;
use super::path::{Part, Path};

/// A parsed document.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    root: Node,
    /// What a parser tells, without the places: the meaning of the file.
    pub(super) beats: Vec<Beat>,
}

/// One thing a parser tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Beat {
    Scalar {
        value: String,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<String>,
    },
    Open {
        sequence: bool,
        flow: bool,
        anchor: usize,
        tag: Option<String>,
    },
    Close,
    Alias(usize),
}

/// A node and where it stands, in bytes.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
    anchor: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Scalar {
        value: String,
        style: ScalarStyle,
    },
    Sequence {
        items: Vec<Node>,
        flow: bool,
    },
    Mapping {
        pairs: Vec<(Node, Node)>,
        flow: bool,
    },
    Alias(usize),
}

impl Node {
    /// What it is, for a person.
    pub(super) fn name(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar { value, style } => {
                let plain = *style == ScalarStyle::Plain;
                if plain && ["", "~", "null"].contains(&value.as_str()) {
                    return "nothing";
                }
                "a text"
            }
            Kind::Sequence { .. } => "a list",
            Kind::Mapping { .. } => "a map",
            Kind::Alias(_) => "an alias",
        }
    }

    pub(super) fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::Sequence { items, .. } => items,
            _ => &[],
        }
    }

    /// Where its own text ends: what a parser calls the end of a block may lie far behind it.
    pub(super) fn end(&self) -> usize {
        let last = match &self.kind {
            Kind::Sequence { items, flow: false } => items.last(),
            Kind::Mapping { pairs, flow: false } => pairs.last().map(|(key, value)| {
                // A value that is not there stands nowhere.
                if value.span.is_empty() { key } else { value }
            }),
            _ => None,
        };
        last.map_or(self.span.end, Self::end)
    }

    /// How many beats it is.
    pub(super) fn beats(&self) -> usize {
        match &self.kind {
            Kind::Scalar { .. } | Kind::Alias(_) => 1,
            Kind::Sequence { items, .. } => 2 + items.iter().map(Self::beats).sum::<usize>(),
            Kind::Mapping { pairs, .. } => {
                let both = pairs.iter().map(|(key, value)| key.beats() + value.beats());
                2 + both.sum::<usize>()
            }
        }
    }

    /// The node that was given this anchor.
    fn anchored(&self, anchor: usize) -> Option<&Self> {
        if self.anchor == anchor {
            return Some(self);
        }
        match &self.kind {
            Kind::Sequence { items, .. } => items.iter().find_map(|item| item.anchored(anchor)),
            Kind::Mapping { pairs, .. } => pairs
                .iter()
                .find_map(|(key, value)| key.anchored(anchor).or_else(|| value.anchored(anchor))),
            Kind::Scalar { .. } | Kind::Alias(_) => None,
        }
    }
}

/// A collection that is being read.
struct Open {
    node: Node,
    /// The key whose value comes next.
    key: Option<Node>,
}

/// A document that is being read.
#[derive(Default)]
struct Reading {
    /// How long the byte order mark is.
    mark: usize,
    beats: Vec<Beat>,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

impl Reading {
    fn hear(&mut self, event: Event<'_>, span: &Span) -> Result<(), Error> {
        let place = place(span, self.mark);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let line = span.start.line();
                    return Err(Error::Several { line });
                }
            }
            Event::Scalar(value, style, anchor, tag) => {
                let value = value.into_owned();
                self.beats.push(Beat::Scalar {
                    value: value.clone(),
                    style,
                    anchor,
                    tag: tag.map(|tag| tag.original()),
                });
                self.take(node(place, Kind::Scalar { value, style }, anchor));
            }
            Event::Alias(anchor) => {
                self.beats.push(Beat::Alias(anchor));
                self.take(node(place, Kind::Alias(anchor), 0));
            }
            Event::SequenceStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let tag = tag.map(|tag| tag.original());
                self.beats.push(opened(true, flow, anchor, tag));
                let items = Vec::new();
                let kind = Kind::Sequence { items, flow };
                self.open.push(begun(place, kind, anchor));
            }
            Event::MappingStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let tag = tag.map(|tag| tag.original());
                self.beats.push(opened(false, flow, anchor, tag));
                let pairs = Vec::new();
                let kind = Kind::Mapping { pairs, flow };
                self.open.push(begun(place, kind, anchor));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.beats.push(Beat::Close);
                if let Some(Open { mut node, .. }) = self.open.pop() {
                    node.span.end = place.end;
                    self.take(node);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take(&mut self, node: Node) {
        match self.open.last_mut() {
            Some(parent) => parent.take(node),
            None => self.root = Some(node),
        }
    }
}

impl Tree {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        // The parser leaves a byte order mark out of what it counts.
        let (mark, body) = match text.strip_prefix('\u{feff}') {
            Some(body) => (text.len() - body.len(), body),
            None => (0, text),
        };
        let mut reading = Reading {
            mark,
            ..Reading::default()
        };
        for event in Parser::new_from_str(body) {
            let (event, span) = event.map_err(|why| {
                let at = why.marker();
                broken(text, at.line(), at.col() + 1, why.to_string())
            })?;
            reading.hear(event, &span)?;
        }
        let root = reading.root.ok_or(Error::Empty)?;
        if let Some(line) = template(text) {
            return Err(Error::Template { line });
        }
        let beats = reading.beats;
        Ok(Self { root, beats })
    }

    /// The node at a path; whatever is an alias there is followed.
    pub(super) fn find(&self, path: &Path) -> Result<&Node, Error> {
        let mut node = self.followed(&self.root);
        for part in path.parts() {
            let next = match (&node.kind, part) {
                (Kind::Mapping { pairs, .. }, Part::Key(wanted)) => {
                    let named = |(key, _): &&(Node, Node)| key_of(key) == Some(wanted);
                    pairs.iter().find(named).map(|(_, value)| value)
                }
                (Kind::Sequence { items, .. }, Part::Index(index)) => items.get(*index),
                _ => None,
            };
            let known = || match &node.kind {
                Kind::Mapping { pairs, .. } => {
                    let keys = pairs.iter().filter_map(|(key, _)| key_of(key));
                    keys.map(String::as_str).collect()
                }
                _ => Vec::new(),
            };
            let next = next.ok_or_else(|| Error::missing(path, part, &known()))?;
            node = self.followed(next);
        }
        Ok(node)
    }

    fn followed<'a>(&'a self, node: &'a Node) -> &'a Node {
        match node.kind {
            Kind::Alias(anchor) => self.root.anchored(anchor).unwrap_or(node),
            _ => node,
        }
    }

    /// Every path that leads to this node.
    pub(super) fn paths_to(&self, wanted: &Node) -> Vec<String> {
        let mut found = Vec::new();
        self.walk(&self.root, &Path::default(), wanted, &mut found);
        found
    }

    fn walk(&self, node: &Node, path: &Path, wanted: &Node, found: &mut Vec<String>) {
        if std::ptr::eq(self.followed(node), wanted) {
            found.push(path.to_string());
        }
        match &node.kind {
            Kind::Sequence { items, .. } => {
                for (index, item) in items.iter().enumerate() {
                    self.walk(item, &path.with(Part::Index(index)), wanted, found);
                }
            }
            Kind::Mapping { pairs, .. } => {
                for (key, value) in pairs {
                    if let Some(key) = key_of(key) {
                        self.walk(value, &path.with(Part::Key(key.clone())), wanted, found);
                    }
                }
            }
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
    }
}

impl Open {
    fn take(&mut self, child: Node) {
        match &mut self.node.kind {
            Kind::Sequence { items, .. } => items.push(child),
            Kind::Mapping { pairs, .. } => match self.key.take() {
                Some(key) => pairs.push((key, child)),
                None => self.key = Some(child),
            },
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
    }
}

fn key_of(node: &Node) -> Option<&String> {
    match &node.kind {
        Kind::Scalar { value, .. } => Some(value),
        _ => None,
    }
}

fn node(span: Range<usize>, kind: Kind, anchor: usize) -> Node {
    Node { span, kind, anchor }
}

fn begun(span: Range<usize>, kind: Kind, anchor: usize) -> Open {
    let node = node(span, kind, anchor);
    Open { node, key: None }
}

fn opened(sequence: bool, flow: bool, anchor: usize, tag: Option<String>) -> Beat {
    Beat::Open {
        sequence,
        flow,
        anchor,
        tag,
    }
}

fn place(span: &Span, mark: usize) -> Range<usize> {
    let range = span.byte_range().unwrap_or_default();
    range.start + mark..range.end + mark
}

/// Why a text cannot be parsed; a template is told as one.
fn broken(text: &str, line: usize, column: usize, why: String) -> Error {
    match template(text) {
        Some(line) => Error::Template { line },
        None => Error::Syntax { line, column, why },
    }
}

/// The first line on which a template engine has its say: `{{ name }}` that no quotes hide, `{% if %}`.
fn template(text: &str) -> Option<usize> {
    let says = |line: &str| {
        let line = line.trim_start();
        let comment = line.starts_with('#');
        let quoted = line.contains("\"{{") || line.contains("'{{");
        !comment && (line.contains("{%") || (line.contains("{{") && !quoted && line.contains("}}")))
    };
    text.lines().position(says).map(|index| index + 1)
}
