//! What one run leaves for a later one to know: which image was there before.

use serde_json::Value;

use super::kept::{Shelf, Wish};
use crate::error::{self, Kind};
use crate::event::{Change, Fate};
use crate::names::Class;
use crate::world::World;

/// Where it is kept.
pub(super) const SHELF: Shelf = Shelf("runbook-memory");

/// What was kept under this key; none when nothing was, or nothing that can be read.
///
/// # Errors
/// When it may not be read.
pub async fn recall(world: &World, key: &str) -> error::Result<Option<Value>> {
    let texts = SHELF.texts(world).await?;
    Ok(texts
        .get(key)
        .and_then(|text| serde_json::from_str(text).ok()))
}

/// A text that was kept, for a person.
fn told(text: Option<&str>) -> String {
    let Some(text) = text else {
        return "none".to_owned();
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => {
            let pairs = map.iter().map(|(key, value)| match value {
                Value::String(text) if text.is_empty() => format!("{key} nothing"),
                Value::String(text) => format!("{key} {text}"),
                other => format!("{key} {other}"),
            });
            pairs.collect::<Vec<_>>().join(", ")
        }
        _ => text.to_owned(),
    }
}

/// Keeps a value under a key (letters, digits, `-`, `_` and `.`); null forgets it. Says whether
/// anything had to be changed.
///
/// # Errors
/// When it cannot be written.
pub async fn remember(world: &World, key: &str, value: &Value) -> error::Result<bool> {
    let wanted = (!value.is_null()).then(|| value.to_string());
    let bring = |found: Option<&str>| {
        let change = Change {
            what: format!("memory {key}"),
            before: told(found),
            after: told(wanted.as_deref()),
            call: "memory::put".to_owned(),
            class: Class::WriteConverge,
            operation: None,
            fate: Fate::Done,
        };
        let wish = match &wanted {
            wanted if wanted.as_deref() == found => Wish::Keep,
            Some(text) => Wish::Put(text.clone()),
            None => Wish::Remove,
        };
        Ok((wish, change))
    };
    if !key
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    {
        let fact = format!("`{key}` cannot be a key of the memory");
        return Err(
            error::Error::new(Kind::Script, fact).hint("letters, digits, `-`, `_` and `.` can")
        );
    }
    SHELF.bring(world, key, bring).await
}
