//! `runbook status`: what is warm, owed, running and locked, for each target.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::ArgMatches;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::history::moment;
use super::{Setup, target, trust};
use crate::error::{Error, Kind, Result};
use crate::event::Events;
use crate::journal;
use crate::journal::history::{self, Ending, Entry, Filter};
use crate::names::Took;
use crate::run::{self, Company, Held, Place, Standing};
use crate::sim::Speed;
use crate::ui::{self, Options};
use crate::world::operator::Answer;
use crate::world::{Operator, Question, Stop};

/// Version of the JSON shape; raised when a field changes its meaning or goes away.
const VERSION: u32 = 1;

/// What can be said of one target.
struct Told {
    name: String,
    standing: Result<Standing>,
    /// Runs that go on now, and runs to go on with, the newest first.
    running: Vec<Entry>,
    unfinished: Vec<Entry>,
}

/// Tells how each target stands.
pub(super) fn status(setup: &Setup<'_>, matches: &ArgMatches, screen: &Options) -> Result<u8> {
    let json = matches
        .get_one::<String>("output")
        .is_some_and(|form| form == "json");
    let targets = match matches.get_one::<String>("on") {
        Some(name) => vec![name.clone()],
        None if setup.config.targets.is_empty() => vec!["practice".to_owned()],
        None => setup.config.targets.keys().cloned().collect(),
    };
    if targets.iter().any(|name| name != "practice") {
        for name in targets.iter().filter(|name| *name != "practice") {
            setup.config.target(name)?;
        }
        trust::demand(setup, screen)?;
    }
    let folder = journal::folder(&setup.environment.state_folder()?);
    let mut exit = 0;
    for name in targets {
        let entries = history::list(&folder, &here(&name))?;
        let (running, unfinished) = (entries.into_iter())
            .filter(Entry::is_unfinished)
            .filter(|entry| !is_rehearsal(entry))
            .partition(|entry| matches!(entry.ending, Ending::Running));
        let told = Told {
            standing: look(setup, &name),
            name,
            running,
            unfinished,
        };
        if let Err(error) = &told.standing {
            exit = exit.max(error.kind.exit_code());
        }
        if json {
            ui::print(&format!("{}\n", as_json(&told)));
        } else {
            ui::print(&as_text(&told));
            if let Err(error) = &told.standing {
                ui::complain(error, screen);
            }
        }
    }
    Ok(exit)
}

fn here(target: &str) -> Filter {
    Filter {
        target: Some(target.to_owned()),
        ..Filter::default()
    }
}

/// A rehearsal has a world of its own, in which nobody is interested any more.
fn is_rehearsal(entry: &Entry) -> bool {
    let mode = entry.header.as_ref().map(|header| header.mode);
    mode == Some(crate::names::Mode::Rehearsal)
}

fn look(setup: &Setup<'_>, name: &str) -> Result<Standing> {
    let place = match name {
        "practice" => Place::Kept(Speed::Max),
        name => Place::Live(Box::new(target::place(setup, name)?)),
    };
    let stop = Stop::default();
    setup.running.set(stop.clone());
    let company = Company {
        events: Events::new(|_| {}),
        operator: Arc::new(Nobody),
        stop,
        on_secret: Arc::new(|_| {}),
    };
    let state = setup.environment.state_folder()?;
    run::standing(&place, &state, &setup.environment.who, &company)
}

/// A look asks nothing.
struct Nobody;

impl Operator for Nobody {
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer>> {
        let text = question.text;
        Box::pin(async move { Err(Error::new(Kind::NeedsAnswer, text)) })
    }
}

fn as_text(told: &Told) -> String {
    let mut text = String::new();
    let mut line = |head: &str, what: &str| {
        writeln!(text, "{head:<11} {}", ui::line(what)).ok();
    };
    match &told.standing {
        Ok(standing) => {
            line(&told.name, &standing.target.cluster.to_string());
            for (pool, nodes) in &standing.nodes {
                let ready = match nodes.ready {
                    ready if ready == nodes.nodes => "ready".to_owned(),
                    ready => format!("{ready} of them ready and open"),
                };
                let plural = if nodes.nodes == 1 { "" } else { "s" };
                line(
                    "  nodes",
                    &format!("{pool}: {} node{plural}, {ready}", nodes.nodes),
                );
            }
            for debt in &standing.debts {
                let owed = debt.owed(&standing.target, standing.at);
                line("  owed", &owed);
                let (by, on) = (&debt.closed_by, &told.name);
                line("", &format!("closed by: `runbook run {by} --on {on}`"));
            }
            if standing.debts.is_empty() {
                line("  owed", "nothing");
            }
            line("  lock", &lock(standing));
        }
        Err(_) => line(&told.name, "cannot be looked at, see below"),
    }
    for entry in &told.running {
        line("  running", &run(entry));
    }
    for entry in &told.unfinished {
        line(
            "  unfinished",
            &format!("{}: `runbook resume {}`", run(entry), entry.run),
        );
    }
    text
}

fn lock(standing: &Standing) -> String {
    let Some(Held {
        holder,
        deed,
        since,
        silent,
        ..
    }) = &standing.lock
    else {
        return "free".to_owned();
    };
    let since = since.map_or_else(String::new, |since| {
        let age = standing.at.duration_since(since).unsigned_abs();
        format!(" since {} ({})", standing.target.moment(since), Took(age))
    });
    let silent = if *silent {
        "; silent, it may have died"
    } else {
        ""
    };
    format!("{holder}{since}: {deed}{silent}")
}

/// `warm_up, 2026-11-23 08:10 UTC, ann@laptop (interrupted)`.
fn run(entry: &Entry) -> String {
    let Some(header) = &entry.header else {
        return entry.run.clone();
    };
    let started = moment(header.started, header.timezone.as_deref());
    let word = entry.ending.word();
    format!(
        "{}, {started}, {} ({word})",
        header.runbook, header.operator
    )
}

fn as_json(told: &Told) -> Value {
    let ids = |entries: &[Entry]| {
        entries
            .iter()
            .map(|entry| entry.run.clone())
            .collect::<Vec<_>>()
    };
    let mut value = json!({
        "version": VERSION,
        "target": told.name,
        "running": ids(&told.running),
        "unfinished": ids(&told.unfinished),
    });
    let more = match &told.standing {
        Err(error) => json!({ "error": error }),
        Ok(standing) => json!({
            "cluster": standing.target.cluster.to_string(),
            "at": standing.at,
            "nodes": standing.nodes,
            "debts": debts(standing),
            "lock": standing.lock.as_ref().map(|held| json!({
                "holder": held.holder, "run": held.run, "since": held.since,
                "silent": held.silent,
            })),
        }),
    };
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    value
}

fn debts(standing: &Standing) -> Value {
    let debts = standing.debts.iter().map(|debt| {
        json!({
            "key": debt.key, "what": debt.what, "purpose": debt.purpose, "nodes": debt.nodes,
            "closed_by": debt.closed_by,
            "since": debt.since, "by": debt.by, "incomplete": debt.incomplete,
            "age_seconds": debt.age(standing.at).as_secs(),
            "cost": debt.cost(&standing.target, standing.at),
        })
    });
    debts.collect()
}
