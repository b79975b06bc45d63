//! `runbook run` and `runbook rehearse`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::ArgMatches;
use serde_json::Value;

use super::{Setup, target, trust, world};
use crate::api;
use crate::error::{Error, Kind, Result};
use crate::journal;
use crate::journal::history::last_params;
use crate::run::{self, Company, Locking, Opening, Place, Planning, Request};
use crate::runbook::check::check;
use crate::runbook::params::{Param, flags};
use crate::runbook::script::Script;
use crate::sim::{self, Fault, Speed};
use crate::ui::{self, Flags, Options, Output, Ui};
use crate::world::Stop;

/// Runs on a target or in the kept practice world.
pub(super) fn run(setup: &Setup<'_>, matches: &ArgMatches, screen: &mut Options) -> Result<u8> {
    adjust(screen, matches);
    let on = matches.get_one::<String>("on").map(String::as_str);
    let dry = matches.get_flag("dry-run");
    let place = match on.or(setup.config.default_target.as_deref()) {
        None | Some("practice") if dry => {
            return Err(Error::new(
                Kind::Usage,
                "a dry run is made on a copy of a configured target, and practice is one already",
            )
            .hint("use `runbook rehearse`, or name a target of runbook.toml with --on"));
        }
        None | Some("practice") => Place::Kept(speed(matches, screen)),
        Some(name) => {
            if matches.contains_id("speed") {
                return Err(Error::new(
                    Kind::Usage,
                    "--speed is for the practice world; a real cluster has its own",
                )
                .hint("leave --speed off, or pass --on practice"));
            }
            trust::demand(setup, screen)?;
            let live = Box::new(target::place(setup, name)?);
            if dry {
                Place::DryRun(live)
            } else {
                Place::Live(live)
            }
        }
    };
    execute(setup, matches, screen, place)
}

/// Runs in a fresh practice world.
pub(super) fn rehearse(
    setup: &Setup<'_>,
    matches: &ArgMatches,
    screen: &mut Options,
) -> Result<u8> {
    adjust(screen, matches);
    let made = practice(matches, speed(matches, screen))?;
    let place = match matches.get_one::<PathBuf>("world") {
        None => Place::Fresh(made),
        Some(file) => Place::Copy(Box::new((world::read(file)?, made))),
    };
    execute(setup, matches, screen, place)
}

/// What a fresh practice world is made from.
pub(super) fn practice(matches: &ArgMatches, speed: Speed) -> Result<sim::Setup> {
    let faults = matches.get_many::<String>("fault").into_iter().flatten();
    let fresh = sim::Setup::default();
    Ok(sim::Setup {
        seed: matches.get_one("seed").copied().unwrap_or(fresh.seed),
        speed,
        scenario: matches
            .get_one("scenario")
            .cloned()
            .unwrap_or(fresh.scenario),
        faults: faults
            .map(|text| Ok(Fault::parse(text)?))
            .collect::<Result<_>>()?,
        ..fresh
    })
}

/// The screen as the run's own flags want it.
pub(super) fn adjust(screen: &mut Options, matches: &ArgMatches) {
    if let Some(output) = matches.get_one::<String>("output") {
        screen.output = output.parse().unwrap_or(Output::Plain);
    }
    screen.quiet = matches.get_flag("quiet");
    screen.verbose = matches.get_count("verbose");
}

pub(super) fn speed(matches: &ArgMatches, screen: &Options) -> Speed {
    let usual = if screen.terminal {
        Speed::Times(120)
    } else {
        Speed::Max
    };
    matches.get_one("speed").copied().unwrap_or(usual)
}

fn execute(
    setup: &Setup<'_>,
    matches: &ArgMatches,
    screen: &mut Options,
    place: Place,
) -> Result<u8> {
    let Some((name, matches)) = matches.subcommand() else {
        return Err(Error::new(Kind::Usage, "which runbook?").hint("see `runbook list`"));
    };
    let script = sound(setup, name, screen)?;
    let given = flags::given(matches, &script);
    let values = ask_with_defaults(&script, given, screen, || last(setup, &script, &place))?;
    let request = Request {
        script,
        values,
        place,
        state: setup.environment.state_folder()?,
        operator: setup.environment.who.clone(),
        planning: planning(matches)?,
        opening: Opening::New,
        locking: locking(matches),
    };
    start(setup, screen, &request, answers(matches))
}

/// What is done with a plan.
fn planning(matches: &ArgMatches) -> Result<Planning> {
    let file = |name| matches.try_get_one::<PathBuf>(name).ok().flatten();
    Ok(Planning {
        save: file("save").cloned(),
        hold: file("plan").map(|file| run::read_plan(file)).transpose()?,
    })
}

/// How other operators are kept out.
pub(super) fn locking(matches: &ArgMatches) -> Locking {
    Locking {
        wait: matches.get_flag("wait"),
        off: matches.get_flag("no-lock"),
    }
}

/// Runs it, on this screen.
pub(super) fn start(
    setup: &Setup<'_>,
    screen: &mut Options,
    request: &Request,
    flags: Flags,
) -> Result<u8> {
    screen.practice = !matches!(request.place, Place::Live(_) | Place::DryRun(_));
    let outcome = accompanied(setup, screen, flags, |company| run::run(request, company));
    Ok(outcome?.exit)
}

/// Does something that says on this screen what it does, and that Ctrl-C stops.
pub(super) fn accompanied<T>(
    setup: &Setup<'_>,
    screen: &Options,
    flags: Flags,
    work: impl FnOnce(&Company) -> T,
) -> T {
    let screen_thread = Ui::start(screen.clone());
    log(screen, &screen_thread);
    let redactor = screen_thread.redactor();
    if let Some(token) = &setup.environment.google.access_token {
        redactor.add(token.expose());
    }
    let stop = Stop::default();
    let company = Company {
        events: screen_thread.events(),
        operator: Arc::new(screen_thread.operator(flags)),
        stop: stop.clone(),
        on_secret: Arc::new(move |secret| redactor.add(secret)),
    };
    setup.running.set(stop);
    let outcome = work(&company);
    screen_thread.finish();
    outcome
}

/// The script, when `check` finds nothing wrong with it.
pub(super) fn sound(setup: &Setup<'_>, name: &str, screen: &Options) -> Result<Script> {
    let script = Script::read(setup.library.find(name)?)?;
    let mut findings = check(&script, &api::table());
    let Some(last) = findings.pop() else {
        return Ok(script);
    };
    for finding in findings {
        ui::complain(&finding.into(), screen);
    }
    Err(last.into())
}

pub(super) fn answers(matches: &ArgMatches) -> Flags {
    let answers = matches.get_many::<(String, String)>("answer");
    Flags {
        yes: matches.get_flag("yes"),
        answers: answers.into_iter().flatten().cloned().collect(),
    }
}

/// Asks for what has no value, if anybody is there to be asked.
pub(super) fn ask_for_missing(
    script: &Script,
    given: BTreeMap<String, Value>,
    screen: &Options,
) -> Result<BTreeMap<String, Value>> {
    ask_with_defaults(script, given, screen, || None)
}

/// The same; Enter alone takes what was given the `last` time.
fn ask_with_defaults(
    script: &Script,
    mut given: BTreeMap<String, Value>,
    screen: &Options,
    last: impl FnOnce() -> Option<BTreeMap<String, Value>>,
) -> Result<BTreeMap<String, Value>> {
    let last = std::cell::LazyCell::new(|| last().unwrap_or_default());
    loop {
        let values = script.with_defaults(&given);
        let Some(param) = script.missing(&values).first().copied() else {
            return Ok(values);
        };
        if !screen.terminal {
            return Err(required(script, param));
        }
        let help = &param.help;
        let before = last.get(&param.name).filter(|value| !value.is_null());
        let before = before.map(|value| param.spell(value));
        let before = before.filter(|text| param.parse(text).is_ok());
        let value = ui::prompt_param(screen, &param.flag(), help, before.as_deref(), |text| {
            param.parse(text)
        })?;
        given.insert(param.name.clone(), value);
    }
}

/// The parameters of the last run there.
fn last(setup: &Setup<'_>, script: &Script, place: &Place) -> Option<BTreeMap<String, Value>> {
    let target = match place {
        Place::Live(live) | Place::DryRun(live) => live.target.name.as_str(),
        Place::Copy(copy) => copy.0.target.name.as_str(),
        Place::Kept(_) | Place::Fresh(_) => "practice",
    };
    let folder = journal::folder(setup.environment.state.as_deref()?);
    let (params, _) = last_params(&folder, script.name(), target)?;
    Some(params)
}

/// What a missing parameter is, where it is declared, and the flags that give it.
fn required(script: &Script, param: &Param) -> Error {
    let given_by: Vec<String> = script
        .group(param)
        .iter()
        .map(|param| param.usage())
        .collect();
    let place = script
        .source()
        .place(param.line, param.column, "declared here");
    Error::new(
        Kind::Usage,
        format!("`{}` is missing: {}", param.name, param.help),
    )
    .hint(format!("pass {}", given_by.join(" or ")))
    .at(place)
}

/// `-vv`: what the libraries log, above the bars.
fn log(screen: &Options, ui: &Ui) {
    if screen.verbose < 2 {
        return;
    }
    let log = ui.log();
    let filter = if screen.verbose == 2 {
        "info,runbook=debug"
    } else {
        "debug"
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(move || log.clone())
        .with_ansi(false)
        .without_time()
        .finish();
    // A second run in one process keeps the first one's.
    tracing::subscriber::set_global_default(subscriber).ok();
}
