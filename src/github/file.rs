//! A file at the tip of its repository's default branch.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::call::{Asker, at, encoded};
use super::error::Error;
use crate::error;
use crate::names::Repository;
use crate::world::World;

/// A file as it was read; everything about it is of one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Whose it is.
    pub repository: Repository,
    /// Where it is, from the repository's root.
    pub path: String,
    /// The default branch.
    pub branch: String,
    /// The commit at its tip.
    pub commit: String,
    /// Git's name for its contents.
    pub blob: String,
    /// Its contents.
    pub text: String,
}

/// A repository, as far as it matters.
#[derive(Deserialize)]
pub(super) struct Found {
    pub(super) default_branch: String,
    #[serde(default)]
    pub(super) archived: bool,
    #[serde(default)]
    pub(super) fork: bool,
    pub(super) parent: Option<Parent>,
    #[serde(default)]
    pub(super) permissions: Permissions,
}

#[derive(Deserialize)]
pub(super) struct Parent {
    pub(super) full_name: String,
}

#[derive(Default, Deserialize)]
pub(super) struct Permissions {
    #[serde(default)]
    pub(super) push: bool,
}

#[derive(Deserialize)]
struct Reference {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: String,
}

#[derive(Deserialize)]
struct Content {
    sha: String,
    encoding: String,
    #[serde(rename = "content")]
    bytes: String,
}

impl Asker<'_> {
    pub(super) async fn repository(&self, repository: &Repository) -> Result<Found, Error> {
        let what = format!("read {repository}");
        self.get(&what, &at(repository, "")).await
    }

    /// The commit at a branch's tip; none when there is no such branch.
    pub(super) async fn tip(
        &self,
        repository: &Repository,
        branch: &str,
    ) -> Result<Option<String>, Error> {
        let what = format!("read branch {branch} of {repository}");
        let path = at(repository, &format!("/git/ref/heads/{}", encoded(branch)));
        let found: Option<Reference> = self.find(&what, &path).await?;
        Ok(found.map(|reference| reference.object.sha))
    }

    pub(super) async fn file(&self, repository: &Repository, path: &str) -> Result<File, Error> {
        let found = self.repository(repository).await?;
        if found.archived {
            return Err(Error::Archived(repository.to_string()));
        }
        let branch = found.default_branch;
        let commit = self.tip(repository, &branch).await?;
        let commit = commit.ok_or_else(|| Error::Missing {
            what: format!("read branch {branch} of {repository}"),
        })?;
        let (blob, text) = self.content(repository, path, (&branch, &commit)).await?;
        Ok(File {
            repository: repository.clone(),
            path: path.to_owned(),
            branch,
            commit,
            blob,
            text,
        })
    }

    /// What a file holds at a commit, to the byte.
    pub(super) async fn content(
        &self,
        repository: &Repository,
        path: &str,
        (branch, commit): (&str, &str),
    ) -> Result<(String, String), Error> {
        let what = format!("read {path} of {repository}");
        let place = at(
            repository,
            &format!("/contents/{}?ref={commit}", encoded(path)),
        );
        let content: Option<Content> = self.find(&what, &place).await?;
        let content = content.ok_or_else(|| Error::NoFile {
            repository: repository.to_string(),
            path: path.to_owned(),
            branch: branch.to_owned(),
            commit: commit.chars().take(7).collect(),
        })?;
        let wrong = |why| Error::NoText {
            repository: repository.to_string(),
            path: path.to_owned(),
            why,
        };
        if content.encoding != "base64" {
            return Err(wrong("is larger than GitHub hands out (1 MB)"));
        }
        let bytes = decoded(&content.bytes).ok_or_else(|| wrong("cannot be decoded"))?;
        let text = String::from_utf8(bytes).map_err(|_| wrong("is no text"))?;
        Ok((content.sha, text))
    }
}

/// Base64, broken into lines as GitHub does.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(text).ok()
}

/// Reads a file at the tip of the default branch.
///
/// # Errors
/// When there is no such repository or file, or the file is no text.
pub async fn file(world: &World, repository: &Repository, path: &str) -> error::Result<File> {
    Ok(Asker::open(world).await?.file(repository, path).await?)
}
