//! The terminal while a program that runs elsewhere has it.

use std::io::{self, Write as _};
use std::sync::mpsc::Sender;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::task::{JoinHandle, spawn_blocking};

use super::terminal;
use super::writer::Message;
use crate::error::{Error, Kind, Result};
use crate::world::Terminal;
use crate::world::terminal::{Input, Size};

/// How long a key is waited for before the window's size is looked at.
const SLICE: Duration = Duration::from_millis(50);

/// The terminal, in its raw mode; given back when dropped.
pub(super) struct Lent {
    size: Size,
    practice: bool,
    /// A look for keys that is under way: what it finds must not be lost.
    looking: Option<JoinHandle<io::Result<Vec<u8>>>>,
    to: Sender<Message>,
}

impl Lent {
    /// Takes it; nobody else shows or asks anything.
    pub(super) fn take(practice: bool, to: Sender<Message>) -> Result<Self> {
        // From here on it is given back.
        let lent = Self {
            size: terminal::size(),
            practice,
            looking: None,
            to,
        };
        terminal::raw().map_err(|error| failed(&error))?;
        Ok(lent)
    }
}

impl Terminal for Lent {
    fn size(&self) -> Size {
        self.size
    }

    fn read(&mut self) -> BoxFuture<'_, Result<Input>> {
        Box::pin(async move {
            loop {
                let size = terminal::size();
                if size != self.size {
                    self.size = size;
                    return Ok(Input::Resized(size));
                }
                let looking = self
                    .looking
                    .get_or_insert_with(|| spawn_blocking(|| terminal::typed(SLICE)));
                let found = looking.await;
                self.looking = None;
                match found {
                    Ok(Ok(keys)) if !keys.is_empty() => return Ok(Input::Typed(keys)),
                    // While it was looked, virtual time stood still; it passed for the person.
                    Ok(Ok(_)) if self.practice => tokio::time::sleep(SLICE).await,
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return Err(failed(&error)),
                    Err(error) => return Err(Error::new(Kind::Bug, error.to_string())),
                }
            }
        })
    }

    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let written = spawn_blocking(move || {
                let mut out = io::stdout().lock();
                out.write_all(&bytes)?;
                out.flush()
            });
            match written.await {
                Ok(written) => written.map_err(|error| failed(&error)),
                Err(error) => Err(Error::new(Kind::Bug, error.to_string())),
            }
        })
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        terminal::restore();
        self.to.send(Message::Returned).ok();
    }
}

fn failed(error: &io::Error) -> Error {
    if terminal::closed(error) {
        return Error::new(Kind::Interrupted, "the terminal was closed");
    }
    Error::new(Kind::Io, format!("the terminal cannot be used: {error}"))
}
