//! Runs for programs. The shape is versioned: `version` is raised when a field changes its meaning
//! or goes away, not when one is added.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::table::why;
use super::tale::{answers, effort, go_on};
use crate::error;
use crate::event::{Change, seconds};
use crate::journal::history::{Ending, Entry};
use crate::journal::{Error, Outcome, Step, Story};
use crate::names::{Class, Mode};
use crate::world::Note;

const VERSION: u32 = 1;

/// One run of the list; what is not known is null.
#[derive(Serialize)]
struct Head<'a> {
    version: u32,
    /// Its id.
    run: &'a str,
    runbook: Option<&'a str>,
    /// When, in UTC.
    started: Option<Timestamp>,
    /// The target's time zone.
    timezone: Option<&'a str>,
    /// Every parameter with its value; durations in seconds.
    params: Option<&'a BTreeMap<String, Value>>,
    target: Option<&'a str>,
    /// `project/location/name`.
    cluster: Option<&'a str>,
    mode: Option<Mode>,
    /// Who started it.
    operator: Option<&'a str>,
    /// `running`, `stopped`, `done`, `failed`, `interrupted`, `declined`, `refused`, `aborted`,
    /// `replaced` or `unreadable`.
    outcome: &'static str,
    /// Why it did not end well: kind, message, hint.
    error: Option<&'a error::Error>,
    /// The run that was started in its place.
    replaced_by: Option<&'a str>,
    /// What is wrong with its journal.
    damage: Option<String>,
    exit: Option<u8>,
    /// How long all its sessions were at work.
    took_seconds: Option<u64>,
    /// How many changes were accepted.
    changes: Option<u64>,
}

/// One run in full: the same, and what it did. Times are the run's own.
#[derive(Serialize)]
struct Tale<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    /// Version of the program that began it.
    program: &'a str,
    source: &'a str,
    hash: &'a str,
    seed: Option<u64>,
    scenario: Option<&'a str>,
    faults: &'a [String],
    effects: Vec<Effect<'a>>,
    answers: Vec<Answer<'a>>,
    changed: Vec<Change>,
    sessions: Vec<Session<'a>>,
    /// The command that goes on with it.
    resume: Option<String>,
}

/// One effect.
#[derive(Serialize)]
struct Effect<'a> {
    /// The heading it stands under.
    step: Option<&'a str>,
    call: &'a str,
    class: Class,
    args: &'a [Value],
    /// `file:line:column`.
    place: &'a str,
    began: Timestamp,
    /// For a wait, how long it was watched; null when it has not ended.
    took_seconds: Option<u64>,
    /// What was waited for.
    waited_for: Option<&'a str>,
    /// Its value, when it is on record.
    value: Option<&'a Value>,
    error: Option<&'a error::Error>,
}

/// One answer.
#[derive(Serialize)]
struct Answer<'a> {
    at: Timestamp,
    #[serde(flatten)]
    note: &'a Note,
}

/// One session.
#[derive(Serialize)]
struct Session<'a> {
    started: Timestamp,
    operator: &'a str,
    program: &'a str,
    hash: &'a str,
}

/// A line of the list.
pub(super) fn line(entry: &Entry) -> String {
    text(&head(entry, None))
}

/// A run in full, on one line.
pub(super) fn tale(entry: &Entry, story: &Story, damage: Option<&Error>) -> String {
    let header = &story.header;
    let first = Session {
        started: header.started,
        operator: &header.operator,
        program: &header.program,
        hash: &header.hash,
    };
    let later = story.resumes.iter().map(|resume| Session {
        started: resume.started,
        operator: &resume.operator,
        program: &resume.program,
        hash: &resume.hash,
    });
    let answers = answers(story).into_iter();
    text(&Tale {
        head: head(entry, damage),
        program: &header.program,
        source: &header.source,
        hash: &header.hash,
        seed: header.seed,
        scenario: header.scenario.as_deref(),
        faults: &header.faults,
        effects: story.steps.iter().map(effect).collect(),
        answers: answers.map(|(at, note)| Answer { at, note }).collect(),
        changed: story.changes(),
        sessions: std::iter::once(first).chain(later).collect(),
        resume: go_on(entry, story),
    })
}

fn head<'a>(entry: &'a Entry, damage: Option<&Error>) -> Head<'a> {
    let header = entry.header.as_deref();
    let finish = entry.finish.as_ref();
    let (unreadable, replaced_by) = match &entry.ending {
        Ending::Unreadable(error) => (Some(error), None),
        Ending::Replaced(run) => (None, Some(run.as_str())),
        _ => (None, None),
    };
    Head {
        version: VERSION,
        run: &entry.run,
        runbook: header.map(|header| header.runbook.as_str()),
        started: header.map(|header| header.started),
        timezone: header.and_then(|header| header.timezone.as_deref()),
        params: header.map(|header| &header.params),
        target: header.map(|header| header.target.as_str()),
        cluster: header.map(|header| header.cluster.as_str()),
        mode: header.map(|header| header.mode),
        operator: header.map(|header| header.operator.as_str()),
        outcome: entry.ending.word(),
        error: finish.and_then(|finish| finish.error.as_ref()),
        replaced_by,
        damage: damage.or(unreadable).map(why),
        exit: finish.map(|finish| finish.exit),
        took_seconds: finish.map(|finish| finish.took_seconds),
        changes: finish.map(|finish| finish.changes),
    }
}

fn effect(step: &Step) -> Effect<'_> {
    let begin = &step.begin;
    Effect {
        step: begin.step.as_deref(),
        call: &begin.call,
        class: begin.class,
        args: &begin.args,
        place: &begin.place,
        began: begin.at,
        took_seconds: effort(step).map(seconds),
        waited_for: step.watched().map(|(what, _)| what),
        value: match step.end.as_ref().map(|end| &end.outcome) {
            Some(Outcome::Ok(value)) => Some(value),
            Some(Outcome::Digest(_) | Outcome::Error(_)) | None => None,
        },
        error: step.error(),
    }
}

fn text(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value);
    text.map(|text| text + "\n").unwrap_or_default()
}
