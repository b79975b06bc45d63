//! One run as a person reads it: what it did under which heading, who said what, what is changed.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::given::Scripts;
use super::table::{outcome, why};
use super::when::moment;
use crate::journal::history::{Ending, Entry};
use crate::journal::{Error, Step, Story};
use crate::names::Took;
use crate::ui;
use crate::world::Note;

/// An argument longer than this is cut.
const LONG: usize = 40;

/// The whole of it.
pub(super) fn tell(
    scripts: &mut Scripts<'_>,
    entry: &Entry,
    story: &Story,
    damage: Option<&Error>,
) -> String {
    let mut lines = head(&scripts.flags(&story.header), entry, story);
    if let Some(damage) = damage {
        lines.push(format!(
            "! {}; this is what stands before it",
            ui::line(&why(damage))
        ));
    }
    lines.extend(effects(&story.steps));
    let zone = story.header.timezone.as_deref();
    section(&mut lines, "Answers", &answered(story, zone));
    let changes = story.changes();
    let mut what: Vec<String> = changes.iter().map(ui::change_so_far).collect();
    if what.is_empty() {
        what.push("nothing".to_owned());
    }
    section(&mut lines, "Changed", &what);
    if !story.resumes.is_empty() {
        section(&mut lines, "Sessions", &sessions(story, zone));
    }
    section(&mut lines, "Ended", &ended(entry, story));
    lines.join("\n") + "\n"
}

fn section(lines: &mut Vec<String>, title: &str, inside: &[String]) {
    if !inside.is_empty() {
        lines.push(format!("\n{title}"));
        lines.extend(inside.iter().map(|line| format!("  {}", ui::line(line))));
    }
}

fn head(given: &str, entry: &Entry, story: &Story) -> Vec<String> {
    let header = &story.header;
    let mut lines = vec![
        format!(
            "{} on {}, {}: {}",
            header.runbook,
            header.target,
            header.mode,
            outcome(entry)
        ),
        format!("  {}", header.run),
        format!(
            "  by {}, {}",
            header.operator,
            moment(header.started, header.timezone.as_deref())
        ),
    ];
    if !given.is_empty() {
        lines.push(format!("  with {given}"));
    }
    lines.push(format!(
        "  from {} ({}), runbook {}",
        header.source, header.hash, header.program
    ));
    lines.push(format!("  on {}", header.cluster));
    if let Some(seed) = header.seed {
        let scenario = header.scenario.as_deref().unwrap_or_default();
        let mut practice = format!("  scenario {scenario}, seed {seed}");
        if !header.faults.is_empty() {
            write!(practice, ", faults: {}", header.faults.join(", ")).ok();
        }
        lines.push(practice);
    }
    lines
        .iter()
        .map(|line| match line.strip_prefix("  ") {
            Some(inside) => format!("  {}", ui::line(inside)),
            None => ui::line(line),
        })
        .collect()
}

/// Effects under their headings, each with how long it took.
fn effects(steps: &[Step]) -> Vec<String> {
    let mut rows: Vec<(String, String)> = Vec::new();
    let groups = steps.chunk_by(|a, b| a.begin.step == b.begin.step);
    for group in groups {
        if let Some(title) = group.first().and_then(|step| step.begin.step.as_deref()) {
            let took: Duration = group.iter().filter_map(effort).sum();
            rows.push((format!("\n{}", ui::line(title)), shown(took)));
        } else {
            rows.push((String::new(), String::new()));
        }
        for step in group {
            rows.extend(effect(step));
        }
    }
    let width = |text: &str| text.trim_start_matches('\n').chars().count();
    let timed = rows.iter().filter(|(_, took)| !took.is_empty());
    let widest = timed.map(|(left, _)| width(left)).max().unwrap_or(0);
    let lines = rows.iter().map(|(left, took)| {
        let gap = " ".repeat(widest.saturating_sub(width(left)));
        format!("{left}{gap}  {took}").trim_end().to_owned()
    });
    lines.collect()
}

fn effect(step: &Step) -> Vec<(String, String)> {
    let mark = match (&step.end, step.is_done()) {
        (None, _) => '…',
        (Some(_), true) => '✓',
        (Some(_), false) => '✗',
    };
    let args: Vec<String> = (step.begin.args.iter().map(short))
        .filter(|text| !text.is_empty())
        .collect();
    let took = match effort(step) {
        Some(took) => shown(took),
        None => "no end on record".to_owned(),
    };
    let call = format!("{}({})", step.begin.call, args.join(", "));
    let mut rows = vec![(format!("  {mark} {}", ui::line(&call)), took)];
    if let Some(error) = step.error() {
        let why = format!("{}: {}", error.kind.word(), error.message);
        rows.push((format!("      {}", ui::line(&why)), String::new()));
    }
    rows
}

/// A length worth telling.
fn shown(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        return String::new();
    }
    Took(took).to_string()
}

/// An argument in a word or two; nothing for what says nothing.
fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => ui::line(text),
        Value::Object(fields) if fields.is_empty() => String::new(),
        Value::Object(fields) => match fields.get("name").and_then(Value::as_str) {
            Some(name) => name.to_owned(),
            None => "{..}".to_owned(),
        },
        other => other.to_string(),
    };
    match text.char_indices().nth(LONG) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// How long an effect was worked on, once it has ended; a wait, how long it was watched.
pub(super) fn effort(step: &Step) -> Option<Duration> {
    step.end.as_ref()?;
    let watched = step.watched().map(|(_, watched)| watched);
    Some(watched.unwrap_or(step.took))
}

/// What was answered, to a question of the script or of the run itself, in order.
pub(super) fn answers(story: &Story) -> Vec<(Timestamp, &Note)> {
    let notes = story.steps.iter().flat_map(|step| &step.notes);
    let mut answers: Vec<(Timestamp, &Note)> = (notes.chain(&story.notes))
        .filter(|(_, note)| matches!(note, Note::Answered { .. }))
        .map(|(at, note)| (*at, note))
        .collect();
    answers.sort_by_key(|(at, _)| *at);
    answers
}

fn answered(story: &Story, zone: Option<&str>) -> Vec<String> {
    let lines = answers(story).into_iter().filter_map(|(at, note)| {
        let Note::Answered {
            question,
            answer,
            by,
            who,
            ..
        } = note
        else {
            return None;
        };
        let at = moment(at, zone);
        Some(format!("{question} {answer} ({who}, by {by}, {at})"))
    });
    lines.collect()
}

fn sessions(story: &Story, zone: Option<&str>) -> Vec<String> {
    let header = &story.header;
    let first = (header.started, &header.operator, &header.program);
    let later = story.resumes.iter();
    let later = later.map(|resume| (resume.started, &resume.operator, &resume.program));
    let all = std::iter::once(first).chain(later);
    all.map(|(at, who, program)| format!("{}  {who}  runbook {program}", moment(at, zone)))
        .collect()
}

fn ended(entry: &Entry, story: &Story) -> Vec<String> {
    let mut lines = match (&entry.ending, &entry.finish) {
        (Ending::Running, _) => {
            let process = story.resumes.last().map(|resume| resume.process);
            let process = process.unwrap_or(story.header.process);
            vec![format!(
                "not yet: {} runs it, process {process}",
                story.operator()
            )]
        }
        (Ending::Stopped, _) => {
            vec!["without a word: the process was killed, or the machine went down".to_owned()]
        }
        (_, Some(finish)) => {
            let took = Took(Duration::from_secs(finish.took_seconds));
            vec![format!("{} after {took}", outcome(entry))]
        }
        (_, None) => vec![outcome(entry)],
    };
    if let Some(error) = entry
        .finish
        .as_ref()
        .and_then(|finish| finish.error.as_ref())
    {
        lines.push(error.message.clone());
        lines.extend(error.hint.clone());
    }
    if let Some(command) = go_on(entry, story) {
        lines.push(format!("to go on: {command}"));
    }
    lines
}

/// The command that goes on with an unfinished run nobody is running.
pub(super) fn go_on(entry: &Entry, story: &Story) -> Option<String> {
    let waits = entry.is_unfinished() && !matches!(entry.ending, Ending::Running);
    let abort = if story.aborting.is_some() {
        " --abort"
    } else {
        ""
    };
    waits.then(|| format!("runbook resume {}{abort}", entry.run))
}
