//! `runbook show NAME`.

use std::fmt::Write as _;

use clap::ArgMatches;

use super::Setup;
use super::history::{day, zone};
use crate::api;
use crate::error::Result;
use crate::journal;
use crate::journal::history::{NEVER, Receipt, last_params};
use crate::runbook::check::calls;
use crate::runbook::params::flags;
use crate::runbook::script::Script;
use crate::ui;

/// Description, parameters, steps, and what it calls with its class.
pub(super) fn show(setup: &Setup<'_>, matches: &ArgMatches) -> Result<u8> {
    let name = matches.get_one::<String>("name").map_or("", String::as_str);
    let script = Script::read(setup.library.find(name)?)?;
    let mut text = describe(&script);
    if let Some(last) = last_time(setup, &script) {
        writeln!(text, "\n{last}").ok();
    }
    let receipt = receipt(setup, &script);
    let receipt = receipt.map_or_else(
        || NEVER.to_owned(),
        |receipt| format!("rehearsed: {receipt}"),
    );
    writeln!(text, "\n{}", ui::line(&receipt)).ok();
    ui::print(&text);
    Ok(0)
}

/// `last time: --nodes 3, 12 November`, on the target a run would act on.
fn last_time(setup: &Setup<'_>, script: &Script) -> Option<String> {
    let target = setup.config.default_target.as_deref().unwrap_or("practice");
    let folder = journal::folder(setup.environment.state.as_deref()?);
    let (params, started) = last_params(&folder, script.name(), target)?;
    let day = day(started, &zone(setup, Some(target)));
    Some(match flags::written(&params, script) {
        flags if flags.is_empty() => format!("last time: {day}"),
        flags => format!("last time: {}, {day}", ui::line(&flags)),
    })
}

/// When and how this version of it was practised.
pub(super) fn receipt(setup: &Setup<'_>, script: &Script) -> Option<Receipt> {
    let folder = journal::folder(setup.environment.state.as_deref()?);
    Receipt::of(
        &folder,
        script.name(),
        &script.source().hash,
        &script.hashes(),
    )
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
