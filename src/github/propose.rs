//! From a changed text to an open pull request.
//!
//! Every step looks before it acts, so that to do all of it again after a stop, at whatever point,
//! neither doubles nor loses anything.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use super::call::{Asker, at, encoded, made};
use super::error::Error;
use super::file::File;
use super::pulls::{Listed, Pull, Touched};
use crate::error;
use crate::event::Change;
use crate::names::Repository;
use crate::world::World;

/// How many branches of one name are tried.
const BRANCHES: usize = 9;

/// What is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The file with the change in it.
    pub text: String,
    /// The branch's name; a number follows where it is taken.
    pub branch: String,
    /// The title; of the commit too.
    pub title: String,
    /// What whoever reviews it reads.
    pub body: String,
    /// What the commit says below its title.
    pub message: String,
}

#[derive(Deserialize)]
struct Made {
    sha: String,
}

#[derive(Deserialize)]
struct Commit {
    tree: Made,
}

#[derive(Deserialize)]
struct Comparison {
    #[serde(default)]
    files: Vec<Touched>,
}

/// The outcome: a pull request, and whether it was there before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposed {
    /// The pull request.
    #[serde(flatten)]
    pub pull: Pull,
    /// It was open already.
    pub found: bool,
}

/// The commit message, signed off where somebody is known.
pub(super) fn message(world: &World, proposal: &Proposal) -> String {
    let signed = world.target().author.as_ref();
    let signed = signed.map_or_else(String::new, |author| format!("\nSigned-off-by: {author}\n"));
    let said = proposal.message.trim_end();
    format!("{}\n\n{said}\n{signed}", proposal.title)
}

/// How many lines differ: added, and removed.
pub(super) fn counted(old: &str, new: &str) -> (u64, u64) {
    let (mut added, mut removed) = (0, 0);
    for change in TextDiff::from_lines(old, new).iter_all_changes() {
        match change.tag() {
            ChangeTag::Insert => added += 1,
            ChangeTag::Delete => removed += 1,
            ChangeTag::Equal => {}
        }
    }
    (added, removed)
}

impl Asker<'_> {
    /// A tree with the change in it; git knows it by what it holds, so to make it twice is one.
    async fn tree(&self, home: &Repository, file: &File, text: &str) -> Result<String, Error> {
        let what = format!("write a file to {home}");
        let body = json!({ "content": text, "encoding": "utf-8" });
        let blob: Made = self
            .post(&what, &at(home, "/git/blobs"), &body, true)
            .await?;
        let base = self.tree_of(&file.repository, &file.commit).await?;
        let entry = json!({ "path": file.path, "mode": "100644", "type": "blob", "sha": blob.sha });
        let body = json!({ "base_tree": base, "tree": [entry] });
        let tree: Made = self
            .post(&what, &at(home, "/git/trees"), &body, true)
            .await?;
        Ok(tree.sha)
    }

    async fn tree_of(&self, repository: &Repository, commit: &str) -> Result<String, Error> {
        let what = format!("read commit {commit} of {repository}");
        let path = at(repository, &format!("/git/commits/{commit}"));
        let commit: Commit = self.get(&what, &path).await?;
        Ok(commit.tree.sha)
    }

    async fn commit(
        &self,
        home: &Repository,
        file: &File,
        tree: &str,
        proposal: &Proposal,
    ) -> Result<String, Error> {
        let mut body = json!({
            "message": message(self.world, proposal),
            "tree": tree,
            "parents": [file.commit],
        });
        if let (Some(author), Some(body)) = (&self.world.target().author, body.as_object_mut()) {
            let author = json!({ "name": author.name, "email": author.email });
            body.insert("author".to_owned(), author);
        }
        let what = format!("write a commit to {home}");
        // A second one that nothing points to is thrown away by git.
        let commit: Made = self
            .post(&what, &at(home, "/git/commits"), &body, true)
            .await?;
        Ok(commit.sha)
    }

    /// A branch that holds this tree and nothing else of ours; what an aborted run left is used
    /// again, what is somebody's is left alone.
    async fn branch(
        &self,
        home: &Repository,
        file: &File,
        proposal: &Proposal,
        tree: &str,
    ) -> Result<String, Error> {
        let mut commit = None;
        for number in 1..=BRANCHES {
            let name = match number {
                1 => proposal.branch.clone(),
                _ => format!("{}-{number}", proposal.branch),
            };
            if let Some(tip) = self.tip(home, &name).await? {
                if self.tree_of(home, &tip).await? == tree {
                    return Ok(name);
                }
                continue;
            }
            let sha = match commit.take() {
                Some(sha) => sha,
                None => self.commit(home, file, tree, proposal).await?,
            };
            self.still(file).await?;
            match self.push(home, &name, &sha).await {
                Ok(()) => return Ok(name),
                // Its answer was lost, or somebody was quicker: look again.
                Err(Error::Refused { code: 422, .. } | Error::Lost(_) | Error::Down(_)) => {
                    if self.tip(home, &name).await?.as_deref() == Some(&sha) {
                        self.told(home, &name)?;
                        return Ok(name);
                    }
                    commit = Some(sha);
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::Doubtful(format!(
            "{home} has {BRANCHES} branches named {} with something else in them",
            proposal.branch
        )))
    }

    async fn push(&self, home: &Repository, name: &str, sha: &str) -> Result<(), Error> {
        let what = format!("make a branch in {home}");
        let body = json!({ "ref": format!("refs/heads/{name}"), "sha": sha });
        let sent = async {
            let refs = at(home, "/git/refs");
            self.post::<Value>(&what, &refs, &body, false).await?;
            self.told(home, name)
        };
        self.world.stop().shielded(sent).await
    }

    fn told(&self, home: &Repository, name: &str) -> Result<(), Error> {
        self.world
            .changed(made(format!("branch {name} of {home}"), "one commit"))?;
        Ok(())
    }

    /// The file is still what it was when it was read.
    async fn still(&self, file: &File) -> Result<(), Error> {
        let now = self.file(&file.repository, &file.path).await?;
        if now.blob == file.blob {
            return Ok(());
        }
        Err(Error::Raced {
            repository: file.repository.to_string(),
            path: file.path.clone(),
        })
    }

    /// What would be proposed, as GitHub itself sees it.
    async fn compare(&self, file: &File, head: &str, text: &str) -> Result<(), Error> {
        let what = format!("compare with {}", file.repository);
        // Within one repository a branch goes by its own name.
        let own = format!("{}:", file.repository.owner);
        let head = encoded(head.strip_prefix(&own).unwrap_or(head));
        let path = at(
            &file.repository,
            &format!("/compare/{}...{head}", file.commit),
        );
        let found: Comparison = self.get(&what, &path).await?;
        let wanted = counted(&file.text, text);
        match found.files.as_slice() {
            [one] if one.filename == file.path && (one.additions, one.deletions) == wanted => {
                Ok(())
            }
            [one] => Err(Error::Doubtful(format!(
                "{}: +{} -{}, and +{} -{} was meant",
                one.filename, one.additions, one.deletions, wanted.0, wanted.1
            ))),
            files => Err(Error::Doubtful(format!(
                "{} files would change",
                files.len()
            ))),
        }
    }

    async fn propose(&self, file: &File, proposal: &Proposal) -> Result<Proposed, Error> {
        let me = self.me().await?;
        self.still(file).await?;
        let home = self.home(file, &me).await?;
        let tree = self.tree(&home, file, &proposal.text).await?;
        let branch = self.branch(&home, file, proposal, &tree).await?;
        let head = format!("{}:{branch}", home.owner);
        if let Some(pull) = self.open_from(file, &head).await? {
            let found = !self.world.found_made(opened(file, &pull))?;
            return Ok(Proposed { pull, found });
        }
        self.compare(file, &head, &proposal.text).await?;
        let asker = self.world.target().author.as_ref();
        let asker = asker.map_or_else(|| format!("@{me}"), |author| author.name.clone());
        let body = json!({
            "title": proposal.title,
            "body": format!("{}\n\nAsked for by {asker}.", proposal.body),
            "head": head,
            "base": file.branch,
            "maintainer_can_modify": true,
        });
        let what = format!("open a pull request in {}", file.repository);
        let sent = async {
            let path = at(&file.repository, "/pulls");
            let listed: Listed = self.post(&what, &path, &body, false).await?;
            let pull = Pull::from(listed);
            self.world.changed(opened(file, &pull))?;
            Ok(Proposed { pull, found: false })
        };
        match self.world.stop().shielded(sent).await {
            // Its answer was lost, or there is one: look.
            Err(failure @ (Error::Refused { code: 422, .. } | Error::Lost(_) | Error::Down(_))) => {
                let pull = self.open_from(file, &head).await?.ok_or(failure)?;
                self.world.changed(opened(file, &pull))?;
                Ok(Proposed { pull, found: false })
            }
            outcome => outcome,
        }
    }
}

fn opened(file: &File, pull: &Pull) -> Change {
    made(
        format!("pull request {} of {}", pull.number, file.repository),
        "open",
    )
}

/// Opens a pull request for the change, or finds the one that is open from the same branch.
///
/// # Errors
/// Kind `raced` when the file has changed since it was read; `refused` when what GitHub would show
/// is not exactly the change.
pub async fn propose(world: &World, file: &File, proposal: &Proposal) -> error::Result<Proposed> {
    Ok(Asker::open(world).await?.propose(file, proposal).await?)
}
