//! What is wrong with a runbook, found without running it: the script and its libraries, walked
//! against the table of everything they may call.

mod calls;
mod catches;
mod flow;
mod imports;
mod judge;
mod keys;
mod members;
mod modules;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::engine::table::{Signature, Table};
use crate::runbook::finding::{Finding, did_you_mean};
use crate::runbook::params::TAKEN;
use crate::runbook::parsed::Parsed;
use crate::runbook::script::Script;

/// Every mistake, in the order of the files and of their lines.
pub fn check(script: &Script, table: &Table) -> Vec<Finding> {
    let mut findings = script.param_findings.clone();
    findings.extend(taken_flags(script));
    for parsed in files(script) {
        findings.extend(imports::mistakes(script, parsed, table));
        findings.extend(scope::undefined(parsed, table));
        findings.extend(judge::Judge::of(script, parsed, table).findings);
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
    findings.dedup_by(|a, b| a.place == b.place && a.message == b.message);
    findings
}

/// The functions of the table a script and its libraries call, in the order they stand there.
pub fn calls(script: &Script, table: &Table) -> Vec<Signature> {
    let mut seen = BTreeSet::new();
    let mut calls = Vec::new();
    for parsed in files(script) {
        let mut called = judge::Judge::of(script, parsed, table).called;
        called.sort_by_key(|(at, _)| *at);
        calls.extend(called.into_iter().map(|(_, signature)| signature));
    }
    calls.retain(|call| seen.insert(call.name));
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

/// Parameters whose flag every run already has.
fn taken_flags(script: &Script) -> Vec<Finding> {
    let mut findings = Vec::new();
    for param in &script.params {
        if let Some(flag) = param
            .flags()
            .into_iter()
            // One that is given by its place has the name all the same.
            .chain([param.flag()])
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
