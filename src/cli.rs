//! The command line: one file per command, and the only room that reads the environment.
//!
//! Decides nothing a room could decide: it turns flags, variables and `runbook.toml` into a
//! request, hands it over, and turns the outcome into an exit status.

mod args;
mod check;
mod doctor;
mod environment;
mod history;
mod list;
mod resume;
mod run;
mod show;
mod signals;
mod status;
mod target;
mod trust;
mod world;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ArgMatches;

use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::runbook::built_in::BUILT_IN;
use crate::runbook::library::Library;
use crate::ui::{self, Options, Output};
use crate::world::live;

use environment::Environment;
use signals::Running;

/// Parses the command line, does what it says, gives the exit status.
pub fn main() -> ExitCode {
    live::install_tls();
    let environment = Environment::read();
    let args: Vec<OsString> = std::env::args_os().collect();
    ExitCode::from(signals::listening(|running| {
        act(&environment, &args, running)
    }))
}

fn act(environment: &Environment, args: &[OsString], running: Running) -> u8 {
    // Which runbooks there are decides which commands there are, and `--config` decides that.
    let early = args::early(args);
    let mut options = screen(environment, early.color.as_deref());
    let setup = match Setup::read(environment, early.config, running) {
        Ok(setup) => setup,
        Err(error) => return complain(&error, &options),
    };
    let matches = match args::command(&setup.library, early.runs).try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(e) => {
            e.print().ok();
            return u8::try_from(e.exit_code()).unwrap_or(2);
        }
    };
    match command(&setup, &matches, &mut options) {
        Ok(exit) => exit,
        Err(error) => complain(&error, &options),
    }
}

fn command(setup: &Setup, matches: &ArgMatches, options: &mut Options) -> Result<u8> {
    match matches.subcommand() {
        Some(("run", matches)) => run::run(setup, matches, options),
        Some(("rehearse", matches)) => run::rehearse(setup, matches, options),
        Some(("resume", matches)) => resume::resume(setup, matches, options),
        Some(("status", matches)) => status::status(setup, matches, options),
        Some(("history", matches)) => history::history(setup, matches),
        Some(("doctor", matches)) => doctor::doctor(setup, matches, options),
        Some(("list", _)) => list::list(setup),
        Some(("show", matches)) => show::show(setup, matches),
        Some(("check", matches)) => check::check(setup, matches, options),
        Some(("trust", _)) => trust::trust(setup),
        Some(("world", matches)) => world::world(setup, matches, options),
        Some(("completions", matches)) => Ok(args::completions(&setup.library, matches)),
        _ => Err(Error::new(Kind::Bug, "there is no such command")),
    }
}

/// What every command starts from.
struct Setup<'a> {
    environment: &'a Environment,
    config: Config,
    /// The `runbook.toml` in use.
    file: Option<PathBuf>,
    library: Library,
    /// What Ctrl-C stops.
    running: Running,
}

impl<'a> Setup<'a> {
    fn read(
        environment: &'a Environment,
        file: Option<OsString>,
        running: Running,
    ) -> Result<Self> {
        let found = match file {
            Some(file) => Some((file.clone().into(), Config::load(file.as_ref())?)),
            None => Config::discover(&environment.folder, environment.config.as_deref())?,
        };
        let (file, config) = found.unzip();
        let setup = Self {
            environment,
            config: config.unwrap_or_default(),
            file,
            library: Library {
                folders: vec![environment.shown_folder("runbooks")],
                built_in: BUILT_IN,
            },
            running,
        };
        Ok(setup.with_configured_folder())
    }

    fn with_configured_folder(mut self) -> Self {
        if let Some(folder) = &self.config.runbooks {
            let folder = self.beside(folder);
            self.library.folders.push(folder);
        }
        self
    }

    /// A path of `runbook.toml`, which is relative to that file.
    fn beside(&self, path: &Path) -> PathBuf {
        let folder = self.file.as_deref().and_then(Path::parent);
        folder.map_or_else(|| path.to_owned(), |folder| folder.join(path))
    }
}

/// How the screen looks before the command line is understood.
fn screen(environment: &Environment, color: Option<&str>) -> Options {
    let output = if environment.screen {
        Output::Bars
    } else {
        Output::Plain
    };
    Options {
        output,
        color: match color {
            Some("always") => true,
            Some("never") => false,
            _ => environment.screen && !environment.no_color,
        },
        quiet: false,
        verbose: 0,
        width: None,
        terminal: environment.screen && environment.keyboard,
        practice: false,
    }
}

fn complain(error: &Error, options: &Options) -> u8 {
    ui::complain(error, options);
    error.exit_code()
}
