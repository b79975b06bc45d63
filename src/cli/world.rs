//! `runbook world`: what the practice world can do, serving it, and starting it over.

mod serve;

use std::path::Path;

use clap::ArgMatches;

use super::{Setup, target, trust};
use crate::error::{Error, Kind, Result};
use crate::look::Wanted;
use crate::runbook::script::Script;
use crate::ui::{Flags, Options};
use crate::world::Snapshot;
use crate::{run, sim, ui};

/// One of its commands.
pub(super) fn world(setup: &Setup<'_>, matches: &ArgMatches, screen: &mut Options) -> Result<u8> {
    let text = match matches.subcommand() {
        Some(("scenarios", _)) => rows(sim::SCENARIOS),
        Some(("faults", _)) => rows(sim::FAULTS),
        Some(("snapshot", matches)) => return snapshot(setup, matches, screen),
        Some(("serve", matches)) => return serve::serve(setup, matches, screen),
        Some(("reset", _)) => {
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

/// Looks at a target and prints what it saw.
fn snapshot(setup: &Setup<'_>, matches: &ArgMatches, screen: &mut Options) -> Result<u8> {
    let on = matches.get_one::<String>("on").map(String::as_str);
    let name = match on.or(setup.config.default_target.as_deref()) {
        None | Some("practice") => {
            let fact = "a look is taken at a configured target, and none is named";
            return Err(Error::new(Kind::Usage, fact).hint("name one of runbook.toml with --on"));
        }
        Some(name) => name,
    };
    trust::demand(setup, screen)?;
    let place = target::place(setup, name)?;
    let mut wanted = Wanted::default();
    for found in setup.library.list()? {
        let script = setup.library.find(&found.name).and_then(Script::read);
        wanted.needs.extend(script.iter().flat_map(run::needs));
    }
    let images = matches.get_many::<String>("image").into_iter().flatten();
    wanted.images = images.cloned().collect();
    let seen = super::run::accompanied(setup, screen, Flags::default(), |company| {
        run::looked(&place, &wanted, &setup.environment.who, company)
    })?;
    let text = serde_json::to_string(&seen);
    let text = text.map_err(|why| Error::new(Kind::Bug, why.to_string()))?;
    ui::print(&format!("{text}\n"));
    Ok(0)
}

/// What `snapshot` printed.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read(file: &Path) -> Result<Snapshot> {
    let wrong = |why: String| {
        let fact = format!(
            "{} is no look at a target that can be used: {why}",
            file.display()
        );
        Error::new(Kind::Usage, fact).hint("take one: `runbook world snapshot --on TARGET > FILE`")
    };
    let text = std::fs::read(file).map_err(|why| wrong(why.to_string()))?;
    serde_json::from_slice(&text).map_err(|why| wrong(why.to_string()))
}

fn rows(all: &[(&str, &str)]) -> String {
    let width = all.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let rows: Vec<String> = all
        .iter()
        .map(|(name, line)| format!("{name:width$}  {line}\n"))
        .collect();
    rows.concat()
}
