mod corpus;

use super::*;

fn doc(text: &str) -> Document {
    Document::parse(text).unwrap()
}

fn at(path: &str) -> Path {
    path.parse().unwrap()
}

/// `+` and `-` lines of an edit, without the rest.
fn changed(before: &str, after: &Document) -> Vec<String> {
    let diff = diff("f.yaml", before, after.text());
    let lines = diff.lines().skip(2);
    let lines = lines.filter(|line| line.starts_with(['+', '-']));
    lines.map(str::to_owned).collect()
}

/// As the real list is written: flush, unsorted, with special entries at its end, and shared.
const ALLOWED: &str = "\
jupyterhub:
  hub:
    config:
      CILogonOAuthenticator:
        allowed_idps:
          http://google.com/accounts/o8/id:
            allowed_domains: &allowed
            - 2i2c.org
            # Schools
            - fmcsd.ab.ca   # Fort McMurray
            - \"*.ca\"

            # Others share it
          http://login.microsoftonline.com:
            allowed_domains: *allowed
";
const LIST: &str = "jupyterhub.hub.config.CILogonOAuthenticator.allowed_idps.\"http://google.com/accounts/o8/id\".allowed_domains";

#[test]
fn an_entry_is_one_line_where_it_belongs_and_comments_stay_where_they_are() {
    let file = doc(ALLOWED);
    for (index, line) in [
        (0, "+            - new.ca"),
        (1, "+            - new.ca"),
        (2, "+            - new.ca"),
        (9, "+            - new.ca"),
    ] {
        let edited = file.insert(&at(LIST), index, "new.ca").unwrap();
        assert_eq!(changed(ALLOWED, &edited), [line]);
        let found = edited.get(&at(LIST)).unwrap();
        assert_eq!(found[index.min(3)], "new.ca", "{found}");
    }
    let second = file.insert(&at(LIST), 1, "new.ca").unwrap();
    // A comment belongs to what follows it, and one behind an entry to that.
    assert!(second.text().contains("- new.ca\n            # Schools\n"));
    let third = file.insert(&at(LIST), 2, "new.ca").unwrap();
    assert!(
        third
            .text()
            .contains("# Fort McMurray\n            - new.ca\n")
    );
    let quoted = file.append(&at(LIST), "*.school.ca").unwrap();
    assert_eq!(
        changed(ALLOWED, &quoted),
        ["+            - \"*.school.ca\""]
    );
}

#[test]
fn a_list_that_is_shared_is_edited_once_and_all_its_paths_are_named() {
    let file = doc(ALLOWED);
    let other = LIST.replace("google.com/accounts/o8/id", "login.microsoftonline.com");
    let edited = file.insert(&at(&other), 1, "new.ca").unwrap();
    assert_eq!(changed(ALLOWED, &edited).len(), 1);
    assert_eq!(edited.get(&at(LIST)).unwrap()[1], "new.ca");
    assert_eq!(file.shared(&at(LIST)).unwrap(), [LIST, other.as_str()]);
}

#[test]
fn a_list_is_shared_through_whatever_holds_it() {
    let file = doc("x: &m\n  list:\n  - a\ny: *m\nz:\n  <<: *m\n  own: 1\n");
    let paths = ["x.list", "y.list", "z.<<.list"];
    assert_eq!(file.shared(&at("y.list")).unwrap(), paths);
    // A file that is made to have a billion paths is not walked through.
    let mut text = "l0: &l0 [a]\n".to_owned();
    for level in 1..30 {
        let below = format!("*l{}", level - 1);
        let line = format!("l{level}: &l{level} [{below}, {below}, {below}]\n");
        text.push_str(&line);
    }
    assert_eq!(doc(&text).shared(&at("l0")).unwrap().len(), 100);
}

#[test]
fn a_template_within_a_text_is_a_text() {
    for text in [
        "page: |\n  {% block logo %}\n  {{ name }}\na:\n- x\n",
        "b: \"hi {{ name }}\"\na:\n- x\n",
        "b: '{%H}'\na:\n- x # {{ c }}\n",
        "b: ${{ github.ref }}\na:\n- x\n",
    ] {
        let edited = doc(text).append(&at("a"), "new").unwrap();
        assert_eq!(changed(text, &edited), ["+- new"]);
    }
    for text in ["a: v{{ x }}\n", "a:\n- {{ x }}\n", "a: {% x %}\n"] {
        let error = Document::parse(text).map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Template { .. }), "{text}: {error}");
    }
}

#[test]
fn every_layout_gets_its_own_kind_of_line() {
    for (before, index, after) in [
        // Flush, indented, deeply, with wide gaps.
        ("a:\n- x\n", 1, "a:\n- x\n- new\n"),
        ("a:\n  - x\n", 0, "a:\n  - new\n  - x\n"),
        (
            "a:\n    -   x\n    -   y\n",
            1,
            "a:\n    -   x\n    -   new\n    -   y\n",
        ),
        // Line ends.
        ("a:\r\n- x\r\nb: 1\r\n", 1, "a:\r\n- x\r\n- new\r\nb: 1\r\n"),
        ("a:\n- x", 1, "a:\n- x\n- new"),
        ("a:\n- x", 0, "a:\n- new\n- x"),
        ("\u{feff}a:\n- x\n", 1, "\u{feff}a:\n- x\n- new\n"),
        ("\u{feff}- x\n", 1, "\u{feff}- x\n- new\n"),
        // Comments, empty lines.
        (
            "a:\n# one\n- x # two\n\n# three\nb: 1\n",
            1,
            "a:\n# one\n- x # two\n- new\n\n# three\nb: 1\n",
        ),
        // A dash alone, its list below it.
        (
            "a:\n- # c\n  - x\n  - y\n- z\n",
            1,
            "a:\n- # c\n  - x\n  - y\n- new\n- z\n",
        ),
        // Nothing at all is an item.
        ("a:\n-\n-\nb: 1\n", 1, "a:\n-\n- new\n-\nb: 1\n"),
        // Items of other kinds.
        (
            "a:\n- k: 1\n  l: 2\n- x\n",
            1,
            "a:\n- k: 1\n  l: 2\n- new\n- x\n",
        ),
        ("a:\n- |\n  text\n- x\n", 1, "a:\n- |\n  text\n- new\n- x\n"),
        (
            "a:\n- |\n  text\n\nb: 1\n",
            1,
            "a:\n- |\n  text\n\n- new\nb: 1\n",
        ),
        ("a:\n-\n  x\n- y\n", 1, "a:\n-\n  x\n- new\n- y\n"),
        (
            "a:\n- [p, q]\n- &i x\n- *i\n",
            3,
            "a:\n- [p, q]\n- &i x\n- *i\n- new\n",
        ),
        (
            "a:\n- \"x\ty\"\n- 'z'\n",
            2,
            "a:\n- \"x\ty\"\n- 'z'\n- new\n",
        ),
        // Equal neighbours.
        ("a:\n- new\n- new\n", 1, "a:\n- new\n- new\n- new\n"),
        ("---\na:\n- x\n...\n", 1, "---\na:\n- x\n- new\n...\n"),
    ] {
        let edited = doc(before).insert(&at("a"), index, "new");
        let edited = match edited {
            Err(Error::Missing { .. }) => doc(before).insert(&at(""), index, "new"),
            other => other,
        };
        let edited = edited.unwrap_or_else(|why| panic!("{before:?}: {why}"));
        assert_eq!(edited.text(), after, "{before:?}");
    }
}

#[test]
fn between_brackets_an_item_gets_its_comma_and_a_line_where_the_others_have_one() {
    for (before, index, after) in [
        ("a: []\n", 0, "a: [new]\n"),
        ("a: [x, y] # c\n", 1, "a: [x, new, y] # c\n"),
        ("a: [x, y]\n", 2, "a: [x, y, new]\n"),
        ("a: [x,]\n", 1, "a: [x, new,]\n"),
        ("a: [\n  x,\n  y\n]\n", 2, "a: [\n  x,\n  y,\n  new\n]\n"),
        (
            "a: [\n  x, # c\n  y,\n]\n",
            1,
            "a: [\n  x, # c\n  new,\n  y,\n]\n",
        ),
        // A comment stays with its item.
        (
            "a: [\n  x, # of x\n  y # of y\n]\n",
            2,
            "a: [\n  x, # of x\n  y, # of y\n  new\n]\n",
        ),
        (
            "a: [\n  x, # of x\n]\n",
            1,
            "a: [\n  x, # of x\n  new,\n]\n",
        ),
        (
            "a: [\n  x,\n  # of y\n  y\n]\n",
            1,
            "a: [\n  x,\n  new,\n  # of y\n  y\n]\n",
        ),
    ] {
        let edited = doc(before).insert(&at("a"), index, "new").unwrap();
        assert_eq!(edited.text(), after, "{before:?}");
    }
}

#[test]
fn what_is_not_sure_is_refused_with_its_place() {
    for (text, said) in [
        ("a: {{ list }}\n", "line 1 is a template's"),
        (
            "{% if x %}\na:\n- x\n{% endif %}\n",
            "line 1 is a template's",
        ),
        (
            "a:\n- x\n---\nb: 1\n",
            "several documents; the second begins in line 3",
        ),
        ("a:\n- x\n  - y: [\n", "it is no YAML, line"),
        ("a:\n\t- x\n", "it is no YAML, line"),
        ("", "it is empty"),
        ("# nothing\n", "it is empty"),
    ] {
        let error = Document::parse(text).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(said), "{text:?}: {error}");
    }
    for (text, path, said) in [
        (
            "a:\n- x\n",
            "b",
            "there is no `b`: it ends at `b`, where there is `a`",
        ),
        ("list:\n- x\n", "lists", "where there is `list`"),
        ("a: null\n", "a", "`a` is no list but nothing"),
        ("a:\nb: 1\n", "a", "`a` is no list but nothing"),
        ("a: {b: 1}\n", "a", "`a` is no list but a map"),
        ("a:\n- - x\n", "a", "a list within a list"),
        ("a:\n-\tx\n", "a", "line 2: a tab stands behind its dash"),
        ("a:\n- x\na:\n- y\n", "a", "there is more than one `a`"),
        ("a:\n- x\n", "a[3]", "it ends at `[3]`"),
    ] {
        let error = doc(text).insert(&at(path), 0, "n").map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(said), "{text:?}: {error}");
    }
    let error = doc("a: [x]\n")
        .insert(&at("a"), 0, "two\nlines")
        .map(|_| ());
    assert_eq!(error.unwrap_err(), Error::NotOneLine);
    // Between its lines and the file's end some readers see a line end, and some do not.
    let lines = doc("a:\n- |\n  x").append(&at("a"), "n").map(|_| ());
    let said = lines.unwrap_err().to_string();
    assert!(said.contains("line 3: it ends without"), "{said}");
    let told: crate::error::Error = Error::Doubtful.into();
    assert_eq!(told.hint.as_deref(), Some("edit it by hand"));
}

#[test]
fn a_text_is_quoted_when_a_reader_would_take_it_for_something_else() {
    for (value, written) in [
        ("new.domain.ca", "new.domain.ca"),
        ("*.ca", "\"*.ca\""),
        ("no", "\"no\""),
        ("1.5", "\"1.5\""),
        ("0x1f", "\"0x1f\""),
        ("12:30", "\"12:30\""),
        ("2026-01-15", "\"2026-01-15\""),
        ("1e3", "\"1e3\""),
        (".inf", "\".inf\""),
        ("-x", "\"-x\""),
        ("a: b", "\"a: b\""),
        ("a #b", "\"a #b\""),
        ("a#b", "a#b"),
        ("", "\"\""),
        (" x", "\" x\""),
        ("say \"hi\" \\", "say \"hi\" \\"),
        ("@x", "\"@x\""),
        ("école.ca", "école.ca"),
        ("4.ca", "4.ca"),
        ("3e.ab.ca", "3e.ab.ca"),
        ("1_000", "\"1_000\""),
        ("0b10", "\"0b10\""),
    ] {
        let edited = doc("a:\n- x\n").append(&at("a"), value).unwrap();
        assert_eq!(edited.text(), format!("a:\n- x\n- {written}\n"));
        assert_eq!(edited.get(&at("a[1]")).unwrap(), value);
    }
    for breaks in ["a\u{85}b", "a\u{2028}b"] {
        let refused = doc("a:\n- x\n").append(&at("a"), breaks).map(|_| ());
        assert_eq!(refused.unwrap_err(), Error::NotOneLine);
    }
    let flow = doc("a: [x]\n").append(&at("a"), "p, q").unwrap();
    assert_eq!(flow.text(), "a: [x, \"p, q\"]\n");
}

#[test]
fn an_item_is_removed_with_its_line_and_nothing_else() {
    for (before, index, after) in [
        ("a:\n- x\n- y # c\n- z\n", 1, "a:\n- x\n- z\n"),
        ("a:\n- x\n# of y\n- y\n", 1, "a:\n- x\n# of y\n"),
        ("a:\n- x\n- y", 1, "a:\n- x"),
        ("a:\r\n- x\r\n- y", 1, "a:\r\n- x"),
        ("a:\n- k: 1\n  l: 2\n- x\n", 0, "a:\n- x\n"),
        ("a: [x, y, z]\n", 1, "a: [x, z]\n"),
        ("a: [x, y]\n", 1, "a: [x]\n"),
        ("a: [x]\n", 0, "a: []\n"),
        ("a:\n- x\n- x\n- x\n", 1, "a:\n- x\n- x\n"),
        ("a:\n- |\n  x\n- y", 1, "a:\n- |\n  x\n"),
        (
            "a: [\n  x, # of x\n  # of y\n  y\n]\n",
            0,
            "a: [\n  # of y\n  y\n]\n",
        ),
        ("a: [\n  x,\n  y # c\n]\n", 1, "a: [\n  x,\n]\n"),
    ] {
        let edited = doc(before).remove(&at("a"), index).unwrap();
        assert_eq!(edited.text(), after, "{before:?}");
    }
    let beside = doc("a: [x, # whose\n  y]\n").remove(&at("a"), 1);
    let said = beside.map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("line 2: a comment stands beside"), "{said}");
    let only = doc("a:\n- x\n").remove(&at("a"), 0).map(|_| ());
    assert_eq!(only.unwrap_err(), Error::LastItem { index: 0 });
    let none = doc("a:\n- x\n").remove(&at("a"), 5).map(|_| ());
    assert_eq!(
        none.unwrap_err(),
        Error::NoItem {
            index: 5,
            length: 1
        }
    );
}

#[test]
fn a_value_keeps_its_quotes() {
    for (before, value, after) in [
        ("a: 'x' # c\n", "y", "a: 'y' # c\n"),
        ("a: \"x\"\n", "y\"z", "a: \"y\\\"z\"\n"),
        ("a: 'x'\n", "it's", "a: 'it''s'\n"),
        ("a: x\n", "why", "a: why\n"),
        ("a: x\n", "no", "a: \"no\"\n"),
        ("{a: x, b: 1}\n", "p, q", "{a: \"p, q\", b: 1}\n"),
        ("a: &k x\nb: *k\n", "why", "a: &k why\nb: *k\n"),
        ("{b: 1,\n a: x}\n", "p, q", "{b: 1,\n a: \"p, q\"}\n"),
        ("a: !own x\n", "z", "a: !own z\n"),
        // What is no text stays none, and what is one does not become a number.
        ("a: 5\n", "6", "a: 6\n"),
        ("a: true\n", "false", "a: false\n"),
        ("a: x\n", "6", "a: \"6\"\n"),
    ] {
        let edited = doc(before).set(&at("a"), value).unwrap();
        assert_eq!(edited.text(), after, "{before:?}");
    }
    for (text, said) in [
        ("a: |\n  x\n", "a block of lines"),
        ("a:\nb: 1\n", "nothing"),
        ("a: [x]\n", "a list"),
    ] {
        let error = doc(text).set(&at("a"), "y").map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn paths_are_read_as_they_are_written() {
    for text in [
        "a",
        "a.b[0].c",
        "a.\"x.y\"[1][2]",
        "\"quo\\\"te\".b",
        "[0].a",
        "\"a\\\\.b\".c",
    ] {
        assert_eq!(at(text).to_string(), text);
    }
    for wrong in ["a.", ".a", "a..b", "a[x]", "a[1", "\"a", "a\"b\"c"] {
        let read = wrong.parse::<Path>();
        assert!(read.is_err() || wrong == "a\"b\"c", "{wrong}: {read:?}");
    }
}
