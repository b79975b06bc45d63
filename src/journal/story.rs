//! A journal as a story: what was run, effect by effect, in how many sessions, and how it ended.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::Error;
use super::record::{Begin, Closed, End, Finish, Header, Outcome, Record, Resume};
use crate::error::Kind;
use crate::event::{self, Change};
use crate::world::{Begun, Note};

/// Everything a journal tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// What was run.
    pub header: Header,
    /// Later sessions, in order.
    pub resumes: Vec<Resume>,
    /// What was noted of the run itself.
    pub notes: Vec<(Timestamp, Note)>,
    /// Its effects, in order; the first has number 1.
    pub steps: Vec<Step>,
    /// How the last session ended; none while it runs, and when it was killed.
    pub finish: Option<Finish>,
    /// How many effects there were when the operator gave it up for good.
    pub aborting: Option<usize>,
    /// Why it will never be resumed.
    pub closed: Option<Closed>,
    /// When the last record was made, in the run's own time.
    pub last: Timestamp,
    /// How long all sessions together were at work.
    pub took: Duration,
}

/// One effect.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What it is, as it was first begun.
    pub begin: Begin,
    /// What was noted meanwhile.
    pub notes: Vec<(Timestamp, Note)>,
    /// How it ended, if it did.
    pub end: Option<End>,
    /// How long sessions were at it, all together.
    pub took: Duration,
}

impl Step {
    fn of(begin: Begin) -> Self {
        Self {
            begin,
            notes: Vec::new(),
            end: None,
            took: Duration::ZERO,
        }
    }

    /// Whether it ended well.
    pub fn is_done(&self) -> bool {
        (self.end.as_ref()).is_some_and(|end| !matches!(end.outcome, Outcome::Error(_)))
    }

    /// Its failure.
    pub fn error(&self) -> Option<&crate::error::Error> {
        match &self.end.as_ref()?.outcome {
            Outcome::Error(error) => Some(error),
            Outcome::Ok(_) | Outcome::Digest(_) => None,
        }
    }

    /// What services accepted for it.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.notes.iter().filter_map(|(_, note)| match note {
            Note::Changed { change } => Some(change),
            Note::Settled { .. }
            | Note::Watched { .. }
            | Note::Slept { .. }
            | Note::Answered { .. } => None,
        })
    }

    /// What is waited for, and for how long it was watched.
    pub fn watched(&self) -> Option<(&str, Duration)> {
        self.notes.iter().rev().find_map(|(at, note)| match note {
            Note::Watched { what, seconds } => {
                let noted = Duration::from_secs(*seconds);
                let since = self.end.as_ref().map(|end| end.at.duration_since(*at));
                let since = since.and_then(|since| Duration::try_from(since).ok());
                Some((what.as_str(), noted + since.unwrap_or_default()))
            }
            Note::Changed { .. }
            | Note::Settled { .. }
            | Note::Slept { .. }
            | Note::Answered { .. } => None,
        })
    }

    /// What a session that goes on with it is told.
    pub fn begun(&self) -> Begun {
        Begun {
            at: self.begin.at,
            changes: self.changes().cloned().collect(),
            // A limit that was reached does not count twice.
            watched: match (self.error(), self.watched()) {
                (Some(error), _) if error.kind == Kind::TimedOut => Duration::ZERO,
                (_, watched) => watched.map_or(Duration::ZERO, |(_, watched)| watched),
            },
        }
    }
}

impl Story {
    /// Reads it.
    ///
    /// # Errors
    /// When it cannot be read or believed, or its records do not fit together.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::tell(path, super::read(path)?)
    }

    /// The story these records tell.
    pub(super) fn tell(path: &Path, records: Vec<Record>) -> Result<Self, Error> {
        let damaged = |line: usize, why: &str| Error::Damaged {
            file: path.to_owned(),
            line,
            why: why.to_owned(),
        };
        let mut records = records.into_iter();
        let Some(Record::Header(header)) = records.next() else {
            return Err(damaged(1, "it has no header"));
        };
        let mut story = Self {
            last: header.started,
            header: *header,
            resumes: Vec::new(),
            notes: Vec::new(),
            steps: Vec::new(),
            finish: None,
            aborting: None,
            closed: None,
            took: Duration::ZERO,
        };
        let mut began = None;
        for (at, record) in records.enumerate() {
            story
                .add(record, &mut began)
                .map_err(|why| damaged(at + 2, why))?;
        }
        Ok(story)
    }

    fn add(&mut self, record: Record, began: &mut Option<Timestamp>) -> Result<(), &'static str> {
        let (at, session) = match &record {
            Record::Begin { begin, .. } => (begin.at, false),
            Record::Noted { at, .. } | Record::Aborting { at } => (*at, false),
            Record::End(end) => (end.at, false),
            Record::Finish(finish) => (finish.at, false),
            Record::Resume(resume) => (resume.at, true),
            Record::Header(_) | Record::Closed(_) => (self.last, false),
        };
        // Time between sessions is nobody's work.
        let before = if session { at } else { began.unwrap_or(at) };
        let worked = Duration::try_from(at.duration_since(before)).unwrap_or_default();
        self.took += worked;
        if !matches!(record, Record::Header(_) | Record::Closed(_)) {
            *began = Some(at);
            self.last = at;
        }
        if let Record::Noted { seq: seq @ 1.., .. } | Record::End(End { seq, .. }) = &record {
            let step = self.step(*seq)?;
            if step.end.is_none() {
                step.took += worked;
            }
        }
        match record {
            Record::Header(_) => return Err("a second header"),
            Record::Begin { seq, begin } => self.begin(seq, begin)?,
            Record::Noted { seq: 0, at, note } => self.notes.push((at, note)),
            Record::Noted { seq, at, note } => self.step(seq)?.notes.push((at, note)),
            Record::End(end) => {
                let seq = end.seq;
                self.step(seq)?.end = Some(end);
            }
            Record::Finish(finish) => self.finish = Some(finish),
            Record::Resume(resume) => {
                self.finish = None;
                self.resumes.push(resume);
            }
            Record::Aborting { .. } => self.aborting = Some(self.steps.len()),
            Record::Closed(closed) => self.closed = Some(closed),
        }
        Ok(())
    }

    fn begin(&mut self, seq: u64, begin: Begin) -> Result<(), &'static str> {
        let next = u64::try_from(self.steps.len() + 1).unwrap_or(u64::MAX);
        if seq == next {
            self.steps.push(Step::of(begin));
            return Ok(());
        }
        let kept = usize::try_from(seq).map_err(|_| "an impossible number")?;
        let step = self.step(seq)?;
        if (&step.begin.call, &step.begin.args) == (&begin.call, &begin.args) {
            // What it left behind stays known.
            step.end = None;
        } else {
            *step = Step::of(begin);
        }
        // Reads after the last effect that mattered are done anew, perhaps others than before.
        self.steps.truncate(kept);
        Ok(())
    }

    fn step(&mut self, seq: u64) -> Result<&mut Step, &'static str> {
        let at = usize::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
        at.and_then(|at| self.steps.get_mut(at))
            .ok_or("it tells of an effect that was never begun")
    }

    /// Whether the machine slept meanwhile.
    pub fn slept(&self) -> bool {
        let steps = self.steps.iter().flat_map(|step| &step.notes);
        let mut notes = self.notes.iter().chain(steps);
        notes.any(|(_, note)| matches!(note, Note::Slept { .. }))
    }

    /// Who ran it last.
    pub fn operator(&self) -> &str {
        let last = self.resumes.last().map(|resume| resume.operator.as_str());
        last.unwrap_or(&self.header.operator)
    }

    /// Whether there is something to go on with.
    pub fn is_unfinished(&self) -> bool {
        self.closed.is_none() && self.finish.as_ref().is_none_or(|finish| finish.open)
    }

    /// Everything it changed, in order, with what is known of each.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for (_, note) in self.steps.iter().flat_map(|step| &step.notes) {
            match note {
                Note::Changed { change } => changes.push(change.clone()),
                Note::Settled { operation, fate } => {
                    event::settle(&mut changes, operation, *fate);
                }
                Note::Watched { .. } | Note::Slept { .. } | Note::Answered { .. } => {}
            }
        }
        changes
    }
}
