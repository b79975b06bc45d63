//! Runs as rows.

use std::fmt::Write as _;

use super::given::Scripts;
use super::when::moment;
use crate::journal::Error;
use crate::journal::history::{Ending, Entry};
use crate::names::Took;
use crate::ui;

const HEAD: [&str; COLUMNS] = [
    "WHEN", "RUNBOOK", "WITH", "TARGET", "MODE", "WHO", "OUTCOME", "TOOK", "RUN",
];

const COLUMNS: usize = 9;

/// What stands where nothing is known.
const UNKNOWN: &str = "-";

/// A table, newest first, with what is wrong with a journal below its row.
pub(super) fn rows(scripts: &mut Scripts<'_>, entries: &[Entry]) -> String {
    let rows: Vec<[String; COLUMNS]> = [HEAD.map(str::to_owned)]
        .into_iter()
        .chain(entries.iter().map(|entry| row(scripts, entry)))
        .collect();
    let widths: Vec<usize> = (0..COLUMNS)
        .map(|at| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
        let entry = at.checked_sub(1).and_then(|at| entries.get(at));
        if let Some(Ending::Unreadable(error)) = entry.map(|entry| &entry.ending) {
            writeln!(text, "  {}", ui::line(&why(error))).ok();
        }
    }
    text
}

fn row(scripts: &mut Scripts<'_>, entry: &Entry) -> [String; COLUMNS] {
    let unknown = || UNKNOWN.to_owned();
    let took = entry
        .took()
        .map_or_else(unknown, |took| Took(took).to_string());
    let outcome = outcome(entry);
    let run = entry.run.clone();
    let Some(header) = &entry.header else {
        let cells = [(); COLUMNS - 3].map(|()| unknown());
        let [when, runbook, with, target, mode, who] = cells;
        return [when, runbook, with, target, mode, who, outcome, took, run];
    };
    [
        moment(header.started, header.timezone.as_deref()),
        header.runbook.clone(),
        ui::line(&scripts.flags(header)),
        header.target.clone(),
        header.mode.to_string(),
        ui::line(&header.operator),
        outcome,
        took,
        run,
    ]
}

/// `done`, `failed: stockout`, `replaced by RUN`.
pub(super) fn outcome(entry: &Entry) -> String {
    let word = entry.ending.word();
    let error = (entry.finish.as_ref()).and_then(|finish| finish.error.as_ref());
    match (&entry.ending, error) {
        (Ending::Replaced(run), _) => format!("{word} by {run}"),
        (Ending::Failed, Some(error)) => format!("{word}: {}", error.kind.word()),
        _ => word.to_owned(),
    }
}

/// What is wrong with a journal, without its long path.
pub(super) fn why(error: &Error) -> String {
    match error {
        Error::Damaged { line, why, .. } => format!("damaged: line {line}: {why}"),
        Error::Newer {
            format, program, ..
        } => format!("written by runbook {program}, in format {format}: a newer program reads it"),
        Error::Read { why, .. } => format!("cannot be read: {why}"),
        other => other.to_string(),
    }
}
