//! The person at the terminal, as a door: questions go out, answers come back.

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::Terminal;
use crate::error::{self, Error, Kind};
use crate::event::PodName;

/// A question for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Which `--answer KEY=VALUE` gives the answer.
    pub key: String,
    /// The question itself.
    pub text: String,
    /// What kind of answer is wanted.
    pub form: Form,
}

/// What kind of answer a question wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Yes or no; `--yes` answers it.
    Confirm,
    /// This very text must be typed; `--yes` does not answer it.
    Type(String),
    /// A line of text.
    Text,
    /// One of these.
    Choose(Vec<String>),
}

/// An answer, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// As typed; `yes` or `no` for a confirmation.
    pub value: String,
    /// `terminal`, `--yes`, `--answer` or `practice`.
    pub by: String,
}

/// Puts questions to a person.
pub trait Operator: Send + Sync {
    /// Asks, and waits for the answer.
    ///
    /// While a person thinks, virtual time stands still. Fails with `needs-answer`, naming the
    /// flag, when there is nobody to ask.
    fn ask(&self, question: Question) -> BoxFuture<'_, error::Result<Answer>>;

    /// Whether anybody still reads what was asked for.
    fn hears(&self) -> bool {
        true
    }

    /// Lends the terminal to a program that runs elsewhere. Nothing else is shown or asked until
    /// it is given back.
    ///
    /// Fails with `needs-answer` when there is none.
    fn lend(&self) -> BoxFuture<'_, error::Result<Box<dyn Terminal>>> {
        Box::pin(async { Err(Error::new(Kind::NeedsAnswer, "there is no terminal")) })
    }

    /// Asks the person to look at pods; none when nobody can.
    fn viewer(&self) -> Option<watch::Receiver<View>> {
        None
    }
}

/// What a person looks at of the pods that are watched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// They have seen enough.
    pub left: bool,
    /// The pods on the screen.
    pub pods: Vec<PodName>,
    /// What pods use decides which are there.
    pub by_usage: bool,
}
