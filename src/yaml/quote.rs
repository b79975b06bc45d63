//! How a text is written so that it is read as a text, by readers of YAML 1.1 and 1.2 alike.

use granit_parser::ScalarStyle;

use super::error::Error;

/// Words that are no texts to one reader or another.
const WORDS: [&str; 13] = [
    "null", "true", "false", "yes", "no", "on", "off", "y", "n", "~", "<<", "=", "",
];
/// With these nothing plain begins.
const INDICATORS: &str = "-?:,[]{}#&*!|>'\"%@`";

/// A text in this style; plain where it can be, in flow or block context.
pub(super) fn quoted(value: &str, style: ScalarStyle, flow: bool) -> Result<String, Error> {
    if value.chars().any(char::is_control) {
        return Err(Error::NotOneLine);
    }
    Ok(match style {
        ScalarStyle::SingleQuoted => format!("'{}'", value.replace('\'', "''")),
        ScalarStyle::Plain if is_plain(value, flow) => value.to_owned(),
        _ => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
    })
}

/// Whether it is a text without any quotes.
fn is_plain(value: &str, flow: bool) -> bool {
    let word = value.to_ascii_lowercase();
    let broken = value.contains(": ") || value.ends_with(':') || value.contains(" #");
    let edge = value.starts_with(char::is_whitespace) || value.ends_with(char::is_whitespace);
    let marks = flow && value.contains([',', '[', ']', '{', '}']);
    let begins = value.starts_with(|c| INDICATORS.contains(c));
    let document = value.starts_with("---") || value.starts_with("...");
    let other = WORDS.contains(&word.as_str()) || is_number(&word);
    !(other || broken || edge || marks || begins || document)
}

/// Numbers of all kinds, times and dates: whatever begins like one and has nothing else in it.
fn is_number(word: &str) -> bool {
    let body = word.trim_start_matches(['+', '-']);
    let special = [".inf", ".nan"].contains(&body);
    let digits = body.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && body.contains(|c: char| c.is_ascii_digit())
        && body
            .chars()
            .all(|c| c.is_ascii_hexdigit() || "._:xo+-tz ".contains(c));
    special || digits
}
