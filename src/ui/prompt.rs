//! Prompts on the terminal, with `dialoguer`.

use std::io;

use console::Term;
use dialoguer::{Confirm, Input, Select};

use super::Options;
use super::paint::Paint;
use super::{terminal, words};
use crate::error::{Error, Kind, Result};
use crate::names;
use crate::world::operator::{Form, Question};

/// Puts one question and waits for its answer, or for Ctrl-C (`Interrupted`).
pub(super) fn ask(question: &Question, paint: Paint) -> io::Result<String> {
    let term = Term::stderr();
    let text = paint.bold(&format!("? {}", words::line(&question.text)));
    let answer = term
        .write_line(&text)
        .and_then(|()| form(&term, &question.form));
    leave(&term, answer)
}

fn form(term: &Term, form: &Form) -> io::Result<String> {
    match form {
        Form::Confirm => {
            // Enter alone does not answer, and one stray key can still be taken back.
            let yes = Confirm::new()
                .with_prompt(" ")
                .wait_for_newline(true)
                .interact_on(term)?;
            Ok(if yes { "yes" } else { "no" }.to_owned())
        }
        Form::Type(wanted) => typed(term, wanted),
        Form::Text => line(term, "  answer", None),
        Form::Choose(choices) => {
            let index = Select::new().items(choices).default(0).interact_on(term)?;
            let choice = choices.get(index).cloned().unwrap_or_default();
            term.write_line(&format!("  {choice}"))?;
            Ok(choice)
        }
    }
}

/// The wanted text, or `no`; anything else is a slip of the fingers and asked again.
fn typed(term: &Term, wanted: &str) -> io::Result<String> {
    loop {
        let answer = line(term, &format!("  type {wanted} to go on, or no"), None)?;
        let answer = answer.trim();
        if answer == wanted || answer == "no" {
            return Ok(answer.to_owned());
        }
        term.write_line(&format!("  that is not {wanted}"))?;
    }
}

fn line(term: &Term, prompt: &str, default: Option<&str>) -> io::Result<String> {
    let mut input = Input::<String>::new().with_prompt(prompt);
    if let Some(default) = default {
        input = input.default(default.to_owned());
    }
    Ok(input.interact_text_on(term)?)
}

/// Leaves a prompt that was broken off as a whole line, with its cursor.
fn leave<T>(term: &Term, answer: io::Result<T>) -> io::Result<T> {
    if answer.is_err() {
        // Why it was broken off says more than that this could not be written either.
        term.show_cursor().ok();
        term.write_line("").ok();
    }
    answer
}

/// Asks for a parameter that is missing, until what is typed can be used.
///
/// For the time before a run starts: nothing else may be writing.
///
/// # Errors
/// [`Kind::Usage`] without a terminal, [`Kind::Interrupted`] after Ctrl-C.
pub fn prompt_param<T>(
    options: &Options,
    label: &str,
    help: &str,
    default: Option<&str>,
    parse: impl Fn(&str) -> std::result::Result<T, String>,
) -> Result<T> {
    if !options.terminal {
        let flag = names::flag(label);
        return Err(
            Error::new(Kind::Usage, format!("`{label}` is missing: {help}"))
                .hint(format!("pass --{flag} VALUE")),
        );
    }
    let term = Term::stderr();
    let paint = Paint(options.color);
    let answer = term
        .write_line(&paint.bold(&format!("? {help}")))
        .and_then(|()| {
            until_usable(
                || line(&term, &format!("  {label}"), default),
                |slip| term.write_line(&paint.yellow(&format!("  {slip}"))),
                parse,
            )
        });
    leave(&term, answer).map_err(|error| {
        if error.kind() == io::ErrorKind::Interrupted || terminal::closed(&error) {
            Error::new(Kind::Interrupted, "stopped before anything was done")
        } else {
            Error::new(
                Kind::Io,
                format!("`{label}` could not be asked for: {error}"),
            )
        }
    })
}

fn until_usable<T>(
    mut read: impl FnMut() -> io::Result<String>,
    mut complain: impl FnMut(&str) -> io::Result<()>,
    parse: impl Fn(&str) -> std::result::Result<T, String>,
) -> io::Result<T> {
    loop {
        match parse(read()?.trim()) {
            Ok(value) => return Ok(value),
            Err(slip) => complain(&slip)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_asked_for_until_it_can_be_used() {
        let mut typed = vec!["3 ", "two"];
        let mut slips = Vec::new();
        let value = until_usable(
            || Ok(typed.pop().unwrap().to_owned()),
            |slip| {
                slips.push(slip.to_owned());
                Ok(())
            },
            |text| {
                text.parse::<i64>()
                    .map_err(|_| format!("`{text}` is not a number"))
            },
        );
        assert_eq!(value.unwrap(), 3);
        assert_eq!(slips, ["`two` is not a number"]);
    }
}
