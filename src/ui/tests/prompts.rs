//! Questions, with nobody at the terminal or somebody who does what a test says.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;

use tokio::sync::oneshot;

use super::runs::{at, finished, options};
use crate::error::{self, Kind};
use crate::event::What;
use crate::ui::live::Window;
use crate::ui::writer::{Asker, Message, Writer};
use crate::ui::{Collected, Flags, Options, Output, Person, Ui, streams};
use crate::world::operator::{Form, Operator as _, Question};

/// Lets a writer show these, with somebody at the terminal who does this when asked.
fn asked(asker: Asker, after: Vec<What>) -> (Collected, oneshot::Receiver<error::Result<String>>) {
    let (to, from) = mpsc::channel();
    let (streams, collected) = streams::Streams::collecting();
    let writer = Writer::new(
        &options(Output::Plain),
        streams,
        Window::none(),
        to.clone(),
        asker,
    );
    let (reply, answer) = oneshot::channel();
    let question = Question {
        key: "raise".into(),
        text: "Raise?".into(),
        form: Form::Text,
    };
    to.send(Message::Ask(question, reply)).unwrap();
    for what in after {
        to.send(Message::Event(Box::new(at(0, what)))).unwrap();
    }
    let thread = std::thread::spawn(move || writer.run(&from));
    to.send(Message::Finish).unwrap();
    thread.join().unwrap();
    (collected, answer)
}

#[test]
fn the_end_of_a_run_does_not_wait_for_an_open_prompt() {
    let never: Asker = |_, _| loop {
        std::thread::park();
    };
    let after = vec![
        What::Step {
            title: "held back".into(),
        },
        finished(130, None, Vec::new()),
    ];
    let (collected, mut answer) = asked(never, after);
    let out = collected.out();
    assert!(
        out.find("held back").unwrap() < out.find("interrupted after").unwrap(),
        "{out}"
    );
    assert!(answer.try_recv().is_err());
}

#[tokio::test]
async fn a_typed_answer_reaches_whoever_asked() {
    let (ui, _collected) = Ui::collecting(Options {
        terminal: true,
        ..options(Output::Plain)
    });
    let question = Question {
        key: "raise".into(),
        text: "Raise?".into(),
        form: Form::Confirm,
    };
    let error = ui
        .operator(Flags::default())
        .ask(question)
        .await
        .unwrap_err();
    assert_eq!(
        error.kind,
        Kind::Io,
        "nobody is there: an error, not a hang"
    );
    let (to, from) = mpsc::channel();
    let (streams, _) = streams::Streams::collecting();
    let typist: Asker = |question, _| Ok(format!("{}!", question.text));
    let writer = Writer::new(
        &options(Output::Plain),
        streams,
        Window::none(),
        to.clone(),
        typist,
    );
    std::thread::spawn(move || writer.run(&from));
    let options = Options {
        terminal: true,
        ..options(Output::Plain)
    };
    let person = Person::new(Flags::default(), &options, to.clone(), Arc::default());
    let question = Question {
        key: "raise".into(),
        text: "Raise?".into(),
        form: Form::Text,
    };
    let answer = person.ask(question).await.unwrap();
    assert_eq!(
        (answer.value.as_str(), answer.by.as_str()),
        ("Raise?!", "terminal")
    );
    to.send(Message::Finish).unwrap();
}

#[test]
fn ctrl_c_at_a_prompt_leaves_the_question_open_for_the_stop_to_win() {
    let (to, from) = mpsc::channel();
    let (streams, _) = streams::Streams::collecting();
    let control_c: Asker = |_, _| Err(io::ErrorKind::Interrupted.into());
    let mut writer = Writer::new(
        &options(Output::Plain),
        streams,
        Window::none(),
        to,
        control_c,
    );
    let (reply, mut answer) = oneshot::channel();
    let question = Question {
        key: "raise".into(),
        text: "Raise?".into(),
        form: Form::Text,
    };
    writer.take(Message::Ask(question, reply));
    writer.take(from.recv().unwrap());
    assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    drop(writer);
    assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed));
}

#[test]
fn a_question_to_a_closed_terminal_is_an_interruption() {
    let closed: &[Asker] = &[
        |_, _| Err(io::ErrorKind::UnexpectedEof.into()),
        |_, _| Err(io::ErrorKind::BrokenPipe.into()),
        #[cfg(unix)]
        |_, _| Err(rustix::io::Errno::IO.into()),
    ];
    for asker in closed {
        let (to, from) = mpsc::channel();
        let (streams, _) = streams::Streams::collecting();
        let screen = options(Output::Plain);
        let mut writer = Writer::new(&screen, streams, Window::none(), to, *asker);
        let (reply, mut answer) = oneshot::channel();
        let question = Question {
            key: "raise".into(),
            text: "Raise?".into(),
            form: Form::Confirm,
        };
        writer.take(Message::Ask(question, reply));
        writer.take(from.recv().unwrap());
        let error = answer.try_recv().unwrap().unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (Kind::Interrupted, "the terminal was closed")
        );
    }
}
