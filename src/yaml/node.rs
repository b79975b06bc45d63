//! What a document is made of.

use std::collections::BTreeSet;
use std::ops::Range;

use granit_parser::ScalarStyle;

/// A node and where it stands, in bytes.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
    /// Which of the tree's beats is its first.
    pub(super) beat: usize,
    /// Zero where there is none.
    pub(super) anchor: usize,
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

    /// The last node of its own text.
    fn last(&self) -> &Self {
        let last = match &self.kind {
            Kind::Sequence { items, flow: false } => items.last(),
            Kind::Mapping { pairs, flow: false } => pairs.last().map(|(key, value)| {
                // A value that is not there stands nowhere.
                if value.span.is_empty() { key } else { value }
            }),
            _ => None,
        };
        last.map_or(self, Self::last)
    }

    /// Where its own text ends: what a parser calls the end of a block may lie far behind it.
    pub(super) fn end(&self) -> usize {
        self.last().span.end
    }

    /// Whether it ends in a block of lines, to which a line end more or less may be another text.
    pub(super) fn ends_in_lines(&self) -> bool {
        let Kind::Scalar { style, .. } = self.last().kind else {
            return false;
        };
        matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
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

    fn children(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Sequence { items, .. } => items.iter().collect(),
            Kind::Mapping { pairs, .. } => {
                let both = pairs.iter().flat_map(|(key, value)| [key, value]);
                both.collect()
            }
            Kind::Scalar { .. } | Kind::Alias(_) => Vec::new(),
        }
    }

    /// The node that was given this anchor.
    pub(super) fn anchored(&self, anchor: usize) -> Option<&Self> {
        if self.anchor == anchor {
            return Some(self);
        }
        let mut children = self.children().into_iter();
        children.find_map(|child| child.anchored(anchor))
    }

    /// Whether brackets or braces stand around a node within this one.
    pub(super) fn encloses_in_brackets(&self, wanted: &Self) -> bool {
        let around =
            |node: &&Self| node.span.start <= wanted.span.start && wanted.span.end <= node.span.end;
        let flow = matches!(
            self.kind,
            Kind::Sequence { flow: true, .. } | Kind::Mapping { flow: true, .. }
        );
        let mut children = self.children().into_iter().filter(around);
        !std::ptr::eq(self, wanted) && (flow || children.any(|c| c.encloses_in_brackets(wanted)))
    }

    /// Whether it holds a node, aliases followed; adds the anchors of all that do.
    pub(super) fn leads(&self, wanted: &Self, anchors: &mut BTreeSet<usize>) -> bool {
        let mut found = std::ptr::eq(self, wanted);
        if let Kind::Alias(anchor) = self.kind {
            found |= anchors.contains(&anchor);
        }
        for child in self.children() {
            found |= child.leads(wanted, anchors);
        }
        if found && self.anchor > 0 {
            anchors.insert(self.anchor);
        }
        found
    }
}
