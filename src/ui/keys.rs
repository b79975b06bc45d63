//! Keys, while a full screen is up: read on a thread of their own, which also gives it its pace.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use super::terminal;
use super::writer::Message;

/// So often a full screen is drawn, at most.
const QUARTER: Duration = Duration::from_millis(250);

/// What was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// A character.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// Backspace.
    Backspace,
    /// A row up.
    Up,
    /// A row down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Ctrl-C, or the terminal is gone.
    Quit,
    /// Nothing, for a quarter of a second.
    Tick,
}

/// Keys come one by one until this is dropped; then the terminal is as it was.
pub(super) struct Keys(Arc<AtomicBool>);

impl Keys {
    /// Sends every key to the writer.
    pub(super) fn start(to: Sender<Message>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&over);
        // Without keys there is still Ctrl-C.
        terminal::raw().ok();
        let reading = std::thread::Builder::new().name("keys".to_owned());
        reading.spawn(move || read(&flag, &to)).ok();
        Self(over)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        terminal::cooked();
    }
}

fn read(over: &AtomicBool, to: &Sender<Message>) {
    loop {
        let typed = terminal::typed(QUARTER);
        if over.load(Ordering::SeqCst) {
            return;
        }
        let keys = match typed {
            Ok(bytes) if bytes.is_empty() => vec![Key::Tick],
            Ok(bytes) => parse(&String::from_utf8_lossy(&bytes)),
            Err(_) => vec![Key::Quit],
        };
        let last = keys.contains(&Key::Quit);
        for key in keys {
            if to.send(Message::Key(key)).is_err() {
                return;
            }
        }
        if last {
            return;
        }
    }
}

/// What was typed at once. Sequences of a terminal arrive whole.
fn parse(typed: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = typed;
    while let Some(c) = rest.chars().next() {
        let (key, length) = match c {
            '\x1b' => sequence(rest),
            '\r' | '\n' => (Some(Key::Enter), 1),
            '\x7f' | '\x08' => (Some(Key::Backspace), 1),
            '\x03' => (Some(Key::Quit), 1),
            c if c.is_control() => (None, 1),
            c => (Some(Key::Char(c)), c.len_utf8()),
        };
        keys.extend(key);
        rest = rest.get(length..).unwrap_or_default();
    }
    keys
}

/// The key of an escape sequence, and how long it is.
fn sequence(text: &str) -> (Option<Key>, usize) {
    let Some(body) = text.strip_prefix("\x1b[").or(text.strip_prefix("\x1bO")) else {
        return (Some(Key::Escape), 1);
    };
    let end = body.find(|c: char| c.is_ascii_alphabetic() || c == '~');
    let Some(end) = end else {
        return (None, text.len());
    };
    let key = match body.get(..=end).unwrap_or_default() {
        "A" => Some(Key::Up),
        "B" => Some(Key::Down),
        "H" | "1~" | "7~" => Some(Key::Home),
        "F" | "4~" | "8~" => Some(Key::End),
        "5~" => Some(Key::PageUp),
        "6~" => Some(Key::PageDown),
        _ => None,
    };
    (key, 2 + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart() {
        assert_eq!(
            parse("/é\x1b[A\x1bOB\x1b[5~\x1b[1;5C\r\x7f\x03"),
            [
                Key::Char('/'),
                Key::Char('é'),
                Key::Up,
                Key::Down,
                Key::PageUp,
                Key::Enter,
                Key::Backspace,
                Key::Quit
            ]
        );
        assert_eq!(parse("\x1b"), [Key::Escape]);
        assert_eq!(parse("\x1b[99"), []);
        assert_eq!(parse("\x00\x1a"), []);
    }
}
