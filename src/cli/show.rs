//! `runbook show NAME`.

use std::fmt::Write as _;

use clap::ArgMatches;

use super::Setup;
use crate::api;
use crate::error::Result;
use crate::runbook::check::calls;
use crate::runbook::params::flags;
use crate::runbook::script::Script;
use crate::ui;

/// Description, parameters, steps, and what it calls with its class.
pub(super) fn show(setup: &Setup<'_>, matches: &ArgMatches) -> Result<u8> {
    let name = matches.get_one::<String>("name").map_or("", String::as_str);
    let script = Script::read(setup.library.find(name)?)?;
    ui::print(&describe(&script));
    Ok(0)
}

fn describe(script: &Script) -> String {
    let source = script.source();
    let mut text = format!("{}: {}\n", script.name(), script.doc.summary);
    let mut line = |line: String| {
        writeln!(text, "{line}").ok();
    };
    line(format!("{}, {}", source.file, source.hash));
    if !script.doc.details.is_empty() {
        line(format!("\n{}", script.doc.details));
    }
    if !script.params.is_empty() {
        line("\nParameters".to_owned());
        for param in &script.params {
            line(format!("  {}", flags::line(param, script)));
        }
    }
    if !script.steps.is_empty() {
        line("\nSteps".to_owned());
        for (number, step) in script.steps.iter().enumerate() {
            line(format!("  {}. {step}", number + 1));
        }
    }
    let calls = calls(script, &api::table());
    if !calls.is_empty() {
        line("\nCalls".to_owned());
        for call in calls {
            let class = call.class.to_string();
            line(format!("  {class:15} {}", call.display()));
        }
    }
    text
}
