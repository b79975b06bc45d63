//! Pull requests, and the people who review them.

use axum::response::Response;
use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Asked, PAGES, invalid, made, missing, yes};
use crate::sim::fault::Trouble;
use crate::sim::state::{State, Todo, later, millis};
use crate::world::snapshot;

/// When the checks are over, somebody has approved it, and it is merged, in milliseconds after it was
/// opened.
const CHECKED: u64 = 4 * 60_000;
const APPROVED: u64 = 25 * 60_000;
pub(super) const MERGED: u64 = 40 * 60_000;
/// When somebody else changes the same lines instead.
const CONFLICT: u64 = 10 * 60_000;

/// A pull request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pull {
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) author: String,
    /// `owner:branch`.
    pub(super) label: String,
    /// The commit at its tip.
    pub(super) head: String,
    pub(super) opened_ms: u64,
    pub(super) merged: bool,
    pub(super) conflict: bool,
    /// The files it changes, where it is a copy.
    #[serde(default)]
    pub(super) files: Option<Value>,
}

impl Pull {
    /// The same as one that was looked at.
    pub(super) fn copy(seen: &snapshot::Pull) -> Self {
        Self {
            number: seen.number,
            title: seen.title.clone(),
            author: seen.author.clone(),
            label: seen.label.clone(),
            head: seen.head.clone(),
            opened_ms: 0,
            merged: false,
            conflict: false,
            files: Some(seen.files.clone()),
        }
    }

    fn described(&self, state: &State) -> Value {
        let number = self.number;
        json!({ "number": number, "title": self.title, "user": { "login": self.author },
            "html_url": format!("{PAGES}/{}/pull/{number}", state.upstream()),
            "state": if self.merged { "closed" } else { "open" }, "merged": self.merged,
            "mergeable": !self.conflict, "base": { "ref": state.github.branch },
            "head": { "label": self.label, "sha": self.head } })
    }

    fn is_after(&self, delay: u64, at: Timestamp) -> bool {
        self.opened_ms + delay <= millis(at)
    }
}

impl Asked {
    /// Requests about pull requests: `pulls`, `pulls/N`, `pulls/N/files`.
    pub(super) fn pull(&self, state: &mut State, rest: &str, at: Timestamp) -> Response {
        if rest == "pulls" {
            if self.method == Method::POST {
                return self.open(state, at);
            }
            let open = state.github.pulls.iter().rev().filter(|pull| !pull.merged);
            return yes(open.map(|pull| pull.described(state)).collect());
        }
        let mut parts = rest.split('/').skip(1);
        let number: Option<u64> = parts.next().and_then(|number| number.parse().ok());
        let pull = state
            .github
            .pulls
            .iter()
            .find(|pull| Some(pull.number) == number);
        let Some(pull) = pull else {
            return missing();
        };
        match parts.next() {
            None => yes(pull.described(state)),
            Some("files") if pull.files.is_some() => yes(pull.files.clone().unwrap_or_default()),
            Some("files") => {
                let git = &state.github.git;
                let base = git.parent(&pull.head);
                let files = base.and_then(|base| git.compare(base, &pull.head));
                files.map_or_else(missing, yes)
            }
            Some("reviews") if pull.is_after(APPROVED, at) && !pull.conflict => {
                yes(json!([{ "user": { "login": "reviewer" }, "state": "APPROVED" }]))
            }
            Some("reviews") => yes(json!([])),
            Some(_) => missing(),
        }
    }

    fn open(&self, state: &mut State, at: Timestamp) -> Response {
        let label = self.text("head").to_owned();
        let Some(head) = state.resolve(&label) else {
            return invalid("head does not exist");
        };
        let taken = |pull: &Pull| pull.label == label && !pull.merged;
        if state.github.pulls.iter().any(taken) {
            return invalid(&format!("A pull request already exists for {label}."));
        }
        let last = state.github.pulls.iter().map(|pull| pull.number).max();
        let number = last.map_or(42, |last| last.max(41) + 1);
        let pull = Pull {
            number,
            title: self.text("title").to_owned(),
            author: state.github.me.clone(),
            label,
            head,
            opened_ms: millis(at),
            merged: false,
            conflict: false,
            files: None,
        };
        let told = pull.described(state);
        state.github.pulls.push(pull);
        state.record("POST", &self.path, self.body.clone(), at);
        let after = if state.strikes(Trouble::MergeConflict, at) {
            CONFLICT
        } else {
            MERGED
        };
        state.plan(later(at, after), Todo::Merge { number });
        made(told)
    }
}

impl State {
    /// The checks of a commit: `commits/SHA/check-runs`.
    pub(super) fn checks(&self, rest: &str, at: Timestamp) -> Response {
        let sha = rest.split('/').nth(1).unwrap_or_default();
        let pull = self.github.pulls.iter().find(|pull| pull.head == sha);
        let runs = pull.into_iter().flat_map(|pull| {
            let over = pull.is_after(CHECKED, at);
            let conclusion = over.then_some("success");
            let status = if over { "completed" } else { "in_progress" };
            ["pre-commit.ci - pr", "validate values"]
                .map(|name| json!({ "name": name, "status": status, "conclusion": conclusion }))
        });
        let runs: Vec<Value> = runs.collect();
        yes(json!({ "total_count": runs.len(), "check_runs": runs }))
    }

    /// Somebody merges it, or changes the same lines.
    pub(in crate::sim) fn merge(&mut self, number: u64, at: Timestamp) {
        let conflict = self.strikes(Trouble::MergeConflict, at);
        if conflict {
            self.change_upstream("meanwhile.ab.ca");
        }
        let pulls = &mut self.github.pulls;
        let Some(pull) = pulls.iter_mut().find(|pull| pull.number == number) else {
            return;
        };
        pull.conflict = conflict;
        pull.merged = !conflict;
        let head = pull.head.clone();
        let (git, branch) = (&self.github.git, &self.github.branch);
        let tip = git.tip(&self.upstream(), branch).cloned();
        let merged = tip.and_then(|tip| git.merged(&head, &tip, &self.layout.list.path));
        if let Some(text) = merged.filter(|_| !conflict) {
            self.commit_upstream(Some(&text));
        }
    }
}
