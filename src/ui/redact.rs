//! Keeps secrets' values out of everything that is written.

use std::sync::{Arc, PoisonError, RwLock};

use crate::error::Error;

/// Shorter values would blank out ordinary words.
const SHORTEST: usize = 6;

/// Replaces secrets' exact values by `***`. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Redactor(Arc<RwLock<Secrets>>);

#[derive(Default)]
struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

impl Redactor {
    /// One that knows these values.
    pub fn new(values: Vec<String>) -> Self {
        let redactor = Self::default();
        for value in values {
            redactor.add(&value);
        }
        redactor
    }

    /// One more value; ignored when shorter than six characters.
    pub fn add(&self, value: &str) {
        if value.chars().count() < SHORTEST {
            return;
        }
        let quoted = serde_json::Value::from(value).to_string();
        let inside = quoted.trim_matches('"').to_owned();
        let mut secrets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for form in [value.to_owned(), inside] {
            if !secrets.0.contains(&form) {
                secrets.0.push(form);
            }
        }
        // The longest first: a secret may hold another one.
        secrets
            .0
            .sort_by_key(|value| std::cmp::Reverse(value.len()));
    }

    /// The text without the values.
    pub fn scrub(&self, text: &str) -> String {
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_owned();
        for secret in &secrets.0 {
            if text.contains(secret) {
                text = text.replace(secret, "***");
            }
        }
        text
    }

    /// The error without the values, before wrapping can split one.
    pub(super) fn error(&self, error: &Error) -> Error {
        let mut error = error.clone();
        error.message = self.scrub(&error.message);
        error.hint = error.hint.map(|hint| self.scrub(&hint));
        for place in &mut error.at {
            place.label = self.scrub(&place.label);
            place.text = self.scrub(&place.text).into();
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_within_another_leaves_nothing_behind() {
        let redactor = Redactor::new(vec!["abcdef".into(), "xxabcdefyy".into()]);
        assert_eq!(redactor.scrub("a xxabcdefyy b abcdef"), "a *** b ***");
    }

    #[test]
    fn short_values_are_left_alone_and_clones_share() {
        let redactor = Redactor::new(vec!["prod".into()]);
        redactor.clone().add("ya29.token");
        assert_eq!(redactor.scrub("prod ya29.token"), "prod ***");
        assert!(!format!("{redactor:?}").contains("ya29"));
    }

    #[test]
    fn a_secret_is_found_inside_json_too() {
        let redactor = Redactor::new(vec!["pass\"word\\1".into()]);
        let line = serde_json::json!({ "text": "it is pass\"word\\1" }).to_string();
        assert_eq!(redactor.scrub(&line), r#"{"text":"it is ***"}"#);
    }
}
