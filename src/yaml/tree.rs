//! A document as a tree whose nodes know where they stand in the text.

use std::collections::BTreeSet;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::error::Error;
use super::node::{Kind, Node};
use super::path::{Part, Path};

/// More paths to one place than anybody reads; a file may be made to have a billion.
const PATHS_MAX: usize = 100;

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
        let beat = self.beats.len();
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
                if style == ScalarStyle::Plain && is_filled_in(&value) {
                    let line = span.start.line();
                    return Err(Error::Template { line });
                }
                self.beats.push(Beat::Scalar {
                    value: value.clone(),
                    style,
                    anchor,
                    tag: tag.map(|tag| tag.original()),
                });
                self.take(node(place, Kind::Scalar { value, style }, beat, anchor));
            }
            Event::Alias(anchor) => {
                self.beats.push(Beat::Alias(anchor));
                self.take(node(place, Kind::Alias(anchor), beat, 0));
            }
            Event::SequenceStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let tag = tag.map(|tag| tag.original());
                self.beats.push(opened(true, flow, anchor, tag));
                let items = Vec::new();
                let kind = Kind::Sequence { items, flow };
                self.begin(node(place, kind, beat, anchor));
            }
            Event::MappingStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                if flow && self.is_second_brace(place.start) {
                    let line = span.start.line();
                    return Err(Error::Template { line });
                }
                let tag = tag.map(|tag| tag.original());
                self.beats.push(opened(false, flow, anchor, tag));
                let pairs = Vec::new();
                let kind = Kind::Mapping { pairs, flow };
                self.begin(node(place, kind, beat, anchor));
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

    fn begin(&mut self, node: Node) {
        self.open.push(Open { node, key: None });
    }

    /// Whether it is the second brace of `{{`.
    fn is_second_brace(&self, start: usize) -> bool {
        self.open.last().is_some_and(|Open { node, .. }| {
            matches!(node.kind, Kind::Mapping { flow: true, .. }) && node.span.start + 1 == start
        })
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
        let beats = reading.beats;
        Ok(Self { root, beats })
    }

    /// The node at a path; whatever is an alias there is followed.
    ///
    /// A key that is there twice is refused: readers do not agree on which of them counts.
    pub(super) fn find(&self, path: &Path) -> Result<&Node, Error> {
        let mut node = self.followed(&self.root);
        for part in path.parts() {
            let next = match (&node.kind, part) {
                (Kind::Mapping { pairs, .. }, Part::Key(wanted)) => {
                    let named = |(key, _): &&(Node, Node)| key_of(key) == Some(wanted);
                    let mut found = pairs.iter().filter(named).map(|(_, value)| value);
                    let first = found.next();
                    if found.next().is_some() {
                        let (path, key) = (path.to_string(), wanted.clone());
                        return Err(Error::Twice { path, key });
                    }
                    first
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

    /// Whether brackets or braces stand around a node.
    pub(super) fn is_in_brackets(&self, node: &Node) -> bool {
        self.root.encloses_in_brackets(node)
    }

    /// Every path that leads to this node, through aliases of whatever holds it too.
    pub(super) fn paths_to(&self, wanted: &Node) -> Vec<String> {
        let mut anchors = BTreeSet::new();
        self.root.leads(wanted, &mut anchors);
        let mut search = Search {
            tree: self,
            wanted,
            anchors,
            found: Vec::new(),
        };
        search.walk(&self.root, &Path::default());
        search.found
    }
}

/// Looks for the paths to a node.
struct Search<'a> {
    tree: &'a Tree,
    wanted: &'a Node,
    /// Of what holds it: no other alias is followed.
    anchors: BTreeSet<usize>,
    found: Vec<String>,
}

impl Search<'_> {
    fn walk(&mut self, node: &Node, path: &Path) {
        let node = match node.kind {
            Kind::Alias(anchor) if self.anchors.contains(&anchor) => self.tree.followed(node),
            _ => node,
        };
        if self.found.len() == PATHS_MAX {
            return;
        }
        if std::ptr::eq(node, self.wanted) {
            self.found.push(path.to_string());
        }
        match &node.kind {
            Kind::Sequence { items, .. } => {
                for (index, item) in items.iter().enumerate() {
                    self.walk(item, &path.with(Part::Index(index)));
                }
            }
            Kind::Mapping { pairs, .. } => {
                for (key, value) in pairs {
                    if let Some(key) = key_of(key) {
                        self.walk(value, &path.with(Part::Key(key.clone())));
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

fn node(span: Range<usize>, kind: Kind, beat: usize, anchor: usize) -> Node {
    Node {
        span,
        kind,
        beat,
        anchor,
    }
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

/// Whether a text without quotes waits for a template engine; `${{ }}` is a workflow's own.
fn is_filled_in(value: &str) -> bool {
    value.contains("{%") || value.replace("${{", "").contains("{{")
}

/// The first line of what is no YAML on which a template engine has its say: `{{ name }}`, `{% if %}`.
fn template(text: &str) -> Option<usize> {
    let says = |line: &str| {
        let comment = line.trim_start().starts_with('#');
        !comment && (line.contains("{%") || (line.contains("{{") && line.contains("}}")))
    };
    text.lines().position(says).map(|index| index + 1)
}
