//! `--output bars`: headings, changes and finished waits as lines, running waits below them.

use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::keys::Key;
use super::live::{Live, Window};
use super::paint::Paint;
use super::pods::{Screen, Told};
use super::redact::Redactor;
use super::streams::Streams;
use super::wait::Wait;
use super::writer::{Face, Message};
use super::{Options, finish, table, terminal, words};
use crate::event::{Event, Finished, Item, Level, PodNews, Started, Table, What};
use crate::world::operator::View;

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const TICK: Duration = Duration::from_millis(100);

/// A wait of more than this many seconds rings when it ends.
const LONG_SECONDS: u64 = 60;

/// Shows events on a terminal.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Bars {
    paint: Paint,
    quiet: bool,
    verbose: bool,
    window: Window,
    redactor: Redactor,
    live: Live,
    waits: BTreeMap<u64, Wait>,
    questions: BTreeMap<String, String>,
    runbook: String,
    /// A long wait has ended and nobody has answered anything since.
    away: bool,
    turn: usize,
    zone: TimeZone,
    /// What comes now happened in an earlier session.
    replaying: bool,
    /// Whether there is a keyboard.
    keyboard: bool,
    /// Somebody can look at pods that are watched.
    viewer: Option<(watch::Sender<View>, Sender<Message>)>,
    screen: Option<Screen>,
    told: Told,
}

impl Bars {
    pub(super) fn new(options: &Options, window: Window, redactor: Redactor) -> Self {
        Self {
            paint: Paint(options.color),
            quiet: options.quiet,
            verbose: options.verbose > 0,
            window,
            redactor,
            live: Live::default(),
            waits: BTreeMap::new(),
            questions: BTreeMap::new(),
            runbook: String::new(),
            away: false,
            turn: 0,
            zone: TimeZone::UTC,
            replaying: false,
            keyboard: options.terminal,
            viewer: None,
            screen: None,
            told: Told::default(),
        }
    }

    /// A permanent line, above the live ones.
    fn line(&mut self, text: &str, streams: &mut Streams) {
        if self.replaying {
            let bare = console::strip_ansi_codes(text.trim_start_matches('\n'));
            let dim = self.paint.dim(&format!("{}{bare}", words::BEFORE));
            if !self.quiet {
                self.now(&dim, streams);
            }
        } else {
            self.now(text, streams);
        }
    }

    /// A permanent line of this session, also while an earlier one is told again.
    fn now(&mut self, text: &str, streams: &mut Streams) {
        if let Some(screen) = &mut self.screen {
            return screen.say(text);
        }
        self.clear(streams);
        streams.err(text);
    }

    /// A permanent line that `-q` leaves out.
    fn chat(&mut self, text: &str, streams: &mut Streams) {
        if !self.quiet {
            self.line(text, streams);
        }
    }

    fn title(&self, text: &str, streams: &mut Streams) {
        if self.window.size().is_some() {
            streams.raw(&terminal::title(&words::line(text)));
        }
    }

    fn ring(&self, streams: &mut Streams) {
        if self.window.size().is_some() {
            streams.raw(terminal::BELL);
        }
    }

    fn clean(&self, text: &str) -> String {
        self.redactor.scrub(&words::line(text))
    }

    fn started(&mut self, started: &Started, streams: &mut Streams) {
        self.runbook = words::line(&started.runbook);
        self.zone = words::zone(started.timezone.as_deref());
        self.line(&self.paint.bold(&words::title(started)), streams);
        for line in words::particulars(started) {
            self.chat(&format!("  {}", self.paint.dim(&line)), streams);
        }
        self.title(&format!("runbook {}", self.runbook), streams);
    }

    fn said(&mut self, level: Level, text: &str, streams: &mut Streams) {
        let text = words::line(text);
        let text = format!("{} {text}", words::mark(level));
        match level {
            Level::Info => self.chat(&text, streams),
            Level::Good => self.chat(&self.paint.green(&text), streams),
            Level::Warning => self.line(&self.paint.yellow(&text), streams),
            Level::Next => self.line(&self.paint.bold(&text), streams),
        }
    }

    /// What was asked for goes to standard output; told again, it is a reminder like any other.
    fn table(&mut self, table: &Table, streams: &mut Streams) {
        let paint = Paint(self.paint.0 && streams.is_window());
        let lines = table::lines(table, streams.width(), paint);
        if self.replaying {
            for line in lines {
                self.line(&line, streams);
            }
        } else {
            self.clear(streams);
            streams.out(&format!("\n{}", lines.join("\n")));
        }
    }

    /// Pods that are watched: a full screen where there is one, else a line per change.
    fn pods(&mut self, at: Timestamp, news: &PodNews, streams: &mut Streams) {
        if let PodNews::Began { target, namespaces } = news
            && self.window.size().is_some()
            && let Some((viewer, keys)) = self.viewer.take()
        {
            self.clear(streams);
            let (about, zone) = ((target.as_str(), namespaces.as_slice()), self.zone.clone());
            let keys = self.keyboard.then_some(keys);
            self.screen = Some(Screen::enter(about, viewer, keys, zone, streams));
        }
        match &mut self.screen {
            Some(_) if *news == PodNews::Ended => self.leave_screen(streams),
            Some(screen) => screen.hear(at, news),
            None => {
                for line in self.told.lines(news) {
                    streams.out(&words::line(&line));
                }
            }
        }
    }

    fn leave_screen(&mut self, streams: &mut Streams) {
        let screen = self.screen.take();
        let held = screen.map(|screen| screen.leave(streams));
        for line in held.into_iter().flatten() {
            self.now(&line, streams);
        }
    }

    fn progress(&mut self, id: u64, done: u64, of: u64, items: &[Item], why: Option<&str>) {
        let items = items
            .iter()
            .map(|item| Item {
                name: self.clean(&item.name),
                phase: item.phase,
                note: self.clean(&item.note),
            })
            .collect();
        let why = why.map(|why| self.clean(why));
        if let Some(wait) = self.waits.get_mut(&id) {
            wait.done = done;
            wait.of = of;
            wait.items = items;
            wait.why = why;
        }
    }

    fn wait_ended(
        &mut self,
        id: u64,
        what: &str,
        ok: bool,
        took_seconds: u64,
        streams: &mut Streams,
    ) {
        self.waits.remove(&id);
        let text = words::wait_ended(what, ok, took_seconds);
        if ok {
            self.chat(&self.paint.green(&text), streams);
        } else {
            self.line(&self.paint.red(&text), streams);
        }
        if took_seconds > LONG_SECONDS && !self.replaying {
            self.away = true;
            let mark = if ok { "✓" } else { "✗" };
            self.title(&format!("{mark} {}: {what}", self.runbook), streams);
            self.ring(streams);
        }
    }

    /// A line of somebody else's, as it is.
    fn asked_for(&mut self, text: &str, error: bool, streams: &mut Streams) {
        self.clear(streams);
        streams.line(text, error);
    }

    fn request(&mut self, what: &What, streams: &mut Streams) {
        if let Some(text) = words::request(what).filter(|_| self.verbose) {
            self.line(&self.paint.dim(&format!("  {text}")), streams);
        }
    }

    fn asked(&mut self, key: &str, question: &str, streams: &mut Streams) {
        self.questions.insert(key.to_owned(), question.to_owned());
        if std::mem::take(&mut self.away) {
            self.title(&format!("? {} needs an answer", self.runbook), streams);
            self.ring(streams);
        }
    }

    fn answered(&mut self, key: &str, answer: &str, by: &str, streams: &mut Streams) {
        let question = self.questions.remove(key).unwrap_or_default();
        self.title(&format!("runbook {}", self.runbook), streams);
        // At the terminal, the prompt itself has shown both.
        if by != "terminal" || self.replaying {
            self.line(
                &format!("? {}", words::answered(&question, answer, by)),
                streams,
            );
        }
    }

    /// What happens to the run itself.
    fn session(&mut self, event: &Event, streams: &mut Streams) {
        match &event.what {
            What::Resumed(resumed) => {
                let text = words::resumed(resumed, &self.zone);
                self.line(&self.paint.bold(&text), streams);
                self.replaying = true;
            }
            What::CaughtUp => {
                self.replaying = false;
                self.line(&self.paint.bold(words::CAUGHT_UP), streams);
            }
            What::Slept { seconds } => {
                for wait in self.waits.values_mut() {
                    wait.slept(event.at);
                }
                self.line(&self.paint.yellow(&words::slept(*seconds)), streams);
            }
            _ => {}
        }
    }

    fn finished(&mut self, finished: &Finished, streams: &mut Streams) {
        self.leave_screen(streams);
        self.replaying = false;
        self.waits.clear();
        for (tone, text) in finish::lines(finished) {
            let text = match tone {
                finish::Tone::Good => self.paint.green(&text),
                finish::Tone::Bad => self.paint.red(&text),
                finish::Tone::Plain => text,
            };
            self.line(&text, streams);
        }
        if self.window.size().is_some() {
            streams.raw(terminal::untitle());
        }
    }

    fn frame(&self, rows: usize, columns: usize) -> Vec<String> {
        let spinner = SPINNER
            .get(self.turn % SPINNER.len())
            .copied()
            .unwrap_or("*");
        let (mut rows, width) = (rows.saturating_sub(1), columns.saturating_sub(1));
        let mut lines = Vec::new();
        for wait in self.waits.values() {
            if rows == 0 {
                break;
            }
            let block = wait.lines(spinner, width, rows, self.paint);
            rows = rows.saturating_sub(block.len());
            lines.extend(block);
        }
        lines
    }
}

impl Face for Bars {
    fn show(&mut self, event: &Event, streams: &mut Streams) {
        for wait in self.waits.values_mut() {
            wait.now = event.at;
        }
        match &event.what {
            What::Started(started) => self.started(started, streams),
            What::Step { title } => {
                let heading = self.paint.bold(&format!("▸ {}", words::line(title)));
                self.chat(&format!("\n{heading}"), streams);
            }
            What::Said { level, text } => self.said(*level, text, streams),
            What::Table(table) => self.table(table, streams),
            What::Line { text, error, .. } => self.asked_for(text, *error, streams),
            What::Pods(news) => self.pods(event.at, news, streams),
            What::Asked { key, question } => self.asked(key, question, streams),
            What::Answered { key, answer, by } => self.answered(key, answer, by, streams),
            What::Changed(change) => {
                let text = format!("~ {}", words::change(change));
                self.line(&self.paint.yellow(&text), streams);
            }
            What::Resumed(_) | What::CaughtUp | What::Slept { .. } => {
                self.session(event, streams);
            }
            What::WaitBegan {
                id,
                what,
                of,
                usual,
                watched_seconds,
                ..
            } => {
                let what = self.clean(what);
                let wait = Wait::begun(event.at, what, *of, *usual, *watched_seconds);
                self.waits.insert(*id, wait);
            }
            What::Progress {
                id,
                done,
                of,
                watched_seconds,
                items,
                why,
            } => {
                if let Some(wait) = self.waits.get_mut(id) {
                    wait.watched(event.at, *watched_seconds);
                }
                self.progress(*id, *done, *of, items, why.as_deref());
            }
            What::WaitEnded {
                id,
                what,
                ok,
                took_seconds,
            } => {
                self.wait_ended(*id, what, *ok, *took_seconds, streams);
            }
            What::Request { .. } => self.request(&event.what, streams),
            What::Retrying {
                what,
                why,
                after_seconds,
            } => {
                let text = words::retrying(what, why, *after_seconds);
                self.chat(&self.paint.dim(&format!("  {text}")), streams);
            }
            What::Finished(finished) => self.finished(finished, streams),
        }
    }

    fn error(&mut self, rendered: &str, streams: &mut Streams) {
        self.now(&format!("\n{}\n", rendered.trim_end()), streams);
    }

    fn log(&mut self, text: &str, streams: &mut Streams) {
        self.now(text, streams);
    }

    fn viewer(&mut self, viewer: watch::Sender<View>, keys: Sender<Message>) {
        self.viewer = Some((viewer, keys));
    }

    fn key(&mut self, key: Key, streams: &mut Streams) {
        if let (Some(screen), Some(size)) = (&mut self.screen, self.window.size()) {
            screen.key(key, size, self.paint, &self.redactor, streams);
        }
    }

    fn idle(&mut self, ticked: bool, streams: &mut Streams) -> Option<Duration> {
        // A full screen is drawn at the pace of the keyboard's ticks.
        if self.screen.is_some() {
            return None;
        }
        let (rows, columns) = self.window.size()?;
        if self.quiet || self.waits.is_empty() {
            return None;
        }
        if ticked {
            self.turn = self.turn.wrapping_add(1);
        }
        let lines = self.frame(rows, columns);
        let frame = self.live.draw(&lines, columns);
        streams.raw(&frame);
        Some(TICK)
    }

    fn clear(&mut self, streams: &mut Streams) {
        if let Some((_, columns)) = self.window.size().filter(|_| !self.live.is_empty()) {
            let erased = self.live.erase(columns);
            streams.raw(&erased);
        }
    }
}
