//! `--output json`: one event per line on standard output, and nothing else there.

use std::time::Duration;

use super::streams::Streams;
use super::writer::Face;
use crate::event::{Event, What};

/// Shows events as they are.
pub(super) struct Json {
    pub(super) verbose: bool,
}

impl Face for Json {
    fn show(&mut self, event: &Event, streams: &mut Streams) {
        if matches!(event.what, What::Request { .. }) && !self.verbose {
            return;
        }
        if let Ok(line) = serde_json::to_string(event) {
            streams.out(&line);
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
