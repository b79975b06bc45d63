//! Every list of many files: an insert is one new line and one new entry, or it is refused. Judged by
//! another reader, and beside another editor.

use std::str::FromStr as _;

use proptest::prelude::*;
use serde_yaml::Value;

use super::super::{Document, Error, Path};

const NEW: &str = "new.domain.ca";

/// What became of the inserts.
#[derive(Debug, Default, PartialEq)]
struct Count {
    done: usize,
    /// Refused, whatever for.
    refused: usize,
}

/// Paths to all lists, as another reader sees the file; aliases among them.
fn lists(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Sequence(items) => {
            found.push(path.to_owned());
            for (index, item) in items.iter().enumerate() {
                lists(item, &format!("{path}[{index}]"), found);
            }
        }
        Value::Mapping(pairs) => {
            for (key, value) in pairs {
                if let Some(key) = key.as_str() {
                    let key = format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
                    let dot = if path.is_empty() { "" } else { "." };
                    lists(value, &format!("{path}{dot}{key}"), found);
                }
            }
        }
        _ => {}
    }
}

/// The same file with the entry in it, as another reader would have it.
fn wanted(value: &mut Value, path: &Path, index: usize) {
    let mut value = value;
    for part in path.parts() {
        value = match part {
            super::super::path::Part::Key(key) => value.get_mut(key.as_str()).unwrap(),
            super::super::path::Part::Index(index) => value.get_mut(*index).unwrap(),
        };
    }
    value
        .as_sequence_mut()
        .unwrap()
        .insert(index, Value::String(NEW.to_owned()));
}

/// Inserts at the start, in the middle and at the end of every list.
fn judge(text: &str, count: &mut Count) {
    let before: Value = serde_yaml::from_str(text).unwrap();
    let file = Document::parse(text).unwrap();
    let mut all = Vec::new();
    lists(&before, "", &mut all);
    for path in all {
        let path: Path = path.parse().unwrap();
        let length = file.get(&path).unwrap().as_array().unwrap().len();
        let mut places = vec![0, length / 2, length];
        places.dedup();
        for index in places {
            let edited = match file.insert(&path, index, NEW) {
                Ok(edited) => edited,
                Err(Error::Layout { .. } | Error::Doubtful) => {
                    count.refused += 1;
                    continue;
                }
                Err(error) => panic!("{error}\n{path} at {index} of\n{text}"),
            };
            let mut expected = before.clone();
            for shared in file.shared(&path).unwrap() {
                wanted(&mut expected, &shared.parse().unwrap(), index);
            }
            let after: Value = serde_yaml::from_str(edited.text()).unwrap();
            assert_eq!(
                after,
                expected,
                "{path} at {index} of\n{text}\nis\n{}",
                edited.text()
            );
            one_line(text, edited.text(), &path, index);
            count.done += 1;
        }
    }
}

/// One line more, and the others as they were; between brackets, no line less.
fn one_line(before: &str, after: &str, path: &Path, index: usize) {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let at = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let is_line = new.len() == old.len() + 1 && old[at..] == new[at + 1..];
    let changed = old.iter().zip(&new).filter(|(a, b)| a != b).count();
    let in_brackets = old.len() == new.len() && changed == 1;
    // Where each item between brackets has a line, the one before gets a comma.
    let with_comma = new.len() == old.len() + 1 && old.get(at + 1..) == new.get(at + 2..);
    assert!(
        is_line || in_brackets || with_comma,
        "{path} at {index} of\n{before}\nis\n{after}"
    );
}

/// A list in one of many layouts, at an indent.
fn list() -> impl Strategy<Value = (Vec<String>, u8, u8)> {
    let item = prop_oneof![
        "[a-z]{1,6}\\.(ca|org)",
        Just("\"*.ca\"".to_owned()),
        Just("'quoted one'".to_owned()),
        Just("1.5".to_owned()),
        Just("~".to_owned()),
    ];
    (proptest::collection::vec(item, 1..5), 0..7_u8, 0..4_u8)
}

fn written(name: &str, (items, layout, comments): &(Vec<String>, u8, u8)) -> String {
    let note = |index: usize, at: u8| {
        (index.is_multiple_of(2) && *comments == at).then(|| format!("# note {index}"))
    };
    let (indent, gap) = match layout {
        0 => ("", " "),
        1 => ("  ", " "),
        2 => ("    ", "   "),
        _ => ("", ""),
    };
    let mut lines = Vec::new();
    match layout {
        0..=2 => {
            let behind = if *comments == 3 { " # all" } else { "" };
            lines.push(format!("{name}:{behind}"));
            for (index, item) in items.iter().enumerate() {
                lines.extend(note(index, 1).map(|note| format!("{indent}{note}")));
                let behind = note(index, 2).map_or_else(String::new, |note| format!("  {note}"));
                lines.push(format!("{indent}-{gap}{item}{behind}"));
            }
        }
        3 => lines.push(format!("{name}: [{}]", items.join(", "))),
        4 => lines.push(format!("{name}: [\n  {}\n]", items.join(",\n  "))),
        // Shared with the map that holds it.
        5 => {
            lines.push(format!("{name}: &{name}\n  in:"));
            lines.extend(items.iter().map(|item| format!("  - {item}")));
            lines.push(format!("{name}-too: *{name}"));
        }
        _ => {
            lines.push(format!("{name}: &{name}"));
            lines.extend(items.iter().map(|item| format!("- {item}")));
            lines.push(format!("{name}-too: *{name}"));
        }
    }
    lines.join("\n") + "\n"
}

fn file() -> impl Strategy<Value = String> {
    (
        proptest::collection::vec(list(), 1..4),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(lists, crlf, ends, nested)| {
            let mut text = String::new();
            for (number, list) in lists.iter().enumerate() {
                text += &written(&format!("list{number}"), list);
                if number.is_multiple_of(2) {
                    text.push_str(
                        &["\n# between\nplain", &number.to_string(), ": value\n"].concat(),
                    );
                }
            }
            if nested {
                let lines = text.lines().map(|line| {
                    if line.is_empty() {
                        String::new()
                    } else {
                        format!("  {line}")
                    }
                });
                text = format!("outer:\n{}\n", lines.collect::<Vec<_>>().join("\n"));
            }
            if !ends {
                text.truncate(text.trim_end().len());
            }
            if crlf {
                text = text.replace('\n', "\r\n");
            }
            text
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn every_insert_into_every_generated_list_is_one_entry_and_one_line(text in file()) {
        let mut count = Count::default();
        judge(&text, &mut count);
        prop_assert!(count.done > 0);
        // None of these is written in a way that is not understood.
        prop_assert_eq!(count.refused, 0, "{}", text);
    }

    #[test]
    fn another_editor_writes_the_same(
        lists in proptest::collection::vec(list(), 1..4),
        crlf in any::<bool>(),
    ) {
        // It puts an entry behind the comment of the one that follows, and leaves one blank behind every
        // dash: there it is not asked.
        let plain = lists.into_iter().map(|(items, layout, comments)| {
            (items, layout % 2, if comments == 1 { 0 } else { comments })
        });
        let plain: Vec<_> = plain.collect();
        let named = plain.iter().enumerate();
        let text: String = named.map(|(n, list)| written(&format!("list{n}"), list)).collect();
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        for (number, (items, ..)) in plain.iter().enumerate() {
            for index in 0..=items.len() {
                let name = format!("list{number}");
                let ours = Document::parse(&text).unwrap();
                let ours = ours.insert(&name.parse().unwrap(), index, NEW).unwrap();
                let theirs = yaml_edit::Document::from_str(&text).unwrap();
                theirs.get_sequence(name.as_str()).unwrap().insert(index, NEW);
                prop_assert_eq!(ours.text(), theirs.to_string(), "{} at {} of\n{}", name, index, text);
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[a-c:\\-\\[\\]{}#&*|> \n\t'\"]{0,60}") {
        if let Ok(file) = Document::parse(&text) {
            for path in ["", "a", "[0]", "a[0]", "b.c"] {
                let path: Path = path.parse().unwrap();
                for index in 0..3 {
                    file.insert(&path, index, NEW).ok();
                    file.remove(&path, index).ok();
                }
                file.set(&path, NEW).ok();
            }
        }
    }
}

/// Every YAML file below a folder.
fn files(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            found.push(path);
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by their environment"
)]
fn every_insert_into_every_list_of_a_given_folder_is_one_entry_and_one_line() {
    let Some(folder) = std::env::var_os("RUNBOOK_YAML_CORPUS") else {
        println!("skipped: RUNBOOK_YAML_CORPUS names no folder of YAML files");
        return;
    };
    let mut found = Vec::new();
    files(std::path::Path::new(&folder), &mut found);
    let (mut count, mut unread) = (Count::default(), 0);
    for file in &found {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let theirs = serde_yaml::from_str::<Value>(&text);
        match (Document::parse(&text), theirs) {
            (Ok(_), Ok(_)) => judge(&text, &mut count),
            // What another reader reads is read, but for what is said to be refused.
            (Err(Error::Template { .. } | Error::Several { .. } | Error::Empty), _)
            | (_, Err(_)) => {
                unread += 1;
            }
            (Err(error), Ok(_)) => panic!("{}: {error}", file.display()),
        }
    }
    println!("{} files, {unread} not read: {count:?}", found.len());
    assert!(count.done > 0);
    assert_eq!(count.refused, 0);
}
