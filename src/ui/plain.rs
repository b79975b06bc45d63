//! `--output plain`: one line per change and a heartbeat, on standard output, for logs.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::paint::Paint;
use super::pods::Told;
use super::streams::Streams;
use super::wait::Wait;
use super::writer::Face;
use super::{Options, finish, table, words};
use crate::event::{Event, Item, Level, Started, What};

/// In the run's own time.
const HEARTBEAT: SignedDuration = SignedDuration::from_secs(60);

/// Why things stay is said again this often.
const REASONS: SignedDuration = SignedDuration::from_mins(10);

/// Shows events as lines, each with its time in UTC.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Plain {
    quiet: bool,
    verbose: bool,
    waits: BTreeMap<u64, Seen>,
    questions: BTreeMap<String, String>,
    zone: TimeZone,
    /// What comes now happened in an earlier session.
    replaying: bool,
    /// Standard output is for lines that were asked for alone.
    bare: bool,
    told: Told,
}

/// A wait, and what its last line said.
struct Seen {
    wait: Wait,
    said_at: Timestamp,
    said: String,
    said_staying: Vec<String>,
    staying_at: Option<Timestamp>,
    said_why: Option<String>,
    said_overdue: bool,
}

impl Plain {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            quiet: options.quiet,
            verbose: options.verbose > 0,
            waits: BTreeMap::new(),
            questions: BTreeMap::new(),
            zone: TimeZone::UTC,
            replaying: false,
            bare: false,
            told: Told::default(),
        }
    }

    /// What to say about a wait now, if anything.
    fn progress(
        &mut self,
        at: Timestamp,
        id: u64,
        (done, of, watched): (u64, u64, u64),
        items: &[Item],
        why: Option<&str>,
    ) -> Vec<String> {
        let Some(seen) = self.waits.get_mut(&id) else {
            return Vec::new();
        };
        seen.wait.watched(at, watched);
        seen.wait.why = why.map(words::line);
        seen.wait.items = items.to_vec();
        let mut lines = Vec::new();
        let counts = words::counts(done, of, items);
        let due = at.duration_since(seen.said_at) >= HEARTBEAT;
        if counts != seen.said || due {
            let mut text = format!("… {counts}; {}", seen.elapsed());
            if seen.wait.why != seen.said_why
                && let Some(why) = &seen.wait.why
            {
                text = format!("{text}; {why}");
            }
            seen.said_at = at;
            seen.said = counts;
            seen.said_why.clone_from(&seen.wait.why);
            lines.push(text);
        }
        let staying = words::staying(items);
        let names = staying.iter().map(|(name, _)| name.clone()).collect();
        let told_at = seen.staying_at.unwrap_or(at);
        if seen.said_staying != names || at.duration_since(told_at) >= REASONS {
            let told = staying
                .iter()
                .map(|(name, note)| format!("  = {name}: {note}"));
            lines.extend(told);
            seen.said_staying = names;
            seen.staying_at = Some(at);
        }
        if !seen.said_overdue
            && let Some((overdue, why)) = seen.wait.overdue()
        {
            let missing = match seen.wait.missing() {
                missing if missing.is_empty() => missing,
                missing => format!("{missing}: "),
            };
            lines.push(format!("! {overdue}: {missing}{why}"));
            seen.said_overdue = true;
        }
        lines
    }

    /// The lines for this event.
    fn lines(&mut self, event: &Event) -> Vec<String> {
        match &event.what {
            What::Started(started) => self.started(event.at, started),
            What::Resumed(resumed) => vec![words::resumed(resumed, &self.zone)],
            What::CaughtUp => vec![words::CAUGHT_UP.to_owned()],
            What::Slept { seconds } => {
                for seen in self.waits.values_mut() {
                    seen.wait.slept(event.at);
                }
                vec![words::slept(*seconds)]
            }
            What::Step { title } => vec![format!("== {}", words::line(title))],
            What::Said { level, text } => {
                let text = format!("{} {}", words::mark(*level), words::line(text));
                vec![text.trim_start().to_owned()]
            }
            // Shown whole, by `show`.
            What::Table(_) | What::Line { .. } => Vec::new(),
            What::Pods(news) => {
                let lines = self.told.lines(news).into_iter();
                lines.map(|line| words::line(&line)).collect()
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
            What::WaitBegan { id, .. } => self.wait_began(event, *id),
            What::Progress {
                id,
                done,
                of,
                watched_seconds,
                items,
                why,
            } => {
                let far = (*done, *of, *watched_seconds);
                self.progress(event.at, *id, far, items, why.as_deref())
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
            What::Finished(finished) => {
                let lines = finish::lines(finished).into_iter();
                lines.map(|(_, line)| line).collect()
            }
        }
    }

    fn wait_began(&mut self, event: &Event, id: u64) -> Vec<String> {
        let What::WaitBegan {
            what,
            of,
            usual,
            limit_seconds,
            watched_seconds,
            ..
        } = &event.what
        else {
            return Vec::new();
        };
        let what = words::line(what);
        let wait = Wait::begun(event.at, what, *of, *usual, *watched_seconds);
        let seen = Seen::new(event.at, wait);
        let line = seen.begins(*limit_seconds);
        self.waits.insert(id, seen);
        vec![line]
    }

    fn started(&mut self, at: Timestamp, started: &Started) -> Vec<String> {
        self.zone = words::zone(started.timezone.as_deref());
        let mut lines = vec![words::title(started)];
        if !self.quiet {
            lines.extend(words::particulars(started));
            if let Some(name) = &started.timezone {
                let offset = at.to_zoned(self.zone.clone());
                lines.push(format!("times are {name} ({})", offset.strftime("%:z")));
            }
        }
        lines
    }

    /// Whether the event is shown at all.
    fn shows(&self, what: &What) -> bool {
        if self.replaying && self.quiet {
            return matches!(what, What::CaughtUp | What::Finished(_));
        }
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
            | What::Table(_)
            | What::Line { .. }
            | What::Pods(_)
            | What::Asked { .. }
            | What::Answered { .. }
            | What::Changed(_)
            | What::Finished(_) => true,
        }
    }
}

impl Seen {
    fn new(at: Timestamp, wait: Wait) -> Self {
        Self {
            wait,
            said_at: at,
            said: String::new(),
            said_staying: Vec::new(),
            staying_at: None,
            said_why: None,
            said_overdue: false,
        }
    }

    fn begins(&self, limit_seconds: u64) -> String {
        let usual = self
            .wait
            .usual
            .map(|usual| format!("usual {}, ", words::usual_here(&usual)));
        let so_far = match self.wait.elapsed_seconds() {
            0 => String::new(),
            seconds => format!("{} watched so far, ", words::about(seconds)),
        };
        format!(
            "… waiting for {}; {so_far}{}gives up after {}",
            self.wait.what,
            usual.unwrap_or_default(),
            words::about(limit_seconds)
        )
    }

    /// `7 min of usual 20-25 min`.
    fn elapsed(&self) -> String {
        let elapsed = words::about(self.wait.elapsed_seconds());
        match self.wait.usual {
            Some(usual) => format!("{elapsed} of usual {}", words::usual(&usual)),
            None => elapsed,
        }
    }
}

impl Face for Plain {
    fn show(&mut self, event: &Event, streams: &mut Streams) {
        if !self.shows(&event.what) {
            return;
        }
        if matches!(event.what, What::CaughtUp | What::Finished(_)) {
            self.replaying = false;
        }
        let lines = self.lines(event);
        let before = if self.replaying { words::BEFORE } else { "" };
        if matches!(event.what, What::Resumed(_)) {
            self.replaying = true;
        }
        // What was asked for carries no times: it may be read by a program.
        match &event.what {
            What::Table(table) => {
                for line in table::lines(table, streams.width(), Paint(false)) {
                    streams.out(&format!("{before}{line}"));
                }
            }
            What::Line { text, error, .. } => streams.line(text, *error),
            What::Started(started) => self.bare = started.bare,
            _ => {}
        }
        let local = event.at.to_zoned(self.zone.clone());
        let time = local.strftime("%H:%M:%S");
        // Changes of pods were asked for too.
        let aside = self.bare && !matches!(event.what, What::Pods(_));
        for line in lines {
            streams.line(&format!("{time} {before}{line}"), aside);
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
