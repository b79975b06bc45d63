//! A full screen of pods while it is up: the board, the keys, and what was said meanwhile.

use std::sync::mpsc::Sender;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::super::full::Full;
use super::super::keys::{Key, Keys};
use super::super::paint::Paint;
use super::super::redact::Redactor;
use super::super::streams::Streams;
use super::super::terminal;
use super::super::writer::Message;
use super::board::Board;
use crate::event::PodNews;
use crate::world::operator::View;

/// The screen, until [`Screen::leave`].
pub(in crate::ui) struct Screen {
    board: Board,
    full: Full,
    /// None without a keyboard.
    _keys: Option<Keys>,
    /// Lines for afterwards.
    held: Vec<String>,
}

impl Screen {
    /// Takes the terminal's other screen.
    pub(in crate::ui) fn enter(
        (target, namespaces): (&str, &[String]),
        viewer: watch::Sender<View>,
        keys: Option<Sender<Message>>,
        zone: TimeZone,
        streams: &mut Streams,
    ) -> Self {
        streams.raw(terminal::full_screen());
        Self {
            board: Board::new(viewer, target, namespaces, zone),
            full: Full::default(),
            _keys: keys.map(Keys::start),
            held: Vec::new(),
        }
    }

    /// Takes in news; they are shown with the next tick.
    pub(in crate::ui) fn hear(&mut self, at: Timestamp, news: &PodNews) {
        self.board.hear(at, news);
    }

    /// Something else is said: a notice now, a line afterwards.
    pub(in crate::ui) fn say(&mut self, text: &str) {
        self.board.notice(&console::strip_ansi_codes(text));
        self.held.push(text.to_owned());
    }

    /// A key was pressed, or nothing for a while: the keyboard sets the pace of the screen.
    pub(in crate::ui) fn key(
        &mut self,
        key: Key,
        (rows, columns): (usize, usize),
        paint: Paint,
        redactor: &Redactor,
        streams: &mut Streams,
    ) {
        self.board.key(key);
        let resized = self.full.is_resized((rows, columns));
        if self.board.is_changed() || resized {
            let lines = self.board.frame(rows, columns, paint);
            let lines: Vec<String> = lines.iter().map(|line| redactor.scrub(line)).collect();
            streams.raw(&self.full.draw(&lines, (rows, columns)));
        }
    }

    /// Gives the screen back; what was said meanwhile is still to be said.
    pub(in crate::ui) fn leave(self, streams: &mut Streams) -> Vec<String> {
        streams.raw(terminal::leave_full_screen());
        self.held
    }
}
