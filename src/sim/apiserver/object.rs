//! An object: a tree of JSON, and how its fields are read and set.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::seat::Seat;

/// An object, cheap to hand out.
#[derive(Debug)]
pub(in crate::sim) struct Object {
    kept: Kept,
    /// The tree of one that is kept small, once somebody looked at all of it.
    whole: OnceLock<Box<Value>>,
}

#[derive(Clone, Debug)]
enum Kept {
    Tree(Arc<Value>),
    Seat(Arc<Seat>),
}

impl Clone for Object {
    /// A copy has no tree yet: the one in the store must not grow because somebody looked at it.
    fn clone(&self) -> Self {
        Self {
            kept: self.kept.clone(),
            whole: OnceLock::new(),
        }
    }
}

impl From<Value> for Object {
    fn from(value: Value) -> Self {
        Self {
            kept: Kept::Tree(Arc::new(value)),
            whole: OnceLock::new(),
        }
    }
}

impl From<Seat> for Object {
    fn from(seat: Seat) -> Self {
        Self {
            kept: Kept::Seat(Arc::new(seat)),
            whole: OnceLock::new(),
        }
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Object {
    /// The seat that it is kept as, if it is.
    pub(super) fn seat(&self) -> Option<&Seat> {
        match &self.kept {
            Kept::Seat(seat) => Some(seat),
            Kept::Tree(_) => None,
        }
    }

    /// What selectors, tables and measurements look at, which need not be all of it.
    pub(in crate::sim) fn brief(&self) -> Cow<'_, Value> {
        match &self.kept {
            Kept::Tree(tree) => Cow::Borrowed(tree),
            Kept::Seat(seat) => Cow::Owned(seat.brief()),
        }
    }

    /// The text of a field that can be selected by, by its dotted path; empty when it is not set.
    pub(super) fn field(&self, path: &str) -> Cow<'_, str> {
        match &self.kept {
            Kept::Tree(tree) => Cow::Borrowed(text(tree, &format!("/{}", path.replace('.', "/")))),
            Kept::Seat(seat) => seat.field(path),
        }
    }

    /// A label.
    pub(super) fn label(&self, key: &str) -> Option<Cow<'_, str>> {
        match &self.kept {
            Kept::Tree(tree) => {
                let label = tree.pointer("/metadata/labels")?.get(key)?;
                label.as_str().map(Cow::Borrowed)
            }
            Kept::Seat(seat) => seat.label(key),
        }
    }

    /// The same under another version.
    pub(super) fn at_version(&self, version: u64) -> Self {
        match &self.kept {
            Kept::Tree(tree) => {
                let mut tree = (**tree).clone();
                set_meta(&mut tree, "resourceVersion", json!(version.to_string()));
                Self::from(tree)
            }
            Kept::Seat(seat) => Self::from(Seat {
                version,
                ..(**seat).clone()
            }),
        }
    }
}

impl std::ops::Deref for Object {
    type Target = Value;

    fn deref(&self) -> &Value {
        match &self.kept {
            Kept::Tree(tree) => tree,
            Kept::Seat(seat) => self.whole.get_or_init(|| Box::new(seat.tree())),
        }
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

/// The text at a pointer; empty when there is none.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Sets a field; what is no object has none.
pub(super) fn set(object: &mut Value, field: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

/// Sets a field of `metadata`, which is made if need be.
pub(super) fn set_meta(object: &mut Value, field: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        set(
            fields.entry("metadata").or_insert_with(|| json!({})),
            field,
            value,
        );
    }
}

/// A moment as Kubernetes writes it.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A number shaped like a UUID, the same in every run.
pub(super) fn uid(number: u64) -> String {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let (high, low) = (mixed >> 32, mixed & 0xffff);
    let middle = (mixed >> 16) & 0xfff;
    format!("{high:08x}-{low:04x}-4{middle:03x}-8{middle:03x}-{number:012x}")
}
