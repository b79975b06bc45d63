//! The map of options that many functions take last.

use std::time::Duration;

use serde_json::Value;

use crate::engine::Args;
use crate::error::{Error, Kind, Result};
use crate::names;

/// The options given to one call.
pub(super) struct Options<'a>(&'a Value);

impl<'a> Options<'a> {
    /// The map at this place, in which there may be these options only; it may be left off.
    pub(super) fn of(args: &'a Args, at: usize, known: &[&str]) -> Result<Self> {
        let given = args.value(at);
        for key in given.as_object().into_iter().flat_map(|map| map.keys()) {
            if !known.contains(&key.as_str()) {
                let error = Error::new(Kind::Script, format!("there is no option `{key}`"));
                return Err(match names::nearest(key, known.iter().copied()) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.hint(format!("there are: {}", known.join(", "))),
                });
            }
        }
        Ok(Self(given))
    }

    fn given(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>> {
        let text = |value: &Value| {
            let text = value.as_str().map(str::to_owned);
            text.ok_or_else(|| wrong(key, "a text"))
        };
        self.given(key).map(text).transpose()
    }

    /// A switch, off when it is left off.
    pub(super) fn flag(&self, key: &str) -> Result<bool> {
        let flag = |value: &Value| value.as_bool().ok_or_else(|| wrong(key, "true or false"));
        Ok(self.given(key).map(flag).transpose()?.unwrap_or_default())
    }

    /// A list of names, empty when it is left off.
    pub(super) fn names(&self, key: &str) -> Result<Vec<String>> {
        let wrong = || wrong(key, "a list of names");
        let list = self
            .given(key)
            .map(|value| value.as_array().ok_or_else(wrong));
        let list = list.transpose()?.into_iter().flatten();
        list.map(|name| name.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect()
    }

    /// A count.
    pub(super) fn count(&self, key: &str) -> Result<Option<u32>> {
        let count = |value: &Value| {
            let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
            count.ok_or_else(|| wrong(key, "a count of zero or more"))
        };
        self.given(key).map(count).transpose()
    }

    /// `"45m"`, or seconds, as `param::duration` gives them.
    pub(super) fn duration(&self, key: &str) -> Result<Option<Duration>> {
        self.given(key)
            .map(|value| duration(key, value))
            .transpose()
    }

    /// The name of the operation that `grow` or `shrink` gave back.
    pub(super) fn operation(&self, key: &str) -> Result<Option<String>> {
        let name = |value: &Value| {
            let name = value.get("name").and_then(Value::as_str);
            name.map(str::to_owned)
                .ok_or_else(|| wrong(key, "what `grow` or `shrink` gave back"))
        };
        self.given(key).map(name).transpose()
    }
}

/// A duration as scripts give it.
pub(super) fn duration(key: &str, value: &Value) -> Result<Duration> {
    match value {
        Value::String(text) => names::duration(text).map_err(|e| Error::new(Kind::Script, e)),
        value => value
            .as_u64()
            .map(Duration::from_secs)
            .ok_or_else(|| wrong(key, "a duration like \"45m\"")),
    }
}

/// An option that is not what it must be.
pub(super) fn wrong(key: &str, wanted: &str) -> Error {
    Error::new(Kind::Script, format!("`{key}` must be {wanted}"))
}
