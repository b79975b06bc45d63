//! `runbook check [NAME..]`.

use clap::ArgMatches;

use super::Setup;
use crate::api;
use crate::error::Result;
use crate::runbook::check::check as mistakes;
use crate::runbook::script::Script;
use crate::ui::{self, Options};

/// Tells every mistake in every runbook named, or in all; exit status 1 when there is one.
pub(super) fn check(setup: &Setup<'_>, matches: &ArgMatches, screen: &Options) -> Result<u8> {
    let named = matches.get_many::<String>("names").into_iter().flatten();
    let mut names: Vec<String> = named.cloned().collect();
    if names.is_empty() {
        let all = setup.library.list()?.into_iter();
        names = all
            .filter(|found| !found.shadowed)
            .map(|found| found.name)
            .collect();
    }
    let table = api::table();
    let mut exit = 0;
    for name in names {
        let source = setup.library.find(&name)?;
        let file = source.file.clone();
        let errors = match Script::read(source) {
            Ok(script) => mistakes(&script, &table)
                .into_iter()
                .map(Into::into)
                .collect(),
            Err(error) => vec![error],
        };
        for error in &errors {
            ui::complain(error, screen);
        }
        let verdict = match errors.len() {
            0 => "ok".to_owned(),
            1 => "1 mistake".to_owned(),
            many => format!("{many} mistakes"),
        };
        if !errors.is_empty() {
            exit = 1;
        }
        ui::print(&format!("{name}: {verdict} ({file})\n"));
    }
    Ok(exit)
}
