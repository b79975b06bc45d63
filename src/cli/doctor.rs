//! `runbook doctor`: whether a runbook may do what it will want to do. Never changes anything.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use clap::ArgMatches;
use serde_json::json;

use super::run::accompanied;
use super::{Setup, target, trust};
use crate::doctor::{Finding, Verdict};
use crate::error::Result;
use crate::names::Need;
use crate::run::{self, Place};
use crate::runbook::script::Script;
use crate::sim::Speed;
use crate::ui::{self, Flags, Options};

/// Version of the JSON shape; raised when a field changes its meaning or goes away.
const VERSION: u32 = 1;

/// Looks at everything a run rests on.
pub(super) fn doctor(setup: &Setup<'_>, matches: &ArgMatches, screen: &mut Options) -> Result<u8> {
    let name = matches.get_one::<String>("name");
    let needs = needs(setup, name.map(String::as_str))?;
    let on = matches.get_one::<String>("on").map(String::as_str);
    let on = on
        .or(setup.config.default_target.as_deref())
        .unwrap_or("practice");
    let mut found = vec![configuration(setup, on)];
    found.push(state(setup));
    found.push(terminal(screen));
    let place = if on == "practice" {
        Place::Kept(Speed::Max)
    } else {
        trust::demand(setup, screen)?;
        Place::Live(Box::new(target::place(setup, on)?))
    };
    let state = setup.environment.state_folder()?;
    let who = &setup.environment.who;
    screen.quiet = true;
    let asked = accompanied(setup, screen, Flags::default(), |company| {
        run::examine(&place, &needs, who, &state, company)
    })?;
    found.extend(asked);
    let failed = found.iter().any(Finding::is_missing);
    let json = matches
        .get_one::<String>("output")
        .is_some_and(|form| form == "json");
    if json {
        let told = json!({ "version": VERSION, "target": on, "runbook": name, "ok": !failed,
            "findings": found });
        ui::print(&format!("{told}\n"));
    } else {
        ui::print(&as_text(&found, on));
    }
    Ok(u8::from(failed))
}

/// What one runbook needs, or all of them.
fn needs(setup: &Setup<'_>, name: Option<&str>) -> Result<Vec<Need>> {
    if let Some(name) = name {
        return Ok(run::needs(&Script::read(setup.library.find(name)?)?));
    }
    let mut needs = Vec::new();
    for found in setup.library.list()? {
        // One that cannot be read is `check`'s business.
        let script = setup.library.find(&found.name).and_then(Script::read);
        needs.extend(script.iter().flat_map(run::needs));
    }
    Ok(needs)
}

fn told(part: &'static str, what: &str, why: impl Into<String>) -> Finding {
    Finding {
        why: Some(why.into()),
        ..Finding::good(part, what)
    }
}

/// It was read, or nobody would be here.
fn configuration(setup: &Setup<'_>, on: &str) -> Finding {
    let file = setup.file.as_ref().map(|file| file.display().to_string());
    let file = file.unwrap_or_else(|| "no runbook.toml: everything happens in practice".to_owned());
    let what = format!("configuration, target {on}");
    told("configuration", &what, file)
}

/// Whether journals can be kept: a file is written, put on disk, and taken away again.
fn state(setup: &Setup<'_>) -> Finding {
    let what = "the folder of journals";
    let tried = setup.environment.state_folder().and_then(|folder| {
        let tried = try_folder(&folder).map_err(|why| {
            let fact = format!("{} cannot be written: {why}", folder.display());
            let fix = "make room there, allow writing, or name another one with RUNBOOK_STATE_DIR";
            crate::error::Error::new(crate::error::Kind::Config, fact).hint(fix)
        });
        tried.map(|()| folder)
    });
    match tried {
        Ok(folder) => told(
            "state",
            what,
            format!("{} takes and flushes", folder.display()),
        ),
        Err(error) => Finding::bad("state", what, &error),
    }
}

fn try_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join("doctor.tmp");
    let mut file = File::create(&path)?;
    file.write_all(b"written\n")?;
    file.sync_all()?;
    std::fs::remove_file(path)
}

fn terminal(screen: &Options) -> Finding {
    let is = |yes: bool, what: &str| {
        if yes {
            what.to_owned()
        } else {
            format!("no {what}")
        }
    };
    let why = if screen.terminal {
        format!("{}, questions are asked here", is(screen.color, "colours"))
    } else {
        "none: questions need --yes and --answer".to_owned()
    };
    told("terminal", "the terminal", why)
}

fn as_text(found: &[Finding], on: &str) -> String {
    let mut text = String::new();
    for finding in found {
        let mark = match finding.verdict {
            Verdict::Proven => "✓",
            Verdict::Inferred => "~",
            Verdict::Missing => "✗",
            Verdict::Unknown => "?",
        };
        writeln!(
            text,
            "{mark} {:13} {}",
            finding.part,
            ui::line(&finding.to_string())
        )
        .ok();
        if let Some(fix) = &finding.fix {
            writeln!(text, "                → {}", ui::line(fix)).ok();
        }
    }
    let count = |verdict| found.iter().filter(|one| one.verdict == verdict).count();
    let (bad, inferred, unknown) = (
        count(Verdict::Missing),
        count(Verdict::Inferred),
        count(Verdict::Unknown),
    );
    let end = match bad {
        0 => format!("Nothing is missing on {on}"),
        1 => format!("1 thing is missing on {on}"),
        bad => format!("{bad} things are missing on {on}"),
    };
    writeln!(
        text,
        "{end}; {inferred} only inferred (~), {unknown} not known (?)."
    )
    .ok();
    text
}
