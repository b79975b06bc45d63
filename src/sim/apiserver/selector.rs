//! Label and field selectors: which objects a list or a watch is about.

use std::borrow::Cow;

use serde_json::Value;

use super::failure::Failure;
use super::kinds::Kind;
use super::object::Object;

/// What an object must be like.
#[derive(Debug, Default)]
pub(super) struct Selector {
    labels: Vec<Term>,
    fields: Vec<Term>,
}

#[derive(Debug)]
struct Term {
    /// A label, or a field's dotted path.
    key: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        match self {
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
            Self::In(wanted) => value.is_some_and(|value| wanted.iter().any(|w| w == value)),
            Self::NotIn(unwanted) => {
                !value.is_some_and(|value| unwanted.iter().any(|w| w == value))
            }
        }
    }
}

impl Selector {
    /// Reads `labelSelector` and `fieldSelector` of a request for objects of a kind.
    pub(super) fn parse(kind: &Kind, labels: &str, fields: &str) -> Result<Self, Failure> {
        let parsed = Self {
            labels: terms(labels)?,
            fields: terms(fields)?,
        };
        for Term { key, test } in &parsed.fields {
            let known = ["metadata.name", "metadata.namespace"].contains(&key.as_str())
                || kind.fields.contains(&key.as_str());
            if !known || !matches!(test, Test::In(_) | Test::NotIn(_)) {
                return Err(Failure::bad_request(format!(
                    "Unable to find \"{}/v1, Resource={}\" that match label selector \"{labels}\", \
                     field selector \"{fields}\": field label not supported: {key}",
                    kind.group, kind.plural,
                )));
            }
        }
        Ok(parsed)
    }

    /// Whether everything is selected.
    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether the object is one of them.
    pub(super) fn matches(&self, object: &Object) -> bool {
        (self.labels.iter()).all(|term| term.test.holds(object.label(&term.key).as_deref()))
            && self.fields.iter().all(|term| {
                let value = field(object, &term.key);
                term.test.holds(Some(&value))
            })
    }
}

/// A field as text; what is not set is empty, or `false`.
fn field<'a>(object: &'a Object, path: &str) -> Cow<'a, str> {
    match path {
        // The only one that is yes or no.
        "spec.unschedulable" => match object.pointer("/spec/unschedulable") {
            Some(Value::Bool(true)) => Cow::Borrowed("true"),
            _ => Cow::Borrowed("false"),
        },
        // An event's source is an object; the selector means its component.
        "source" => object.field("source.component"),
        path => object.field(path),
    }
}

fn unparsable(term: &str) -> Failure {
    Failure::bad_request(format!("unable to parse requirement: {term:?}"))
}

fn terms(selector: &str) -> Result<Vec<Term>, Failure> {
    let mut depth = 0_u32;
    selector
        .split(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        })
        .map(str::trim)
        .filter(|term| !term.is_empty())
        .map(term)
        .collect()
}

fn term(written: &str) -> Result<Term, Failure> {
    let one = |value: &str| vec![value.trim().to_owned()];
    // Longer operators first: `!=` and `==` also contain `=`.
    let (key, test) = if let Some((key, value)) = written.split_once("!=") {
        (key, Test::NotIn(one(value)))
    } else if let Some((key, value)) = written.split_once("==").or(written.split_once('=')) {
        (key, Test::In(one(value)))
    } else if let Some((head, set)) = written.split_once('(') {
        let set = set.strip_suffix(')').ok_or_else(|| unparsable(written))?;
        let set = set
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect();
        match head.trim().rsplit_once(char::is_whitespace) {
            Some((key, "in")) => (key, Test::In(set)),
            Some((key, "notin")) => (key, Test::NotIn(set)),
            _ => return Err(unparsable(written)),
        }
    } else if let Some(key) = written.strip_prefix('!') {
        (key, Test::Absent)
    } else {
        (written, Test::Exists)
    };
    let key = key.trim();
    if key.is_empty() || key.contains(|c: char| c.is_whitespace() || "!()<>=".contains(c)) {
        return Err(unparsable(written));
    }
    Ok(Term {
        key: key.to_owned(),
        test,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::kinds::KINDS;
    use super::*;

    fn kind(plural: &str) -> &'static Kind {
        KINDS.iter().find(|kind| kind.plural == plural).unwrap()
    }

    fn by_label(selector: &str) -> bool {
        let pod = Object::from(json!({"metadata": {"labels": {"app": "hub", "release": "prod"}}}));
        Selector::parse(kind("pods"), selector, "")
            .unwrap()
            .matches(&pod)
    }

    #[test]
    fn labels_are_compared_in_every_written_form() {
        for yes in [
            "",
            "app",
            "!gone",
            "app=hub",
            "app==hub",
            "app!=x",
            "gone!=x",
            "app in (x, hub)",
            "app notin (x,y)",
            "gone notin (x)",
            "app in (hub),release=prod",
        ] {
            assert!(by_label(yes), "{yes}");
        }
        for no in [
            "gone",
            "!app",
            "app=x",
            "app!=hub",
            "app in (x,y)",
            "gone in (x)",
            "app notin (hub)",
            "app=hub,release=staging",
        ] {
            assert!(!by_label(no), "{no}");
        }
    }

    #[test]
    fn a_selector_that_cannot_be_read_is_refused() {
        for wrong in [
            "app in hub",
            "app in (hub",
            "a b",
            "=x",
            "n>4",
            "app within (x)",
        ] {
            let failure = Selector::parse(kind("pods"), wrong, "").unwrap_err();
            assert_eq!(failure.status()["reason"], "BadRequest", "{wrong}");
        }
    }

    #[test]
    fn a_node_that_says_nothing_is_schedulable() {
        let parse = |fields| Selector::parse(kind("nodes"), "", fields).unwrap();
        let plain = Object::from(json!({"metadata": {"name": "a"}, "spec": {}}));
        let cordoned = json!({"metadata": {"name": "b"}, "spec": {"unschedulable": true}});
        let cordoned = Object::from(cordoned);
        assert!(parse("spec.unschedulable=false").matches(&plain));
        assert!(parse("spec.unschedulable!=false").matches(&cordoned));
        assert!(parse("metadata.name=b,spec.unschedulable=true").matches(&cordoned));
        assert!(!parse("metadata.name=b").matches(&plain));
    }

    #[test]
    fn an_unknown_field_is_named() {
        let failure = Selector::parse(kind("pods"), "", "spec.foo=1").unwrap_err();
        assert_eq!(
            failure.status()["message"],
            "Unable to find \"/v1, Resource=pods\" that match label selector \"\", field selector \
             \"spec.foo=1\": field label not supported: spec.foo"
        );
    }
}
