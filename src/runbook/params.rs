//! The parameters a runbook declares, as types: how a value is read, shown and asked for.

pub mod flags;
mod literal;
pub(super) mod read;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use serde_json::Value;

use crate::names;
use crate::runbook::script::Script;

/// Flags every run has of its own; no parameter may take them.
pub const TAKEN: [&str; 19] = [
    "answer", "color", "config", "dry-run", "fault", "help", "no-lock", "on", "output", "plan",
    "quiet", "save", "scenario", "seed", "speed", "verbose", "wait", "world", "yes",
];

/// `const nodes = param::int("Nodes to keep warm", 2, 1..=20);`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// The constant's name.
    pub name: String,
    /// What values it takes.
    pub kind: Kind,
    /// Given by its place on the command line instead of by a flag.
    pub positional: bool,
    /// What it is for.
    pub help: String,
    /// Its value when none is given; a duration in seconds.
    pub default: Option<Value>,
    /// The other parameter this one can stand in for.
    pub instead_of: Option<String>,
    /// Line of the `param::...` call, as the engine reports it when the script runs.
    pub line: usize,
    /// Column of it.
    pub column: usize,
}

/// What values a parameter takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Int {
        /// The smallest and the largest.
        range: Option<RangeInclusive<i64>>,
    },
    /// Any text.
    Text,
    /// Yes or no.
    Flag,
    /// One of these.
    Choice {
        /// In the order they are declared.
        choices: Vec<String>,
    },
    /// A length of time; its value is a number of seconds.
    Duration,
}

impl Param {
    /// The flag, without dashes.
    pub fn flag(&self) -> String {
        names::flag(&self.name)
    }

    /// Every flag it takes up, without dashes; none when it is positional.
    pub fn flags(&self) -> Vec<String> {
        match (self.positional, self.default == Some(Value::Bool(true))) {
            (true, _) => Vec::new(),
            (false, false) => vec![self.flag()],
            (false, true) => vec![self.flag(), format!("no-{}", self.flag())],
        }
    }

    /// How it is given: `--nodes N`, or `NAME` in its place.
    pub fn usage(&self) -> String {
        if self.positional {
            return self.name.to_uppercase();
        }
        let flag = format!("--{}", self.flag());
        match self.value_name() {
            Some(value) => format!("{flag} {value}"),
            None => flag,
        }
    }

    /// What stands for its value in help; nothing for a switch.
    fn value_name(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Flag => None,
            Kind::Int { .. } => Some("N"),
            Kind::Choice { .. } => Some("CHOICE"),
            Kind::Duration => Some("DURATION"),
            Kind::Text => Some("TEXT"),
        }
    }

    /// Reads a value as typed, after the flag or at a prompt.
    ///
    /// # Errors
    /// What is wrong with it, as a fragment: `99 is not in 1..=20`.
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        match &self.kind {
            Kind::Int { range } => {
                let number: i64 = text
                    .trim()
                    .parse()
                    .map_err(|_| "not a whole number".to_owned())?;
                match range {
                    Some(range) if !range.contains(&number) => {
                        Err(format!("{number} is not in {}", Spelled(range)))
                    }
                    Some(_) | None => Ok(number.into()),
                }
            }
            Kind::Text if text.trim().is_empty() && self.default.is_none() => {
                Err("must not be empty".to_owned())
            }
            Kind::Text => Ok(text.into()),
            Kind::Flag => match text.trim() {
                "yes" | "y" | "true" => Ok(true.into()),
                "no" | "n" | "false" => Ok(false.into()),
                _ => Err("answer yes or no".to_owned()),
            },
            Kind::Choice { choices } if choices.iter().any(|choice| choice == text) => {
                Ok(text.into())
            }
            Kind::Choice { choices } => Err(
                match names::nearest(text, choices.iter().map(String::as_str)) {
                    Some(near) => {
                        format!("not one of {}; did you mean {near}?", choices.join(", "))
                    }
                    None => format!("not one of {}", choices.join(", ")),
                },
            ),
            Kind::Duration => names::duration(text)
                .map(|duration| duration.as_secs().into())
                .map_err(|_| "not a duration; write it like 90s, 25m or 1h30m".to_owned()),
        }
    }

    /// A value of this parameter as a person would type it.
    pub fn spell(&self, value: &Value) -> String {
        match (value, &self.kind) {
            (Value::String(text), _) => text.clone(),
            (value, Kind::Duration) => value.as_u64().map(names::spell).unwrap_or_default(),
            (value, Kind::Int { .. } | Kind::Text | Kind::Flag | Kind::Choice { .. }) => {
                value.to_string()
            }
        }
    }
}

/// `1..=20`, `1..` without an end.
struct Spelled<'a>(&'a RangeInclusive<i64>);

impl fmt::Display for Spelled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0.end() {
            i64::MAX => write!(f, "{}..", self.0.start()),
            end => write!(f, "{}..={end}", self.0.start()),
        }
    }
}

impl Script {
    /// The parameters that can be given for this one: itself first, then those that stand in.
    pub fn group<'a>(&'a self, param: &'a Param) -> Vec<&'a Param> {
        let first = param.instead_of.as_ref().unwrap_or(&param.name);
        let mut group: Vec<&Param> = self.params.iter().filter(|p| p.name == *first).collect();
        group.extend(
            self.params
                .iter()
                .filter(|p| p.instead_of.as_ref() == Some(first)),
        );
        group
    }

    /// Adds defaults to what was given; what is neither given nor has a default is null.
    ///
    /// When one parameter stands in for another, the other has no value, default or not.
    pub fn with_defaults(&self, given: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        self.params
            .iter()
            .map(|param| {
                let group_given = self
                    .group(param)
                    .iter()
                    .any(|p| given.contains_key(&p.name));
                let value = match given.get(&param.name) {
                    Some(value) => value.clone(),
                    None if group_given => Value::Null,
                    None => param.default.clone().unwrap_or(Value::Null),
                };
                (param.name.clone(), value)
            })
            .collect()
    }

    /// What still has to be asked for: of parameters that stand in for each other, the first.
    pub fn missing(&self, values: &BTreeMap<String, Value>) -> Vec<&Param> {
        let has_value = |param: &&Param| {
            values
                .get(&param.name)
                .is_some_and(|value| !value.is_null())
        };
        self.params
            .iter()
            .filter(|param| param.instead_of.is_none())
            .filter(|param| !self.group(param).iter().any(has_value))
            .collect()
    }
}
