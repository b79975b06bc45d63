//! The shape of the command line. Each runbook is a command of `run` and of `rehearse`, so help,
//! completion and "did you mean" know its parameters.

mod world;

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use clap_complete::Shell;

use crate::runbook::library::Library;
use crate::runbook::params::{TAKEN, flags};
use crate::runbook::script::Script;
use crate::sim::Speed;

/// What has to be known before the command line can be understood.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Early {
    /// `--config FILE`.
    pub(super) config: Option<OsString>,
    /// `--color WHEN`.
    pub(super) color: Option<String>,
    /// Whether runbooks' parameters will be needed.
    pub(super) runs: bool,
}

/// A first look at the arguments.
pub(super) fn early(args: &[OsString]) -> Early {
    let mut early = Early::default();
    let mut args = args.iter().skip(1);
    let mut first = None;
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy();
        if text == "--" {
            break;
        } else if text == "--config" {
            early.config = args.next().cloned();
        } else if let Some(file) = text.strip_prefix("--config=") {
            early.config = Some(file.into());
        } else if text == "--color" {
            early.color = args.next().map(|when| when.to_string_lossy().into_owned());
        } else if let Some(when) = text.strip_prefix("--color=") {
            early.color = Some(when.to_owned());
        } else if !text.starts_with('-') && first.is_none() {
            first = Some(text.into_owned());
        }
    }
    early.runs = first.is_some_and(|command| {
        ["run", "rehearse", "completions", "help"].contains(&command.as_str())
    });
    early
}

/// The whole command line.
pub(super) fn command(library: &Library, runs: bool) -> Command {
    Command::new("runbook")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Runs small scripts that warm up, watch and take down a cluster, and lets you practise them")
        .after_help("With no runbook.toml, everything happens in the built-in practice world.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_hint(ValueHint::FilePath)
                .value_parser(value_parser!(std::path::PathBuf))
                .global(true)
                .help("Use this runbook.toml"),
        )
        .arg(
            Arg::new("color")
                .long("color")
                .value_name("WHEN")
                .value_parser(["auto", "always", "never"])
                .default_value("auto")
                .hide_default_value(true)
                .global(true)
                .help("Colours: auto, always or never"),
        )
        .subcommand(runbooks(run(), library, runs))
        .subcommand(runbooks(rehearse(), library, runs))
        .subcommand(resume())
        .subcommand(status())
        .subcommand(history())
        .subcommand(doctor())
        .subcommand(Command::new("list").about("Lists the runbooks there are, and where each comes from"))
        .subcommand(
            Command::new("show")
                .about("Shows a runbook: description, parameters, steps, what it calls")
                .arg(Arg::new("name").value_name("NAME").required(true)),
        )
        .subcommand(
            Command::new("check")
                .about("Looks for mistakes in runbooks without running them")
                .arg(Arg::new("names").value_name("NAME").num_args(0..).help("All when left off")),
        )
        .subcommand(world::world())
        .subcommand(
            Command::new("trust")
                .about("Trusts the runbook.toml in use, which says where credentials are sent"),
        )
        .subcommand(
            Command::new("completions")
                .about("Prints completions for a shell")
                .arg(Arg::new("shell").value_name("SHELL").required(true).value_parser(value_parser!(Shell))),
        )
}

/// Prints completions.
pub(super) fn completions(library: &Library, matches: &ArgMatches) -> u8 {
    if let Some(shell) = matches.get_one::<Shell>("shell") {
        let mut text = Vec::new();
        clap_complete::generate(*shell, &mut command(library, true), "runbook", &mut text);
        crate::ui::print(&String::from_utf8_lossy(&text));
    }
    0
}

fn run() -> Command {
    answers(Command::new("run"))
        .about("Runs a runbook, in the practice world unless a target is configured")
        .arg(
            Arg::new("on")
                .long("on")
                .value_name("TARGET")
                .global(true)
                .help_heading(HEADING)
                .help("Where: a target of runbook.toml, or practice"),
        )
        .arg(
            switch("dry-run")
                .help("Runs it on a copy of the target, changes nothing, and ends with a plan"),
        )
        .arg(
            option("save", "FILE")
                .requires("dry-run")
                .value_hint(ValueHint::FilePath)
                .value_parser(value_parser!(std::path::PathBuf))
                .help("Dry run only: keeps the plan in this file"),
        )
        .arg(
            option("plan", "FILE")
                .conflicts_with("dry-run")
                .value_hint(ValueHint::FilePath)
                .value_parser(value_parser!(std::path::PathBuf))
                .help("Stops before the first change that is not in this plan"),
        )
}

fn rehearse() -> Command {
    world::made_from(answers(Command::new("rehearse")))
        .about("Runs a runbook in a fresh practice world, in which things may go wrong")
        .arg(world::copied())
}

fn status() -> Command {
    Command::new("status")
        .about("Shows what is warm, owed, running and locked, for each target")
        .arg(
            Arg::new("on")
                .long("on")
                .value_name("TARGET")
                .help("Only this target of runbook.toml, or practice [default: all]"),
        )
        .arg(form())
}

/// How a command without a run tells what it found.
fn form() -> Arg {
    Arg::new("output")
        .long("output")
        .value_name("FORM")
        .value_parser(["plain", "json"])
        .help("How: plain, or json for programs")
}

fn doctor() -> Command {
    Command::new("doctor")
        .about("Looks whether a runbook may do what it will want to do; changes nothing")
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .help("What this runbook needs [default: what all of them need]"),
        )
        .arg(
            Arg::new("on")
                .long("on")
                .value_name("TARGET")
                .help("A target of runbook.toml, or practice [default: the configured one]"),
        )
        .arg(form())
}

const HEADING: &str = "Options of every run";

fn option(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .global(true)
        .help_heading(HEADING)
}

fn names(all: &'static [(&'static str, &'static str)]) -> impl Iterator<Item = &'static str> {
    all.iter().map(|(name, _)| *name)
}

fn resume() -> Command {
    shown(Command::new("resume"))
        .about("Goes on with a run that was interrupted, failed or was killed")
        .arg(
            Arg::new("run")
                .value_name("RUN")
                .help("Its id, or the beginning of it [default: the newest unfinished one]"),
        )
        .arg(
            switch("again")
                .conflicts_with("abort")
                .help("Start a new run with the same parameters instead"),
        )
        .arg(switch("abort").help("Give it up for good, and undo what its script says"))
        .arg(
            option("away", "TIME")
                .value_parser(crate::names::duration)
                .help("Practice only: so much later, as after a night: 2h"),
        )
}

fn history() -> Command {
    let filter = |name: &'static str, value: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name(value)
            .conflicts_with("run")
    };
    let count = || value_parser!(usize);
    Command::new("history")
        .about("Tells what was run, by whom and how it ended; or everything about one run")
        .after_help(
            "--output json gives one object a run, with `version`; what is not known is null. For \
             one RUN it has effects, answers, changed and sessions as well.",
        )
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
        .arg(
            Arg::new("run")
                .value_name("RUN")
                .help("Its id, or the beginning of it"),
        )
        .arg(filter("runbook", "NAME").help("Only runs of this runbook"))
        .arg(filter("target", "NAME").help("Only runs on this target, or on practice"))
        .arg(filter("since", "WHEN").help("Only later ones: 2026-11-01, 7d, 12h"))
        .arg(
            filter("failed", "")
                .action(ArgAction::SetTrue)
                .help("Only those that did not end well"),
        )
        .arg(
            filter("limit", "N")
                .value_parser(count())
                .help("So many at most [default: 20; with json, all]"),
        )
        .arg(
            Arg::new("output")
                .long("output")
                .value_name("KIND")
                .value_parser(["plain", "json"])
                .hide_possible_values(true)
                .help("plain or json [default: plain]"),
        )
        .subcommand(
            Command::new("prune")
                .about("Removes old finished runs, never unfinished ones")
                .arg(
                    Arg::new("keep")
                        .long("keep")
                        .value_name("N")
                        .value_parser(count())
                        .default_value("200")
                        .help("So many finished runs stay, the newest"),
                ),
        )
}

fn answers(command: Command) -> Command {
    shown(command)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand_value_name("NAME")
        .subcommand_help_heading("Runbooks")
        .disable_help_subcommand(true)
}

/// How a run is shown, and what answers its questions.
fn shown(command: Command) -> Command {
    command
        .arg(
            option("output", "KIND")
                .value_parser(["bars", "plain", "json"])
                .hide_possible_values(true)
                .help("bars, plain or json [default: bars on a terminal, plain otherwise]"),
        )
        .arg(option("speed", "X").value_parser(speed).help(
            "Practice only: X times real time, or max [default: 120 on a terminal, max otherwise]",
        ))
        .arg(
            option("answer", "KEY=VALUE")
                .action(ArgAction::Append)
                .value_parser(answer)
                .help("Answers one question"),
        )
        .arg(
            switch("yes")
                .short('y')
                .help("Answers ordinary confirmations"),
        )
        .arg(switch("wait").help("When somebody else's run holds the cluster, waits for its end"))
        .arg(switch("no-lock").help("Does not keep other operators out"))
        .arg(
            switch("quiet")
                .short('q')
                .help("Only warnings, changes, questions and the end"),
        )
        .arg(
            switch("verbose")
                .short('v')
                .action(ArgAction::Count)
                .help("Every request made; twice: more"),
        )
}

fn switch(name: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .global(true)
        .help_heading(HEADING)
}

fn speed(text: &str) -> Result<Speed, String> {
    match (text, text.trim_end_matches('x').parse()) {
        ("max", _) => Ok(Speed::Max),
        (_, Ok(times)) if times > 0 => Ok(Speed::Times(times)),
        _ => Err("give a whole number of at least 1, or max".to_owned()),
    }
}

fn answer(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it like KEY=VALUE".to_owned()),
    }
}

/// Adds a command for every runbook. One that cannot be read is a command too: choosing it tells
/// what is wrong.
fn runbooks(mut command: Command, library: &Library, runs: bool) -> Command {
    if !runs {
        return command;
    }
    for found in library.list().unwrap_or_default() {
        if found.shadowed {
            continue;
        }
        let script = library.find(&found.name).and_then(Script::read);
        command = command.subcommand(match script {
            Ok(script) if !clashes(&script) => flags::command(&script),
            _ => Command::new(found.name).about(found.summary).arg(
                Arg::new("anything")
                    .num_args(0..)
                    .hide(true)
                    .allow_hyphen_values(true),
            ),
        });
    }
    command
}

/// Whether a parameter would take the place of an option every run has; `check` tells of it.
fn clashes(script: &Script) -> bool {
    let mut params = script.params.iter();
    params.any(|param| TAKEN.contains(&param.flag().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn early_of(line: &str) -> Early {
        let args: Vec<OsString> = line.split(' ').map(Into::into).collect();
        early(&args)
    }

    #[test]
    fn the_configuration_is_found_wherever_it_stands() {
        let found = early_of("runbook run warm_up --config a.toml --nodes 2");
        assert_eq!((found.config, found.runs), (Some("a.toml".into()), true));
        let found = early_of("runbook --config=b.toml --color never list");
        assert_eq!((found.config, found.runs), (Some("b.toml".into()), false));
        assert_eq!(found.color.as_deref(), Some("never"));
    }

    #[test]
    fn every_option_of_a_run_is_known_to_be_taken() {
        for command in [run(), rehearse()] {
            for arg in command.get_arguments() {
                let flag = arg.get_long().unwrap();
                assert!(TAKEN.contains(&flag), "{flag}");
            }
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        let library = Library {
            folders: Vec::new(),
            built_in: crate::runbook::built_in::BUILT_IN,
        };
        command(&library, true).debug_assert();
    }
}
