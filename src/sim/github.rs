//! The practice world's GitHub: one repository of somebody else's, our fork of it, and pull requests.
//!
//! Its answers are those of GitHub's REST API, as far as they are asked for here.

mod git;
mod pulls;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::door::param;
use super::fault::Trouble;
use super::handle::Sim;
use super::layout::Layout;
use super::state::{self as world, later, millis};
use crate::names::AllowList;
use crate::world::snapshot;
use git::Git;
use pulls::Pull;

/// Where it is, as far as anybody is told.
pub(super) const ADDRESS: &str = "http://practice-github";
/// Its pages.
const PAGES: &str = "https://github.example";
/// The token.
const TOKEN: &str = "gho_practice";
/// The same where it is of the narrow kind.
const NARROW: &str = "github_pat_practice";
/// The domain that somebody else has proposed already, under `pr-exists`.
const PROPOSED: &str = "new.domain.ca";
/// The longest request.
const BODY_MAX: usize = 1 << 20;
/// How long a fork takes to be made, in milliseconds: usually, and when it is slow.
const FORKING: (u64, u64) = (4_000, 95_000);
/// How many requests a secondary limit refuses.
const REFUSED: u32 = 2;

/// The file as it stands; the list has a second reader, by an alias.
const VALUES: &str = include_str!("github/hub.values.yaml");

/// The same after somebody has put the list elsewhere.
const MOVED: &str = r#"# Hubs of the practice cluster.
jupyterhub:
  hub:
    config:
      GenericOAuthenticator:
        domains:
          - "practice.org"
"#;

/// What it knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct GitHub {
    git: Git,
    pulls: Vec<Pull>,
    /// Who our token belongs to.
    me: String,
    /// The default branch of upstream and of its forks.
    branch: String,
    /// Whether we may push to upstream itself.
    push: bool,
    /// Whether our token is of the kind that may do nothing upstream.
    pub(super) narrow: bool,
    /// Whether a repository of ours has the name that the fork would have.
    taken: bool,
    /// When our fork is there, in milliseconds; none while nobody has asked for it.
    forked_ms: Option<u64>,
    /// How many requests were refused.
    refused: u32,
}

impl Default for GitHub {
    fn default() -> Self {
        let list = Layout::default().list;
        let branch = "main".to_owned();
        Self {
            git: Git::of(&list, &branch, VALUES),
            pulls: Vec::new(),
            me: "practice-ann".to_owned(),
            branch,
            push: false,
            narrow: false,
            taken: false,
            forked_ms: None,
            refused: 0,
        }
    }
}

impl GitHub {
    /// The same as one that was looked at.
    pub(super) fn copy(&mut self, list: &AllowList, seen: &snapshot::GitHub) {
        let upstream = list.repository.to_string();
        let fork = format!("{}/{}", seen.me, list.repository.name);
        let text = seen.text.as_deref();
        self.git = Git::copy(list, (&seen.branch, &seen.commit), text);
        let forked = seen.fork == snapshot::Fork::Ours;
        if forked {
            self.git.fork(&upstream, &fork, &seen.branch);
        }
        let home = if seen.push { &upstream } else { &fork };
        for (branch, commit) in &seen.branches {
            // What is in the others nobody has looked at.
            if *branch != seen.branch {
                self.git.point(home, branch, commit.clone());
            }
        }
        self.me.clone_from(&seen.me);
        self.branch.clone_from(&seen.branch);
        self.narrow = seen.narrow && !seen.push;
        (self.push, self.taken) = (seen.push, seen.fork == snapshot::Fork::Taken);
        self.forked_ms = forked.then_some(0);
        self.pulls = seen.pulls.iter().map(Pull::copy).collect();
    }
}

/// It, as a service.
pub(super) fn router(sim: Sim) -> Router {
    Router::new().fallback(serve).with_state(sim)
}

async fn serve(State(sim): State<Sim>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let authorization = parts.headers.get(header::AUTHORIZATION);
    let token = authorization.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if !token.is_some_and(|token| [TOKEN, NARROW].contains(&token)) {
        return no(StatusCode::UNAUTHORIZED, "Bad credentials");
    }
    if !parts.headers.contains_key(header::USER_AGENT) {
        return no(
            StatusCode::FORBIDDEN,
            "Request forbidden by administrative rules.",
        );
    }
    let asked = Asked {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        narrow: token == Some(NARROW),
    };
    sim.change(|state, at| asked.answer(state, at))
}

/// A request, read.
struct Asked {
    method: Method,
    path: String,
    query: String,
    body: Value,
    /// Whether its token is of the narrow kind.
    narrow: bool,
}

fn no(status: StatusCode, message: &str) -> Response {
    let body = json!({ "message": message, "documentation_url": "https://docs.github.com/rest",
        "status": status.as_u16().to_string() });
    (status, axum::Json(body)).into_response()
}

fn missing() -> Response {
    no(StatusCode::NOT_FOUND, "Not Found")
}

/// A 422 with its reason.
fn invalid(message: &str) -> Response {
    let body = json!({ "message": "Validation Failed",
        "errors": [{ "resource": "PullRequest", "code": "custom", "message": message }] });
    (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(body)).into_response()
}

fn yes(body: Value) -> Response {
    axum::Json(body).into_response()
}

fn made(body: Value) -> Response {
    (StatusCode::CREATED, axum::Json(body)).into_response()
}

impl Asked {
    fn text(&self, key: &str) -> &str {
        self.body
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn param(&self, name: &str) -> Option<&str> {
        param(&self.query, name)
    }

    fn answer(&self, state: &mut world::State, at: Timestamp) -> Response {
        state.befall(at);
        if self.path == "/user" {
            return yes(json!({ "login": state.github.me, "id": 7 }));
        }
        let writes = self.method == Method::POST;
        if writes
            && state.strikes(Trouble::SecondaryRateLimit, at)
            && state.github.refused < REFUSED
        {
            state.github.refused += 1;
            let said = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
            let mut refusal = no(StatusCode::FORBIDDEN, said);
            let pause = header::HeaderValue::from_static("60");
            refusal.headers_mut().insert(header::RETRY_AFTER, pause);
            return refusal;
        }
        if writes && self.narrow {
            let said = "Resource not accessible by personal access token";
            return no(StatusCode::FORBIDDEN, said);
        }
        let parts: Vec<&str> = self
            .path
            .trim_start_matches("/repos/")
            .splitn(3, '/')
            .collect();
        let [owner, name, rest @ ..] = parts.as_slice() else {
            return missing();
        };
        let (repository, rest) = (format!("{owner}/{name}"), *rest.first().unwrap_or(&""));
        if !state.has(&repository, at) {
            return missing();
        }
        if writes && !rest.starts_with("git/") && !["forks", "pulls"].contains(&rest) {
            return missing();
        }
        if writes && rest.starts_with("git/") && !state.may_push(&repository) {
            return no(StatusCode::FORBIDDEN, "Must have push access to repository");
        }
        match (self.method.as_str(), rest) {
            ("GET", "") => yes(state.described(&repository, at)),
            ("POST", "forks") => self.fork(state, at),
            (_, rest) if rest == "pulls" || rest.starts_with("pulls/") => {
                self.pull(state, rest, at)
            }
            ("GET", rest) if rest.ends_with("/check-runs") => state.checks(rest, at),
            (_, rest) => self.git(state, &repository, rest, at),
        }
    }

    /// To fork what is forked already is no mistake.
    fn fork(&self, state: &mut world::State, at: Timestamp) -> Response {
        if state.github.forked_ms.is_none() {
            let took = if state.strikes(Trouble::ForkSlow, at) {
                FORKING.1
            } else {
                FORKING.0
            };
            state.github.forked_ms = Some(millis(later(at, took)));
            let (upstream, fork) = (state.upstream(), state.fork());
            let branch = state.github.branch.clone();
            state.github.git.fork(&upstream, &fork, &branch);
            state.record("POST", &self.path, self.body.clone(), at);
        }
        (
            StatusCode::ACCEPTED,
            axum::Json(state.described(&state.fork(), at)),
        )
            .into_response()
    }
}

impl world::State {
    /// The token we have.
    pub(super) fn github_token(&self, at: Timestamp) -> &'static str {
        if self.github.narrow || self.strikes(Trouble::TokenFineGrained, at) {
            NARROW
        } else {
            TOKEN
        }
    }

    /// Our fork's name.
    fn fork(&self) -> String {
        format!("{}/{}", self.github.me, self.layout.list.repository.name)
    }

    fn may_push(&self, repository: &str) -> bool {
        repository != self.upstream() || self.github.push
    }

    /// The list's file as it stands upstream.
    fn listed(&self) -> String {
        let (upstream, path) = (self.upstream(), &self.layout.list.path);
        let (git, branch) = (&self.github.git, &self.github.branch);
        git.read(&upstream, branch, path).unwrap_or_default()
    }

    /// A commit upstream: the list's file with this text, or without the file.
    fn commit_upstream(&mut self, text: Option<&str>) {
        let (upstream, path) = (self.upstream(), self.layout.list.path.clone());
        let GitHub { git, branch, .. } = &mut self.github;
        if let Some(sha) = git.changed((&upstream, branch), &path, text) {
            git.point(&upstream, branch, sha);
        }
    }

    /// What goes wrong with what is there.
    fn befall(&mut self, at: Timestamp) {
        if self.strikes_once(Trouble::ListMoved, at) {
            self.commit_upstream(Some(MOVED));
        }
        if self.strikes_once(Trouble::FileMoved, at) {
            self.commit_upstream(None);
        }
        if self.strikes_once(Trouble::PrExists, at) {
            self.propose_elsewhere(at);
        }
    }

    fn has(&self, repository: &str, at: Timestamp) -> bool {
        repository == self.upstream()
            || repository == self.fork() && (self.github.forked_ms.is_some() || self.is_taken(at))
    }

    /// Whether something else has the name of our fork.
    fn is_taken(&self, at: Timestamp) -> bool {
        self.github.taken || self.strikes(Trouble::ForkNameTaken, at)
    }

    fn described(&self, repository: &str, at: Timestamp) -> Value {
        let upstream = self.upstream();
        let is_fork = repository != upstream && !self.is_taken(at);
        let push = self.may_push(repository);
        let mut told = json!({ "id": 1, "full_name": repository, "fork": is_fork, "archived": false,
            "default_branch": self.github.branch, "html_url": format!("{PAGES}/{repository}"),
            "permissions": { "admin": push, "push": push, "pull": true } });
        if is_fork && let Some(told) = told.as_object_mut() {
            told.insert("parent".to_owned(), json!({ "full_name": upstream }));
        }
        told
    }

    /// Somebody else's change of the list, merged upstream: a domain more before the one that is
    /// third.
    fn change_upstream(&mut self, domain: &str) {
        let text = self.listed();
        let line = format!("              - \"rvschools.ab.ca\"\n              - \"{domain}\"\n");
        let text = text.replace("              - \"rvschools.ab.ca\"\n", &line);
        self.commit_upstream(Some(&text));
    }

    /// Somebody else proposes the very same domain.
    fn propose_elsewhere(&mut self, at: Timestamp) {
        let text = self.listed();
        let line = format!("              - \"wsrd.ca\"\n              - {PROPOSED}\n");
        let text = text.replace("              - \"wsrd.ca\"\n", &line);
        let (upstream, path) = (self.upstream(), self.layout.list.path.clone());
        let GitHub { git, branch, .. } = &mut self.github;
        let changed = git.changed((&upstream, branch), &path, Some(&text));
        let head = changed.unwrap_or_default();
        git.point(&upstream, "a-school-more", head.clone());
        self.github.pulls.push(Pull {
            number: 41,
            title: "A school more".to_owned(),
            author: "somebody-else".to_owned(),
            label: "somebody:a-school-more".to_owned(),
            head,
            opened_ms: millis(at),
            merged: false,
            conflict: false,
            files: None,
        });
        self.plan(later(at, pulls::MERGED), world::Todo::Merge { number: 41 });
    }
}
