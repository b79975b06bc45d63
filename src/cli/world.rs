//! `runbook world`: what the practice world can do, and starting it over.

use clap::ArgMatches;

use super::Setup;
use crate::error::{Error, Kind, Result};
use crate::{run, sim, ui};

/// One of its commands.
pub(super) fn world(setup: &Setup<'_>, matches: &ArgMatches) -> Result<u8> {
    let text = match matches.subcommand_name() {
        Some("scenarios") => rows(sim::SCENARIOS),
        Some("faults") => rows(sim::FAULTS),
        Some("reset") => {
            let forgotten = run::forget(&setup.environment.state_folder()?)?;
            let said = if forgotten {
                "The practice world is forgotten; the next run finds a new one."
            } else {
                "There is no practice world yet; the next run finds a new one."
            };
            format!("{said}\n")
        }
        _ => return Err(Error::new(Kind::Bug, "there is no such command")),
    };
    ui::print(&text);
    Ok(0)
}

fn rows(all: &[(&str, &str)]) -> String {
    let width = all.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    all.iter()
        .map(|(name, line)| format!("{name:width$}  {line}\n"))
        .collect()
}
