//! Calls: whether there is such a function, and whether it would take these arguments.

use std::collections::BTreeSet;

use rhai::{Expr, FnCallExpr, Ident, Position, Stmt};

use super::flow::{Is, full_name};
use super::judge::Judge;
use super::near;
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

impl<'a> Judge<'a> {
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
                &self.shown(self.parsed, name),
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

    /// `helper(a, b)`, as a file defines it.
    pub(super) fn shown(&self, parsed: &Parsed, name: &str) -> String {
        let of_this_name = parsed.ast.iter_fn_def().filter(|f| f.name == name);
        let shown = of_this_name.map(|f| format!("{name}({})", f.params.join(", ")));
        shown.collect::<Vec<_>>().join(" or ")
    }

    fn qualified(&mut self, path: &[Ident], call: &FnCallExpr, at: Position) {
        let name = full_name(call);
        let Some(module) = path.first() else {
            return;
        };
        if let Some(library) = self.library(path) {
            if let Ok(library) = library {
                self.imported(path, library, call, at);
            }
            return;
        }
        if let Some(signature) = self.table.function(&name).copied() {
            // What declares a parameter is judged by the one who reads parameters.
            if module.name != "param" {
                let args = self.given(&call.args);
                self.arguments(&signature, &args, at);
            }
            return;
        }
        if !self.is_module(module) || module.name == "param" {
            return;
        }
        let suggestion = self.in_module(&module.name, &call.name);
        self.wrong(
            at,
            "unknown-function",
            format!("there is no function `{name}`"),
            suggestion,
        );
    }

    fn in_module(&self, module: &str, name: &str) -> Option<String> {
        let all = self.table.functions.values();
        let there: Vec<&str> = all
            .filter(|f| f.module() == Some(module))
            .map(Signature::short)
            .collect();
        near(
            name,
            there.iter().copied(),
            &format!("it has: {}", there.join(", ")),
        )
    }

    /// Whether the table has this module; said when it has not.
    fn is_module(&mut self, module: &Ident) -> bool {
        let modules = self.table.modules();
        if modules.contains(module.name.as_str()) {
            return true;
        }
        let imported = self
            .parsed
            .imports
            .iter()
            .map(|import| import.alias.as_str());
        let known: Vec<&str> = modules
            .into_iter()
            .chain(imported)
            .filter(|m| !m.is_empty())
            .collect();
        let suggestion = near(
            &module.name,
            known.iter().copied(),
            &format!("there are: {}", known.join(", ")),
        );
        let message = format!("there is no module `{}`", module.name);
        self.wrong(module.pos, "unknown-module", message, suggestion);
        false
    }

    /// The library that `a::b::` leads to; nothing when `a` is no import, `Err` when it cannot be
    /// told, which is said where it is imported.
    fn library(&self, path: &[Ident]) -> Option<Result<&'a Parsed, ()>> {
        let mut file = self.parsed;
        for (depth, module) in path.iter().enumerate() {
            let Some(import) = file
                .imports
                .iter()
                .find(|import| import.alias == module.name)
            else {
                return (depth > 0).then_some(Err(()));
            };
            let library = import
                .path
                .as_ref()
                .and_then(|path| self.script.libraries.get(path));
            match library {
                Some(Ok(library)) => file = library,
                Some(Err(_)) | None => return Some(Err(())),
            }
        }
        Some(Ok(file))
    }

    /// A function of a library.
    fn imported(&mut self, path: &[Ident], library: &Parsed, call: &FnCallExpr, at: Position) {
        let modules: Vec<&str> = path.iter().map(|module| module.name.as_str()).collect();
        let name = format!("{}::{}", modules.join("::"), call.name);
        let functions = library.functions(false);
        match functions.get(call.name.as_str()) {
            Some(takes) if takes.contains(&call.args.len()) => {}
            Some(takes) => {
                let shown = self.shown(library, &call.name);
                self.arity(&name, takes, &shown, call.args.len(), at);
            }
            None => {
                let there: Vec<&str> = functions.keys().copied().collect();
                let else_say = format!("it has: {}", there.join(", "));
                let suggestion = near(&call.name, there, &else_say);
                let message = format!("there is no function `{name}`");
                self.wrong(at, "unknown-function", message, suggestion);
            }
        }
    }

    /// A variable of a module: `global::nodes`, or what a library exports.
    pub(super) fn outer(&mut self, path: &[Ident], name: &str) {
        let Some(module) = path.first() else {
            return;
        };
        let (there, else_say) = if module.name == "global" {
            (
                constants(self.parsed),
                "declare it with `const` at the top level",
            )
        } else if let Some(library) = self.library(path) {
            let Ok(library) = library else {
                return;
            };
            (
                exports(library),
                "a library shares it by `export const NAME = ...;`, or by a function",
            )
        } else if self.is_module(module) {
            (
                BTreeSet::new(),
                "modules have functions only: call it with `(...)`",
            )
        } else {
            return;
        };
        if !there.contains(name) {
            let message = format!("there is no variable `{}::{name}`", module.name);
            let suggestion = near(name, there.iter().map(String::as_str), else_say);
            self.wrong(module.pos, "undefined-variable", message, suggestion);
        }
    }

    pub(super) fn given(&self, args: &[Expr]) -> Vec<Argument> {
        args.iter()
            .map(|arg| (self.types.type_of(arg), arg.start_position()))
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

/// Constants of the top level.
fn constants(parsed: &Parsed) -> BTreeSet<String> {
    let constant = |statement: &Stmt| match statement {
        Stmt::Var(variable, flags, _) if flags.contains(rhai::ASTFlags::CONSTANT) => {
            Some(variable.0.name.to_string())
        }
        _ => None,
    };
    parsed
        .ast
        .statements()
        .iter()
        .filter_map(constant)
        .collect()
}

/// Variables a library shares.
fn exports(library: &Parsed) -> BTreeSet<String> {
    let exported = |statement: &Stmt| match statement {
        Stmt::Var(variable, flags, _) if flags.contains(rhai::ASTFlags::EXPORTED) => {
            Some(variable.0.name.to_string())
        }
        Stmt::Export(export, _) if export.1.name.is_empty() => Some(export.0.name.to_string()),
        Stmt::Export(export, _) => Some(export.1.name.to_string()),
        _ => None,
    };
    library
        .ast
        .statements()
        .iter()
        .filter_map(exported)
        .collect()
}
