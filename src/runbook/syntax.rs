//! Text to syntax tree, and the parser's complaints in plain words.

use rhai::{AST, Engine, LexError, OptimizationLevel, ParseError, ParseErrorType, Position};

use crate::runbook::Error;
use crate::runbook::library::Source;

/// How deep an expression may nest; the library's own limits differ between debug and release.
pub(super) const DEPTH: usize = 128;

/// The longest literal text, in bytes.
const TEXT_MAX: usize = 1 << 20;

/// An engine that can parse and nothing else.
///
/// Without optimisation: it keeps positions exact and branches whole, and at any other level a
/// constant can overwrite a function's parameter of the same name.
fn parser() -> Engine {
    let mut engine = Engine::new_raw();
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_max_expr_depths(DEPTH, DEPTH);
    engine.set_max_string_size(TEXT_MAX);
    engine
}

/// Parses a file.
pub(super) fn parse(source: &Source) -> Result<AST, Error> {
    let mut ast = parser()
        .compile(&*source.text)
        .map_err(|e| explain(source, &e))?;
    ast.set_source(source.file.as_str());
    Ok(ast)
}

/// Line and column, both from 1.
pub(super) fn line_column(position: Position) -> (usize, usize) {
    (
        position.line().unwrap_or(1),
        position.position().unwrap_or(1).max(1),
    )
}

fn explain(source: &Source, error: &ParseError) -> Error {
    let (line, column) = line_column(error.1);
    let ((line, column), label) = match &*error.0 {
        ParseErrorType::MissingToken(token, _) if token == ";" => {
            (end_before(&source.text, line, column), "after this")
        }
        _ if error.1.is_none() => (
            end_before(&source.text, usize::MAX, 1),
            "the text ends here",
        ),
        _ => ((line, column), "here"),
    };
    let (message, help) = words(&error.0);
    Error::Syntax {
        message,
        help: help.map(str::to_owned),
        place: source.place(line, column, label),
    }
}

fn words(error: &ParseErrorType) -> (String, Option<&'static str>) {
    match error {
        ParseErrorType::MissingToken(token, _) if token == ";" => (
            "a `;` is missing".to_owned(),
            Some("every statement ends with `;`"),
        ),
        ParseErrorType::MissingToken(token, why) => (format!("`{token}` is missing, {why}"), None),
        ParseErrorType::UnexpectedEOF => (
            "the script ends in the middle of something".to_owned(),
            Some("look for a `{`, `(` or quote that is never closed"),
        ),
        ParseErrorType::BadInput(LexError::UnterminatedString) => (
            "this text has no closing quote".to_owned(),
            Some("close it with the quote it began with"),
        ),
        ParseErrorType::AssignmentToConstant(name) if !name.is_empty() => (
            format!("`{name}` is a constant and cannot be changed"),
            Some(
                "parameters and constants keep their value; use a new variable: `let wanted = ...;`",
            ),
        ),
        ParseErrorType::Reserved(word) => (
            format!("`{word}` is a reserved word"),
            Some(
                "choose another name, or put `_` at its end, which a flag leaves off; as a map key it can be written in quotes",
            ),
        ),
        ParseErrorType::WrongDocComment => (
            "a `///` comment may stand only before a function".to_owned(),
            Some("use `//` here, and `//!` at the top of the file to describe the runbook"),
        ),
        other => (other.to_string(), None),
    }
}

/// The last character of code before a place, blanks and comments skipped.
fn end_before(text: &str, line: usize, column: usize) -> (usize, usize) {
    let lines: Vec<&str> = text.lines().take(line).collect();
    for (index, full) in lines.iter().enumerate().rev() {
        let before: String = if index + 1 == line {
            full.chars().take(column - 1).collect()
        } else {
            (*full).to_owned()
        };
        let code = without_comment(&before).trim_end();
        if !code.is_empty() {
            return (index + 1, code.chars().count());
        }
    }
    (1, 1)
}

/// The line up to a `//` that is not inside quotes.
pub(super) fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (index, c) in line.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '`' => quote = Some(c),
            None if line.get(index..).is_some_and(|rest| rest.starts_with("//")) => {
                return line.get(..index).unwrap_or(line);
            }
            Some(_) | None => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::library::Library;

    fn error(text: &'static str) -> (usize, usize, String) {
        let files = Box::leak(Box::new([("x.rhai", text)]));
        let library = Library {
            folders: Vec::new(),
            built_in: files,
        };
        match parse(&library.find("x").unwrap()).unwrap_err() {
            Error::Syntax { message, place, .. } => (place.line, place.column, message),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_missing_semicolon_is_shown_where_it_is_missing() {
        let missing = |line, column| (line, column, "a `;` is missing".to_owned());
        assert_eq!(error("let a = 1\n\n// note\nlet b = 2;"), missing(1, 9));
        assert_eq!(
            error("let a = \"x // y\" // why\nlet b = 2;"),
            missing(1, 16)
        );
        assert_eq!(error("let a = 1 let b = 2;"), missing(1, 9));
        assert_eq!(error("if true {\n  say(`é`)\n  say(2);\n}"), missing(2, 10));
    }

    #[test]
    fn an_unclosed_brace_or_quote_says_so() {
        let (line, _, message) = error("if true {\n  say(1);\n");
        assert!((2..=3).contains(&line), "{line}");
        assert!(
            message.contains('}') || message.contains("middle"),
            "{message}"
        );
        assert_eq!(error("let a = \"x;\n").2, "this text has no closing quote");
    }

    #[test]
    fn a_parameter_cannot_be_assigned() {
        let (line, column, message) = error("const nodes = 2;\nnodes = 3;");
        assert_eq!((line, column), (2, 1));
        assert_eq!(message, "`nodes` is a constant and cannot be changed");
    }

    #[test]
    fn a_doc_comment_in_the_wrong_place_is_explained() {
        assert!(
            error("/// Not a function\nlet a = 1;")
                .2
                .contains("before a function")
        );
    }
}
