//! What is in a module: functions of the table and of libraries, variables libraries share.

use std::collections::BTreeSet;

use rhai::{ASTFlags, FnCallExpr, Ident, Position, Stmt};

use super::calls::shown;
use super::flow::full_name;
use super::judge::Judge;
use super::near;
use crate::engine::table::Signature;
use crate::runbook::parsed::Parsed;

impl<'a> Judge<'a> {
    pub(super) fn qualified(&mut self, path: &[Ident], call: &FnCallExpr, at: Position) {
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
                let shown = shown(library, &call.name);
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
}

/// Constants of the top level.
fn constants(parsed: &Parsed) -> BTreeSet<String> {
    let constant = |statement: &Stmt| match statement {
        Stmt::Var(variable, flags, _) if flags.contains(ASTFlags::CONSTANT) => {
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
        Stmt::Var(variable, flags, _) if flags.contains(ASTFlags::EXPORTED) => {
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
