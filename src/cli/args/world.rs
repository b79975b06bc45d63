//! What the practice world is like, and the commands about it.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, ValueHint, value_parser};

use super::{names, option};

/// Adds what a fresh practice world is made from.
pub(super) fn made_from(command: Command) -> Command {
    command
        .arg(
            option("scenario", "NAME")
                .value_parser(PossibleValuesParser::new(names(crate::sim::SCENARIOS)))
                .hide_possible_values(true)
                .help("What the world looks like at first (`runbook world scenarios`)"),
        )
        .arg(
            option("fault", "FAULT[@WHEN]")
                .action(ArgAction::Append)
                .help("What goes wrong, and when: stockout, busy@5m (`runbook world faults`)"),
        )
        .arg(
            option("seed", "N")
                .value_parser(value_parser!(u64))
                .help("The same seed makes the same world [default: 1]"),
        )
}

/// A copy of a target in the place of a fresh world.
pub(super) fn copied() -> Arg {
    option("world", "FILE")
        .conflicts_with("scenario")
        .value_hint(ValueHint::FilePath)
        .value_parser(value_parser!(std::path::PathBuf))
        .help("In a copy of a target instead (`runbook world snapshot`)")
}

pub(super) fn world() -> Command {
    Command::new("world")
        .about("The practice world: what it can do, and starting over")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("scenarios").about("Lists what it can look like at first"))
        .subcommand(Command::new("faults").about("Lists what can go wrong in it"))
        .subcommand(serve())
        .subcommand(
            Command::new("snapshot")
                .about(
                    "Looks at a target, changes nothing, and prints what a copy of it is made of",
                )
                .arg(
                    Arg::new("on")
                        .long("on")
                        .value_name("TARGET")
                        .help("Which target of runbook.toml [default: the configured one]"),
                )
                .arg(
                    Arg::new("image")
                        .long("image")
                        .value_name("IMAGE")
                        .action(ArgAction::Append)
                        .help("Asks its registry for this image too"),
                ),
        )
        .subcommand(Command::new("reset").about("Forgets the world that `run` goes on with"))
}

fn serve() -> Command {
    made_from(Command::new("serve"))
        .about("Serves a fresh one on this machine, for gcloud, kubectl and `run`, until Ctrl-C")
        .arg(
            option("speed", "X")
                .value_parser(value_parser!(u32).range(1..))
                .help("X times real time, once something has been changed [default: 60]"),
        )
        .arg(
            option("port", "N")
                .default_value("8210")
                .value_parser(value_parser!(u16).range(..=65_530))
                .help("The first of six ports; 0: any that are free"),
        )
        .mut_args(|arg| arg.global(false).help_heading(None))
}
