//! Git's data, as far as the API shows it: blobs, trees, commits and branches.

use std::collections::BTreeMap;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use super::{Asked, made, missing, no, yes};
use crate::names::AllowList;
use crate::sim::fault::Trouble;
use crate::sim::state::{State, millis};

/// What a repository and its forks share, and their branches.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Git {
    blobs: BTreeMap<String, String>,
    /// Files by path, each with its blob.
    trees: BTreeMap<String, BTreeMap<String, String>>,
    commits: BTreeMap<String, Commit>,
    /// By repository, then name.
    branches: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Commit {
    tree: String,
    parents: Vec<String>,
    message: String,
}

/// Git's name for an object.
fn name(kind: &str, content: &str) -> String {
    let object = format!("{kind} {}\0{content}", content.len());
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, object.as_bytes());
    let digits = digest.as_ref().iter();
    let digits: Vec<String> = digits.map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// A text with the lines that another one added to what both come from, each before the line that
/// it stood before.
fn merged(base: &str, added: &str, onto: &str) -> String {
    let mut before: BTreeMap<usize, String> = BTreeMap::new();
    let mut place = 0;
    for change in TextDiff::from_lines(base, added).iter_all_changes() {
        match change.tag() {
            ChangeTag::Insert => before.entry(place).or_default().push_str(change.value()),
            _ => place += 1,
        }
    }
    let mut text = String::new();
    for change in TextDiff::from_lines(base, onto).iter_all_changes() {
        if let Some(place) = change.old_index() {
            text.push_str(&before.remove(&place).unwrap_or_default());
        }
        if change.tag() != ChangeTag::Delete {
            text.push_str(change.value());
        }
    }
    text.extend(before.into_values());
    text
}

impl Git {
    /// A repository with a file.
    pub(super) fn of(list: &AllowList, branch: &str, values: &str) -> Self {
        let mut git = Self::default();
        let files = [
            (list.path.as_str(), values),
            ("README.md", "# Infrastructure\n"),
        ];
        let files = files.map(|(path, text)| (path.to_owned(), git.blob(text)));
        let tree = git.tree(BTreeMap::from(files));
        let commit = git.commit(tree, Vec::new(), "Everything so far");
        git.point(&list.repository.to_string(), branch, commit);
        git
    }

    /// The same as one whose tip, with or without the file, was looked at.
    pub(super) fn copy(list: &AllowList, (branch, tip): (&str, &str), text: Option<&str>) -> Self {
        let mut git = Self::default();
        let file = text.map(|text| (list.path.clone(), git.blob(text)));
        let tree = git.tree(file.into_iter().collect());
        let commit = Commit {
            tree,
            parents: Vec::new(),
            message: String::new(),
        };
        git.commits.insert(tip.to_owned(), commit);
        git.point(&list.repository.to_string(), branch, tip.to_owned());
        git
    }

    /// How many things there are.
    fn count(&self) -> usize {
        let branches = self.branches.values().map(BTreeMap::len).sum::<usize>();
        self.blobs.len() + self.trees.len() + self.commits.len() + branches
    }

    fn blob(&mut self, text: &str) -> String {
        let sha = name("blob", text);
        self.blobs.insert(sha.clone(), text.to_owned());
        sha
    }

    fn tree(&mut self, files: BTreeMap<String, String>) -> String {
        let sha = name("tree", &format!("{files:?}"));
        self.trees.insert(sha.clone(), files);
        sha
    }

    fn commit(&mut self, tree: String, parents: Vec<String>, message: &str) -> String {
        let sha = name("commit", &format!("{tree} {parents:?} {message}"));
        let message = message.to_owned();
        let commit = Commit {
            tree,
            parents,
            message,
        };
        self.commits.insert(sha.clone(), commit);
        sha
    }

    pub(super) fn point(&mut self, repository: &str, branch: &str, commit: String) {
        let branches = self.branches.entry(repository.to_owned()).or_default();
        branches.insert(branch.to_owned(), commit);
    }

    pub(super) fn tip(&self, repository: &str, branch: &str) -> Option<&String> {
        self.branches.get(repository)?.get(branch)
    }

    pub(super) fn fork(&mut self, of: &str, to: &str, branch: &str) {
        if let Some(tip) = self.tip(of, branch).cloned() {
            self.point(to, branch, tip);
        }
    }

    fn files(&self, commit: &str) -> Option<&BTreeMap<String, String>> {
        self.trees.get(&self.commits.get(commit)?.tree)
    }

    /// A file's blob and text at a commit.
    fn file(&self, commit: &str, path: &str) -> Option<(&String, &String)> {
        let blob = self.files(commit)?.get(path)?;
        Some((blob, self.blobs.get(blob)?))
    }

    /// A file at the tip of a branch.
    pub(super) fn read(&self, repository: &str, branch: &str, path: &str) -> Option<String> {
        let tip = self.tip(repository, branch)?;
        Some(self.file(tip, path)?.1.clone())
    }

    /// A commit after the tip of a branch: the file with this text, or without the file.
    pub(super) fn changed(
        &mut self,
        (repository, branch): (&str, &str),
        path: &str,
        text: Option<&str>,
    ) -> Option<String> {
        let tip = self.tip(repository, branch)?.clone();
        let mut files = self.files(&tip)?.clone();
        match text {
            Some(text) => files.insert(path.to_owned(), self.blob(text)),
            None => files.remove(path),
        };
        let tree = self.tree(files);
        Some(self.commit(tree, vec![tip], "Something else"))
    }

    /// The commit that both come from, where the second has one commit more.
    pub(super) fn parent(&self, commit: &str) -> Option<&String> {
        self.commits.get(commit)?.parents.first()
    }

    /// The file as it is at `tip`, with the lines that `head` adds to it.
    pub(super) fn merged(&self, head: &str, tip: &str, path: &str) -> Option<String> {
        let text = |commit: &str| Some(self.file(commit, path)?.1.as_str());
        Some(merged(text(self.parent(head)?)?, text(head)?, text(tip)?))
    }

    /// The files that differ between two commits.
    pub(super) fn compare(&self, base: &str, head: &str) -> Option<Value> {
        let (old, new) = (self.files(base)?, self.files(head)?);
        let paths: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let files = paths
            .into_iter()
            .filter(|path| old.get(*path) != new.get(*path));
        let text = |sha: Option<&String>| {
            let text = sha.and_then(|sha| self.blobs.get(sha));
            text.map(String::as_str).unwrap_or_default()
        };
        let told = files.map(|path| {
            let diff = TextDiff::from_lines(text(old.get(path)), text(new.get(path)));
            let count = |tag| {
                diff.iter_all_changes()
                    .filter(|change| change.tag() == tag)
                    .count()
            };
            json!({ "filename": path, "status": "modified", "additions": count(ChangeTag::Insert),
                "deletions": count(ChangeTag::Delete),
                "patch": diff.unified_diff().context_radius(3).to_string() })
        });
        Some(told.collect())
    }
}

impl Asked {
    /// Requests about git's own things.
    pub(super) fn git(
        &self,
        state: &mut State,
        repository: &str,
        rest: &str,
        at: Timestamp,
    ) -> Response {
        let writes = self.method == http::Method::POST;
        if !writes {
            let answer = self.look(state, repository, rest, at);
            let file = rest.strip_prefix("contents/");
            let other = file.is_some_and(|path| path != state.layout.list.path);
            if answer.status() == StatusCode::NOT_FOUND
                && (other || rest.starts_with("git/commits/"))
            {
                // A copy has one file of one commit.
                state.beyond(format!("what is in {rest} of {repository}"));
            }
            return answer;
        }
        let before = state.github.git.count();
        let answer = match rest {
            "git/blobs" => Ok(state.github.git.blob(self.text("content"))),
            "git/trees" => self.grow(&mut state.github.git),
            "git/commits" => self.commit(&mut state.github.git),
            "git/refs" => self.branch(&mut state.github.git, repository),
            _ => return missing(),
        };
        match answer {
            Ok(sha) => {
                // What is there already is not made again.
                if state.github.git.count() > before {
                    state.record("POST", &self.path, self.body.clone(), at);
                }
                if rest == "git/commits" && state.strikes_once(Trouble::EditRaced, at) {
                    state.change_upstream("quicker.ab.ca");
                }
                made(json!({ "sha": sha, "ref": self.text("ref"), "object": { "sha": sha } }))
            }
            Err(why) => no(StatusCode::UNPROCESSABLE_ENTITY, why),
        }
    }

    fn grow(&self, git: &mut Git) -> Result<String, &'static str> {
        let base = git.trees.get(self.text("base_tree")).cloned();
        let mut files = base.ok_or("base_tree is not a valid tree oid")?;
        let entries = self.body.get("tree").and_then(Value::as_array);
        for entry in entries.into_iter().flatten() {
            let of = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
            if !git.blobs.contains_key(of("sha")) {
                return Err("tree.sha is not a valid blob");
            }
            files.insert(of("path").to_owned(), of("sha").to_owned());
        }
        Ok(git.tree(files))
    }

    fn commit(&self, git: &mut Git) -> Result<String, &'static str> {
        let tree = self.text("tree").to_owned();
        let parents = self.body.get("parents").and_then(Value::as_array);
        let parents = parents.into_iter().flatten().filter_map(Value::as_str);
        let parents: Vec<String> = parents.map(str::to_owned).collect();
        let known = parents
            .iter()
            .all(|parent| git.commits.contains_key(parent));
        if !git.trees.contains_key(&tree) || !known {
            return Err("Tree SHA or parent does not exist");
        }
        Ok(git.commit(tree, parents, self.text("message")))
    }

    fn branch(&self, git: &mut Git, repository: &str) -> Result<String, &'static str> {
        let sha = self.text("sha").to_owned();
        let name = self.text("ref").strip_prefix("refs/heads/");
        let name = name.ok_or("Reference name must start with 'refs'")?;
        if !git.commits.contains_key(&sha) {
            return Err("Object does not exist");
        }
        if git.tip(repository, name).is_some() {
            return Err("Reference already exists");
        }
        git.point(repository, name, sha.clone());
        Ok(sha)
    }

    fn look(&self, state: &State, repository: &str, rest: &str, at: Timestamp) -> Response {
        let git = &state.github.git;
        if let Some(branch) = rest.strip_prefix("git/ref/heads/") {
            let waits = repository == state.fork()
                && state
                    .github
                    .forked_ms
                    .is_some_and(|ready| ready > millis(at));
            let tip = git.tip(repository, branch).filter(|_| !waits);
            return tip.map_or_else(missing, |sha| {
                yes(json!({ "ref": format!("refs/heads/{branch}"),
                    "object": { "type": "commit", "sha": sha } }))
            });
        }
        if rest == "branches" {
            let all = git.branches.get(repository).into_iter().flatten();
            let all = all.map(|(name, sha)| json!({ "name": name, "commit": { "sha": sha } }));
            return yes(all.collect());
        }
        if let Some(sha) = rest.strip_prefix("git/commits/") {
            let commit = git.commits.get(sha);
            return commit.map_or_else(missing, |commit| {
                yes(json!({ "sha": sha, "message": commit.message, "tree": { "sha": commit.tree },
                    "parents": commit.parents.iter().map(|sha| json!({ "sha": sha })).collect::<Vec<_>>() }))
            });
        }
        if let Some(path) = rest.strip_prefix("contents/") {
            let tip = git
                .tip(repository, &state.github.branch)
                .map(String::as_str);
            let commit = self.param("ref").or(tip).unwrap_or_default();
            return git.file(commit, path).map_or_else(missing, |(sha, text)| {
                let wrapped = STANDARD.encode(text).into_bytes();
                let lines = wrapped.chunks(60).map(String::from_utf8_lossy);
                let content = lines.collect::<Vec<_>>().join("\n");
                yes(
                    json!({ "type": "file", "path": path, "sha": sha, "size": text.len(),
                    "encoding": "base64", "content": content }),
                )
            });
        }
        if let Some((base, head)) = rest
            .strip_prefix("compare/")
            .and_then(|both| both.split_once("..."))
        {
            let Some(head) = state.resolve(head) else {
                return missing();
            };
            let files = git.compare(base, &head);
            return files.map_or_else(missing, |files| {
                yes(json!({ "status": "ahead", "ahead_by": 1, "behind_by": 0, "files": files }))
            });
        }
        missing()
    }
}

impl State {
    /// The commit behind `owner:branch`, or a branch of upstream's own.
    pub(super) fn resolve(&self, label: &str) -> Option<String> {
        let upstream = &self.layout.list.repository;
        let (owner, branch) = label.split_once(':').unwrap_or((&upstream.owner, label));
        let repository = format!("{owner}/{}", upstream.name);
        self.github.git.tip(&repository, branch).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_merged_meanwhile_stays() {
        let merged = |added, onto| merged("a\nd\n", added, onto);
        assert_eq!(merged("a\nb\nd\n", "a\nc\nd\n"), "a\nc\nb\nd\n");
        assert_eq!(merged("a\nb\nd\n", "0\na\nd\ne\n"), "0\na\nb\nd\ne\n");
        assert_eq!(merged("a\nd\ne\n", "a\nd\nf\n"), "a\nd\nf\ne\n");
        assert_eq!(merged("a\nd\n", "a\n"), "a\n");
    }

    #[test]
    fn a_blob_has_the_name_that_git_gives_it() {
        // `printf 'hello\n' | git hash-object --stdin`
        assert_eq!(
            name("blob", "hello\n"),
            "ce013625030ba8dba906f756967f9e9ca394464a"
        );
    }
}
