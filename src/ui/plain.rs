//! `--output plain`: one line per change and a heartbeat, on standard output, for logs.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::streams::Streams;
use super::wait::Wait;
use super::writer::Face;
use super::{Options, finish, words};
use crate::event::{Event, Item, Level, What};

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

    /// The lines for this event, and whether `-q` leaves them out.
    fn lines(&mut self, event: &Event) -> (bool, Vec<String>) {
        match &event.what {
            What::Started(started) => {
                let mut lines = vec![words::title(started)];
                if !self.quiet {
                    lines.extend(words::particulars(started));
                }
                (false, lines)
            }
            What::Step { title } => (true, vec![format!("== {}", words::line(title))]),
            What::Said { level, text } => {
                let chat = matches!(level, Level::Info | Level::Good);
                let text = format!("{} {}", words::mark(*level), words::line(text));
                (chat, vec![text.trim_start().to_owned()])
            }
            What::Asked { key, question } => {
                self.questions.insert(key.clone(), question.clone());
                (true, Vec::new())
            }
            What::Answered { key, answer, by } => {
                let question = self.questions.remove(key).unwrap_or_default();
                (
                    false,
                    vec![format!("? {}", words::answered(&question, answer, by))],
                )
            }
            What::Changed(change) => (false, vec![format!("~ {}", words::change(change))]),
            What::WaitBegan {
                id,
                what,
                of,
                usual_seconds,
                limit_seconds,
            } => {
                let usual = usual_seconds.map(|usual| format!("usual {}, ", words::usual(usual)));
                let limit = words::took(*limit_seconds);
                let line = format!(
                    "… waiting for {}; {}gives up after {limit}",
                    words::line(what),
                    usual.unwrap_or_default()
                );
                self.waits
                    .insert(*id, Seen::new(event.at, what, *of, *usual_seconds));
                (true, vec![line])
            }
            What::Progress {
                id,
                done,
                of,
                items,
                why,
            } => {
                let line = self.progress(event.at, *id, *done, *of, items, why.as_deref());
                (true, line.into_iter().collect())
            }
            What::WaitEnded {
                id,
                what,
                ok,
                took_seconds,
            } => {
                self.waits.remove(id);
                let mark = if *ok { "✓" } else { "✗" };
                (
                    *ok,
                    vec![format!(
                        "{mark} {}  {}",
                        words::line(what),
                        words::took(*took_seconds)
                    )],
                )
            }
            What::Request { .. } => (
                !self.verbose,
                words::request(&event.what)
                    .filter(|_| self.verbose)
                    .into_iter()
                    .collect(),
            ),
            What::Retrying {
                what,
                why,
                after_seconds,
            } => (true, vec![words::retrying(what, why, *after_seconds)]),
            What::Finished(finished) => (
                false,
                finish::lines(finished)
                    .into_iter()
                    .map(|(_, line)| line)
                    .collect(),
            ),
        }
    }
}

impl Seen {
    fn new(at: Timestamp, what: &str, of: u64, usual: Option<(u64, u64)>) -> Self {
        Self {
            wait: Wait {
                what: words::line(what),
                of,
                done: 0,
                usual,
                items: Vec::new(),
                why: None,
                began: at,
                now: at,
            },
            said_at: at,
            said: String::new(),
            said_why: None,
        }
    }

    /// `7 min of usual 20-25 min`.
    fn elapsed(&self) -> String {
        let seconds = self.wait.elapsed_seconds();
        let elapsed = if seconds < 60 {
            format!("{seconds} s")
        } else {
            format!("{} min", seconds / 60)
        };
        match self.wait.usual {
            Some(usual) => format!("{elapsed} of usual {}", words::usual(usual)),
            None => elapsed,
        }
    }
}

impl Face for Plain {
    fn show(&mut self, event: &Event, streams: &mut Streams) {
        let (chat, lines) = self.lines(event);
        if chat && self.quiet {
            return;
        }
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
