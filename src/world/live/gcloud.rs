//! `gcloud`'s own login as a source of tokens, for whoever never set up default credentials.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use tokio::process::Command;

use super::source::{Keep, Token};
use crate::world::secret::Secret;

/// How long gcloud may take; it usually needs one second.
const LIMIT: Duration = Duration::from_secs(20);

/// The program's names, in the order they are looked for in each folder.
const NAMES: &[&str] = if cfg!(windows) {
    &["gcloud.cmd", "gcloud.exe"]
} else {
    &["gcloud"]
};

/// An installed `gcloud`.
#[derive(Debug)]
pub(super) struct Gcloud {
    program: PathBuf,
    refresh: bool,
}

#[derive(Deserialize)]
struct Helper {
    credential: Credential,
}

#[derive(Deserialize)]
struct Credential {
    access_token: Option<String>,
    token_expiry: Option<Timestamp>,
}

impl Gcloud {
    /// The first one on this `PATH`. `refresh`: its own cached token was just refused.
    pub(super) fn on(path: &OsStr, refresh: bool) -> Option<Self> {
        found_on(path, NAMES).map(|program| Self { program, refresh })
    }

    /// Asks for a token.
    ///
    /// # Errors
    /// A sentence, with gcloud's own words.
    pub(super) async fn token(&self) -> Result<Token, String> {
        let mut command = Command::new(&self.program);
        command
            .args(["config", "config-helper", "--format=json"])
            .args(self.refresh.then_some("--force-auth-refresh"))
            .env("CLOUDSDK_CORE_DISABLE_PROMPTS", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(LIMIT, command.output())
            .await
            .map_err(|_| format!("`gcloud` gave no token within {} s", LIMIT.as_secs()))?
            .map_err(|error| format!("`gcloud` could not be started: {error}"))?;
        if !output.status.success() {
            return Err(format!(
                "`gcloud config config-helper` failed: {}",
                shortened(&String::from_utf8_lossy(&output.stderr))
            ));
        }
        read(&output.stdout)
    }
}

/// The first program of one of these names on this `PATH`.
pub(super) fn found_on(path: &OsStr, names: &[&str]) -> Option<PathBuf> {
    std::env::split_paths(path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|program| runs(program))
}

fn read(answer: &[u8]) -> Result<Token, String> {
    // The parser's own words could quote the token.
    let helper: Helper = serde_json::from_slice(answer)
        .map_err(|_| "`gcloud config config-helper` gave an answer without a credential")?;
    let token = helper.credential.access_token.filter(|t| !t.is_empty());
    let token = token.ok_or("`gcloud config config-helper` gave no access token")?;
    Ok(Token {
        secret: Secret::new(token),
        keep: helper
            .credential
            .token_expiry
            .map_or(Keep::UntilRefused, Keep::Until),
    })
}

/// The first lines of what a program said, on one line.
pub(super) fn shortened(stderr: &str) -> String {
    let words: Vec<&str> = stderr.split_whitespace().collect();
    let mut text = words.join(" ");
    if let Some((end, _)) = text.char_indices().nth(300) {
        text.truncate(end);
        text.push('…');
    }
    if text.is_empty() {
        text.push_str("it did not say why");
    }
    text
}

#[cfg(unix)]
fn runs(program: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(program).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn runs(program: &Path) -> bool {
    program.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_its_expiry() {
        let token = read(
            br#"{"configuration":{},"credential":{"access_token":"ya29.a","token_expiry":"2026-11-22T09:00:00Z"}}"#,
        )
        .unwrap();
        assert_eq!(token.secret.expose(), "ya29.a");
        assert_eq!(
            token.keep,
            Keep::Until("2026-11-22T09:00:00Z".parse().unwrap())
        );
    }

    #[test]
    fn an_unreadable_answer_is_never_quoted() {
        let why = read(br#"{"credential":{"access_token":["ya29.a"]}}"#)
            .err()
            .unwrap();
        assert!(!why.contains("ya29"), "{why}");
    }

    #[test]
    fn long_complaints_are_cut() {
        assert_eq!(shortened(" ERROR:\n  no account \n"), "ERROR: no account");
        assert_eq!(shortened(&"é".repeat(400)).chars().count(), 301);
        assert_eq!(shortened("\n"), "it did not say why");
    }
}
