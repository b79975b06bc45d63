//! What is wrong with a runbook, found without running it: the script and its libraries, walked
//! against the table of everything they may call.

mod file;
mod flow;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use rhai::{ASTNode, Expr};

use crate::engine::table::{Signature, Table};
use crate::runbook::finding::{Finding, did_you_mean};
use crate::runbook::params::TAKEN;
use crate::runbook::parsed::Parsed;
use crate::runbook::script::Script;
use crate::runbook::syntax::line_column;

/// Every mistake, in the order of the files and of their lines.
pub fn check(script: &Script, table: &Table) -> Vec<Finding> {
    let mut findings = script.param_findings.clone();
    findings.extend(taken_flags(script));
    for parsed in files(script) {
        findings.extend(imports(script, parsed));
        findings.extend(scope::undefined(parsed, table));
        findings.extend(file::mistakes(script, parsed, table));
    }
    let main = &script.source().file;
    findings.sort_by(|a, b| {
        let order = |f: &Finding| {
            let place = &f.place;
            (
                place.file != *main,
                place.file.clone(),
                place.line,
                place.column,
            )
        };
        order(a)
            .cmp(&order(b))
            .then_with(|| a.message.cmp(&b.message))
    });
    findings.dedup();
    findings
}

/// The functions of the table a script and its libraries call, in the order they stand there.
pub fn calls(script: &Script, table: &Table) -> Vec<Signature> {
    let mut calls = Vec::new();
    for parsed in files(script) {
        let mut found = BTreeMap::new();
        parsed.each_node(&mut |node| {
            let ASTNode::Expr(Expr::FnCall(call, position) | Expr::MethodCall(call, position)) =
                node
            else {
                return;
            };
            let qualified = match call.namespace.path.as_slice() {
                [] => call.name.to_string(),
                [module, ..] => format!("{}::{}", module.name, call.name),
            };
            let method = matches!(node, ASTNode::Expr(Expr::MethodCall(..)));
            let signature = match table.function(&qualified) {
                Some(signature) => Some(signature),
                None if method => table.methods(&call.name).next(),
                None => None,
            };
            if let Some(signature) = signature {
                found.insert(line_column(*position), *signature);
            }
        });
        calls.extend(found.into_values());
    }
    let mut seen = BTreeSet::new();
    calls.retain(|call| call.module() != Some("param") && seen.insert(call.name));
    calls
}

/// The script itself, then every library that could be read.
fn files(script: &Script) -> impl Iterator<Item = &Parsed> {
    [&script.file].into_iter().chain(
        script
            .libraries
            .values()
            .filter_map(|library| library.as_ref().ok()),
    )
}

/// Imports that lead nowhere.
fn imports(script: &Script, parsed: &Parsed) -> Vec<Finding> {
    let mut findings = Vec::new();
    for import in &parsed.imports {
        let place = parsed
            .source
            .place(import.line, import.column, "imported here");
        let Some(path) = &import.path else {
            findings.push(Finding {
                place,
                message: "an import is written as plain text: it is read before the run".to_owned(),
                suggestion: Some("write it like import \"lib/pools\" as pools;".to_owned()),
                rule: "import",
            });
            continue;
        };
        if let Some(Err(error)) = script.libraries.get(path) {
            findings.push(Finding {
                place: error.at.first().cloned().unwrap_or(place),
                message: error.message.clone(),
                suggestion: error.hint.clone(),
                rule: "import",
            });
        }
    }
    findings
}

/// Parameters whose flag every run already has.
fn taken_flags(script: &Script) -> Vec<Finding> {
    let mut findings = Vec::new();
    for param in &script.params {
        if let Some(flag) = param
            .flags()
            .iter()
            .find(|flag| TAKEN.contains(&flag.as_str()))
        {
            findings.push(Finding {
                place: script
                    .source()
                    .place(param.line, param.column, "declared here"),
                message: format!("every run has an option --{flag} of its own"),
                suggestion: Some(format!("give `{}` another name", param.name)),
                rule: "taken-flag",
            });
        }
    }
    findings
}

fn near<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
    else_say: &str,
) -> Option<String> {
    did_you_mean(typed, known).or_else(|| (!else_say.is_empty()).then(|| else_say.to_owned()))
}
