//! How a text is written so that it is read as a text, by readers of YAML 1.1 and 1.2 alike.

use granit_parser::ScalarStyle;

use super::error::Error;

/// Words that are no texts to one reader or another.
const WORDS: [&str; 13] = [
    "null", "true", "false", "yes", "no", "on", "off", "y", "n", "~", "<<", "=", "",
];
/// Those that are yes or no.
const SWITCHES: [&str; 6] = ["true", "false", "yes", "no", "on", "off"];
/// With these nothing plain begins.
const INDICATORS: &str = "-?:,[]{}#&*!|>'\"%@`";

/// A text in this style; plain where it can be, in flow or block context.
pub(super) fn quoted(value: &str, style: ScalarStyle, flow: bool) -> Result<String, Error> {
    // Some readers end a line at these two as well.
    let breaks = |c: char| c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c);
    if value.chars().any(breaks) {
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

/// Whether both are numbers, or both switches: without quotes the new one is what the old one was.
pub(super) fn is_same_kind(old: &str, new: &str) -> bool {
    let (old, new) = (old.to_ascii_lowercase(), new.to_ascii_lowercase());
    let switches = [old.as_str(), &new].map(|word| SWITCHES.contains(&word));
    switches == [true; 2] || (is_number(&old) && is_number(&new))
}

/// Whether a reader of YAML 1.1 or 1.2 takes it for a number of any kind, a time or a date.
fn is_number(word: &str) -> bool {
    let of = |text: &str, chars: &str| !text.is_empty() && text.chars().all(|c| chars.contains(c));
    let body = word.trim_start_matches(['+', '-']);
    let based = [
        ("0x", "0123456789abcdef_"),
        ("0o", "01234567_"),
        ("0b", "01_"),
    ];
    let based = (based.iter())
        .any(|(base, digits)| body.strip_prefix(base).is_some_and(|rest| of(rest, digits)));
    let (number, exponent) = body.split_once('e').unwrap_or((body, "0"));
    let decimal = number.contains(|c: char| c.is_ascii_digit())
        && of(number, "0123456789_.:")
        && of(exponent.trim_start_matches(['+', '-']), "0123456789");
    let date = body.get(4..5) == Some("-") && of(body, "0123456789-:.+tz ");
    based || decimal || date || [".inf", ".nan"].contains(&body)
}
