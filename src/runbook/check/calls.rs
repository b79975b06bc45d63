//! Calls: whether there is such a function, and whether it would take these arguments.

use std::collections::BTreeSet;

use rhai::{Expr, FnCallExpr, Position};

use super::flow::Is;
use super::judge::Judge;
use crate::engine::table::Signature;
use crate::runbook::finding::did_you_mean;
use crate::runbook::parsed::Parsed;
use crate::runbook::syntax::line_column;

/// Functions the language itself understands, whatever their arguments.
pub(super) const LANGUAGE: [&str; 7] = [
    "Fn",
    "call",
    "curry",
    "is_shared",
    "type_of",
    "is_def_var",
    "is_def_fn",
];

/// What a script must not do, and what to do instead.
const FORBIDDEN: [(&str, &str); 6] = [
    ("eval", "write the code out"),
    (
        "sleep",
        "wait for what you are waiting for, such as `k8s::wait_warm`",
    ),
    (
        "timestamp",
        "scripts have no clock; waits say how long they took",
    ),
    ("exit", "use `return` or `fail(\"why\")`"),
    ("print", "use `say`"),
    ("debug", "use `say`"),
];

/// An argument: what it is, and where it stands.
pub(super) type Argument = (Is, Position);

impl Judge<'_> {
    pub(super) fn call(&mut self, call: &FnCallExpr, at: Position) {
        if call.op_token.is_some() || call.name.starts_with("anon$") {
            return;
        }
        match call.namespace.path.as_slice() {
            [] => self.plain(&call.name, call, at),
            [module] if module.name == "global" => {}
            path => self.qualified(path, call, at),
        }
    }

    /// Whether it is forbidden; said at once.
    pub(super) fn forbidden(&mut self, name: &str, at: Position) -> bool {
        let Some((_, instead)) = FORBIDDEN.iter().find(|(forbidden, _)| *forbidden == name) else {
            return false;
        };
        let message = format!("`{name}` is not allowed in a runbook");
        self.wrong(at, "forbidden", message, Some((*instead).to_owned()));
        true
    }

    fn plain(&mut self, name: &str, call: &FnCallExpr, at: Position) {
        if let ("Fn", [Expr::StringConstant(name, at)]) = (name, call.args.as_slice()) {
            return self.pointer(name, *at);
        }
        if self.forbidden(name, at) || LANGUAGE.contains(&name) {
            return;
        }
        let given = call.args.len();
        if self.takes(name).contains(&given) {
            return;
        }
        let args = self.given(&call.args);
        if let Some(signature) = self.table.function(name).copied() {
            return self.arguments(&signature, &args, at);
        }
        // A method can be called like a function, its subject first.
        if let Some(((subject, _), rest)) = args.split_first() {
            let of = |method: &Signature| {
                matches!(subject, Is::Unknown) || subject.handle() == method.subject()
            };
            let methods: Vec<Signature> = self
                .table
                .methods(name)
                .filter(|m| of(m))
                .copied()
                .collect();
            if let [method] = methods.as_slice() {
                return self.arguments(method, rest, at);
            }
            if !methods.is_empty() {
                return;
            }
        }
        if self.takes(name).is_empty() {
            self.unknown(name, at);
        } else {
            self.arity(
                name,
                &self.takes(name),
                &shown(self.parsed, name),
                given,
                at,
            );
        }
    }

    /// Numbers of arguments with which the file's own function, or the language's, can be called.
    fn takes(&self, name: &str) -> BTreeSet<usize> {
        let own = self.own.get(name).into_iter().flatten();
        let builtins = self.table.builtins.get(name).into_iter().flatten();
        own.chain(builtins).copied().collect()
    }

    /// `Fn("name")`.
    fn pointer(&mut self, name: &str, at: Position) {
        let is_known = LANGUAGE.contains(&name)
            || self.own.contains_key(name)
            || self.table.builtins.contains_key(name)
            || self.table.function(name).is_some()
            || self.table.methods(name).next().is_some();
        if !self.forbidden(name, at) && !is_known {
            self.unknown(name, at);
        }
    }

    fn unknown(&mut self, name: &str, at: Position) {
        let own = self.own.keys().copied();
        let table = self.table.functions.keys().copied();
        let known: Vec<&str> = own
            .chain(table.filter(|name| !name.contains([':', '.'])))
            .collect();
        let suggestion = if self.types.names.contains(name) {
            Some(format!(
                "`{name}` is a variable: a closure in it is called by `{name}.call(...)`"
            ))
        } else {
            did_you_mean(name, known)
                .or_else(|| self.elsewhere(name))
                .or_else(|| did_you_mean(name, self.builtins(name)))
                .or_else(|| Some(format!("write it: `fn {name}(...) {{ ... }}`")))
        };
        let message = format!("there is no function `{name}`");
        self.wrong(at, "unknown-function", message, suggestion);
    }

    /// A function of this name, or near it, that is in a module or a method.
    fn elsewhere(&self, name: &str) -> Option<String> {
        let all = || self.table.functions.values();
        let near = crate::names::nearest(name, all().map(Signature::short))?;
        let found = all().find(|signature| signature.short() == near)?;
        Some(format!("there is {}", found.display()))
    }

    /// Words of the language near enough in length to be meant.
    pub(super) fn builtins(&self, typed: &str) -> impl Iterator<Item = &str> {
        let least = typed.len() / 2 + 1;
        let is_word = |name: &&str| name.chars().all(|c| c.is_alphanumeric() || c == '_');
        let words = self.table.builtins.keys().map(String::as_str);
        words
            .filter(is_word)
            .filter(move |name| name.len() > 2 && name.len() >= least)
    }

    pub(super) fn arity(
        &mut self,
        name: &str,
        takes: &BTreeSet<usize>,
        shown: &str,
        given: usize,
        at: Position,
    ) {
        let takes: Vec<String> = takes.iter().map(ToString::to_string).collect();
        let plural = if takes == ["1"] { "" } else { "s" };
        let takes = takes.join(" or ");
        let message = format!("`{name}` takes {takes} argument{plural}, {given} given");
        let suggestion = if shown.is_empty() {
            format!("give it {takes}")
        } else {
            format!("it is {shown}")
        };
        self.wrong(at, "arity", message, Some(suggestion));
    }

    pub(super) fn given(&self, args: &[Expr]) -> Vec<Argument> {
        args.iter()
            .map(|arg| (self.types.type_of(arg), start(arg)))
            .collect()
    }

    /// Number and types of the arguments of a function of the table.
    pub(super) fn arguments(&mut self, signature: &Signature, args: &[Argument], at: Position) {
        self.called.push((line_column(at), *signature));
        let (least, most) = signature.arity();
        let suggestion = format!("it is {}", signature.display());
        if !(least..=most).contains(&args.len()) {
            let takes = if least == most {
                most.to_string()
            } else {
                format!("{least} to {most}")
            };
            let plural = if most == 1 { "" } else { "s" };
            let message = format!(
                "`{}` takes {takes} argument{plural}, {} given",
                signature.name,
                args.len()
            );
            return self.wrong(at, "arity", message, Some(suggestion));
        }
        for ((is, at), (name, wanted)) in args.iter().zip(signature.params) {
            if is.misfits(*wanted) {
                let message = format!("`{}`, `{name}` wants {wanted}, got {is}", signature.name);
                self.wrong(*at, "argument-type", message, Some(suggestion.clone()));
            }
        }
    }
}

/// `helper(a, b)`, as a file defines it.
pub(super) fn shown(parsed: &Parsed, name: &str) -> String {
    let of_this_name = parsed.ast.iter_fn_def().filter(|f| f.name == name);
    let shown = of_this_name.map(|f| format!("{name}({})", f.params.join(", ")));
    shown.collect::<Vec<_>>().join(" or ")
}

/// Where an expression begins; the tree keeps the place of an operator and of a function's name.
fn start(expr: &Expr) -> Position {
    match expr {
        Expr::FnCall(call, _) if call.op_token.is_some() && call.args.len() == 2 => {
            call.args.first().map_or(Position::NONE, start)
        }
        Expr::FnCall(call, at) => call.namespace.path.first().map_or(*at, |module| module.pos),
        Expr::Dot(chain, ..) | Expr::Index(chain, ..) => start(&chain.lhs),
        expr => expr.start_position(),
    }
}
