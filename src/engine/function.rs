//! One function a script can call: what it looks like, and the Rust behind it.

use futures::future::LocalBoxFuture;
use serde_json::{Map, Value};

use crate::engine::table::Signature;
use crate::error::{Error, Kind, Result};
use crate::world::{Begun, World};

/// What a function gives back; plain data, or a [`handle`].
pub type Answer = LocalBoxFuture<'static, Result<Value>>;

/// A function of the table.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// What it looks like from a script.
    pub signature: Signature,
    /// What it does. The arguments were checked against the signature.
    pub run: fn(World, Args) -> Answer,
    /// Whether what it gives back is about people: only its digest is recorded.
    pub personal: bool,
    /// Whether what it gives back is different at any other moment: that it is tells nothing.
    pub fleeting: bool,
    /// Whether it may write while another run holds the cluster: it is safe beside any other.
    pub lockless: bool,
    /// For a wait: null when what was waited for holds, else a text that says why not.
    pub holds: Option<fn(World, Args) -> Answer>,
    /// For a write that must not be sent twice: what it gave back, if it left a trace; else null.
    pub trace: Option<fn(World, Args, Begun) -> Answer>,
}

impl Function {
    /// A function that looks like this and does that.
    pub const fn new(signature: Signature, run: fn(World, Args) -> Answer) -> Self {
        Self {
            signature,
            run,
            personal: false,
            fleeting: false,
            lockless: false,
            holds: None,
            trace: None,
        }
    }

    /// A function whose result is about people.
    #[must_use]
    pub const fn personal(mut self) -> Self {
        self.personal = true;
        self
    }

    /// A read that is not looked at again before a run goes on: it always differs.
    #[must_use]
    pub const fn fleeting(mut self) -> Self {
        self.fleeting = true;
        self
    }

    /// A write that is safe beside any other run's.
    #[must_use]
    pub const fn lockless(mut self) -> Self {
        self.lockless = true;
        self
    }

    /// A wait whose condition can be looked at again.
    #[must_use]
    pub const fn holds(mut self, holds: fn(World, Args) -> Answer) -> Self {
        self.holds = Some(holds);
        self
    }

    /// A write whose trace can be looked for.
    #[must_use]
    pub const fn trace(mut self, trace: fn(World, Args, Begun) -> Answer) -> Self {
        self.trace = Some(trace);
        self
    }
}

/// The key that tells a handle from plain data, in values and in the journal.
pub(super) const HANDLE: &str = "$handle";

/// A value that scripts see as a handle of this type, with its fields as properties.
pub fn handle(name: &str, fields: Value) -> Value {
    let mut map = Map::from_iter([(HANDLE.to_owned(), name.into())]);
    if let Value::Object(fields) = fields {
        map.extend(fields);
    }
    map.into()
}

/// The arguments of a call, in order; a method's subject comes first.
#[derive(Debug, Clone, PartialEq)]
pub struct Args(pub(super) Vec<Value>);

impl Args {
    /// Whether the optional argument at this place was given.
    pub fn has(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(|value| !value.is_null())
    }

    /// The argument at this place, whatever it is; null when it was left off.
    pub fn value(&self, at: usize) -> &Value {
        self.0.get(at).unwrap_or(&Value::Null)
    }

    /// The text at this place.
    ///
    /// # Errors
    /// When it is none.
    pub fn text(&self, at: usize) -> Result<String> {
        let text = self.value(at).as_str();
        text.map(str::to_owned).ok_or_else(|| wrong(at, "a text"))
    }

    /// The count at this place.
    ///
    /// # Errors
    /// When it is negative or beyond any number of machines.
    pub fn count(&self, at: usize) -> Result<u32> {
        let count = self.value(at).as_i64().map(u32::try_from);
        count
            .and_then(std::result::Result::ok)
            .ok_or_else(|| wrong(at, "a count of zero or more"))
    }

    /// A text property of the handle or map at this place.
    ///
    /// # Errors
    /// When it has none.
    pub fn field(&self, at: usize, name: &str) -> Result<String> {
        let text = self.value(at).get(name).and_then(Value::as_str);
        text.map(str::to_owned)
            .ok_or_else(|| wrong(at, &format!("something with a `{name}`")))
    }
}

fn wrong(at: usize, wanted: &str) -> Error {
    Error::new(
        Kind::Script,
        format!("argument {} must be {wanted}", at + 1),
    )
}
