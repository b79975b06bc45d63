//! `--output plain`: one line per change and a heartbeat, on standard output, for logs.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::streams::Streams;
use super::wait::Wait;
use super::writer::Face;
use super::{Options, finish, words};
use crate::event::{Event, Item, Level, Started, What};

/// In the run's own time.
const HEARTBEAT: SignedDuration = SignedDuration::from_secs(60);

/// Shows events as lines, each with its time in UTC.
pub(super) struct Plain {
    quiet: bool,
    verbose: bool,
    waits: BTreeMap<u64, Seen>,
    questions: BTreeMap<String, String>,
}

/// A wait, and what its last line said.
struct Seen {
    wait: Wait,
    said_at: Timestamp,
    said: String,
    said_why: Option<String>,
}

impl Plain {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            quiet: options.quiet,
            verbose: options.verbose > 0,
            waits: BTreeMap::new(),
            questions: BTreeMap::new(),
        }
    }

    /// What to say about a wait now, if anything.
    fn progress(
        &mut self,
        at: Timestamp,
        id: u64,
        done: u64,
        of: u64,
        items: &[Item],
        why: Option<&str>,
    ) -> Option<String> {
        let seen = self.waits.get_mut(&id)?;
        seen.wait.now = at;
        let counts = words::counts(done, of, items);
        let due = at.duration_since(seen.said_at) >= HEARTBEAT;
        if counts == seen.said && !due {
            return None;
        }
        let mut text = format!("… {counts}; {}", seen.elapsed());
        let why = why.map(words::line);
        if why != seen.said_why
            && let Some(why) = &why
        {
            text = format!("{text}; {why}");
        }
        seen.said_at = at;
        seen.said = counts;
        seen.said_why = why;
        Some(text)
    }

    /// The lines for this event.
    fn lines(&mut self, event: &Event) -> Vec<String> {
        match &event.what {
            What::Started(started) => self.started(started),
            What::Step { title } => vec![format!("== {}", words::line(title))],
            What::Said { level, text } => {
                let text = format!("{} {}", words::mark(*level), words::line(text));
                vec![text.trim_start().to_owned()]
            }
            What::Asked { key, question } => {
                self.questions.insert(key.clone(), question.clone());
                Vec::new()
            }
            What::Answered { key, answer, by } => {
                let question = self.questions.remove(key).unwrap_or_default();
                vec![format!("? {}", words::answered(&question, answer, by))]
            }
            What::Changed(change) => vec![format!("~ {}", words::change(change))],
            What::WaitBegan {
                id,
                what,
                of,
                usual,
                limit_seconds,
                ..
            } => {
                let seen = Seen::new(event.at, what, *of, usual.map(|u| (u.shortest, u.longest)));
                let line = seen.begins(*limit_seconds);
                self.waits.insert(*id, seen);
                vec![line]
            }
            What::Progress {
                id,
                done,
                of,
                items,
                why,
                ..
            } => {
                let line = self.progress(event.at, *id, *done, *of, items, why.as_deref());
                line.into_iter().collect()
            }
            What::WaitEnded {
                id,
                what,
                ok,
                took_seconds,
            } => {
                self.waits.remove(id);
                vec![words::wait_ended(what, *ok, *took_seconds)]
            }
            What::Request { .. } => words::request(&event.what).into_iter().collect(),
            What::Retrying {
                what,
                why,
                after_seconds,
            } => vec![words::retrying(what, why, *after_seconds)],
            What::Resumed(_) | What::CaughtUp | What::Slept { .. } => Vec::new(),
            What::Finished(finished) => {
                let lines = finish::lines(finished).into_iter();
                lines.map(|(_, line)| line).collect()
            }
        }
    }

    fn started(&self, started: &Started) -> Vec<String> {
        let mut lines = vec![words::title(started)];
        if !self.quiet {
            lines.extend(words::particulars(started));
        }
        lines
    }

    /// Whether the event is shown at all.
    fn shows(&self, what: &What) -> bool {
        match what {
            What::Request { .. } => self.verbose,
            What::Step { .. }
            | What::WaitBegan { .. }
            | What::Progress { .. }
            | What::Retrying { .. } => !self.quiet,
            What::WaitEnded { ok, .. } => !self.quiet || !ok,
            What::Said { level, .. } => {
                !self.quiet || matches!(level, Level::Warning | Level::Next)
            }
            What::Started(_)
            | What::Resumed(_)
            | What::CaughtUp
            | What::Slept { .. }
            | What::Asked { .. }
            | What::Answered { .. }
            | What::Changed(_)
            | What::Finished(_) => true,
        }
    }
}

impl Seen {
    fn new(at: Timestamp, what: &str, of: u64, usual: Option<(u64, u64)>) -> Self {
        Self {
            wait: Wait::begun(at, words::line(what), of, usual),
            said_at: at,
            said: String::new(),
            said_why: None,
        }
    }

    fn begins(&self, limit_seconds: u64) -> String {
        let usual = self
            .wait
            .usual
            .map(|usual| format!("usual {}, ", words::usual(usual)));
        format!(
            "… waiting for {}; {}gives up after {}",
            self.wait.what,
            usual.unwrap_or_default(),
            words::about(limit_seconds)
        )
    }

    /// `7 min of usual 20-25 min`.
    fn elapsed(&self) -> String {
        let elapsed = words::about(self.wait.elapsed_seconds());
        match self.wait.usual {
            Some(usual) => format!("{elapsed} of usual {}", words::usual(usual)),
            None => elapsed,
        }
    }
}

impl Face for Plain {
    fn show(&mut self, event: &Event, streams: &mut Streams) {
        if !self.shows(&event.what) {
            return;
        }
        let lines = self.lines(event);
        let time = event.at.strftime("%H:%M:%S");
        for line in lines {
            streams.out(&format!("{time} {line}"));
        }
    }

    fn error(&mut self, rendered: &str, streams: &mut Streams) {
        streams.err(rendered.trim_end());
    }

    fn log(&mut self, text: &str, streams: &mut Streams) {
        streams.err(text);
    }

    fn idle(&mut self, _: bool, _: &mut Streams) -> Option<Duration> {
        None
    }

    fn clear(&mut self, _: &mut Streams) {}
}
