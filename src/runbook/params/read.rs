//! Reads parameters out of a syntax tree, and finds what is wrong with how they are declared.

use std::collections::BTreeSet;

use rhai::{ASTFlags, ASTNode, Expr, FnCallExpr, Ident, Position, Stmt};
use serde_json::Value;

use crate::names;
use crate::runbook::finding::{Finding, did_you_mean};
use crate::runbook::params::literal::Literal;
use crate::runbook::params::{Kind, Param};
use crate::runbook::parsed::Parsed;
use crate::runbook::syntax::line_column;

/// The module whose functions declare parameters.
pub(in crate::runbook) const MODULE: &str = "param";

const RULE: &str = "parameter";
const KINDS: [&str; 6] = ["int", "text", "flag", "choice", "duration", "arg"];

/// Every well-declared parameter, and what is wrong with the others.
pub(in crate::runbook) fn params(file: &Parsed) -> (Vec<Param>, Vec<Finding>) {
    let mut reader = Reader {
        file,
        params: Vec::new(),
        findings: Vec::new(),
    };
    let mut in_place = BTreeSet::new();
    for statement in file.ast.statements() {
        if let Stmt::Var(variable, flags, _) = statement
            && let (ident, Expr::FnCall(call, position), _) = &**variable
            && declares(call)
        {
            in_place.insert(line_column(*position));
            if flags.contains(ASTFlags::CONSTANT) {
                reader.declaration(ident, call, *position);
            } else {
                let message = format!(
                    "a parameter keeps its value: declare it with `const {}`",
                    ident.name
                );
                reader.wrong(
                    ident.pos,
                    message,
                    Some(format!("write `const {} = ...`", ident.name)),
                );
            }
        }
    }
    file.each_node(&mut |node| {
        if let ASTNode::Expr(Expr::FnCall(call, position)) = node
            && declares(call)
            && !in_place.contains(&line_column(*position))
        {
            reader.wrong(
                *position,
                "a parameter is declared at the top level, by a `const` of its own".to_owned(),
                Some(format!(
                    "write `const NAME = param::{}(...);` above all blocks and functions",
                    call.name
                )),
            );
        }
    });
    reader.check_alternatives();
    (reader.params, reader.findings)
}

fn declares(call: &FnCallExpr) -> bool {
    matches!(call.namespace.path.as_slice(), [module] if module.name == MODULE)
}

struct Reader<'a> {
    file: &'a Parsed,
    params: Vec<Param>,
    findings: Vec<Finding>,
}

/// What the arguments after the help text said.
#[derive(Default)]
struct Extras {
    default: Option<Value>,
    range: Option<std::ops::RangeInclusive<i64>>,
    choices: Option<Vec<String>>,
    instead_of: Option<String>,
}

impl Reader<'_> {
    fn wrong(&mut self, position: Position, message: String, suggestion: Option<String>) {
        let (line, column) = line_column(position);
        self.findings.push(Finding {
            place: self.file.source.place(line, column, "here"),
            message,
            suggestion,
            rule: RULE,
        });
    }

    fn declaration(&mut self, ident: &Ident, call: &FnCallExpr, position: Position) {
        let mistakes = self.findings.len();
        let Some((help, extras)) = self.arguments(call, position) else {
            return;
        };
        let Some(kind) = self.kind(call, position, &extras) else {
            return;
        };
        let (line, column) = line_column(position);
        let mut param = Param {
            name: ident.name.to_string(),
            positional: call.name == "arg",
            kind,
            help,
            default: None,
            instead_of: extras.instead_of,
            line,
            column,
        };
        self.set_default(&mut param, position, extras.default);
        self.check_name(&param, ident);
        if self.findings.len() == mistakes {
            self.params.push(param);
        }
    }

    /// The help text, and the rest sorted by what it is.
    fn arguments(&mut self, call: &FnCallExpr, position: Position) -> Option<(String, Extras)> {
        if !KINDS.contains(&call.name.as_str()) {
            let message = format!("there is no kind of parameter `param::{}`", call.name);
            let suggestion = did_you_mean(&call.name, KINDS);
            self.wrong(
                position,
                message,
                suggestion.or_else(|| Some(format!("there are: {}", KINDS.join(", ")))),
            );
            return None;
        }
        let mut literals = Vec::new();
        for (index, argument) in call.args.iter().enumerate() {
            let Some(value) = argument.get_literal_value(None) else {
                let message = format!("argument {} of a parameter must be a literal", index + 1);
                let why = "it is read without running the script".to_owned();
                self.wrong(argument.position(), message, Some(why));
                return None;
            };
            literals.push((Literal::from(value), argument.position()));
        }
        let mut literals = literals.into_iter();
        let help = match literals.next() {
            Some((Literal::Text(help), _)) if !help.trim().is_empty() => help,
            other => {
                let message = format!(
                    "`param::{}` begins with a text that says what it is for",
                    call.name
                );
                let example = format!("write `param::{}(\"What it is for\", ...)`", call.name);
                self.wrong(other.map_or(position, |(_, at)| at), message, Some(example));
                return None;
            }
        };
        let mut extras = Extras::default();
        for (index, (literal, at)) in literals.enumerate() {
            if let Err((message, suggestion)) = sort(&call.name, index + 2, literal, &mut extras) {
                self.wrong(at, message, suggestion);
                return None;
            }
        }
        Some((help, extras))
    }

    fn kind(&mut self, call: &FnCallExpr, position: Position, extras: &Extras) -> Option<Kind> {
        Some(match call.name.as_str() {
            "int"
                if extras
                    .range
                    .as_ref()
                    .is_some_and(std::ops::RangeInclusive::is_empty) =>
            {
                self.wrong(
                    position,
                    "the range of allowed numbers is empty".to_owned(),
                    None,
                );
                return None;
            }
            "int" => Kind::Int {
                range: extras.range.clone(),
            },
            "flag" => Kind::Flag,
            "duration" => Kind::Duration,
            "choice" => {
                let Some(choices) = extras.choices.clone() else {
                    let example = "write `param::choice(\"...\", [\"a\", \"b\"])`".to_owned();
                    self.wrong(
                        position,
                        "a choice needs a list of what to choose from".to_owned(),
                        Some(example),
                    );
                    return None;
                };
                Kind::Choice { choices }
            }
            _ => Kind::Text,
        })
    }

    fn set_default(&mut self, param: &mut Param, position: Position, default: Option<Value>) {
        param.default = match (&param.kind, default) {
            (Kind::Flag, None) => Some(Value::Bool(false)),
            (_, None) => None,
            // A default is held to what a typed value is held to.
            (Kind::Int { .. } | Kind::Choice { .. } | Kind::Duration, Some(value)) => {
                let typed = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                match param.parse(&typed) {
                    Ok(value) => Some(value),
                    Err(why) => {
                        let message =
                            format!("the default of `{}` would be refused: {why}", param.name);
                        self.wrong(
                            position,
                            message,
                            Some("change the default, or what is allowed".to_owned()),
                        );
                        None
                    }
                }
            }
            (Kind::Text | Kind::Flag, Some(value)) => Some(value),
        };
    }

    fn check_name(&mut self, param: &Param, ident: &Ident) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !param.name.starts_with(|c: char| c.is_ascii_lowercase())
            || !param.name.chars().all(plain)
        {
            let message = format!(
                "`{}` cannot be a flag: a parameter's name is in lower case",
                param.name
            );
            let lower = param.name.to_ascii_lowercase();
            self.wrong(
                ident.pos,
                message,
                Some(format!("write `{}`", lower.trim_start_matches('_'))),
            );
        }
        let flags = param.flags();
        let twin = self.params.iter().find(|other| {
            other.name == param.name || other.flags().iter().any(|flag| flags.contains(flag))
        });
        if let Some(twin) = twin {
            let message = format!(
                "`{}` clashes with `{}`, declared on line {}",
                param.name, twin.name, twin.line
            );
            self.wrong(ident.pos, message, Some("give it another name".to_owned()));
        }
    }

    /// A parameter can stand in for one that is asked for itself and has a value of its own.
    fn check_alternatives(&mut self) {
        let all = self.params.clone();
        for param in &all {
            let Some(first) = &param.instead_of else {
                continue;
            };
            let names = all
                .iter()
                .map(|p| p.name.as_str())
                .filter(|name| *name != param.name);
            let problem = match all
                .iter()
                .find(|p| p.name == *first && p.name != param.name)
            {
                None => Some((
                    format!(
                        "`{}` is instead of `{first}`, which is no other parameter",
                        param.name
                    ),
                    names::nearest(first, names).map(|near| format!("did you mean `{near}`?")),
                )),
                Some(other) if other.instead_of.is_some() => Some((
                    format!(
                        "`{}` is instead of `{first}`, which itself is instead of another",
                        param.name
                    ),
                    other
                        .instead_of
                        .as_ref()
                        .map(|root| format!("write `instead_of: \"{root}\"`")),
                )),
                Some(other) if other.kind == Kind::Flag => Some((
                    format!(
                        "`{first}` is a flag and always has a value: nothing can be instead of it"
                    ),
                    None,
                )),
                Some(_) if param.default.is_some() => Some((
                    format!(
                        "`{}` is instead of `{first}` and so cannot have a default",
                        param.name
                    ),
                    Some("leave the default out".to_owned()),
                )),
                Some(_) => None,
            };
            if let Some((message, suggestion)) = problem {
                let place = self.file.source.place(param.line, param.column, "here");
                self.findings.push(Finding {
                    place,
                    message,
                    suggestion,
                    rule: RULE,
                });
                self.params.retain(|p| p.name != param.name);
            }
        }
    }
}

type Problem = (String, Option<String>);

/// Puts one argument where it belongs, by its type.
fn sort(kind: &str, number: usize, literal: Literal, extras: &mut Extras) -> Result<(), Problem> {
    let found = literal.describe();
    let taken = match (kind, literal) {
        ("int", Literal::Int(default)) => extras.default.replace(default.into()).is_some(),
        ("int", Literal::Range(range)) => extras.range.replace(range).is_some(),
        ("text" | "arg" | "duration" | "choice", Literal::Text(text)) => {
            extras.default.replace(text.into()).is_some()
        }
        ("flag", Literal::Flag(default)) => extras.default.replace(default.into()).is_some(),
        ("choice", Literal::List(choices)) => {
            extras.choices.replace(check_choices(choices)?).is_some()
        }
        ("int" | "text" | "arg" | "duration" | "choice", Literal::Map(options)) => {
            extras.instead_of.replace(instead_of(options)?).is_some()
        }
        _ => {
            return Err((
                format!("argument {number} of `param::{kind}` is {found}"),
                Some(format!("after the help text it takes {}", takes(kind))),
            ));
        }
    };
    if taken {
        return Err((
            format!("argument {number} of `param::{kind}` is {found}, and it already has one"),
            Some(format!(
                "after the help text it takes {}, each once",
                takes(kind)
            )),
        ));
    }
    Ok(())
}

fn takes(kind: &str) -> &'static str {
    match kind {
        "int" => {
            "a whole number (the default), a range like `1..=20`, `#{ instead_of: \"other\" }`"
        }
        "choice" => "a list of texts, one of them as the default, `#{ instead_of: \"other\" }`",
        "flag" => "`true` or `false` (the default)",
        "duration" => "a text like \"25m\" (the default), `#{ instead_of: \"other\" }`",
        _ => "a text (the default), `#{ instead_of: \"other\" }`",
    }
}

fn check_choices(literals: Vec<Literal>) -> Result<Vec<String>, Problem> {
    let mut choices = Vec::new();
    for literal in literals {
        match literal {
            Literal::Text(choice) if choice.is_empty() => {
                return Err(("a choice is empty".to_owned(), None));
            }
            Literal::Text(choice) if choices.contains(&choice) => {
                return Err((format!("the choice `{choice}` is there twice"), None));
            }
            Literal::Text(choice) => choices.push(choice),
            other => {
                let message = format!("choices are texts, this one is {}", other.describe());
                return Err((message, Some("write it in quotes".to_owned())));
            }
        }
    }
    if choices.is_empty() {
        return Err(("there is nothing to choose from".to_owned(), None));
    }
    Ok(choices)
}

fn instead_of(options: Vec<(String, Literal)>) -> Result<String, Problem> {
    let mut instead_of = None;
    for (key, value) in options {
        match (key.as_str(), value) {
            ("instead_of", Literal::Text(name)) => instead_of = Some(name),
            ("instead_of", other) => {
                return Err((
                    format!(
                        "`instead_of` names a parameter, and is {}",
                        other.describe()
                    ),
                    None,
                ));
            }
            (key, _) => {
                let message = format!("a parameter has no option `{key}`");
                let suggestion = did_you_mean(key, ["instead_of"]);
                return Err((
                    message,
                    suggestion.or_else(|| Some("there is: instead_of".to_owned())),
                ));
            }
        }
    }
    instead_of.ok_or_else(|| {
        (
            "the options are empty".to_owned(),
            Some("leave them out".to_owned()),
        )
    })
}
