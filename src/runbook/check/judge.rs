//! One file held against the table: what the walk looks at, and who judges it.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{ASTFlags, ASTNode, Expr, Position, Stmt};

use super::flow::{Is, Types};
use super::keys::Keys;
use crate::engine::table::{Signature, Table};
use crate::runbook::finding::Finding;
use crate::runbook::parsed::Parsed;
use crate::runbook::script::Script;
use crate::runbook::syntax::line_column;

/// One file, judged.
pub(super) struct Judge<'a> {
    pub(super) script: &'a Script,
    pub(super) parsed: &'a Parsed,
    pub(super) table: &'a Table,
    pub(super) types: Types<'a>,
    /// The file's functions, with the numbers of arguments they take.
    pub(super) own: BTreeMap<&'a str, BTreeSet<usize>>,
    pub(super) keys: Keys,
    /// Dots after an index.
    elements: BTreeSet<(usize, usize)>,
    /// What is wrong.
    pub(super) findings: Vec<Finding>,
    /// Functions of the table that are called, with line and column.
    pub(super) called: Vec<((usize, usize), Signature)>,
}

impl<'a> Judge<'a> {
    /// Judges one file of a script.
    pub(super) fn of(script: &'a Script, parsed: &'a Parsed, table: &'a Table) -> Self {
        let mut judge = Self {
            script,
            parsed,
            table,
            types: Types::of(script, parsed, table),
            own: parsed.functions(true),
            keys: Keys::of(super::files(script)),
            elements: BTreeSet::new(),
            findings: Vec::new(),
            called: Vec::new(),
        };
        judge.definitions();
        parsed.each_node(&mut |node| match node {
            ASTNode::Expr(expr) => judge.expression(expr),
            ASTNode::Stmt(Stmt::Assignment(assignment)) => judge.assigned(&assignment.1.lhs),
            ASTNode::Stmt(Stmt::TryCatch(parts, at)) => judge.tried(parts, *at),
            _ => {}
        });
        judge
    }

    fn expression(&mut self, expr: &Expr) {
        match expr {
            Expr::FnCall(call, at) => {
                self.compared(call);
                self.call(call, *at);
            }
            Expr::Variable(variable, ..) => {
                self.outer(&variable.2.path, &variable.1);
            }
            // The inside of a chain was looked at from its start.
            Expr::Dot(chain, _, at)
                if !matches!(chain.lhs, Expr::Property(..) | Expr::MethodCall(..)) =>
            {
                let is_element = self.elements.contains(&line_column(*at));
                let subject = if is_element {
                    Is::Unknown
                } else {
                    self.unchanged(&chain.lhs, &chain.rhs);
                    self.types.type_of(&chain.lhs)
                };
                self.member(subject, &chain.rhs);
            }
            Expr::Index(index, flags, _) => {
                let subject = self.types.type_of(&index.lhs);
                if let (Some(_), Expr::StringConstant(name, at)) = (subject.handle(), &index.rhs) {
                    self.property(subject, name, *at);
                }
                // `list[n].name` is kept as `list[(n.name)]`: the member is not of `n`.
                if let (false, Expr::Dot(_, _, at)) = (flags.contains(ASTFlags::BREAK), &index.rhs)
                {
                    self.elements.insert(line_column(*at));
                }
            }
            _ => {}
        }
    }

    pub(super) fn wrong(
        &mut self,
        at: Position,
        rule: &'static str,
        message: String,
        suggestion: Option<String>,
    ) {
        let (line, column) = line_column(at);
        self.findings.push(Finding {
            place: self.parsed.source.place(line, column, "here"),
            message,
            suggestion,
            rule,
        });
    }

    /// Functions of the file that would be called instead of the table's.
    fn definitions(&mut self) {
        for function in self.parsed.ast.iter_fn_def() {
            let name = function.name.as_str();
            let takes = |signature: &&Signature| {
                let (least, most) = signature.arity();
                (least..=most).contains(&function.params.len())
            };
            let plain = self.table.function(name).filter(takes);
            let hidden = plain.or_else(|| self.table.methods(name).find(takes));
            if let Some(hidden) = hidden {
                let message = format!("this function would be called instead of `{}`", hidden.name);
                let suggestion = Some("give it another name".to_owned());
                let (line, column) = self.definition(name);
                self.findings.push(Finding {
                    place: self.parsed.source.place(line, column, "here"),
                    message,
                    suggestion,
                    rule: "hides-function",
                });
            }
        }
    }

    /// Where a function is defined; the tree does not keep it.
    fn definition(&self, name: &str) -> (usize, usize) {
        let lines = self.parsed.source.text.lines().enumerate();
        let mut found = lines.filter_map(|(line, text)| {
            let start = text.find("fn ")?;
            let rest = text.get(start + 3..)?.trim_start();
            let rest = rest.strip_prefix(name)?;
            let ends = rest.trim_start().starts_with('(');
            let column = text.len() - rest.len() - name.len();
            ends.then(|| {
                let before = text.get(..column).map_or(0, |t| t.chars().count());
                (line + 1, before + 1)
            })
        });
        found.next().unwrap_or((1, 1))
    }

    /// Constants and handles that would be changed; the parser finds the plainest of these.
    fn assigned(&mut self, target: &Expr) {
        match target {
            Expr::Variable(variable, _, at) => {
                let outside = variable.2.path.first();
                if outside.is_some() || self.types.constants.contains(variable.1.as_str()) {
                    let at = outside.map_or(*at, |module| module.pos);
                    self.constant(&variable.1, at);
                }
            }
            Expr::Dot(parts, ..) | Expr::Index(parts, ..) => {
                if let (Expr::Index(..), Expr::Variable(variable, _, at)) = (target, &parts.lhs)
                    && self.types.constants.contains(variable.1.as_str())
                {
                    self.constant(&variable.1, *at);
                }
                let subject = self.types.type_of(&parts.lhs);
                match (subject.handle(), &parts.rhs) {
                    (Some(_), Expr::Property(name, at)) => self.read_only(subject, &name.2, *at),
                    (Some(_), Expr::StringConstant(name, at)) => self.read_only(subject, name, *at),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn read_only(&mut self, subject: Is, name: &str, at: Position) {
        let message = format!("`{name}` of {subject} can only be read");
        let methods = self.methods_of(subject).join(", ");
        let suggestion = format!("it is changed by its methods: {methods}");
        self.wrong(at, "read-only", message, Some(suggestion));
    }

    fn constant(&mut self, name: &str, at: Position) {
        let message = format!("`{name}` is a constant and cannot be changed");
        let suggestion = "use a new variable: `let wanted = ...;`".to_owned();
        self.wrong(at, "constant", message, Some(suggestion));
    }

    /// Methods of the language that change a constant they are called on.
    fn unchanged(&mut self, subject: &Expr, member: &Expr) {
        let member = match member {
            Expr::Dot(chain, ..) => &chain.lhs,
            member => member,
        };
        if let (Expr::Variable(variable, ..), Expr::MethodCall(call, at)) = (subject, member)
            && self.types.constants.contains(variable.1.as_str())
            && CHANGING.contains(&call.name.as_str())
            && matches!(self.types.type_of(subject), Is::Of(_) | Is::Unknown)
            && self.types.type_of(subject).handle().is_none()
        {
            let name = &variable.1;
            let message = format!("`{}` would change `{name}`, which is a constant", call.name);
            let suggestion = format!(
                "copy it first: `let copy = {name}; copy.{}(...);`",
                call.name
            );
            self.wrong(*at, "constant", message, Some(suggestion));
        }
    }
}

/// Methods of the language that change what they are called on.
pub(super) const CHANGING: [&str; 25] = [
    "append",
    "chop",
    "clear",
    "crop",
    "dedup",
    "drain",
    "fill_with",
    "for_each",
    "insert",
    "make_lower",
    "make_upper",
    "mixin",
    "order",
    "pad",
    "pop",
    "push",
    "remove",
    "replace",
    "retain",
    "reverse",
    "set",
    "shift",
    "sort",
    "splice",
    "trim",
];
