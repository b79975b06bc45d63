//! The person as a door: answers come from flags, from practice, or from the terminal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use futures::future::BoxFuture;
use tokio::sync::{oneshot, watch};

use super::lent::Lent;
use super::writer::Message;
use super::{Options, Output};
use crate::error::{Error, Kind, Result};
use crate::names::nearest;
use crate::world::Terminal;
use crate::world::operator::{Answer, Form, Operator, Question, View};

/// Answers given on the command line.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--yes`: ordinary confirmations.
    pub yes: bool,
    /// `--answer KEY=VALUE`.
    pub answers: BTreeMap<String, String>,
}

/// Whoever started the run.
#[derive(Debug)]
pub struct Person {
    flags: Flags,
    terminal: bool,
    practice: bool,
    output: Output,
    to: Sender<Message>,
    heard: Arc<AtomicBool>,
}

impl Person {
    pub(super) fn new(
        flags: Flags,
        options: &Options,
        to: Sender<Message>,
        heard: Arc<AtomicBool>,
    ) -> Self {
        Self {
            flags,
            terminal: options.terminal,
            practice: options.practice,
            output: options.output,
            to,
            heard,
        }
    }

    /// The answer when nobody has to be asked for it.
    fn given(&self, question: &Question) -> Result<Option<Answer>> {
        let by = |value: &str, by: &str| {
            Ok(Some(Answer {
                value: value.to_owned(),
                by: by.to_owned(),
            }))
        };
        let confirm = question.form == Form::Confirm;
        if let Some(value) = self.flags.answers.get(&question.key) {
            return by(&fitting(question, value)?, "--answer");
        }
        if confirm && self.flags.yes {
            return by("yes", "--yes");
        }
        if self.terminal {
            return Ok(None);
        }
        if confirm && self.practice {
            return by("yes", "practice");
        }
        Err(needs_answer(question))
    }
}

impl Operator for Person {
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer>> {
        Box::pin(async move {
            if let Some(answer) = self.given(&question)? {
                return Ok(answer);
            }
            let (reply, answer) = oneshot::channel();
            self.to.send(Message::Ask(question, reply)).ok();
            // Blocking on purpose: it is what holds virtual time still while a person thinks.
            let answer = tokio::task::spawn_blocking(move || answer.blocking_recv()).await;
            match answer {
                Ok(Ok(answer)) => Ok(Answer {
                    value: answer?,
                    by: "terminal".to_owned(),
                }),
                Ok(Err(_)) | Err(_) => Err(Error::new(
                    Kind::Interrupted,
                    "the question was left unanswered",
                )),
            }
        })
    }

    fn hears(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    fn lend(&self) -> BoxFuture<'_, Result<Box<dyn Terminal>>> {
        Box::pin(async move {
            let cannot = |why: &str| {
                let fact = format!("a shell needs a terminal, and {why}");
                Err(Error::new(Kind::NeedsAnswer, fact))
            };
            if !self.terminal {
                return cannot("there is none");
            }
            if self.output == Output::Json {
                return cannot("--output json has it");
            }
            let (reply, free) = oneshot::channel();
            self.to.send(Message::Lend(reply)).ok();
            tokio::task::spawn_blocking(move || free.blocking_recv().ok())
                .await
                .ok();
            let lent: Box<dyn Terminal> = Box::new(Lent::take(self.practice, self.to.clone())?);
            Ok(lent)
        })
    }

    fn viewer(&self) -> Option<watch::Receiver<View>> {
        let (viewer, view) = watch::channel(View::default());
        let screen = cfg!(unix) && self.terminal && self.output == Output::Bars;
        let told = screen && self.to.send(Message::Viewer(viewer)).is_ok();
        told.then_some(view)
    }
}

/// The answer as the question's form has it.
fn fitting(question: &Question, value: &str) -> Result<String> {
    let key = &question.key;
    let wrong = |hint: String| {
        let fact = format!("--answer {key}={value} does not answer: {}", question.text);
        Err(Error::new(Kind::Usage, fact).hint(hint))
    };
    match &question.form {
        Form::Confirm => match value.to_lowercase().as_str() {
            "yes" | "y" | "true" => Ok("yes".to_owned()),
            "no" | "n" | "false" => Ok("no".to_owned()),
            _ => wrong(format!("pass --answer {key}=yes or --answer {key}=no")),
        },
        Form::Type(wanted) if value != wanted => {
            wrong(format!("pass --answer {key}={wanted}, exactly"))
        }
        Form::Text if value.is_empty() => wrong(format!("pass --answer {key}=TEXT")),
        Form::Choose(choices) if !choices.iter().any(|choice| choice == value) => {
            wrong(match nearest(value, choices.iter().map(String::as_str)) {
                Some(near) => format!(
                    "did you mean --answer {key}={near}? It can be {}",
                    choices.join(", ")
                ),
                None => format!("it can be {}", choices.join(", ")),
            })
        }
        Form::Type(_) | Form::Text | Form::Choose(_) => Ok(value.to_owned()),
    }
}

fn needs_answer(question: &Question) -> Error {
    let Question { key, text, form } = question;
    let (what, hint) = match form {
        Form::Confirm => (
            "a confirmation",
            format!("pass --yes, or --answer {key}=yes"),
        ),
        Form::Type(wanted) => (
            "a typed confirmation",
            format!("pass --answer {key}={wanted}; --yes does not answer it"),
        ),
        Form::Text => ("an answer", format!("pass --answer {key}=TEXT")),
        Form::Choose(choices) => (
            "a choice",
            format!(
                "pass --answer {key}=CHOICE, where CHOICE is {}",
                choices.join(", ")
            ),
        ),
    };
    Error::new(Kind::NeedsAnswer, format!("{what} is needed: {text}")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(yes: bool, answers: &[(&str, &str)], practice: bool) -> Person {
        let answers = answers
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Person {
            flags: Flags {
                yes,
                answers: answers.collect(),
            },
            terminal: false,
            output: Output::Plain,
            practice,
            to: std::sync::mpsc::channel().0,
            heard: Arc::default(),
        }
    }

    fn question(form: Form) -> Question {
        Question {
            key: "raise".to_owned(),
            text: "Raise the floor?".to_owned(),
            form,
        }
    }

    fn choices() -> Form {
        Form::Choose(vec!["wait".to_owned(), "stop".to_owned()])
    }

    #[track_caller]
    fn check(person: &Person, form: Form, expected: &str) {
        let question = question(form);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let answer = runtime.block_on(person.ask(question));
        let text = match answer {
            Ok(answer) => format!("{} by {}", answer.value, answer.by),
            Err(error) => format!(
                "{}: {} | {}",
                error.kind.word(),
                error.message,
                error.hint.unwrap()
            ),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn flags_answer_first() {
        check(&person(true, &[], false), Form::Confirm, "yes by --yes");
        check(
            &person(true, &[("raise", "N")], false),
            Form::Confirm,
            "no by --answer",
        );
        check(
            &person(false, &[("raise", "callysto")], false),
            Form::Type("callysto".into()),
            "callysto by --answer",
        );
        check(
            &person(false, &[("raise", "wait")], false),
            choices(),
            "wait by --answer",
        );
    }

    #[test]
    fn practice_without_a_terminal_confirms_ordinary_things_only() {
        check(&person(false, &[], true), Form::Confirm, "yes by practice");
        check(
            &person(true, &[], true),
            Form::Type("callysto".into()),
            "needs-answer: a typed confirmation is needed: Raise the floor? | pass --answer raise=callysto; --yes does not answer it",
        );
    }

    #[test]
    fn without_a_terminal_the_flag_is_named() {
        check(
            &person(false, &[], false),
            Form::Confirm,
            "needs-answer: a confirmation is needed: Raise the floor? | pass --yes, or --answer raise=yes",
        );
        check(
            &person(true, &[], false),
            choices(),
            "needs-answer: a choice is needed: Raise the floor? | pass --answer raise=CHOICE, where CHOICE is wait, stop",
        );
        check(
            &person(true, &[], false),
            Form::Text,
            "needs-answer: an answer is needed: Raise the floor? | pass --answer raise=TEXT",
        );
    }

    #[test]
    fn an_answer_that_does_not_fit_is_a_usage_error() {
        check(
            &person(false, &[("raise", "maybe")], true),
            Form::Confirm,
            "usage: --answer raise=maybe does not answer: Raise the floor? | pass --answer raise=yes or --answer raise=no",
        );
        check(
            &person(false, &[("raise", "Callysto")], false),
            Form::Type("callysto".into()),
            "usage: --answer raise=Callysto does not answer: Raise the floor? | pass --answer raise=callysto, exactly",
        );
        check(
            &person(false, &[("raise", "wiat")], false),
            choices(),
            "usage: --answer raise=wiat does not answer: Raise the floor? | did you mean --answer raise=wait? It can be wait, stop",
        );
    }
}
