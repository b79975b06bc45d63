//! `runbook resume`: goes on with a run that was interrupted, failed or was killed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use serde_json::Value;

use super::history::table;
use super::run::{adjust, answers, ask_for_missing, locking, sound, speed, start};
use super::{Setup, target, trust};
use crate::error::{Error, Kind, Result};
use crate::journal::history::{self, Ending, Entry, Filter};
use crate::journal::{self, Journal, Scrub, Story};
use crate::names::{AGE, Mode};
use crate::run::{Earlier, Opening, Place, Planning, Request, can_go_on};
use crate::runbook::script::Script;
use crate::sim::{self, Fault};
use crate::ui::{self, Options};

/// How many runs somebody is asked to choose from.
const MOST: usize = 15;

/// Goes on with a run, starts it anew, or gives it up for good.
pub(super) fn resume(setup: &Setup<'_>, matches: &ArgMatches, screen: &mut Options) -> Result<u8> {
    adjust(screen, matches);
    let state = setup.environment.state_folder()?;
    let path = choose(setup, matches.get_one::<String>("run"), screen)?;
    let (journal, story) = Journal::reopen(&path, Scrub::of(&state)?)?;
    let again = matches.get_flag("again");
    let abort = matches.get_flag("abort");
    let away = matches.get_one::<Duration>("away").copied();
    if !again {
        can_go_on(&story, abort)?;
    }
    let place = place(setup, matches, screen, &story, again)?;
    if away.is_some() && matches!(place, Place::Live(_)) {
        let fact = "--away moves the practice world on; a real cluster has its own time";
        return Err(Error::new(Kind::Usage, fact).hint("leave --away off"));
    }
    let script = sound(setup, &story.header.runbook, screen)?;
    let given = known(&script, &story.header.params);
    let request = Request {
        locking: locking(matches),
        values: ask_for_missing(&script, given, screen)?,
        script,
        place,
        state,
        operator: setup.environment.who.clone(),
        planning: Planning::default(),
        opening: match again {
            true if story.is_unfinished() => Opening::InsteadOf(journal),
            true => Opening::New,
            false => Opening::Again(Box::new(Earlier {
                journal,
                story,
                abort,
                away: away.unwrap_or_default(),
                age_limit: setup.config.resume_age.map_or(AGE, Into::into),
            })),
        },
    };
    start(setup, screen, &request, answers(matches))
}

/// The run that was named, else the unfinished one.
fn choose(setup: &Setup<'_>, named: Option<&String>, screen: &Options) -> Result<PathBuf> {
    let folder = journal::folder(&setup.environment.state_folder()?);
    if let Some(text) = named {
        return Ok(journal::find(&folder, text)?);
    }
    let mut unfinished = history::list(&folder, &Filter::default())?;
    unfinished.retain(Entry::is_unfinished);
    let running = unfinished.len();
    unfinished.retain(|entry| !matches!(entry.ending, Ending::Running));
    let path = match unfinished.as_slice() {
        [] if running > 0 => {
            let fact = "every unfinished run is going on in another process";
            return Err(Error::new(Kind::Refused, fact).hint("look for the other terminal"));
        }
        [] => {
            return Err(Error::new(Kind::Usage, "there is no unfinished run")
                .hint("see `runbook history` for the finished ones"));
        }
        [only] => only.path.clone(),
        [newest, ..] if !screen.terminal => newest.path.clone(),
        _ => {
            // What is real first, however much was rehearsed since.
            unfinished.sort_by_key(|entry| !is_live(entry));
            unfinished.truncate(MOST);
            ask_which(setup, &unfinished, screen)?
        }
    };
    Ok(path)
}

fn is_live(entry: &Entry) -> bool {
    (entry.header.as_ref()).is_some_and(|header| header.mode == Mode::Live)
}

fn ask_which(setup: &Setup<'_>, several: &[Entry], screen: &Options) -> Result<PathBuf> {
    ui::note(&table(setup, several), screen);
    let question = "Which of these runs, 1 being the first";
    ui::prompt_param(screen, "RUN", question, Some("1"), |text| {
        let at = text.trim().parse::<usize>().ok();
        let chosen = at
            .and_then(|at| at.checked_sub(1))
            .and_then(|at| several.get(at));
        (chosen.map(|entry| entry.path.clone()))
            .ok_or_else(|| format!("give a number from 1 to {}", several.len()))
    })
}

/// Where the run acted; it goes on there and nowhere else.
fn place(
    setup: &Setup<'_>,
    matches: &ArgMatches,
    screen: &Options,
    story: &Story,
    again: bool,
) -> Result<Place> {
    let header = &story.header;
    match header.mode {
        Mode::Practice => Ok(Place::Kept(speed(matches, screen))),
        Mode::DryRun if again => {
            trust::demand(setup, screen)?;
            let live = target::place(setup, &header.target)?;
            Ok(Place::DryRun(Box::new(live)))
        }
        // What was seen is kept beside the journal; nobody looks again.
        Mode::DryRun => Ok(Place::Fresh(sim::Setup {
            speed: sim::Speed::Max,
            ..sim::Setup::default()
        })),
        Mode::Rehearsal => Ok(Place::Fresh(sim::Setup {
            seed: header.seed.unwrap_or(1),
            speed: speed(matches, screen),
            scenario: header.scenario.clone().unwrap_or_default(),
            faults: (header.faults.iter())
                .map(|text| Ok(Fault::parse(text)?))
                .collect::<Result<_>>()?,
            ..sim::Setup::default()
        })),
        Mode::Live => {
            trust::demand(setup, screen)?;
            let live = target::place(setup, &header.target)?;
            Ok(Place::Live(Box::new(live)))
        }
    }
}

/// The recorded parameters the script still has.
fn known(script: &Script, recorded: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let params = script.params.iter();
    let values = params.filter_map(|param| {
        let value = recorded.get(&param.name)?;
        (!value.is_null()).then(|| (param.name.clone(), value.clone()))
    });
    values.collect()
}
