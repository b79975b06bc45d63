//! Parameters as flags of a command.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser, ValueHint};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::Value;

use crate::names;
use crate::runbook::params::{Kind, Param, Spelled};
use crate::runbook::script::Script;

const HEADING: &str = "Parameters of this runbook";

/// The command that runs this script: its description, and its parameters as flags.
///
/// What is required is said, not enforced: what is missing is asked for on a terminal. The
/// script must have passed `check`, or flags may clash with the caller's own.
pub fn command(script: &Script) -> Command {
    let mut command = Command::new(script.name().to_owned());
    if !script.doc.summary.is_empty() {
        command = command.about(script.doc.summary.clone());
    }
    if !script.doc.details.is_empty() {
        command = command.long_about(format!("{}\n\n{}", script.doc.summary, script.doc.details));
    }
    for param in &script.params {
        command = command.arg(value_arg(param, script));
        if param.flags().len() > 1 {
            command = command.arg(opposite_arg(param));
        }
    }
    command
}

/// The values that were given, as flags or in their places.
pub fn given(matches: &ArgMatches, script: &Script) -> BTreeMap<String, Value> {
    let mut given = BTreeMap::new();
    for param in &script.params {
        let value = match param.kind {
            Kind::Flag => switched(matches, &param.name)
                .or_else(|| switched(matches, &opposite(param)).map(|_| false))
                .map(Value::Bool),
            Kind::Int { .. } | Kind::Text | Kind::Choice { .. } | Kind::Duration => matches
                .try_get_one::<Value>(&param.name)
                .ok()
                .flatten()
                .cloned(),
        };
        if let Some(value) = value {
            given.insert(param.name.clone(), value);
        }
    }
    given
}

/// What was given, with defaults; a parameter that has neither is null.
pub fn values(matches: &ArgMatches, script: &Script) -> BTreeMap<String, Value> {
    script.with_defaults(&given(matches, script))
}

fn switched(matches: &ArgMatches, id: &str) -> Option<bool> {
    matches
        .try_get_one::<bool>(id)
        .ok()
        .flatten()
        .copied()
        .filter(|on| *on)
}

fn value_arg(param: &Param, script: &Script) -> Arg {
    let others = others(param, script);
    let arg = Arg::new(param.name.clone())
        .help(help(param, &others))
        .help_heading(HEADING)
        .conflicts_with_all(others.iter().map(|other| other.name.clone()));
    let arg = if param.positional {
        arg
    } else {
        arg.long(param.flag())
    };
    let Some(value_name) = param.value_name() else {
        return arg.action(ArgAction::SetTrue);
    };
    let value_name = if param.positional {
        param.name.to_uppercase()
    } else {
        value_name.to_owned()
    };
    arg.value_name(value_name)
        .value_hint(ValueHint::Other)
        .allow_negative_numbers(matches!(param.kind, Kind::Int { .. }))
        .value_parser(Typed {
            param: param.clone(),
            declared: format!("declared at {}:{}", script.source().file, param.line),
        })
}

fn opposite_arg(param: &Param) -> Arg {
    Arg::new(opposite(param))
        .long(opposite(param))
        .help(format!("The opposite of --{}", param.flag()))
        .help_heading(HEADING)
        .action(ArgAction::SetTrue)
        .overrides_with(param.name.clone())
}

/// Also an argument's id: it has a dash, which no constant's name has.
fn opposite(param: &Param) -> String {
    format!("no-{}", param.flag())
}

/// One parameter in a line: how it is given and what it is for.
pub fn line(param: &Param, script: &Script) -> String {
    format!(
        "{:18} {}",
        param.usage(),
        help(param, &others(param, script))
    )
}

/// The flags that would give a run of this script these values: defaults are left out, as is what
/// the script does not declare any more.
pub fn written(values: &BTreeMap<String, Value>, script: &Script) -> String {
    let params = script.params.iter().filter_map(|param| {
        let value = values.get(&param.name)?;
        let told = param.default.as_ref() == Some(value) || value.is_null();
        let flag = param.flag();
        match value {
            _ if told => None,
            Value::Bool(true) => Some(format!("--{flag}")),
            Value::Bool(false) if param.default == Some(true.into()) => {
                Some(format!("--no-{flag}"))
            }
            Value::Bool(false) => None,
            value if param.positional => Some(quoted(&param.spell(value))),
            value => Some(format!("--{flag} {}", quoted(&param.spell(value)))),
        }
    });
    params.collect::<Vec<_>>().join(" ")
}

/// The text as one word of a shell.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The parameters that can be given instead of this one.
fn others<'a>(param: &'a Param, script: &'a Script) -> Vec<&'a Param> {
    let group = script.group(param).into_iter();
    group.filter(|other| other.name != param.name).collect()
}

fn help(param: &Param, others: &[&Param]) -> String {
    let mut help = param.help.clone();
    if let Kind::Int { range: Some(range) } = &param.kind {
        help = format!("{help} [{}]", Spelled(range));
    }
    let others: Vec<String> = others
        .iter()
        .map(|other| format!("--{}", other.flag()))
        .collect();
    let others = others.join(" or ");
    let more = match (&param.default, &param.instead_of) {
        (Some(Value::Bool(false)), _) => String::new(),
        (Some(Value::String(empty)), _) if empty.is_empty() => String::new(),
        (Some(Value::Bool(true)), _) => " [on unless switched off]".to_owned(),
        (Some(default), _) => format!(" [default: {}]", param.spell(default)),
        (None, Some(first)) => format!(" [instead of --{}]", names::flag(first)),
        (None, None) if others.is_empty() => " [required]".to_owned(),
        (None, None) => format!(" [required, or {others}]"),
    };
    help.push_str(&more);
    help
}

/// Reads one parameter's value and says where it is declared when it cannot.
#[derive(Clone)]
struct Typed {
    param: Param,
    declared: String,
}

impl TypedValueParser for Typed {
    type Value = Value;

    fn parse_ref(
        &self,
        cmd: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Value, clap::Error> {
        let Self { param, declared } = self.clone();
        let read = move |text: &str| {
            param
                .parse(text)
                .map_err(|why| format!("{why} ({declared})"))
        };
        read.parse_ref(cmd, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        match &self.param.kind {
            Kind::Choice { choices } => Some(Box::new(choices.iter().map(PossibleValue::new))),
            Kind::Int { .. } | Kind::Text | Kind::Flag | Kind::Duration => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::runbook::library::Library;

    #[test]
    fn values_are_written_as_the_flags_that_give_them() {
        const KINDS: &str = "//! Kinds.\nconst who = param::arg(\"Who\");\n\
            const n = param::int(\"N\", 1);\nconst loud = param::flag(\"Loud\");\n\
            const safe = param::flag(\"Safe\", true);\nconst t = param::duration(\"T\", \"25m\");\n";
        let library = Library {
            folders: Vec::new(),
            built_in: &[("kinds.rhai", KINDS)],
        };
        let script = Script::read(library.find("kinds").unwrap()).unwrap();
        let written = |values: Value| {
            let values = serde_json::from_value(values).unwrap();
            super::written(&values, &script)
        };
        let defaults = json!({"who": null, "n": 1, "loud": false, "safe": true, "t": 1500});
        assert_eq!(written(defaults), "");
        let given = json!({"who": "Ann's", "n": -4, "loud": true, "safe": false, "t": 5400});
        assert_eq!(
            written(given),
            "'Ann'\\''s' --n -4 --loud --no-safe --t 1h30m"
        );
        assert_eq!(written(json!({"gone": 1, "n": 2})), "--n 2");
    }
}
