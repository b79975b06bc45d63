//! `--output json`: one event per line on standard output, and nothing else there.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::streams::Streams;
use super::writer::Face;
use crate::event::{Event, PodName, PodNews, PodRow, What};

/// A wait that goes on as before is told this often.
const HEARTBEAT: SignedDuration = SignedDuration::from_mins(1);

/// Shows events as they are.
pub(super) struct Json {
    pub(super) verbose: bool,
    /// The last progress told.
    pub(super) told: Option<Event>,
}

impl Json {
    /// Whether this progress was told less than a heartbeat ago.
    fn stale(&mut self, event: &Event) -> bool {
        if !matches!(event.what, What::Progress { .. }) {
            return false;
        }
        let told = self.told.as_ref();
        let same = told.is_some_and(|told| {
            unwatched(&told.what) == unwatched(&event.what)
                && event.at.duration_since(told.at) < HEARTBEAT
        });
        if !same {
            self.told = Some(event.clone());
        }
        same
    }
}

/// The same progress, however long it has been watched.
fn unwatched(what: &What) -> What {
    let mut what = what.clone();
    if let What::Progress {
        watched_seconds, ..
    } = &mut what
    {
        *watched_seconds = 0;
    }
    what
}

/// The event, or the changes of pods in it one by one.
fn one_by_one(event: &Event) -> Vec<Cow<'_, Event>> {
    let What::Pods(PodNews::Rows { put, gone, first }) = &event.what else {
        return vec![Cow::Borrowed(event)];
    };
    let one = |put: Vec<Arc<PodRow>>, gone: Vec<PodName>| {
        let first = *first;
        let what = What::Pods(PodNews::Rows { put, gone, first });
        Cow::Owned(Event { at: event.at, what })
    };
    let put = put.iter().map(|row| one(vec![Arc::clone(row)], Vec::new()));
    let gone = gone.iter().map(|id| one(Vec::new(), vec![id.clone()]));
    put.chain(gone).collect()
}

impl Face for Json {
    fn show(&mut self, event: &Event, streams: &mut Streams) {
        if matches!(event.what, What::Request { .. }) && !self.verbose {
            return;
        }
        if self.stale(event) {
            return;
        }
        for event in one_by_one(event) {
            if let Ok(line) = serde_json::to_string(&*event) {
                streams.out(&line);
            }
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
