//! The last lines of a run: how it ended, what it changed, what to do next.

use super::words;
use crate::error::Kind;
use crate::event::{Fate, Finished};

const NOTHING_REAL: &str = "practice: nothing real was touched";

/// How a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Plain,
}

/// Whether the operator stopped it.
pub(super) fn interrupted(finished: &Finished) -> bool {
    finished.exit == Kind::Interrupted.exit_code() && !remote(finished)
}

/// Whether it is a command that ran elsewhere that did not end well.
fn remote(finished: &Finished) -> bool {
    (finished.error.as_ref()).is_some_and(|error| error.kind == Kind::Remote)
}

/// The lines, in order. An interrupted run's last one says what has been changed so far.
pub(super) fn lines(finished: &Finished) -> Vec<(Tone, String)> {
    let good = finished.exit == 0;
    let (mark, tone) = if good {
        ("✓", Tone::Good)
    } else {
        ("✗", Tone::Bad)
    };
    let head = match &finished.plan {
        Some(plan) if !interrupted(finished) => format!(
            "{mark} {} on {}, dry run: {}",
            finished.runbook,
            finished.target,
            super::plan::verdict(plan)
        ),
        _ => format!(
            "{mark} {} on {}: {}",
            finished.runbook,
            finished.target,
            outcome(finished)
        ),
    };
    let mut lines = vec![(tone, head)];
    let mut say = |text: String| lines.push((Tone::Plain, text));
    if interrupted(finished) {
        say_rest(finished, &mut say);
        say(so_far(finished));
        return lines;
    }
    if let Some(plan) = &finished.plan {
        super::plan::lines(plan).into_iter().for_each(&mut say);
        return lines;
    }
    say_changes(finished, &mut say);
    say_rest(finished, &mut say);
    if finished.mode.is_practice() {
        say(format!("  {NOTHING_REAL}"));
    }
    lines
}

/// What was changed; of a run that did not end well, by what became of it.
fn say_changes(finished: &Finished, say: &mut impl FnMut(String)) {
    if finished.changed.is_empty() {
        return say("  nothing was changed".to_owned());
    }
    if finished.exit == 0 {
        say("  changed:".to_owned());
        for change in &finished.changed {
            say(format!("    {}", words::change_so_far(change)));
        }
        return;
    }
    for (fate, head) in [
        (Fate::Done, "done"),
        (Fate::InFlight, "in flight, still running on Google's side"),
        (Fate::Failed, "failed, perhaps done in part"),
    ] {
        let changes = finished.changed.iter().filter(|change| change.fate == fate);
        for (at, change) in changes.enumerate() {
            if at == 0 {
                say(format!("  {head}:"));
            }
            let operation = match (&change.operation, fate) {
                (Some(name), Fate::InFlight | Fate::Failed) => format!(" ({name})"),
                _ => String::new(),
            };
            say(format!("    {}{operation}", words::change(change)));
        }
    }
}

/// What was not done, how to go on, what to do next.
fn say_rest(finished: &Finished, say: &mut impl FnMut(String)) {
    if !finished.not_done.is_empty() {
        let not_done = finished.not_done.join("; ");
        say(format!("  not done: {}", words::line(&not_done)));
    }
    say_next(finished, say);
    if let Some(command) = &finished.resume {
        say(format!("  go on with: {}", words::line(command)));
    }
}

fn say_next(finished: &Finished, say: &mut impl FnMut(String)) {
    if !finished.next.is_empty() {
        say("  next:".to_owned());
        for next in &finished.next {
            say(format!("    {}", words::line(next)));
        }
    }
}

fn outcome(finished: &Finished) -> String {
    let took = words::took(finished.took_seconds);
    match (
        finished.exit,
        finished.error.as_ref().map(|error| error.kind),
    ) {
        (0, _) if finished.aborted => format!("given up for good and undone, after {took}"),
        (0, _) => format!("done in {took}"),
        (_, Some(Kind::Remote)) => {
            let why = finished.error.as_ref().map_or("", |error| &error.message);
            format!("{} (after {took})", words::line(why))
        }
        (_, Some(Kind::Interrupted)) | (130, _) => format!("interrupted after {took}"),
        (_, Some(Kind::Declined)) => format!("declined after {took}"),
        (_, Some(Kind::NeedsAnswer)) => format!("stopped after {took}: an answer is needed"),
        (_, Some(Kind::Refused)) => format!("refused after {took}"),
        _ => format!("failed after {took}"),
    }
}

fn so_far(finished: &Finished) -> String {
    if finished.changed.is_empty() {
        return "Nothing was changed.".to_owned();
    }
    let practice = if finished.mode.is_practice() {
        ", in practice only"
    } else {
        ""
    };
    let changes: Vec<String> = finished.changed.iter().map(words::change_so_far).collect();
    format!("Changed so far{practice}: {}.", changes.join("; "))
}
