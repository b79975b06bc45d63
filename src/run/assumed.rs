//! Answers in a dry run that nobody is there to give: taken as yes, and all of them told at the end.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::error::{Error, Kind, Result};
use crate::world::operator::{Answer, Form};
use crate::world::{Operator, Question, Terminal, View};

/// An operator who is asked first; what nobody answers is taken as yes.
pub(super) struct Assuming {
    inner: Arc<dyn Operator>,
    /// The flags that would have answered.
    flags: Mutex<Vec<String>>,
}

impl Assuming {
    pub(super) fn new(inner: Arc<dyn Operator>) -> Self {
        let flags = Mutex::default();
        Self { inner, flags }
    }

    /// The flags that answer what was taken as yes.
    pub(super) fn flags(&self) -> Vec<String> {
        let flags = self.flags.lock().unwrap_or_else(PoisonError::into_inner);
        flags.clone()
    }

    fn note(&self, flag: String) {
        let mut flags = self.flags.lock().unwrap_or_else(PoisonError::into_inner);
        if !flags.contains(&flag) {
            flags.push(flag);
        }
    }
}

impl Operator for Assuming {
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer>> {
        Box::pin(async move {
            let (key, form) = (question.key.clone(), question.form.clone());
            let error = match self.inner.ask(question).await {
                Err(error) if error.kind == Kind::NeedsAnswer => error,
                outcome => return outcome,
            };
            let assumed = match form {
                Form::Confirm => {
                    self.note(format!("--yes (or --answer {key}=yes)"));
                    "yes".to_owned()
                }
                Form::Type(text) => {
                    self.note(format!("--answer {key}={text}"));
                    text
                }
                // What comes after depends on it.
                Form::Text | Form::Choose(_) => {
                    self.note(format!("--answer {key}=..."));
                    return Err(needed(&self.flags()).unwrap_or(error));
                }
            };
            Ok(Answer {
                value: assumed,
                by: "assumed".to_owned(),
            })
        })
    }

    fn hears(&self) -> bool {
        self.inner.hears()
    }

    fn lend(&self) -> BoxFuture<'_, Result<Box<dyn Terminal>>> {
        self.inner.lend()
    }

    fn viewer(&self) -> Option<watch::Receiver<View>> {
        self.inner.viewer()
    }
}

/// That these answers are needed; nothing when none are.
pub(super) fn needed(flags: &[String]) -> Option<Error> {
    let count = match flags.len() {
        0 => return None,
        1 => "1 answer is".to_owned(),
        count => format!("{count} answers are"),
    };
    let fact = format!("{count} needed, and nobody is there to give them");
    let hint = format!("pass {}", flags.join(", "));
    Some(Error::new(Kind::NeedsAnswer, fact).hint(hint))
}
