//! The `ui` thread: takes messages in order, shows them, and opens prompts.
//!
//! A prompt reads keys on a thread of its own, while nothing else is written; so a run that is
//! stopped from outside can still say its last lines, whatever the person does.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::bars::Bars;
use super::json::Json;
use super::keys::Key;
use super::live::Window;
use super::paint::Paint;
use super::plain::Plain;
use super::streams::Streams;
use super::{Options, Output, finish, render_error, terminal};
use crate::error::{Error, Kind, Result};
use crate::event::{Event, What};
use crate::world::operator::{Question, View};

/// Where an answer is waited for.
pub(super) type Reply = oneshot::Sender<Result<String>>;

/// Puts one question to the person and blocks until it is answered.
pub(super) type Asker = fn(&Question, Paint) -> io::Result<String>;

/// What the thread is told.
pub(super) enum Message {
    /// Something happened.
    Event(Box<Event>),
    /// A line of the log.
    Log(String),
    /// The person is to look at pods; tell this what they look at.
    Viewer(watch::Sender<View>),
    /// A key was pressed while a full screen was up.
    Key(Key),
    /// Put this to the person.
    Ask(Question, Reply),
    /// Leave the terminal to somebody else, once this is answered.
    Lend(oneshot::Sender<()>),
    /// It is free again.
    Returned,
    /// The person answered, or the prompt failed.
    Answered(io::Result<String>),
    /// Nothing more will come.
    Finish,
}

/// One way to show events.
pub(super) trait Face: Send {
    /// Shows one.
    fn show(&mut self, event: &Event, streams: &mut Streams);
    /// Shows why the run did not end well.
    fn error(&mut self, rendered: &str, streams: &mut Streams);
    /// Shows a line of the log.
    fn log(&mut self, text: &str, streams: &mut Streams);
    /// Nothing is waiting to be shown: draws what moves, and says how soon to come again.
    fn idle(&mut self, ticked: bool, streams: &mut Streams) -> Option<Duration>;
    /// Takes away what moves.
    fn clear(&mut self, streams: &mut Streams);
    /// The person can look at pods that are watched from now on; keys are sent to `keys`.
    fn viewer(&mut self, _viewer: watch::Sender<View>, _keys: Sender<Message>) {}
    /// A key was pressed.
    fn key(&mut self, _key: Key, _streams: &mut Streams) {}
}

/// Who has the terminal meanwhile.
enum Open {
    /// A prompt, whose answer is waited for.
    Prompt(Reply),
    /// A program that runs elsewhere.
    Lent,
}

/// Owns everything that writes.
pub(super) struct Writer {
    face: Box<dyn Face>,
    streams: Streams,
    options: Options,
    to: Sender<Message>,
    asker: Asker,
    open: Option<Open>,
    held: VecDeque<Message>,
    /// Questions given up with Ctrl-C: closing them would tell the script "no answer" before it
    /// is told to stop.
    given_up: Vec<Reply>,
}

impl Writer {
    pub(super) fn new(
        options: &Options,
        streams: Streams,
        window: Window,
        to: Sender<Message>,
        asker: Asker,
    ) -> Self {
        let face: Box<dyn Face> = match options.output {
            Output::Bars => Box::new(Bars::new(options, window, streams.redactor())),
            Output::Plain => Box::new(Plain::new(options)),
            Output::Json => Box::new(Json {
                verbose: options.verbose > 0,
                told: None,
            }),
        };
        Self {
            face,
            streams,
            options: options.clone(),
            to,
            asker,
            open: None,
            held: VecDeque::new(),
            given_up: Vec::new(),
        }
    }

    /// Shows messages until the last one.
    pub(super) fn run(mut self, from: &Receiver<Message>) {
        while let Some(message) = self.next(from) {
            let last = matches!(message, Message::Finish);
            self.take(message);
            if last {
                break;
            }
        }
        self.face.clear(&mut self.streams);
        self.streams.flush();
    }

    fn next(&mut self, from: &Receiver<Message>) -> Option<Message> {
        let mut ticked = false;
        loop {
            match from.try_recv() {
                Ok(message) => return Some(message),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            let tick = match self.open {
                Some(_) => None,
                None => self.face.idle(ticked, &mut self.streams),
            };
            self.streams.flush();
            match tick {
                None => return from.recv().ok(),
                Some(tick) => match from.recv_timeout(tick) {
                    Ok(message) => return Some(message),
                    Err(RecvTimeoutError::Timeout) => ticked = true,
                    Err(RecvTimeoutError::Disconnected) => return None,
                },
            }
        }
    }

    /// Handles a message now, or after the open prompt.
    pub(super) fn take(&mut self, message: Message) {
        match message {
            Message::Answered(answer) => self.close(answer),
            Message::Returned => self.open = None,
            message if self.open.is_none() => return self.handle(message),
            message if ends(&message) => {
                self.abandon();
                self.held.push_back(message);
            }
            message => return self.held.push_back(message),
        }
        while self.open.is_none()
            && let Some(message) = self.held.pop_front()
        {
            self.handle(message);
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Event(event) => self.show(&event),
            Message::Log(text) => self.face.log(&text, &mut self.streams),
            Message::Ask(question, reply) => self.ask(question, reply),
            Message::Viewer(viewer) => self.face.viewer(viewer, self.to.clone()),
            Message::Key(key) => self.face.key(key, &mut self.streams),
            Message::Lend(free) => {
                self.face.clear(&mut self.streams);
                self.streams.flush();
                self.open = Some(Open::Lent);
                free.send(()).ok();
            }
            Message::Answered(_) | Message::Returned | Message::Finish => {}
        }
    }

    fn show(&mut self, event: &Event) {
        if let What::Finished(finished) = &event.what
            && let Some(error) = &finished.error
            && !finish::interrupted(finished)
            && error.kind != Kind::Remote
        {
            let error = self.streams.redactor().error(error);
            let rendered = render_error(&error, &self.options);
            self.face.error(&rendered, &mut self.streams);
        }
        self.face.show(event, &mut self.streams);
    }

    fn ask(&mut self, mut question: Question, reply: Reply) {
        self.face.clear(&mut self.streams);
        self.streams.flush();
        question.text = self.streams.redactor().scrub(&question.text);
        let (to, asker, paint) = (self.to.clone(), self.asker, Paint(self.options.color));
        let asking = std::thread::Builder::new()
            .name("prompt".to_owned())
            .spawn(move || {
                to.send(Message::Answered(asker(&question, paint))).ok();
            });
        self.open = Some(Open::Prompt(reply));
        if let Err(error) = asking {
            self.close(Err(error));
        }
    }

    fn close(&mut self, answer: io::Result<String>) {
        let Some(Open::Prompt(reply)) = self.open.take() else {
            return;
        };
        match answer {
            Ok(answer) => {
                reply.send(Ok(answer)).ok();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.given_up.push(reply),
            Err(error) => {
                let lost = if terminal::closed(&error) {
                    // No signal need follow, so nothing else would end the wait for an answer.
                    Error::new(Kind::Interrupted, "the terminal was closed")
                } else {
                    let why = format!("the question could not be asked: {error}");
                    Error::new(Kind::Io, why)
                };
                reply.send(Err(lost)).ok();
            }
        }
    }

    /// Leaves the prompt to itself: the run is over.
    fn abandon(&mut self) {
        if let Some(Open::Prompt(reply)) = self.open.take() {
            self.given_up.push(reply);
        }
        terminal::restore();
        self.streams.raw("\n");
    }
}

/// Whether a run that says this has stopped waiting for answers.
fn ends(message: &Message) -> bool {
    match message {
        Message::Event(event) => matches!(event.what, What::Finished(_)),
        Message::Finish => true,
        Message::Log(_)
        | Message::Viewer(_)
        | Message::Key(_)
        | Message::Ask(..)
        | Message::Lend(_)
        | Message::Returned
        | Message::Answered(_) => false,
    }
}
