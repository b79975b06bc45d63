//! Events in words, the same for bars and plain lines.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::event::{Change, Fate, Item, Level, Phase, Resumed, Started, Usual, What};
use crate::names::{self, Mode, Took};

/// The text on one line: cluster messages may hold line breaks and escape sequences.
pub fn line(text: &str) -> String {
    text.split(|c: char| c.is_control())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// `runbook warm_up · callysto · LIVE`.
pub(super) fn title(started: &Started) -> String {
    let mode = match started.mode {
        Mode::Live => "LIVE",
        Mode::DryRun => "DRY RUN on a copy: nothing is changed",
        Mode::Practice | Mode::Rehearsal => "PRACTICE: nothing real is touched",
    };
    format!("runbook {} · {} · {mode}", started.runbook, started.target)
}

/// Where it came from, where it acts and with what, below the title.
pub(super) fn particulars(started: &Started) -> Vec<String> {
    let mut lines = vec![
        line(&started.summary),
        format!("from {} ({})", started.source, started.hash),
        format!("on {}", started.cluster),
    ];
    if !started.params.is_empty() {
        let params: Vec<String> = started
            .params
            .iter()
            .map(|(name, value)| format!("--{} {}", names::flag(name), value_text(value)))
            .collect();
        lines.push(format!("with {}", params.join(" ")));
    }
    if started.mode != Mode::Rehearsal {
        lines.push(format!("run {}", started.run));
    }
    if let Some(seed) = started.seed {
        let mut practice = format!("seed {seed}");
        if !started.faults.is_empty() {
            practice = format!("{practice}, faults: {}", started.faults.join(", "));
        }
        lines.push(practice);
    }
    lines.extend(started.practised.clone());
    lines.retain(|line| !line.is_empty());
    lines
}

fn value_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => line(text),
        other => other.to_string(),
    }
}

/// `node pool nb-user: size: 0 -> 2`.
pub(super) fn change(change: &Change) -> String {
    line(&format!(
        "{}: {} -> {}",
        change.what, change.before, change.after
    ))
}

/// A change in a line, `node pool nb-user: size: 0 -> 2`, with what is known of its end.
pub fn change_so_far(change: &Change) -> String {
    let text = self::change(change);
    let fate = match change.fate {
        Fate::Done => return text,
        Fate::InFlight => "in flight",
        Fate::Failed => "FAILED, perhaps done in part",
    };
    match &change.operation {
        Some(operation) => format!("{text} ({fate}, {operation})"),
        None => format!("{text} ({fate})"),
    }
}

/// The mark before a line of this level.
pub(super) fn mark(level: Level) -> &'static str {
    match level {
        Level::Info => " ",
        Level::Good => "✓",
        Level::Warning => "!",
        Level::Next => "→",
    }
}

/// `again in 4 s: getCluster (503: try later)`.
pub(super) fn retrying(what: &str, why: &str, after_seconds: u64) -> String {
    line(&format!("again in {}: {what} ({why})", took(after_seconds)))
}

/// `gke GET /v1/... 200 12 ms`, when the event is a request.
pub(super) fn request(what: &What) -> Option<String> {
    let What::Request {
        door,
        method,
        path,
        status,
        took_ms,
    } = what
    else {
        return None;
    };
    let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    Some(line(&format!(
        "{door} {method} {path} {status} {took_ms} ms"
    )))
}

/// `Raise the floor? yes (--yes)`.
pub(super) fn answered(question: &str, answer: &str, by: &str) -> String {
    line(&format!("{question} {answer} ({by})"))
}

/// `✓ 2 nodes ready  22 min 31 s`.
pub(super) fn wait_ended(what: &str, ok: bool, took_seconds: u64) -> String {
    let mark = if ok { "✓" } else { "✗" };
    format!("{mark} {}  {}", line(what), took(took_seconds))
}

/// `22 min 31 s`.
pub(super) fn took(seconds: u64) -> String {
    Took(Duration::from_secs(seconds)).to_string()
}

/// `45 min`, for a length nobody measured; to the second only below a minute.
pub(super) fn about(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => took(seconds),
    }
}

/// `20-25 min` when estimated, `21 min (19-25)` when learned from earlier runs.
pub(super) fn usual(usual: &Usual) -> String {
    if usual.runs == 0 {
        return between(usual.shortest, usual.longest);
    }
    // One unit for all three: a wait that had nothing to wait for makes the shortest 0 seconds.
    let (unit, seconds) = if usual.median >= 60 {
        ("min", 60)
    } else {
        ("s", 1)
    };
    let shortest = usual.shortest / seconds;
    let longest = usual.longest.div_ceil(seconds);
    let range = if shortest == longest {
        longest.to_string()
    } else {
        format!("{shortest}-{longest}")
    };
    format!("{} {unit} ({range})", usual.median / seconds)
}

/// `21 min (last 6 runs here, 19-25)`.
pub(super) fn usual_here(usual: &Usual) -> String {
    let plural = if usual.runs == 1 { "run" } else { "runs" };
    let last = match usual.runs {
        1 => format!("(last {plural} here, "),
        runs => format!("(last {runs} {plural} here, "),
    };
    self::usual(usual).replace('(', &last)
}

/// What is said of a wait that takes longer than any before, or than was estimated.
pub(super) fn overdue(usual: &Usual) -> String {
    let than = match usual.runs {
        0 => "longer than usual",
        _ => "longer than ever seen here",
    };
    format!("{than} ({})", about(usual.longest))
}

/// `resuming: ann@laptop stopped 2 h 05 min ago, at 06:12:31 (-07:00), after 14 effects`.
pub(super) fn resumed(resumed: &Resumed, zone: &TimeZone) -> String {
    let last = resumed.last.to_zoned(zone.clone());
    let head = if resumed.aborting {
        "giving it up for good"
    } else {
        "resuming"
    };
    let plural = if resumed.effects == 1 {
        "effect"
    } else {
        "effects"
    };
    line(&format!(
        "{head}: {} stopped {} ago, at {}, after {} {plural}",
        resumed.operator,
        took(resumed.away_seconds),
        if *zone == TimeZone::UTC {
            last.strftime("%H:%M:%S UTC")
        } else {
            last.strftime("%H:%M:%S (%:z)")
        },
        resumed.effects,
    ))
}

/// What is said when everything on record has been shown again.
pub(super) const CAUGHT_UP: &str = "caught up: what follows happens now";

/// What stands before a line that happened in an earlier session.
pub(super) const BEFORE: &str = "┆ ";

/// What is said when the machine slept.
pub(super) fn slept(seconds: u64) -> String {
    format!(
        "! this machine was asleep for {}; what it knows is looked at again before anything is changed",
        took(seconds)
    )
}

/// The time zone of this name; UTC when there is none.
pub(super) fn zone(name: Option<&str>) -> TimeZone {
    name.and_then(|name| TimeZone::get(name).ok())
        .unwrap_or(TimeZone::UTC)
}

/// `20-25 min`, `30-90 s`.
fn between(shortest: u64, longest: u64) -> String {
    if shortest >= 60 {
        let (shortest, longest) = (shortest / 60, longest.div_ceil(60));
        if shortest == longest {
            format!("{longest} min")
        } else {
            format!("{shortest}-{longest} min")
        }
    } else {
        format!("{shortest}-{longest} s")
    }
}

/// A sign for the phase, told apart without colour.
pub(super) fn glyph(phase: Phase) -> &'static str {
    match phase {
        Phase::Booting => "·",
        Phase::Registering => "+",
        Phase::Pulling => "↓",
        Phase::Staying => "=",
        Phase::Leaving => "-",
        Phase::Trouble => "!",
        Phase::Ready => "✓",
    }
}

fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Booting => "booting",
        Phase::Registering => "registering",
        Phase::Pulling => "pulling",
        Phase::Staying => "staying",
        Phase::Leaving => "leaving",
        Phase::Trouble => "in trouble",
        Phase::Ready => "ready",
    }
}

/// What stays, and why.
pub(super) fn staying(items: &[Item]) -> Vec<(String, String)> {
    let staying = items.iter().filter(|item| item.phase == Phase::Staying);
    staying
        .map(|item| (item.name.clone(), line(&item.note)))
        .collect()
}

/// `1/2 ready, pulling 1`.
pub(super) fn counts(done: u64, of: u64, items: &[Item]) -> String {
    if items.is_empty() {
        return format!("{done}/{of}");
    }
    let leaving = |item: &Item| matches!(item.phase, Phase::Staying | Phase::Leaving);
    let end = if items.iter().any(leaving) {
        "done"
    } else {
        word(Phase::Ready)
    };
    let mut text = format!("{done}/{of} {end}");
    for phase in [
        Phase::Trouble,
        Phase::Pulling,
        Phase::Registering,
        Phase::Booting,
        Phase::Staying,
        Phase::Leaving,
    ] {
        let count = items.iter().filter(|item| item.phase == phase).count();
        if count > 0 {
            text = format!("{text}, {} {count}", word(phase));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_duration_is_said_in_the_unit_that_fits() {
        assert_eq!(between(1200, 1500), "20-25 min");
        assert_eq!(between(30, 90), "30-90 s");
        assert_eq!(between(120, 120), "2 min");
        let learned = Usual {
            median: 1260,
            shortest: 1140,
            longest: 1500,
            runs: 6,
        };
        assert_eq!(usual(&learned), "21 min (19-25)");
        assert_eq!(usual_here(&learned), "21 min (last 6 runs here, 19-25)");
        assert_eq!(
            usual_here(&Usual { runs: 1, ..learned }),
            "21 min (last run here, 19-25)"
        );
        assert_eq!(usual_here(&Usual::estimate(1200, 1500)), "20-25 min");
    }

    #[test]
    fn a_learned_duration_and_its_range_share_one_unit() {
        let learned = |shortest, median, longest| Usual {
            median,
            shortest,
            longest,
            runs: 6,
        };
        assert_eq!(usual(&learned(0, 1260, 1510)), "21 min (0-26)");
        assert_eq!(usual(&learned(20, 40, 90)), "40 s (20-90)");
        assert_eq!(usual(&learned(3480, 3900, 4800)), "65 min (58-80)");
    }

    #[test]
    fn only_what_earlier_runs_took_has_been_seen_here() {
        let estimate = Usual::estimate(1320, 1320);
        assert_eq!(overdue(&estimate), "longer than usual (22 min)");
        let learned = Usual {
            longest: 1510,
            runs: 1,
            ..estimate
        };
        assert_eq!(overdue(&learned), "longer than ever seen here (25 min)");
    }

    #[test]
    fn a_message_from_outside_cannot_move_the_cursor() {
        assert_eq!(line("a\x1b[2Jb\n\nc\r"), "a [2Jb c");
    }
}
