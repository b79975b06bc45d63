//! Keeps secrets out of a journal: each is replaced by a marker and a keyed hash, so that two
//! records of the same secret can still be told to be the same.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::Value;

use super::{Error, write};
use crate::names::hex;

/// Knows the secrets of a run; clones know the same ones.
#[derive(Clone)]
pub struct Scrub(Arc<Inner>);

struct Inner {
    key: hmac::Key,
    /// Each secret with what stands in its place.
    secrets: Mutex<Vec<(String, String)>>,
}

impl Scrub {
    /// One whose hashes only this key's owner can repeat.
    pub fn new(key: &[u8]) -> Self {
        Self(Arc::new(Inner {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            secrets: Mutex::default(),
        }))
    }

    /// One with the key of this state folder, which is made when missing.
    ///
    /// # Errors
    /// When the key cannot be read or made.
    pub fn of(state: &Path) -> Result<Self, Error> {
        let file = state.join("journal.key");
        let failed = |why| Error::Write {
            file: file.clone(),
            why,
        };
        write::make_private(state).map_err(failed)?;
        match write::private().create_new(true).open(&file) {
            Ok(mut out) => {
                let mut key = [0; 32];
                let random = SystemRandom::new().fill(&mut key);
                random.map_err(|_| failed(io::Error::other("there is no randomness")))?;
                out.write_all(&key).map_err(failed)?;
                Ok(Self::new(&key))
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Ok(Self::new(&fs::read(&file).map_err(failed)?))
            }
            Err(e) => Err(failed(e)),
        }
    }

    /// From now on this is a secret. What is too short to be one is not.
    pub fn add(&self, secret: &str) {
        if secret.len() < 6 {
            return;
        }
        let tag = hmac::sign(&self.0.key, secret.as_bytes());
        let marker = format!("[secret {}]", hex(tag.as_ref().iter().take(6)));
        let mut secrets = self
            .0
            .secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if secrets.iter().all(|(known, _)| known != secret) {
            secrets.push((secret.to_owned(), marker));
            // A secret that contains another one is replaced whole.
            secrets.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        }
    }

    /// Replaces every secret in every text of a value.
    pub fn clean(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                let secrets = self
                    .0
                    .secrets
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                for (secret, marker) in secrets.iter() {
                    if text.contains(secret.as_str()) {
                        *text = text.replace(secret.as_str(), marker);
                    }
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|value| self.clean(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.clean(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl std::fmt::Debug for Scrub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scrub")
    }
}
