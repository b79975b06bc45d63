//! A value written out in a script, as far as parameters need to tell them apart.

use std::ops::RangeInclusive;

use rhai::Dynamic;

/// A value written out in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    Int(i64),
    Text(String),
    Flag(bool),
    Range(RangeInclusive<i64>),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
    Other(String),
}

impl Literal {
    /// `a whole number`, `text "x"`.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Int(number) => format!("the number {number}"),
            Self::Text(text) => format!("the text \"{text}\""),
            Self::Flag(flag) => flag.to_string(),
            Self::Range(_) => "a range".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a map".to_owned(),
            Self::Other(name) => format!("of type {name}"),
        }
    }
}

impl From<Dynamic> for Literal {
    fn from(value: Dynamic) -> Self {
        if let Ok(number) = value.as_int() {
            return Self::Int(number);
        }
        if let Ok(flag) = value.as_bool() {
            return Self::Flag(flag);
        }
        if let Some(range) = value.clone().try_cast::<RangeInclusive<i64>>() {
            return Self::Range(range);
        }
        if let Some(range) = value.clone().try_cast::<std::ops::Range<i64>>() {
            // An open end is written `1..` and read as the largest number there is.
            let end = if range.end == i64::MAX {
                range.end
            } else {
                range.end.saturating_sub(1)
            };
            return Self::Range(range.start..=end);
        }
        let name = value.type_name().to_owned();
        if let Some(text) = value.clone().try_cast::<rhai::ImmutableString>() {
            return Self::Text(text.to_string());
        }
        if let Some(list) = value.clone().try_cast::<rhai::Array>() {
            return Self::List(list.into_iter().map(Self::from).collect());
        }
        if let Some(map) = value.try_cast::<rhai::Map>() {
            return Self::Map(
                map.into_iter()
                    .map(|(key, value)| (key.to_string(), Self::from(value)))
                    .collect(),
            );
        }
        Self::Other(name)
    }
}
