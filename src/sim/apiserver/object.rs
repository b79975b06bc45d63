//! An object: a tree of JSON, and how its fields are read and set.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

/// An object, cheap to hand out.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sim) struct Object(Arc<Value>);

impl From<Value> for Object {
    fn from(value: Value) -> Self {
        Self(Arc::new(value))
    }
}

impl std::ops::Deref for Object {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
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
