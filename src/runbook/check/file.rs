//! The calls, members and properties of one file, each held against the table.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{ASTNode, Expr, FnCallExpr, Position, Stmt};

use super::flow::{CAUGHT, Types};
use super::near;
use crate::engine::table::{Signature, Table, Type};
use crate::runbook::finding::Finding;
use crate::runbook::parsed::Parsed;
use crate::runbook::script::Script;
use crate::runbook::syntax::line_column;

/// Functions the language itself understands, whatever their arguments.
const LANGUAGE: [&str; 7] = [
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

/// Every mistake in one file.
pub(super) fn mistakes(script: &Script, parsed: &Parsed, table: &Table) -> Vec<Finding> {
    let mut keys = Keys::default();
    for file in super::files(script) {
        keys.collect(file);
    }
    let mut checker = Checker {
        script,
        parsed,
        table,
        types: Types::of(parsed, table),
        own: parsed.functions(true),
        keys,
        findings: Vec::new(),
    };
    checker.definitions();
    parsed.each_node(&mut |node| match node {
        ASTNode::Expr(Expr::FnCall(call, position)) => checker.call(call, *position),
        // The inside of a chain was looked at from its start.
        ASTNode::Expr(Expr::Dot(chain, ..))
            if !matches!(chain.lhs, Expr::Property(..) | Expr::MethodCall(..)) =>
        {
            let subject = checker.types.type_of(&chain.lhs);
            checker.member(subject, &chain.rhs);
        }
        _ => {}
    });
    checker.findings
}

/// Keys of maps the files make or fill themselves.
#[derive(Default)]
struct Keys(BTreeSet<String>);

impl Keys {
    fn collect(&mut self, parsed: &Parsed) {
        parsed.each_node(&mut |node| match node {
            ASTNode::Expr(Expr::Map(map, _)) => {
                self.0
                    .extend(map.0.iter().map(|(key, _)| key.name.to_string()));
                self.0.extend(map.1.keys().map(ToString::to_string));
            }
            ASTNode::Stmt(Stmt::Assignment(assignment)) => {
                let mut end = &assignment.1.lhs;
                while let Expr::Dot(chain, ..) = end {
                    end = &chain.rhs;
                }
                if let Expr::Property(property, _) = end {
                    self.0.insert(property.2.to_string());
                }
            }
            _ => {}
        });
    }
}

struct Checker<'a> {
    script: &'a Script,
    parsed: &'a Parsed,
    table: &'a Table,
    types: Types<'a>,
    own: BTreeMap<&'a str, BTreeSet<usize>>,
    keys: Keys,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn wrong(
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
                (
                    line + 1,
                    text.get(..column).map_or(0, |t| t.chars().count()) + 1,
                )
            })
        });
        found.next().unwrap_or((1, 1))
    }

    fn call(&mut self, call: &FnCallExpr, at: Position) {
        if call.op_token.is_some() || call.name.starts_with("anon$") {
            return;
        }
        let name = call.name.as_str();
        match call.namespace.path.as_slice() {
            [] => self.plain(name, call, at),
            [module] if module.name == "global" => {}
            [module, ..] => {
                let (module, place) = (module.name.clone(), module.pos);
                self.qualified(&module, place, call, at);
            }
        }
    }

    fn plain(&mut self, name: &str, call: &FnCallExpr, at: Position) {
        if let Some((_, instead)) = FORBIDDEN.iter().find(|(forbidden, _)| *forbidden == name) {
            let message = format!("`{name}` is not allowed in a runbook");
            return self.wrong(at, "forbidden", message, Some((*instead).to_owned()));
        }
        if LANGUAGE.contains(&name) {
            return;
        }
        let given = call.args.len();
        let mut takes = BTreeSet::new();
        takes.extend(self.own.get(name).into_iter().flatten());
        takes.extend(self.table.builtins.get(name).into_iter().flatten());
        if takes.contains(&given) {
            return;
        }
        if let Some(signature) = self.table.function(name).copied() {
            return self.arguments(&signature, call, at);
        }
        let as_functions = self.table.methods(name).map(Signature::arity);
        if as_functions
            .into_iter()
            .any(|(least, most)| (least + 1..=most + 1).contains(&given))
        {
            return;
        }
        if takes.is_empty() {
            let own = self.own.keys().copied();
            let table = self
                .table
                .functions
                .keys()
                .copied()
                .filter(|name| !name.contains([':', '.']));
            let known: Vec<&str> = own.chain(table).chain(self.builtins()).collect();
            let elsewhere = self.elsewhere(name);
            let suggestion = near(name, known, &elsewhere);
            self.wrong(
                at,
                "unknown-function",
                format!("there is no function `{name}`"),
                suggestion,
            );
        } else {
            self.arity(name, &takes, given, at);
        }
    }

    /// Where a function of this name would be found.
    fn elsewhere(&self, name: &str) -> String {
        let mut all = self.table.functions.values();
        match all.find(|signature| signature.short() == name) {
            Some(signature) => format!("there is {}", signature.display()),
            None => "`runbook show NAME` lists what a runbook calls".to_owned(),
        }
    }

    fn builtins(&self) -> impl Iterator<Item = &str> {
        let words = self.table.builtins.keys().map(String::as_str);
        words.filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
    }

    fn arity(&mut self, name: &str, takes: &BTreeSet<usize>, given: usize, at: Position) {
        let takes: Vec<String> = takes.iter().map(ToString::to_string).collect();
        let plural = if takes == ["1"] { "" } else { "s" };
        let takes = takes.join(" or ");
        let message = format!("`{name}` takes {takes} argument{plural}, {given} given");
        self.wrong(at, "arity", message, Some(format!("give it {takes}")));
    }

    fn qualified(&mut self, module: &str, module_at: Position, call: &FnCallExpr, at: Position) {
        let name = call.name.as_str();
        if let Some(import) = self
            .parsed
            .imports
            .iter()
            .find(|import| import.alias == module)
        {
            let library = import
                .path
                .as_ref()
                .and_then(|path| self.script.libraries.get(path));
            // A library that cannot be read is told of where it is imported.
            if let Some(Ok(library)) = library {
                self.imported(module, library, call, at);
            }
            return;
        }
        if let Some(signature) = self.table.function(&format!("{module}::{name}")).copied() {
            // What declares a parameter is judged by the one who reads parameters.
            if module != "param" {
                self.arguments(&signature, call, at);
            }
            return;
        }
        let modules = self.table.modules();
        if !modules.contains(module) {
            let imported = self
                .parsed
                .imports
                .iter()
                .map(|import| import.alias.as_str());
            let known: Vec<&str> = modules.into_iter().chain(imported).collect();
            let else_say = format!("there are: {}", known.join(", "));
            let suggestion = near(module, known, &else_say);
            return self.wrong(
                module_at,
                "unknown-module",
                format!("there is no module `{module}`"),
                suggestion,
            );
        }
        if module != "param" {
            let there = self
                .table
                .functions
                .values()
                .filter(|f| f.module() == Some(module));
            let there: Vec<&str> = there.map(Signature::short).collect();
            let else_say = format!("it has: {}", there.join(", "));
            let suggestion = near(name, there, &else_say);
            self.wrong(
                at,
                "unknown-function",
                format!("there is no function `{module}::{name}`"),
                suggestion,
            );
        }
    }

    /// A function of a library.
    fn imported(&mut self, module: &str, library: &Parsed, call: &FnCallExpr, at: Position) {
        let name = call.name.as_str();
        let functions = library.functions(false);
        match functions.get(name) {
            Some(takes) if takes.contains(&call.args.len()) => {}
            Some(takes) => self.arity(&format!("{module}::{name}"), takes, call.args.len(), at),
            None => {
                let there: Vec<&str> = functions.keys().copied().collect();
                let else_say = format!("it has: {}", there.join(", "));
                let suggestion = near(name, there, &else_say);
                let message = format!("there is no function `{module}::{name}`");
                self.wrong(at, "unknown-function", message, suggestion);
            }
        }
    }

    /// Number and types of the arguments of a function of the table.
    fn arguments(&mut self, signature: &Signature, call: &FnCallExpr, at: Position) {
        let (least, most) = signature.arity();
        let given = call.args.len();
        if !(least..=most).contains(&given) {
            let takes = if least == most {
                most.to_string()
            } else {
                format!("{least} to {most}")
            };
            let plural = if most == 1 { "" } else { "s" };
            let message = format!(
                "`{}` takes {takes} argument{plural}, {given} given",
                signature.name
            );
            return self.wrong(
                at,
                "arity",
                message,
                Some(format!("it is {}", signature.display())),
            );
        }
        for (arg, (name, wanted)) in call.args.iter().zip(signature.params) {
            let is = self.types.type_of(arg);
            if is != *wanted && is != Type::Any && *wanted != Type::Any {
                let message = format!("`{}`, `{name}` wants {wanted}, got {is}", signature.name);
                self.wrong(
                    arg.position(),
                    "argument-type",
                    message,
                    Some(format!("it is {}", signature.display())),
                );
            }
        }
    }

    /// A member, or a chain of them, of something of this type.
    fn member(&mut self, subject: Type, member: &Expr) {
        match member {
            Expr::Dot(chain, ..) => {
                self.member(subject, &chain.lhs);
                let next = self.types.member(subject, &chain.lhs);
                self.member(next, &chain.rhs);
            }
            Expr::Index(index, ..) => self.member(subject, &index.lhs),
            Expr::Property(property, at) => self.property(subject, &property.2, *at),
            Expr::MethodCall(call, at) => self.method(subject, call, *at),
            _ => {}
        }
    }

    fn property(&mut self, subject: Type, name: &str, at: Position) {
        let made_here = self.keys.0.contains(name);
        let wrong = |who: &str| format!("there is no property `{name}` {who}");
        match subject {
            Type::Handle(CAUGHT) => {
                let known = ["kind", "message", "hint"];
                if !known.contains(&name) && !made_here {
                    let suggestion = near(name, known, "there are: kind, message, hint");
                    self.wrong(
                        at,
                        "unknown-property",
                        wrong("on a caught error"),
                        suggestion,
                    );
                }
            }
            Type::Handle(handle) => {
                let properties = self
                    .table
                    .handles
                    .get(handle)
                    .map_or(&[][..], |h| h.properties);
                let known: Vec<&str> = properties.iter().map(|(name, ..)| *name).collect();
                if !known.contains(&name) {
                    let else_say = format!("there are: {}", known.join(", "));
                    let suggestion = near(name, known, &else_say);
                    self.wrong(
                        at,
                        "unknown-property",
                        wrong(&format!("on a {handle}")),
                        suggestion,
                    );
                }
            }
            _ => {
                let properties = self
                    .table
                    .handles
                    .values()
                    .flat_map(|h| h.properties.iter());
                let known: BTreeSet<&str> = properties
                    .map(|(name, ..)| *name)
                    .chain(self.table.keys.iter().copied())
                    .chain(self.keys.0.iter().map(String::as_str))
                    .chain(["kind", "message", "hint"])
                    .collect();
                let getter = format!("get${name}");
                if !known.contains(name) && !self.table.builtins.contains_key(&getter) {
                    let suggestion = near(name, known, "");
                    self.wrong(at, "unknown-property", wrong("on anything"), suggestion);
                }
            }
        }
    }

    fn method(&mut self, subject: Type, call: &FnCallExpr, at: Position) {
        let (name, given) = (call.name.as_str(), call.args.len());
        if let Type::Handle(handle) = subject
            && let Some(signature) = self.table.function(&format!("{handle}.{name}")).copied()
        {
            return self.arguments(&signature, call, at);
        }
        if LANGUAGE.contains(&name) {
            return;
        }
        // A function of the language counts its subject; the script's own have it as `this`.
        let mut takes: BTreeSet<usize> = BTreeSet::new();
        let builtins = self.table.builtins.get(name).into_iter().flatten();
        takes.extend(builtins.filter_map(|count| count.checked_sub(1)));
        takes.extend(self.own.get(name).into_iter().flatten());
        if let Some(signature) = self.table.function(name) {
            let (least, most) = signature.arity();
            takes.extend((least..=most).filter_map(|count| count.checked_sub(1)));
        }
        let known_handle = matches!(subject, Type::Handle(handle) if handle != CAUGHT);
        if !known_handle {
            let arities = self.table.methods(name).map(Signature::arity);
            takes.extend(arities.flat_map(|(least, most)| least..=most));
        }
        if takes.contains(&given) {
            return;
        }
        if takes.is_empty() {
            let (who, known) = self.methods_of(subject);
            let else_say = if known.is_empty() {
                String::new()
            } else {
                format!("there are: {}", known.join(", "))
            };
            let builtins: Vec<&str> = if known_handle {
                Vec::new()
            } else {
                self.builtins().collect()
            };
            let suggestion = near(name, known.into_iter().chain(builtins), &else_say);
            self.wrong(
                at,
                "unknown-method",
                format!("there is no method `{name}` {who}"),
                suggestion,
            );
        } else {
            self.arity(name, &takes, given, at);
        }
    }

    fn methods_of(&self, subject: Type) -> (String, Vec<&'static str>) {
        let all = self.table.functions.values();
        match subject {
            Type::Handle(handle) => (
                format!("on a {handle}"),
                all.filter(|f| f.subject() == Some(handle))
                    .map(Signature::short)
                    .collect(),
            ),
            _ => (
                "on anything".to_owned(),
                all.filter(|f| f.subject().is_some())
                    .map(Signature::short)
                    .collect(),
            ),
        }
    }
}
