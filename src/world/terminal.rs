//! The operator's terminal while it is lent to a program that runs elsewhere: every key goes there,
//! Ctrl-C too. Dropped, it is given back as it was.

use futures::future::BoxFuture;

use crate::error;

/// How large a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// What a person does at a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Typed these bytes.
    Typed(Vec<u8>),
    /// Made the window another size.
    Resized(Size),
}

/// A terminal that was lent. Time passes as it does for the person, in the practice world too.
pub trait Terminal: Send {
    /// How large it is.
    fn size(&self) -> Size;

    /// What the person does next. A future that is dropped has lost nothing.
    ///
    /// Fails with `interrupted` when the terminal is closed.
    fn read(&mut self) -> BoxFuture<'_, error::Result<Input>>;

    /// Shows these bytes as they are.
    ///
    /// Fails with `interrupted` when the terminal is closed.
    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, error::Result<()>>;
}
