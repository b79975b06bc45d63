//! What is caught: properties of errors, kinds there are none of, catches nothing leads to.

use rhai::{ASTNode, Expr, FlowControl, FnCallExpr, Position, Stmt};

use super::flow::Is;
use super::judge::Judge;
use super::near;
use crate::engine;
use crate::error::Kind;

/// What an error that was caught has.
pub(super) const PROPERTIES: [&str; 3] = ["kind", "message", "hint"];

impl Judge<'_> {
    /// `err.kind == "quota"`, or `err.kind in ["quota", "stockout"]`.
    pub(super) fn compared(&mut self, call: &FnCallExpr) {
        let compares = call.op_token.is_some() || call.name == "contains";
        let (true, [left, right]) = (compares, call.args.as_slice()) else {
            return;
        };
        for (one, other) in [(left, right), (right, left)] {
            if !self.is_kind(one) {
                continue;
            }
            let Some(written) = other.get_literal_value(None) else {
                continue;
            };
            let written = written
                .clone()
                .into_array()
                .unwrap_or_else(|_| vec![written]);
            for kind in written
                .into_iter()
                .filter_map(|kind| kind.into_string().ok())
            {
                self.kind(&kind, other.start_position());
            }
        }
    }

    fn is_kind(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Dot(chain, ..)
            if self.types.type_of(&chain.lhs) == Is::Caught
                && matches!(&chain.rhs, Expr::Property(property, _) if property.2 == "kind"))
    }

    fn kind(&mut self, word: &str, at: Position) {
        let (caught, never): (Vec<Kind>, Vec<Kind>) = Kind::ALL
            .iter()
            .copied()
            .partition(|kind| engine::catchable(*kind));
        let caught: Vec<String> = caught.into_iter().map(Kind::word).collect();
        if caught.iter().any(|kind| kind == word) || self.keys.kinds.contains(word) {
            return;
        }
        if never.into_iter().any(|kind| kind.word() == word) {
            let message = format!("an error of kind `{word}` ends the run and is never caught");
            let suggestion = "leave this out".to_owned();
            return self.wrong(at, "never-caught", message, Some(suggestion));
        }
        let known = caught.iter().chain(&self.keys.kinds).map(String::as_str);
        let known: Vec<&str> = known.collect();
        let suggestion = near(
            word,
            known.iter().copied(),
            &format!("there are: {}", known.join(", ")),
        );
        self.wrong(
            at,
            "never-caught",
            format!("no error is of kind `{word}`"),
            suggestion,
        );
    }

    /// A `try` that cannot fail, and a value that a `catch` throws away.
    pub(super) fn tried(&mut self, parts: &FlowControl, at: Position) {
        if !parts.body.iter().any(may_fail) {
            let message = "nothing in this `try` can fail: its `catch` is never reached".to_owned();
            let suggestion = "leave `try` and `catch` out".to_owned();
            self.wrong(at, "never-caught", message, Some(suggestion));
        }
        if let Some(Stmt::Expr(value)) = parts.branch.iter().last()
            && is_mere_value(value)
        {
            let message = "a `catch` has no value: this is thrown away".to_owned();
            let suggestion =
                "write `return ...;` in a function, or assign it to a variable".to_owned();
            self.wrong(
                value.start_position(),
                "lost-value",
                message,
                Some(suggestion),
            );
        }
    }
}

/// Anything but a declaration of what is written out.
fn may_fail(statement: &Stmt) -> bool {
    let mut may = false;
    statement.walk(&mut Vec::new(), &mut |path: &[ASTNode]| {
        may |= match path.last() {
            Some(ASTNode::Expr(expr)) => !(expr.is_constant() || is_mere_value(expr)),
            None
            | Some(ASTNode::Stmt(
                Stmt::Var(..) | Stmt::Expr(_) | Stmt::Block(_) | Stmt::Noop(_),
            )) => false,
            Some(_) => true,
        };
        !may
    });
    may
}

/// An expression that does nothing but have a value.
fn is_mere_value(expr: &Expr) -> bool {
    match expr {
        Expr::Unit(_) => false,
        Expr::Variable(..) | Expr::Array(..) | Expr::Map(..) | Expr::InterpolatedString(..) => true,
        expr => expr.is_constant(),
    }
}
