//! What a person sees of a run: events become bars, plain lines or JSON; questions become prompts.
//!
//! One thread does all the writing, so that bars, prompts and lines never cross. It is fed by
//! events that carry their own times and totals: this room never asks a cluster and never reads
//! a clock. No other room prints.

mod bars;
mod errors;
mod finish;
mod full;
mod json;
mod keys;
mod lent;
mod live;
mod operator;
mod paint;
mod plain;
mod plan;
mod pods;
mod prompt;
mod redact;
mod streams;
mod table;
pub mod terminal;
mod wait;
mod words;
mod writer;

use std::io::{self, Write};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use crate::error;
use crate::event::Events;

pub use errors::render_error;
pub use operator::{Flags, Person};
pub use prompt::prompt_param;
pub use redact::Redactor;
pub use streams::Collected;
pub use words::{change_so_far, line};

use live::Window;
use streams::Streams;
use writer::{Asker, Message, Writer};

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// For a person at a terminal.
    Bars,
    /// For logs: one line per change and a heartbeat.
    Plain,
    /// For programs: one event per line.
    Json,
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "bars" => Ok(Self::Bars),
            "plain" => Ok(Self::Plain),
            "json" => Ok(Self::Json),
            _ => Err(format!(
                "`{text}` is not an output; choose bars, plain or json"
            )),
        }
    }
}

/// What the command line and the terminal decide about the screen.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Options {
    /// How a run is shown.
    pub output: Output,
    /// Whether colours may be used.
    pub color: bool,
    /// Only warnings, changes, questions and the end.
    pub quiet: bool,
    /// How often `-v` was given.
    pub verbose: u8,
    /// A fixed width, for tests; otherwise the window's.
    pub width: Option<u16>,
    /// Whether somebody can be asked.
    pub terminal: bool,
    /// Whether nothing real can be reached.
    pub practice: bool,
}

/// The screen of a run.
#[derive(Debug)]
pub struct Ui {
    to: Sender<Message>,
    thread: Option<JoinHandle<()>>,
    options: Options,
    redactor: Redactor,
    heard: Arc<AtomicBool>,
}

impl Ui {
    /// Takes the terminal, until [`Ui::finish`].
    pub fn start(options: Options) -> Self {
        if options.terminal {
            terminal::save();
        }
        let window = Window::stderr(options.width);
        let streams = Streams::standard(options.width);
        Self::with(options, streams, window, prompt::ask)
    }

    /// A screen that writes into memory and has no window; nobody answers its prompts.
    pub fn collecting(options: Options) -> (Self, Collected) {
        let (streams, collected) = Streams::collecting();
        let nobody: Asker = |_, _| Err(io::ErrorKind::NotConnected.into());
        (
            Self::with(options, streams, Window::none(), nobody),
            collected,
        )
    }

    fn with(options: Options, streams: Streams, window: Window, asker: Asker) -> Self {
        let (to, from) = mpsc::channel();
        let (redactor, heard) = (streams.redactor(), streams.heard());
        let writer = Writer::new(&options, streams, window, to.clone(), asker);
        let thread = std::thread::Builder::new()
            .name("ui".to_owned())
            .spawn(move || writer.run(&from))
            .ok();
        Self {
            to,
            thread,
            options,
            redactor,
            heard,
        }
    }

    /// Where a run sends its events.
    pub fn events(&self) -> Events {
        let to = self.to.clone();
        Events::new(move |event| {
            to.send(Message::Event(Box::new(event))).ok();
        })
    }

    /// The person, as a door: answers by flags first, then at the terminal.
    pub fn operator(&self, flags: Flags) -> Person {
        Person::new(
            flags,
            &self.options,
            self.to.clone(),
            Arc::clone(&self.heard),
        )
    }

    /// Keeps secrets out of everything written; more can be added at any time.
    pub fn redactor(&self) -> Redactor {
        self.redactor.clone()
    }

    /// Where log lines go (`-vv`), so that they do not cross the bars.
    pub fn log(&self) -> Log {
        Log(self.to.clone())
    }

    /// Writes everything that is still to be written and gives the terminal back.
    pub fn finish(mut self) {
        self.close();
    }

    fn close(&mut self) {
        self.to.send(Message::Finish).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
            if self.options.terminal {
                terminal::restore();
            }
        }
    }
}

impl Drop for Ui {
    fn drop(&mut self) {
        self.close();
    }
}

/// A writer whose lines appear above the bars, on standard error.
#[derive(Debug, Clone)]
pub struct Log(Sender<Message>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes).trim_end().to_owned();
        if !text.is_empty() {
            self.0.send(Message::Log(text)).ok();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what was asked for to standard output; a reader that has gone away is no failure.
pub fn print(text: &str) {
    io::stdout().lock().write_all(text.as_bytes()).ok();
}

/// Writes something to look at to standard error, outside of a run; only when somebody can look.
pub fn note(text: &str, options: &Options) {
    if options.terminal {
        let text = format!("{}\n", text.trim_end());
        io::stderr().lock().write_all(text.as_bytes()).ok();
    }
}

/// Writes a failure to standard error, outside of a run.
pub fn complain(error: &error::Error, options: &Options) {
    io::stderr()
        .lock()
        .write_all(render_error(error, options).as_bytes())
        .ok();
}

#[cfg(test)]
mod tests;
