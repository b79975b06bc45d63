//! `runbook resume`: goes on with a run that was interrupted, failed or was killed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use serde_json::Value;

use super::run::{adjust, answers, ask_for_missing, live, sound, speed, start};
use super::{Setup, trust};
use crate::config::AGE_LIMIT;
use crate::error::{Error, Kind, Result};
use crate::journal::{self, Journal, Scrub, Story, Why};
use crate::names::Mode;
use crate::run::{Earlier, Opening, Place, Request};
use crate::runbook::script::Script;
use crate::sim::{self, Fault};
use crate::ui::Options;

/// Goes on with a run, starts it anew, or gives it up for good.
pub(super) fn resume(setup: &Setup<'_>, matches: &ArgMatches, screen: &mut Options) -> Result<u8> {
    adjust(screen, matches);
    let state = setup.environment.state_folder()?;
    let path = choose(&state, matches.get_one::<String>("run"), screen)?;
    let (journal, story) = Journal::reopen(&path, Scrub::of(&state)?)?;
    let again = matches.get_flag("again");
    let abort = matches.get_flag("abort");
    let away = matches.get_one::<Duration>("away").copied();
    can_go_on(&story, again, abort)?;
    let place = place(setup, matches, screen, &story)?;
    if away.is_some() && matches!(place, Place::Live(_)) {
        let fact = "--away moves the practice world on; a real cluster has its own time";
        return Err(Error::new(Kind::Usage, fact).hint("leave --away off"));
    }
    let script = sound(setup, &story.header.runbook, screen)?;
    let given = known(&script, &story.header.params);
    let request = Request {
        values: ask_for_missing(&script, given, screen)?,
        script,
        place,
        state,
        operator: setup.environment.who.clone(),
        opening: match again {
            true if story.is_unfinished() => Opening::InsteadOf(journal),
            true => Opening::New,
            false => Opening::Again(Box::new(Earlier {
                journal,
                story,
                abort,
                away: away.unwrap_or_default(),
                age_limit: setup.config.resume_age.map_or(AGE_LIMIT, Into::into),
            })),
        },
    };
    start(setup, screen, &request, answers(matches))
}

/// The run that was named, else the newest.
fn choose(state: &std::path::Path, named: Option<&String>, _: &Options) -> Result<PathBuf> {
    let folder = journal::folder(state);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
        .filter(|path| named.is_none_or(|n| path.display().to_string().contains(n.as_str())))
        .collect();
    files.sort();
    if named.is_none() {
        files.retain(|path| Story::read(path).is_ok_and(|story| story.is_unfinished()));
    }
    files
        .pop()
        .ok_or_else(|| Error::new(Kind::Usage, "there is no unfinished run"))
}

/// Whether this run can be gone on with in this way.
fn can_go_on(story: &Story, again: bool, abort: bool) -> Result<()> {
    let run = &story.header.run;
    if again {
        return Ok(());
    }
    let over = |fact: String| {
        let hint = format!("to do the same again: `runbook resume {run} --again`");
        Err(Error::new(Kind::Usage, fact).hint(hint))
    };
    match &story.closed {
        Some(closed) => {
            return over(match &closed.why {
                Why::Aborted => format!("{run} was given up for good"),
                Why::Replaced { run: by } => format!("{run} was replaced by {by}"),
            });
        }
        None if story.finish.as_ref().is_some_and(|finish| finish.exit == 0) => {
            return over(format!("{run} is finished: there is nothing to go on with"));
        }
        None => {}
    }
    if story.aborting.is_some() && !abort {
        let fact = format!("{run} is being given up for good, and that is not finished");
        let hint = format!("go on with it: `runbook resume {run} --abort`");
        return Err(Error::new(Kind::Refused, fact).hint(hint));
    }
    Ok(())
}

/// Where the run acted; it goes on there and nowhere else.
fn place(
    setup: &Setup<'_>,
    matches: &ArgMatches,
    screen: &Options,
    story: &Story,
) -> Result<Place> {
    let header = &story.header;
    match header.mode {
        Mode::Practice => Ok(Place::Kept(speed(matches, screen))),
        Mode::Rehearsal => Ok(Place::Fresh(sim::Setup {
            seed: header.seed.unwrap_or(1),
            speed: speed(matches, screen),
            scenario: header.scenario.clone().unwrap_or_default(),
            faults: (header.faults.iter())
                .map(|text| Ok(Fault::parse(text)?))
                .collect::<Result<_>>()?,
        })),
        Mode::Live => {
            trust::demand(setup, screen)?;
            let live = live(setup, &header.target)?;
            let now = live.target.cluster.to_string();
            if now != header.cluster {
                return Err(Error::new(
                    Kind::Refused,
                    format!(
                        "{} ran on {}, and {} is {now} now",
                        header.run, header.cluster, header.target
                    ),
                )
                .hint("a run goes on where it began: put the target back, or start a new run"));
            }
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
