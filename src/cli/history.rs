//! `runbook history`: what was run, by whom, how it ended; and throwing old runs away.

mod given;
mod json;
mod table;
mod tale;
mod when;

use std::fmt::Write as _;

use clap::ArgMatches;

use super::Setup;
use crate::error::Result;
use crate::journal::history::{self, Entry, Filter};
use crate::journal::{self, find};
use crate::ui::{self, Output};

use given::Scripts;

pub(super) use when::{day, moment, zone};

/// How many runs are listed for a person who did not say.
const SCREEN: usize = 20;

/// Runs as rows.
pub(super) fn table(setup: &Setup<'_>, entries: &[Entry]) -> String {
    table::rows(&mut Scripts::of(&setup.library), entries)
}

/// Lists runs, tells one, or throws old ones away.
pub(super) fn history(setup: &Setup<'_>, matches: &ArgMatches) -> Result<u8> {
    if let Some(("prune", matches)) = matches.subcommand() {
        return prune(setup, matches);
    }
    let folder = journal::folder(&setup.environment.state_folder()?);
    let output = matches.get_one::<String>("output").map(|text| text.parse());
    let json = output == Some(Ok(Output::Json));
    let Some(run) = matches.get_one::<String>("run") else {
        return list(setup, matches, json);
    };
    let path = find(&folder, run)?;
    let (story, damage) = history::story(&path)?;
    let entry = Entry::read(&path);
    ui::print(&if json {
        json::tale(&entry, &story, damage.as_ref())
    } else {
        tale::tell(
            &mut Scripts::of(&setup.library),
            &entry,
            &story,
            damage.as_ref(),
        )
    });
    Ok(0)
}

fn list(setup: &Setup<'_>, matches: &ArgMatches, json: bool) -> Result<u8> {
    let folder = journal::folder(&setup.environment.state_folder()?);
    let mut filter = filter(setup, matches)?;
    let limit = match matches.get_one::<usize>("limit") {
        Some(limit) => *limit,
        None if json => usize::MAX,
        None => SCREEN,
    };
    // One more tells whether there are more.
    filter.limit = Some(limit.saturating_add(1));
    let mut entries = history::list(&folder, &filter)?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    if json {
        ui::print(&entries.iter().map(json::line).collect::<String>());
        return Ok(0);
    }
    if entries.is_empty() {
        ui::print(nothing(&filter));
        return Ok(0);
    }
    ui::print(&table(setup, &entries));
    if more {
        let next = limit.saturating_mul(5);
        ui::print(&format!(
            "Older ones are not shown; `--limit {next}` shows more\n"
        ));
    }
    Ok(0)
}

fn nothing(filter: &Filter) -> &'static str {
    let all = Filter {
        limit: filter.limit,
        ..Filter::default()
    };
    if *filter == all {
        "Nothing was run yet. `runbook rehearse warm_up --nodes 2` makes the first run, and touches nothing real\n"
    } else {
        "No such run; `runbook history` lists all there are\n"
    }
}

fn filter(setup: &Setup<'_>, matches: &ArgMatches) -> Result<Filter> {
    let text = |name| matches.get_one::<String>(name).cloned();
    let target = text("target");
    let since = matches.get_one::<String>("since");
    let since = since.map(|text| when::since(text, zone(setup, target.as_deref())));
    Ok(Filter {
        runbook: text("runbook"),
        since: since.transpose()?,
        target,
        failed: matches.get_flag("failed"),
        limit: None,
    })
}

fn prune(setup: &Setup<'_>, matches: &ArgMatches) -> Result<u8> {
    let folder = journal::folder(&setup.environment.state_folder()?);
    let keep = matches.get_one::<usize>("keep").copied();
    let pruned = history::prune(&folder, keep.unwrap_or(usize::MAX))?;
    let mut text = match (pruned.removed.first(), pruned.removed.last()) {
        (Some(newest), Some(oldest)) if newest != oldest => format!(
            "Removed {} finished runs, {oldest} to {newest}\n",
            pruned.removed.len()
        ),
        (Some(only), _) => format!("Removed 1 finished run, {only}\n"),
        _ => "Nothing to remove\n".to_owned(),
    };
    let left = [
        (pruned.kept, "finished"),
        (pruned.unfinished, "unfinished, never removed"),
        (pruned.unreadable, "unreadable, never removed"),
    ];
    let left: Vec<String> = (left.iter().filter(|(count, _)| *count > 0))
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !left.is_empty() {
        writeln!(text, "Left: {}", left.join("; ")).ok();
    }
    ui::print(&text);
    Ok(0)
}
